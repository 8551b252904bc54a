"""One IPv6 subnet of a file as a value, once the network's fixed IPs are known."""

from collections.abc import Sequence, Set
from ipaddress import IPv6Address, IPv6Network

from netmend.ground.problem import Place
from netmend.intent import Pool6, Route6, Subnet6
from netmend.intent.names import id_from_name
from netmend.intent.subnet import DEFAULT_LEASE_TIME
from netmend.options import dhcp6
from netmend.sources import fields, fields6
from netmend.sources.addresses import choose_server_address6, default_pools6, without6
from netmend.sources.file.build_port import build_options
from netmend.sources.file.frames6 import Frame6
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import RouteShape

ADDRESSES_MAX = 60  # in one option: a reply is never fragmented, and must fit into the least MTU of IPv6


def build_subnet6(reader: Reader, network_name: str, frame: Frame6, fixed: Set[int]) -> Subnet6 | None:
    """The subnet of `frame`, if an address is left for netmend itself; `fixed` is what the network's ports have. Where
    something was complained of, it holds a substitute."""
    place, shape = frame.place, frame.shape
    name = reader.read(place, "name", fields.name, shape.name) or str(frame.cidr)
    subnet_id = reader.read(place, "id", fields.uuid, shape.id) or id_from_name("subnet", network_name, name)
    if shape.boot is not None:
        reader.complain((*place, "boot"), "is of IPv4; a guest with IPv6 is told a bootfile_url")
    if shape.dhcp_options is not None:
        reader.complain((*place, "dhcp_options"), "is of IPv4 subnets only; those of DHCPv6 are dhcp6_options")
    server_address = frame.server_address
    if server_address is None:
        server_address = choose_server_address6(frame.cidr, frame.gateway, frame.pools, fixed)
    if server_address is None:
        reader.complain(place, f"no address of {frame.cidr} is left for netmend's own (server_address)")
        return None
    return Subnet6(
        id=subnet_id,
        name=name,
        cidr=frame.cidr,
        server_address=server_address,
        gateway=frame.gateway,
        address_mode=frame.address_mode,
        ra_mode=frame.ra_mode,
        pools=_pools(reader, frame, server_address),
        dynamic=shape.dynamic,
        dns_servers=_servers(reader, place, "dns_servers", shape.dns_servers),
        domain=reader.read(place, "domain", fields.host_name, shape.domain),
        routes=_routes(reader, (*place, "routes"), shape.routes or (), server_address),
        ntp_servers=_servers(reader, place, "ntp_servers", shape.ntp_servers),
        lease_time=reader.read(place, "lease_time", fields.lease_time, shape.lease_time) or DEFAULT_LEASE_TIME,
        dhcp6_options=build_options(reader, (*place, "dhcp6_options"), shape.dhcp6_options or {}, dhcp6),
        ipxe_bootfile_url=reader.read(place, "ipxe_bootfile_url", fields6.url, shape.ipxe_bootfile_url),
        bootfile_url=reader.read(place, "bootfile_url", fields6.url, shape.bootfile_url),
        lease_per=shape.lease_per or "port",
    )


def _pools(reader: Reader, frame: Frame6, server_address: IPv6Address) -> tuple[Pool6, ...]:
    place, shape = frame.place, frame.shape
    pools = without6(frame.pools, server_address)
    if not shape.dynamic:
        return pools
    if frame.address_mode != "dhcpv6-stateful":
        why = "addresses are leased where address_mode is dhcpv6-stateful; here guests make their own, or ask others"
        reader.complain((*place, "dynamic"), why)
    if shape.pools is None:
        pools = default_pools6(frame.cidr, (server_address, *((frame.gateway,) if frame.gateway else ())))
    if not pools and len(frame.pools) == len(shape.pools or ()):
        reader.complain(place, "is dynamic, but has no address to hand out: its pools are empty")
    return pools


def _servers(reader: Reader, place: Place, field: str, texts: Sequence[str] | None) -> tuple[IPv6Address, ...]:
    servers = reader.read_all(place, field, fields6.host_address, texts)
    if len(servers) > ADDRESSES_MAX:
        reader.complain((*place, field), f"{len(servers)} addresses; a reply holds {ADDRESSES_MAX}")
    else:
        reader.complain_of_repeats((*place, field), servers)
    return servers


def _routes(
    reader: Reader, place: Place, shapes: Sequence[RouteShape], server_address: IPv6Address
) -> tuple[Route6, ...]:
    routes: dict[IPv6Network, Route6] = {}
    for index, shape in enumerate(shapes):
        destination = reader.read((*place, index), "destination", fields6.block, shape.destination)
        nexthop = reader.read((*place, index), "nexthop", fields6.address, shape.nexthop)
        if nexthop is not None and nexthop != server_address:
            why = f"{nexthop} is not netmend's own address {server_address} (server_address)"
            told = "an advertisement tells routes by way of its sender only (RFC 4191)"
            reader.complain((*place, index, "nexthop"), f"{why}; {told}")
        if destination is None or nexthop is None:
            continue
        if destination in routes:
            reader.complain((*place, index, "destination"), f"there is a route to {destination} already")
        routes[destination] = Route6(destination, nexthop)
    return tuple(routes.values())
