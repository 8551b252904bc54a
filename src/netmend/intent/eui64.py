"""IPv6 addresses that are made of a MAC: modified EUI-64 (RFC 4291 appendix A, RFC 2464 section 4)."""

from ipaddress import IPv6Address, IPv6Network

_LINK_LOCAL = IPv6Network("fe80::/64")


def eui64_address(block: IPv6Network, mac: str) -> IPv6Address:
    """The address that a device with this MAC gives itself in a /64 (RFC 4862 section 5.5.3)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    interface_id = bytes((octets[0] ^ 0x02,)) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return IPv6Address(block.network_address.packed[:8] + interface_id)


def link_local_address(mac: str) -> IPv6Address:
    """The device's link-local address (RFC 4862 section 5.3), as kernels make it by default."""
    return eui64_address(_LINK_LOCAL, mac)


def mac_in(interface_id: bytes) -> bytes | None:
    """The MAC that an interface identifier (8 octets) is made of, None if it is not made of one."""
    if interface_id[3:5] != b"\xff\xfe":
        return None
    return bytes((interface_id[0] ^ 0x02,)) + interface_id[1:3] + interface_id[5:]
