"""Who may ask, and how often: sources are known by their address alone, so only those of the network's own count."""

from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from netmend.intent import Network
from netmend.intent.network import DEFAULT_GUEST_RATE
from netmend.services.dns.addresses import all_subnets, block_of, holding
from netmend.services.shared.rate_limit import RateLimit

_BURST = 2  # seconds' worth that may come at once
_STRANGERS = 4  # guests' worth that all addresses of no port may ask together
_REMEMBERED = 4096  # sources that were looked at

OUTSIDE, STRANGER, PORT = range(3)


class Guests:
    """The sources of one network. Not thread-safe."""

    def __init__(self, network: Network, is_port: Callable[[bytes], bool]) -> None:
        """`is_port` tells whether a port has an address, given in wire form."""
        self._is_port = is_port
        rate = network.dns.guest_rate if network.dns else DEFAULT_GUEST_RATE
        self._unlimited = rate == 0
        self._each = RateLimit(max(rate, 1), max(rate, 1) * _BURST)
        self._strangers = RateLimit(max(rate, 1) * _STRANGERS, max(rate, 1) * _STRANGERS * _BURST)
        self._kinds: dict[str, int] = {}
        subnets = all_subnets(network)
        self._blocks = tuple(block_of(subnet.cidr) for subnet in subnets)
        self._own = frozenset(str(subnet.server_address) for subnet in subnets)

    def forget(self) -> None:
        """Ports have changed."""
        self._kinds.clear()

    def kind(self, source: str) -> int:
        """OUTSIDE every subnet of the network; a STRANGER, in one; or a PORT's address. `source` is as the kernel
        writes it."""
        found = self._kinds.get(source)
        if found is None:
            if len(self._kinds) >= _REMEMBERED:
                self._kinds.clear()
            found = self._kinds[source] = self._look_at(source)
        return found

    def allows(self, source: str, now: float) -> bool:
        """Whether this source, that is not OUTSIDE, may be heard now."""
        if self._unlimited:
            return True
        if self.kind(source) == PORT:
            return self._each.allow(source, now)
        return self._each.allow(source, now) and self._strangers.allow(None, now)

    def _look_at(self, source: str) -> int:
        try:
            address = IPv6Address(source) if ":" in source else IPv4Address(source)
        except AddressValueError:
            return OUTSIDE
        if str(address) in self._own:
            return OUTSIDE  # a forged one: our answer would be a question to ourselves
        if self._is_port(address.packed):
            return PORT
        if address.version == 6 and address.is_link_local:
            return STRANGER
        return OUTSIDE if holding(self._blocks, address.packed) is None else STRANGER
