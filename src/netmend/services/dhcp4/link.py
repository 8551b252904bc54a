"""The subnets that may serve a request: those of the client's link.

A request that came straight from the network's own segment may be served from any of its subnets. A relayed one names
its link, in this order: the relay's link selection (RFC 3527), the subnet selection option (RFC 3011), `giaddr`.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address

from netmend.intent import Subnet
from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.request import Request


class Scope:
    """A subnet with what the hot path asks of it, in wire form."""

    __slots__ = ("dynamic", "first", "infrastructure", "last", "server", "subnet")

    def __init__(self, subnet: Subnet) -> None:
        self.subnet = subnet
        self.first = int(subnet.cidr.network_address)
        self.last = int(subnet.cidr.broadcast_address)
        self.server = subnet.server_address.packed
        self.dynamic = subnet.dynamic
        # No guest's addresses: the gateway, the server, the ends of the block (but see RFC 3021 for a /31).
        ends = () if subnet.cidr.prefixlen >= 31 else (self.first, self.last)
        gateway = subnet.gateway or subnet.server_address
        self.infrastructure = frozenset((*ends, int(gateway), int(subnet.server_address)))

    def __contains__(self, address: int) -> bool:
        return self.first <= address <= self.last


def find_scope(scopes: Sequence[Scope], address: bytes) -> Scope | None:
    """The scope that an address lies in; subnets of a network do not overlap."""
    number = int.from_bytes(address, "big")
    for scope in scopes:
        if scope.first <= number <= scope.last:
            return scope
    return None


def select_link(request: Request, scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The scopes of the client's link, none when it is not known here."""
    giaddr = request.giaddr
    relayed = giaddr != wire.NO_ADDRESS
    if relayed and not _may_be_relay(giaddr):
        return ()
    selected = None
    if relayed and wire.RELAY_AGENT_INFORMATION in request.options:
        selected = _link_selection(request.options[wire.RELAY_AGENT_INFORMATION])
    selected = selected or request.options.get(wire.SUBNET_SELECTION) or (giaddr if relayed else None)
    if selected is None:
        return scopes
    scope = find_scope(scopes, selected)
    return () if scope is None else (scope,)


@lru_cache(maxsize=256)
def _may_be_relay(giaddr: bytes) -> bool:
    address = IPv4Address(giaddr)
    return not (address.is_multicast or address.is_loopback or address.is_reserved or address.is_unspecified)


def _link_selection(information: bytes) -> bytes | None:
    """The sub-option of RFC 3527 section 3; malformed information is the relay's own and is only echoed."""
    at = 0
    while at + 2 <= len(information):
        length = information[at + 1]
        if information[at] == wire.LINK_SELECTION and length == 4 and at + 6 <= len(information):
            return information[at + 2 : at + 6]
        at += 2 + length
    return None
