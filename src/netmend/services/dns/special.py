"""Names that netmend answers because no server elsewhere can: special-use domains, and private reverse zones."""

from ipaddress import IPv4Network, IPv6Network

from netmend.services.dns import names

LOCALHOST = names.from_text("localhost")  # RFC 6761 section 6.3: also what is below it


def _reverse4(block: str) -> bytes:
    network = IPv4Network(block)
    octets = str(network.network_address).split(".")[: network.prefixlen // 8]
    return names.from_text(".".join(reversed(octets)) + ".in-addr.arpa")


def _reverse6(block: str) -> bytes:
    network = IPv6Network(block)
    nibbles = network.network_address.exploded.replace(":", "")[: network.prefixlen // 4]
    return names.from_text(".".join(reversed(nibbles)) + ".ip6.arpa")


_NOWHERE = frozenset(
    (
        *map(names.from_text, ("invalid", "onion", "alt", "resolver.arpa")),  # RFC 6761, 7686, 9476, 9462
        *map(_reverse4, ("0.0.0.0/8", "127.0.0.0/8", "255.255.255.255/32")),  # RFC 6303 section 4.2
        *map(_reverse6, ("::/128", "::1/128")),  # RFC 6303 section 4.3
    )
)
_PRIVATE = frozenset(
    (
        *map(names.from_text, ("local", "test", "home.arpa")),  # RFC 6762, 6761, 8375
        *map(_reverse4, ("10.0.0.0/8", "192.168.0.0/16", "169.254.0.0/16")),  # RFC 6303 sections 4.1 and 4.2
        *(_reverse4(f"172.{number}.0.0/16") for number in range(16, 32)),
        *(_reverse4(f"100.{number}.0.0/16") for number in range(64, 128)),  # RFC 7793
        *map(_reverse4, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")),
        *map(_reverse6, ("fc00::/8", "fd00::/8", "fe80::/12", "fe90::/12", "fea0::/12", "feb0::/12")),  # 4.4, 4.5
        _reverse6("2001:db8::/32"),  # 4.6
    )
)

_ALWAYS = _NOWHERE | {LOCALHOST}
_ALL = _ALWAYS | _PRIVATE

# Below these, a name is never one that the whole world knows.
NEVER_PUBLIC = tuple(
    names.from_text(text) for text in ("internal", "local", "localhost", "test", "invalid", "home.arpa", "lan", "corp")
)


def special_zones(*, allow_private: bool) -> frozenset[bytes]:
    """The zones, beside the network's own, of which nothing is forwarded: they are empty but for `localhost`.

    With `allow_private`, the servers elsewhere may know those that are private to an organisation.
    """
    return _ALWAYS if allow_private else _ALL
