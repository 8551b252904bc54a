"""Neutron's own names for things that have another elsewhere."""

NEXT_SERVER = "server-ip-address"  # among DHCP options: the reply's `siaddr`, which is no option
