"""DHCP options: names, numbers, values and encoders, for DHCPv4 and DHCPv6."""
