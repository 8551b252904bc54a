"""Dynamic leases of both DHCPs, and the rows that status shows of them; `io` keeps them on disk."""
