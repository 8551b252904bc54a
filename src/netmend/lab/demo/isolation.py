"""Whether networks are isolated: from each other, and from the host. Findings come from real packets."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from itertools import combinations

from netmend.intent.names import bridge_name, mac_from_id
from netmend.kernel import addresses, links
from netmend.kernel.netlink import RouteSocket
from netmend.lab.demo.guest import Guest
from netmend.lab.demo.probes import Probes, host_socket

HOST_ADDRESS = IPv4Interface("192.0.2.1/32")  # TEST-NET-1 (RFC 5737): an address of the demo's host


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried: what it is about, whether isolation held, and what was seen, for people."""

    check: str  # same-address | layer-2 | host
    held: bool
    text: str


def look(guests: Sequence[Guest]) -> list[Finding]:
    """Probe between `guests`, which have their leases; raises KernelError."""
    with Probes(guests) as probes:
        return [*_same_addresses(probes, guests), *_layer_2(probes, guests), *_host(probes, guests)]


def _addresses(guests: Sequence[Guest]) -> dict[IPv4Address, list[Guest]]:
    found: dict[IPv4Address, list[Guest]] = {}
    for guest in guests:
        if guest.lease:
            found.setdefault(guest.lease.address.ip, []).append(guest)
    return found


def _same_addresses(probes: Probes, guests: Sequence[Guest]) -> list[Finding]:
    """An address that several networks use is answered, on each, by that network's guest and nobody else."""
    findings = []
    for address, owners in _addresses(guests).items():
        if len({owner.network.id for owner in owners}) < 2:
            continue
        seen, held = [], True
        for owner in owners:
            asker = next((guest for guest in guests if _is_neighbour(owner, guest)), None)
            if asker is None:
                continue
            macs = probes.who_has(asker, address, expected=True)
            found = probes.who_are_you(asker, address)
            held = held and macs == {owner.port.mac} and found is owner
            name = found.port.name if found else "nobody"
            seen.append(f"on {owner.network.name} it is {name} ({', '.join(sorted(macs)) or 'no answer'})")
        if seen:
            findings.append(Finding("same-address", held, f"{address}: {', '.join(seen)}"))
    return findings


def _layer_2(probes: Probes, guests: Sequence[Guest]) -> list[Finding]:
    """Frames, to everybody and to each guest's MAC, arrive within a network and nowhere else."""
    heard = probes.who_hears()
    findings = []
    networks = {guest.network.id: guest.network for guest in guests}
    for network in networks.values():
        inside = [guest for guest in guests if guest.network is network]
        ids = {guest.port.id for guest in inside}
        whole = all(heard[guest.port.id] == ids - {guest.port.id} for guest in inside)
        if len(inside) > 1:
            text = f"{network.name}: guests {'hear' if whole else 'do not hear'} each other's frames"
            findings.append(Finding("layer-2", whole, text))
    for one, other in combinations(networks.values(), 2):
        crossed = sum(
            sender.network is not receiver.network and sender.port.id in heard[receiver.port.id]
            for sender in guests
            for receiver in guests
            if {sender.network.id, receiver.network.id} == {one.id, other.id}
        )
        text = f"{one.name} and {other.name}: {crossed or 'no'} frame{'' if crossed == 1 else 's'} crossed over"
        findings.append(Finding("layer-2", not crossed, text))
    return findings


def _host(probes: Probes, guests: Sequence[Guest]) -> list[Finding]:
    """The host answers no guest: neither ARP for its address, nor a datagram put into a frame for the bridge's MAC."""
    findings = []
    with _host_address(), host_socket() as udp, RouteSocket() as route:
        by_network = {guest.network.id: guest for guest in guests if guest.lease}
        for guest in by_network.values():
            network = guest.network
            bridge = links.find_link(route, bridge_name(network.id))
            own = addresses.dump_addresses(route).get(bridge.index, set()) if bridge else set()
            macs = probes.who_has(guest, HOST_ADDRESS.ip, expected=False)
            probes.send_datagram(guest, mac_from_id(network.id), HOST_ADDRESS.ip, expected=False)
            arrived = probes.host_hears(udp)
            neighbour = next((other for other in guests if _is_neighbour(guest, other)), None)
            proven = True  # that such a datagram does arrive where it may
            if neighbour and neighbour.lease:
                address = neighbour.lease.address.ip
                answers = probes.send_datagram(guest, neighbour.port.mac, address, expected=True)
                proven = answers == [neighbour.port.id]
            held = not own and not macs and not arrived and proven
            ways = [
                f"the bridge has {', '.join(map(str, own)) or 'no address'}",
                f"{', '.join(macs) or 'nobody'} answers ARP for {HOST_ADDRESS.ip}",
                f"{len(arrived) or 'no'} datagram{'' if len(arrived) == 1 else 's'} sent to its MAC came in",
            ]
            if not proven:
                ways.append("but a neighbour did not hear such a datagram either, so this proves nothing")
            findings.append(Finding("host", held, f"{network.name} and the host: {', '.join(ways)}"))
    return findings


def _is_neighbour(guest: Guest, other: Guest) -> bool:
    """Whether `other` is another guest on the network, with an address; two devices in one namespace are one guest."""
    same_place = other.namespace.inode == guest.namespace.inode
    return other.network is guest.network and not same_place and other.lease is not None


@contextmanager
def _host_address() -> Iterator[None]:
    """Give the host an address that guests could try to reach, while the block runs."""
    with RouteSocket() as route:
        loopback = links.find_link(route, "lo")
        assert loopback is not None
        addresses.add_address(route, loopback, HOST_ADDRESS)
        try:
            yield
        finally:
            addresses.remove_address(route, loopback, HOST_ADDRESS)
