"""Which tracked connections are permitted no more: rules end what they let begin."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct

from netmend.firewall.guard import Guard, guard_of
from netmend.firewall.packet import ICMP, ICMPV6, IPV4, IPV6, WITH_PORTS, Packet
from netmend.firewall.security_groups import PortRules, decide, is_filtered, port_rules
from netmend.intent.network import Intent, Network

Address = IPv4Address | IPv6Address


class _Judged(Struct, frozen=True):
    guard: Guard
    rules: PortRules


class NetworkConnections:
    """The connections of one network, judged as if each began now."""

    def __init__(self, network: Network, intent: Intent) -> None:
        self._network, self._intent = network, intent
        self._by_address: dict[Address, list[_Judged]] | None = None  # until there is a connection
        self._of_ranges: list[_Judged] = []

    def _judged(self) -> dict[Address, list[_Judged]]:
        """The ports by their single addresses; those that have ranges of them in `_of_ranges`."""
        if self._by_address is not None:
            return self._by_address
        network, intent = self._network, self._intent
        found: dict[Address, list[_Judged]] = {}
        by_groups: dict[tuple[str, ...], PortRules] = {}
        for port in network.ports.values():
            if not is_filtered(port):
                continue
            groups = port.security_groups or ()
            if groups not in by_groups:
                by_groups[groups] = port_rules(port, intent)
            judged = _Judged(guard_of(network, port), by_groups[groups])
            for allowed in judged.guard.addresses:
                if allowed.first == allowed.last:
                    found.setdefault(allowed.first, []).append(judged)
            if any(allowed.first != allowed.last for allowed in judged.guard.addresses):
                self._of_ranges.append(judged)
        self._by_address = found
        return found

    def permits(self, source: Address, destination: Address, protocol: int, numbers: tuple[int, int]) -> bool:
        """Whether a connection may begin with such a packet; `numbers` are its ports, or its type and code. Where
        several ports may have an address, each of them has to permit it."""
        packet = Packet(
            IPV4 if source.version == 4 else IPV6,
            source,
            destination,
            protocol,
            ports=numbers if protocol in WITH_PORTS else None,
            icmp=numbers if protocol in {ICMP, ICMPV6} else None,
        )
        return all(decide(each.rules, "egress", packet, "new").passes for each in self._at(source)) and all(
            decide(each.rules, "ingress", packet, "new").passes for each in self._at(destination)
        )

    def _at(self, address: Address) -> list[_Judged]:
        """The ports that may have an address."""
        found = self._judged().get(address, [])
        return found + [each for each in self._of_ranges if each not in found and _has(each.guard, address)]


def _has(guard: Guard, address: Address) -> bool:
    return any(guard.allows(mac, address) for mac in guard.macs)


def judges_of(networks: Mapping[int, str | None], intent: Intent) -> dict[int, NetworkConnections | None]:
    """By zone, what judges the connections of the network that it belongs to; None: it belongs to none, or was
    another's."""
    found = {
        zone: None if network_id is None else intent.networks.get(network_id) for zone, network_id in networks.items()
    }
    return {zone: NetworkConnections(network, intent) if network else None for zone, network in found.items()}
