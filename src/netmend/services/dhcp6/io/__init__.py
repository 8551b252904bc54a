"""The sockets of DHCPv6 and of router advertisements."""
