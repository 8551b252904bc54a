"""One subnet of a file as a value, once the network's fixed IPs are known."""

from collections.abc import Sequence, Set
from ipaddress import IPv4Address, IPv4Network

from netmend.ground.problem import Place
from netmend.intent import Route, Subnet
from netmend.intent.names import id_from_name
from netmend.intent.subnet import DEFAULT_LEASE_TIME
from netmend.options.dhcp4 import MAX_PAYLOAD
from netmend.options.values4 import encode_classless_route
from netmend.sources import fields
from netmend.sources.addresses import choose_server_address, default_pools, without
from netmend.sources.file.build_port import build_boot, build_common_options
from netmend.sources.file.frames import Frame, Frames, on_link_blocks
from netmend.sources.file.reading import Reader

ADDRESSES_MAX = 63  # that one DHCP option holds (RFC 2132 section 2: 255 bytes)
_ON_LINK = IPv4Address(0)  # as a nexthop (RFC 3442, "Local Subnet Routes")


def build_subnet(
    reader: Reader, network_name: str, frames: Frames[Frame], frame: Frame, fixed: Set[int]
) -> Subnet | None:
    """The subnet of `frame`, if an address is left for netmend itself; `fixed` is what the network's ports have. Where
    something was complained of, it holds a substitute."""
    place, shape = frame.place, frame.shape
    name = reader.read(place, "name", fields.name, shape.name) or str(frame.cidr)
    subnet_id = reader.read(place, "id", fields.uuid, shape.id) or id_from_name("subnet", network_name, name)
    dns_servers = _servers(reader, place, "dns_servers", shape.dns_servers)
    ntp_servers = _servers(reader, place, "ntp_servers", shape.ntp_servers)
    domain = reader.read(place, "domain", fields.host_name, shape.domain)
    routes = _routes(reader, (*place, "routes"), frame, frames)
    lease_time = reader.read(place, "lease_time", fields.lease_time, shape.lease_time)
    boot = build_boot(reader, (*place, "boot"), shape.boot) if shape.boot else None
    options = build_common_options(reader, (*place, "dhcp_options"), shape.dhcp_options or {})
    for field in ("address_mode", "ra_mode", "bootfile_url", "ipxe_bootfile_url", "dhcp6_options"):
        if getattr(shape, field) is not None:
            reader.complain((*place, field), "is of IPv6 subnets only")

    server_address = frame.server_address
    if server_address is None:
        server_address = choose_server_address(frame.cidr, frame.gateway, frame.pools, fixed)
    if server_address is None:
        reader.complain(place, f"no address of {frame.cidr} is left for netmend's own (server_address)")
        return None
    pools = without(frame.pools, server_address)
    if shape.pools is None and shape.dynamic:
        pools = default_pools(frame.cidr, (server_address, *((frame.gateway,) if frame.gateway else ())))
    if shape.dynamic and not pools and len(frame.pools) == len(shape.pools or ()):
        reader.complain(place, "is dynamic, but has no address to hand out: its pools are empty")
    return Subnet(
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
        lease_time=lease_time or DEFAULT_LEASE_TIME,
        boot=boot,
        dhcp_options=options,
        lease_per=shape.lease_per or "port",
    )


def _servers(reader: Reader, place: Place, field: str, texts: Sequence[str] | None) -> tuple[IPv4Address, ...]:
    servers = reader.read_all(place, field, fields.host_address, texts)
    if len(servers) > ADDRESSES_MAX:
        reader.complain((*place, field), f"{len(servers)} addresses; a DHCP option holds {ADDRESSES_MAX}")
    else:
        reader.complain_of_repeats((*place, field), servers)
    return servers


def _routes(reader: Reader, place: Place, frame: Frame, frames: Frames[Frame]) -> tuple[Route, ...]:
    on_link = on_link_blocks(frame.shape)
    routes: dict[IPv4Network, Route] = {}
    for index, shape in enumerate(frame.shape.routes or ()):
        destination = reader.read((*place, index), "destination", fields.block, shape.destination)
        nexthop = reader.read((*place, index), "nexthop", fields.address, shape.nexthop)
        is_reached = nexthop in (None, _ON_LINK, frame.gateway) or any(nexthop in block for block in on_link)
        if nexthop is not None and not is_reached and not frames.may_hold(int(nexthop)):
            why = f"{nexthop} is in no subnet of this network, nor in a route on the link (nexthop 0.0.0.0)"
            reader.complain((*place, index, "nexthop"), why)
        if destination is None or nexthop is None:
            continue
        if destination in routes:
            reader.complain((*place, index, "destination"), f"there is a route to {destination} already")
        routes[destination] = Route(destination, nexthop)
    size = sum(len(encode_classless_route(route.destination, route.nexthop)) for route in routes.values())
    if size > MAX_PAYLOAD:
        reader.complain(place, f"these routes take {size} bytes in option 121; {MAX_PAYLOAD} can be sent")
    return tuple(routes.values())
