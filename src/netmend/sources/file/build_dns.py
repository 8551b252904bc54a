"""A file's settings of a network's names, as a value."""

from collections.abc import Mapping, Sequence, Set
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

from msgspec.structs import replace

from netmend.ground.problem import Place
from netmend.intent import Dns, DnsServer, Subnet, Subnet6
from netmend.intent.network import DEFAULT_GUEST_RATE
from netmend.sources import fields
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import DnsShape, NetworkShape

AnySubnet = TypeVar("AnySubnet", Subnet, Subnet6)


def build_dns(reader: Reader, place: Place, network: NetworkShape, subnets: Sequence[Subnet | Subnet6]) -> Dns | None:
    """The network's resolver, None where there is none. It asks the `dns_servers` of its `subnets`."""
    if not network.dns:
        return None
    shape = DnsShape() if network.dns is True else network.dns
    place = (*place, "dns")
    if not network.subnets:
        reader.complain(place, "the network has no subnet, so netmend has no address to answer at")
    servers: dict[DnsServer, None] = {}
    for subnet in subnets:
        servers.update(dict.fromkeys(map(DnsServer, subnet.dns_servers)))
    forwarders = reader.read_all(place, "forward_to", fields.dns_server, shape.forward_to)
    if shape.forward_to and servers:
        why = (
            "a subnet's dns_servers are whom netmend asks, and guests are told netmend's own address: give one of both"
        )
        reader.complain((*place, "forward_to"), why)
    if not shape.forward and (shape.forward_to or servers):
        named = "forward_to" if shape.forward_to else "a subnet's dns_servers"
        reader.complain((*place, "forward"), f"is false, but {named} says whom to ask")
    guest_rate = reader.read(place, "guest_rate", fields.guest_rate, shape.guest_rate)
    domain = reader.read(place, "domain", fields.host_name, shape.domain)
    zones = {zone.rstrip(".").lower() for zone in (domain, *(subnet.domain for subnet in subnets)) if zone}
    return Dns(
        domain=domain,
        forwarders=forwarders or tuple(servers),
        forward=shape.forward,
        allow_private=shape.allow_private,
        guest_rate=DEFAULT_GUEST_RATE if guest_rate is None else guest_rate,
        records=_records(reader, (*place, "records"), shape.records or {}),
        forward_domains=_forward_domains(reader, (*place, "forward_domains"), shape.forward_domains or {}, zones),
        share_names=shape.share_names,
    )


def _records(
    reader: Reader, place: Place, texts: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, IPv4Address | IPv6Address], ...]:
    """The names, each with one of its addresses."""
    found: list[tuple[str, IPv4Address | IPv6Address]] = []
    for name, addresses in texts.items():
        try:
            fields.host_name(name)
        except ValueError as error:
            reader.complain((*place, name), str(error))
            continue
        found += [(name, address) for address in reader.read_all(place, name, fields.record_address, addresses)]
    reader.complain_of_repeats(place, found)
    return tuple(found)


def _forward_domains(
    reader: Reader, place: Place, texts: Mapping[str, Sequence[str]], zones: Set[str]
) -> tuple[tuple[str, tuple[DnsServer, ...]], ...]:
    """The domains, each with the servers that are asked of its names."""
    found: dict[str, tuple[DnsServer, ...]] = {}
    for text, addresses in texts.items():
        try:
            domain = fields.host_name(text).rstrip(".").lower()
        except ValueError as error:
            reader.complain((*place, text), str(error))
            continue
        if domain in zones:
            reader.complain((*place, text), "is the network's own domain, of which netmend answers itself")
        if domain in found:
            reader.complain((*place, text), "is there twice")
        found[domain] = reader.read_all(place, text, fields.dns_server, addresses)
        reader.complain_of_repeats((*place, text), found[domain])
    return tuple(found.items())


def without_servers(subnets: Sequence[AnySubnet]) -> tuple[AnySubnet, ...]:
    """The subnets of a network that has `dns`, with netmend's address as the name server of their guests."""
    return tuple(replace(subnet, dns_servers=()) if subnet.dns_servers else subnet for subnet in subnets)
