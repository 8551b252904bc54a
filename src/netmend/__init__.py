"""netmend: DHCP, DNS and metadata for guests on isolated networks, without leaking a device."""

__version__ = "0.1.0"
