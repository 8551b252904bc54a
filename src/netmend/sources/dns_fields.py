"""Single fields of `dns`: text to value, or a ValueError whose text is a reason fit to show to a person."""

from ipaddress import IPv4Address, IPv6Address, ip_address

RATE_MAX = 1_000_000  # queries a second


def forwarder(text: str) -> IPv4Address | IPv6Address:
    """The address of a server to ask, as the host reaches it; loopback too, where many hosts have a resolver."""
    try:
        value = ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is no IP address; servers to ask are given by their addresses") from None
    if value.is_multicast or value.is_unspecified or value == IPv4Address("255.255.255.255"):
        raise ValueError(f"{text} is no single server's address")
    return value


def guest_rate(value: int) -> int:
    """Queries a second: 0 (no limit) to 1000000."""
    if 0 <= value <= RATE_MAX:
        return value
    raise ValueError(f"{value} is no rate: it is 0 (no limit) to {RATE_MAX} queries a second")
