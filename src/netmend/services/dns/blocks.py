"""Blocks of addresses as numbers, and the subnets of both versions as one."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from netmend.intent import Network, Subnet, Subnet6

Block = tuple[int, int, int]  # IP version, first and last address


def all_subnets(network: Network) -> tuple[Subnet | Subnet6, ...]:
    return (*network.subnets, *network.subnets6)


def block_of(cidr: IPv4Network | IPv6Network) -> Block:
    return cidr.version, int(cidr.network_address), int(cidr.broadcast_address)


def holding(blocks: Iterable[Block], packed: bytes) -> Block | None:
    """The block that an address, in wire form, lies in."""
    version, number = (4 if len(packed) == 4 else 6), int.from_bytes(packed, "big")
    return next((block for block in blocks if block[0] == version and block[1] <= number <= block[2]), None)
