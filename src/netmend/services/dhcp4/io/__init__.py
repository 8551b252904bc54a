"""The sockets of DHCPv4."""
