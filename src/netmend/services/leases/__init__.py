"""Dynamic leases of both DHCPs; where they are kept on disk is `io`."""
