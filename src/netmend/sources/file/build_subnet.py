"""One subnet of a file as a value, once the network's fixed IPs are known."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise

from netmend.intent import Pool, Route, Subnet
from netmend.intent.dhcp_options import MAX_PAYLOAD, encode_classless_route
from netmend.intent.names import id_from_name
from netmend.sources import fields
from netmend.sources.addresses import choose_server_address, default_pools, without
from netmend.sources.file.build_port import build_boot
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import RouteShape, SubnetShape
from netmend.sources.problem import Place

ADDRESSES_MAX = 63  # that one DHCP option holds (RFC 2132 section 2: 255 bytes)
_ON_LINK = IPv4Address(0)  # as a nexthop (RFC 3442, "Local Subnet Routes")


@dataclass(frozen=True, slots=True)
class Frame:
    """What the rest of a subnet, and the ports in it, are checked against."""

    place: Place
    shape: SubnetShape
    cidr: IPv4Network
    gateway: IPv4Address | None
    server_address: IPv4Address | None  # as the file gives it
    pools: tuple[Pool, ...]  # as the file gives them

    def why_not_for_guests(self, address: IPv4Address) -> str | None:
        """The reason why no guest can have `address`, if there is one."""
        if address == self.cidr.network_address:
            return f"{address} is the network address of {self.cidr}"
        if address == self.cidr.broadcast_address:
            return f"{address} is the broadcast address of {self.cidr}"
        if address == self.gateway:
            return f"{address} is the gateway of {self.cidr}"
        if address == self.server_address:
            return f"{address} is netmend's own address (server_address) in {self.cidr}"
        return None


def read_frame(reader: Reader, place: Place, shape: SubnetShape) -> Frame | None:
    """The subnet's addresses, checked against each other; None when its CIDR says nothing."""
    cidr = reader.read((*place, "cidr"), fields.subnet_block, shape.cidr)
    if cidr is None:
        return None
    gateway = _host_of(reader, (*place, "gateway"), cidr, shape.gateway)
    server_address = _host_of(reader, (*place, "server_address"), cidr, shape.server_address)
    if server_address is not None and server_address == gateway:
        reader.complain((*place, "server_address"), f"{server_address} is the gateway; netmend needs one of its own")
    frame = Frame(place, shape, cidr, gateway, server_address, pools=())
    return replace(frame, pools=_pools(reader, frame))


def _host_of(reader: Reader, place: Place, cidr: IPv4Network, text: str | None) -> IPv4Address | None:
    address = reader.read(place, fields.host_address, text)
    if address is None:
        return None
    if address not in cidr:
        reader.complain(place, f"{address} is outside {cidr}")
    elif address in (cidr.network_address, cidr.broadcast_address):
        which = "network" if address == cidr.network_address else "broadcast"
        reader.complain(place, f"{address} is the {which} address of {cidr}")
    else:
        return address
    return None


def _pools(reader: Reader, frame: Frame) -> tuple[Pool, ...]:
    texts, place = frame.shape.pools or (), (*frame.place, "pools")
    pools: list[tuple[Pool, int]] = []
    for index, text in enumerate(texts):
        pool = reader.read((*place, index), fields.pool, text)
        if pool is None:
            continue
        why = _why_no_pool(frame, pool)
        if why is None:
            pools.append((pool, index))
        else:
            reader.complain((*place, index), f"{text} {why}")
    pools.sort(key=lambda item: item[0].first)
    for (lower, _), (upper, index) in pairwise(pools):
        if upper.first <= lower.last:
            reader.complain((*place, index), f"{texts[index]} overlaps the pool {lower.first} - {lower.last}")
    return tuple(pool for pool, _ in pools)


def _why_no_pool(frame: Frame, pool: Pool) -> str | None:
    cidr = frame.cidr
    if pool.first not in cidr or pool.last not in cidr:
        return f"reaches outside {cidr}"
    if cidr.network_address in pool or cidr.broadcast_address in pool:
        return f"holds the network or the broadcast address of {cidr}"
    if frame.gateway is not None and frame.gateway in pool:
        return f"holds the gateway {frame.gateway}, which must not be handed out"
    if frame.server_address is not None and frame.server_address in pool:
        return f"holds netmend's own address {frame.server_address} (server_address)"
    return None


