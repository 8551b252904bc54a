"""The subnets that may serve a client: those of its link (RFC 8415 section 13.1).

A message that came straight from the network's own segment may be served from any of its subnets. A relayed one names
its link: the address of the relay that is closest to the client and names one.
"""

from collections.abc import Sequence

from netmend.intent import Network, Subnet6
from netmend.services.dhcp6 import wire
from netmend.services.dhcp6.relay import Envelope


class Scope:
    """A subnet with what the hot path asks of it."""

    __slots__ = ("dynamic", "first", "infrastructure", "last", "stateful", "subnet")

    def __init__(self, subnet: Subnet6) -> None:
        self.subnet = subnet
        self.first = int(subnet.cidr.network_address)
        self.last = int(subnet.cidr.broadcast_address)
        self.stateful = subnet.address_mode == "dhcpv6-stateful"
        self.dynamic = self.stateful and subnet.dynamic
        # No guest's addresses: the gateway, the server, the subnet-router anycast address (RFC 4291 section 2.6.1).
        gateway = subnet.gateway or subnet.server_address
        anycast = () if subnet.cidr.prefixlen >= 127 else (self.first,)
        self.infrastructure = frozenset((*anycast, int(gateway), int(subnet.server_address)))

    @property
    def speaks(self) -> bool:
        """Whether there is DHCPv6 in this subnet at all, for addresses or for information."""
        return self.subnet.address_mode in ("dhcpv6-stateful", "dhcpv6-stateless")


def find_scope(scopes: Sequence[Scope], address: bytes) -> Scope | None:
    """The scope that an address lies in; subnets of a network do not overlap."""
    number = int.from_bytes(address, "big")
    for scope in scopes:
        if scope.first <= number <= scope.last:
            return scope
    return None


def scopes_of(network: Network) -> tuple[Scope, ...]:
    return tuple(map(Scope, network.subnets6))


def select_link(envelopes: Sequence[Envelope], scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The scopes of the client's link, none when it is not known here."""
    for envelope in reversed(envelopes):
        if envelope.link != wire.NO_ADDRESS:
            scope = find_scope(scopes, envelope.link)
            return () if scope is None else (scope,)
    return scopes
