"""Addresses: blocks of them as numbers, the subnets of both versions as one, and which addresses a name below
in-addr.arpa or ip6.arpa speaks of (RFC 1035 section 3.5, RFC 3596)."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from msgspec import Struct

from netmend.intent import Network, Subnet, Subnet6
from netmend.services.dns import names

IN_ADDR = names.from_text("in-addr.arpa")
IP6 = names.from_text("ip6.arpa")
_HEX = {ord(digit): int(digit, 16) for digit in "0123456789abcdef"}
Block = tuple[int, int, int]  # IP version, first and last address


def all_subnets(network: Network) -> tuple[Subnet | Subnet6, ...]:
    return (*network.subnets, *network.subnets6)


def block_of(cidr: IPv4Network | IPv6Network) -> Block:
    return cidr.version, int(cidr.network_address), int(cidr.broadcast_address)


def holding(blocks: Iterable[Block], packed: bytes) -> Block | None:
    """The block that an address, in wire form, lies in."""
    version, number = (4 if len(packed) == 4 else 6), int.from_bytes(packed, "big")
    return next((block for block in blocks if block[0] == version and block[1] <= number <= block[2]), None)


class Region(Struct, frozen=True):
    """Addresses `first` to `last`, of `version` 4 or 6. `whole`: the name stands for exactly one address;
    `labels` are how many of the name's labels, from the right, were understood."""

    version: int
    first: int
    last: int
    whole: bool
    labels: int
    understood: bool


def region_of(name: bytes) -> Region | None:
    """The addresses that `name` (lower case) is about; None when it is no reverse name."""
    if name.endswith(IN_ADDR):
        version, bits, width, size = 4, 32, 8, len(IN_ADDR)
    elif name.endswith(IP6):
        version, bits, width, size = 6, 128, 4, len(IP6)
    else:
        return None
    labels: list[bytes] = []
    at, end = 0, len(name) - size
    while at < end:
        labels.append(name[at + 1 : at + 1 + name[at]])
        at += name[at] + 1
    if at != end:  # the suffix began inside a label
        return None
    number = count = 0
    for label in reversed(labels):
        value = _octet(label) if version == 4 else _nibble(label)
        if value is None or count * width == bits:
            break
        number = number << width | value
        count += 1
    left = bits - count * width
    understood = count == len(labels)
    return Region(version, number << left, (number + 1 << left) - 1, understood and left == 0, count, understood)


def _octet(label: bytes) -> int | None:
    if not 1 <= len(label) <= 3 or not label.isdigit() or (label[0] == 0x30 and len(label) > 1):
        return None
    number = int(label)
    return number if number <= 255 else None


def _nibble(label: bytes) -> int | None:
    return _HEX.get(label[0]) if len(label) == 1 else None


def apex_labels(cidr: IPv4Network | IPv6Network) -> int:
    """How many address labels the reverse zones of a block have: its length, rounded up to whole labels."""
    width = 8 if cidr.version == 4 else 4
    return -(-cidr.prefixlen // width)