def build_subnet(
    reader: Reader, frame: Frame, network_name: str, fixed: Set[IPv4Address], network_cidrs: Sequence[IPv4Network]
) -> Subnet | None:
    """The subnet, or None and a complaint. `fixed`: what the network's ports have; `network_cidrs`: its subnets'."""
    place, shape = frame.place, frame.shape
    name = reader.read((*place, "name"), fields.name, str(frame.cidr) if shape.name is None else shape.name)
    if shape.id is None:
        subnet_id: str | None = id_from_name("subnet", network_name, shape.name or str(frame.cidr))
    else:
        subnet_id = reader.read((*place, "id"), fields.uuid, shape.id)
    dns_servers = _servers(reader, (*place, "dns_servers"), shape.dns_servers)
    ntp_servers = _servers(reader, (*place, "ntp_servers"), shape.ntp_servers)
    domain = reader.read((*place, "domain"), fields.host_name, shape.domain)
    routes = _routes(reader, (*place, "routes"), shape.routes or (), network_cidrs)
    lease_time = reader.read((*place, "lease_time"), fields.lease_time, shape.lease_time)
    boot = build_boot(reader, (*place, "boot"), shape.boot) if shape.boot else None

    server_address = frame.server_address
    if server_address is None:
        server_address = choose_server_address(frame.cidr, frame.gateway, frame.pools, fixed)
    if server_address is None:
        reader.complain(place, f"no address of {frame.cidr} is left for netmend's own (server_address)")
        return None
    pools = without(frame.pools, server_address)
    if shape.pools is None and shape.dynamic:
        pools = default_pools(frame.cidr, (server_address, *((frame.gateway,) if frame.gateway else ())))
    if shape.dynamic and not pools:
        reader.complain(place, "is dynamic, but has no address to hand out: its pools are empty")
    if name is None or subnet_id is None:
        return None
    subnet = Subnet(
        id=subnet_id,
        name=name,
        cidr=frame.cidr,
        server_address=server_address,
        gateway=frame.gateway,
        pools=pools,
        dynamic=shape.dynamic,
        dns_servers=dns_servers,
        domain=domain,
        routes=routes,
        ntp_servers=ntp_servers,
        boot=boot,
    )
    return subnet if lease_time is None else replace(subnet, lease_time=lease_time)


def _servers(reader: Reader, place: Place, texts: Sequence[str] | None) -> tuple[IPv4Address, ...]:
    servers = reader.read_all(place, fields.host_address, texts)
    if len(servers) > ADDRESSES_MAX:
        reader.complain(place, f"{len(servers)} addresses; a DHCP option holds {ADDRESSES_MAX}")
    return servers


def _routes(
    reader: Reader, place: Place, shapes: Sequence[RouteShape], network_cidrs: Sequence[IPv4Network]
) -> tuple[Route, ...]:
    routes: dict[IPv4Network, Route] = {}
    for index, shape in enumerate(shapes):
        destination = reader.read((*place, index, "destination"), fields.block, shape.destination)
        nexthop = reader.read((*place, index, "nexthop"), fields.address, shape.nexthop)
        if nexthop is not None and nexthop != _ON_LINK and not any(nexthop in cidr for cidr in network_cidrs):
            reader.complain((*place, index, "nexthop"), f"{nexthop} is in no subnet of this network (0.0.0.0: on link)")
        if destination is None or nexthop is None:
            continue
        if destination in routes:
            reader.complain((*place, index, "destination"), f"there is a route to {destination} already")
        routes[destination] = Route(destination, nexthop)
    size = sum(len(encode_classless_route(route.destination, route.nexthop)) for route in routes.values())
    if size > MAX_PAYLOAD:
        reader.complain(place, f"these routes take {size} bytes in option 121; {MAX_PAYLOAD} can be sent")
    return tuple(routes.values())
