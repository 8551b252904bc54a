"""Addresses that no public name has: an answer that gives one turns a guest's own clients against its network, or its
host (DNS rebinding)."""

from ipaddress import IPv4Network, IPv6Network

from netmend.services.dns import wire
from netmend.services.dns.addresses import Block

_BLOCKS4 = tuple(
    (int(block.network_address), int(block.broadcast_address))
    for block in map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
        ),
    )
)
_BLOCKS6 = tuple(
    (int(block.network_address), int(block.broadcast_address))
    for block in map(IPv6Network, ("::/127", "fc00::/7", "fe80::/10", "fec0::/10"))
)
# Blocks that hold an IPv4 address in their last octets: mapped, compatible, translated (RFC 6052 section 2.1).
_HOLD_IPV4 = (bytes(10) + b"\xff\xff", bytes(12), bytes.fromhex("0064ff9b") + bytes(8))
_IPV4_HINT, _IPV6_HINT = 4, 6  # SvcParamKeys (RFC 9460 section 7.3)


class PrivateAddresses:
    """Special-purpose blocks (RFC 6890), and a network's own."""

    def __init__(self, own: tuple[Block, ...] = ()) -> None:
        self._blocks4 = _BLOCKS4 + tuple((first, last) for version, first, last in own if version == 4)
        self._blocks6 = _BLOCKS6 + tuple((first, last) for version, first, last in own if version == 6)

    def given_by(self, rdtype: int, data: bytes) -> bool:
        """Whether a record of this type with these data gives one away."""
        if rdtype == wire.A:
            return len(data) == 4 and self._is_private4(data)
        if rdtype == wire.AAAA:
            return len(data) == 16 and self._is_private6(data)
        if rdtype in (wire.HTTPS, wire.SVCB):
            return self._hinted(data)
        return False

    def _is_private4(self, packed: bytes) -> bool:
        number = int.from_bytes(packed, "big")
        return any(first <= number <= last for first, last in self._blocks4)

    def _is_private6(self, packed: bytes) -> bool:
        number = int.from_bytes(packed, "big")
        if any(first <= number <= last for first, last in self._blocks6):
            return True
        return packed[:12] in _HOLD_IPV4 and self._is_private4(packed[12:])

    def _hinted(self, data: bytes) -> bool:
        """The addresses in an HTTPS record: priority, target (not compressed, RFC 9460 section 2.2), parameters."""
        at = 2
        while at < len(data) and data[at]:
            at += data[at] + 1
        at += 1
        while at + 4 <= len(data):
            key, size = data[at] << 8 | data[at + 1], data[at + 2] << 8 | data[at + 3]
            value, at = data[at + 4 : at + 4 + size], at + 4 + size
            if key == _IPV4_HINT and any(self._is_private4(value[n : n + 4]) for n in range(0, len(value) - 3, 4)):
                return True
            if key == _IPV6_HINT and any(self._is_private6(value[n : n + 16]) for n in range(0, len(value) - 15, 16)):
                return True
        return False
