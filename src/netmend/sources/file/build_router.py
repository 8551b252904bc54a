"""Routers of a file as values, and the networks with their ends of them."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

from msgspec.structs import replace

from netmend.ground.problem import Place
from netmend.intent import (
    DeviceUplink,
    FloatingIp,
    HostUplink,
    Intent,
    Network,
    PortForward,
    Router,
    RouterPort,
    RouterRoute,
    Subnet,
    Subnet6,
    Uplink,
)
from netmend.intent.names import id_from_name, mac_from_id
from netmend.sources import fields, metadata_fields
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import (
    UPLINK_FORMS,
    FloatingIpShape,
    PortForwardShape,
    RouterShape,
    RouteShape,
    UplinkShape,
)
from netmend.sources.host_names import HostNames

Address = IPv4Address | IPv6Address
Block = IPv4Network | IPv6Network


def with_routers(reader: Reader, host_names: HostNames, intent: Intent, shapes: Sequence[RouterShape]) -> Intent:
    """The intent with these routers, and with its networks' ends of them; complains of what cannot be."""
    by_name = {network.name: network for network in intent.networks.values()}
    networks = dict(intent.networks)
    routers: dict[str, Router] = {}
    joined: dict[str, str] = {}
    for index, shape in enumerate(shapes):
        place: Place = ("routers", index)
        router = _build_router(reader, place, shape, by_name, joined)
        host_names.take_router(place, router)
        if router.id in routers:
            reader.complain((*place, "id"), f"router {routers[router.id].name} has the id {router.id} too")
        routers[router.id] = router
        for port in router.ports:
            networks[port.network_id] = replace(networks[port.network_id], router_ports=(port,))
    return replace(intent, networks=networks, routers=routers)


def _build_router(
    reader: Reader, place: Place, shape: RouterShape, by_name: Mapping[str, Network], joined: dict[str, str]
) -> Router:
    """The router, without what was complained of. `joined` says which networks have a router already."""
    name = reader.read(place, "name", fields.name, shape.name) or ascii(shape.name)
    router_id = reader.read(place, "id", fields.uuid, shape.id) or id_from_name("router", name)
    ports: list[RouterPort] = []
    blocks: list[tuple[Block, str]] = []
    for index, network_name in enumerate(shape.networks or ()):
        at = (*place, "networks", index)
        network = by_name.get(network_name)
        if network is None:
            reader.complain(at, f"there is no network {network_name} in this file")
        elif network_name in joined:
            reader.complain(at, f"network {network_name} is on router {joined[network_name]} already")
        else:
            joined[network_name] = name
            ports.append(_port(reader, at, (router_id, name), network, blocks))
    uplink = _uplink(reader, (*place, "uplink"), router_id, shape.uplink)
    return Router(
        router_id,
        name,
        tuple(ports),
        uplink,
        shape.snat,
        _routes(reader, (*place, "routes"), shape.routes or (), _on_link(ports, uplink)),
        _floating_ips(reader, (*place, "floating_ips"), shape.floating_ips or (), ports, uplink),
        _forwards(reader, (*place, "port_forwards"), shape.port_forwards or (), ports, uplink),
        reader.read(place, "project_id", metadata_fields.identifier, shape.project_id),
    )


def _port(
    reader: Reader, place: Place, router: tuple[str, str], network: Network, blocks: list[tuple[Block, str]]
) -> RouterPort:
    """The end on `network` of a router, given as its id and name. `blocks` are the router's so far, each with the name
    of its network."""
    router_id, router_name = router
    addresses: list[IPv4Interface | IPv6Interface] = []
    subnets: list[Subnet | Subnet6] = [*network.subnets, *network.subnets6]
    for subnet in subnets:
        if subnet.gateway is None or subnet.gateway not in subnet.cidr:
            why = "has no gateway of its own" if subnet.gateway is None else "has a gateway outside of it"
            reader.complain(place, f"subnet {subnet.name} {why}: say `gateway`, which will be the router's address")
            continue
        for block, owner in blocks:
            if owner != network.name and block.overlaps(subnet.cidr):
                reader.complain(place, f"{subnet.cidr} overlaps {block} of network {owner}, on the same router")
        blocks.append((subnet.cidr, network.name))
        length = subnet.cidr.prefixlen
        addresses.append(
            IPv4Interface((subnet.gateway, length))
            if isinstance(subnet.gateway, IPv4Address)
            else IPv6Interface((subnet.gateway, length))
        )
    if not (network.subnets or network.subnets6):
        reader.complain(place, f"network {network.name} has no subnet, so no gateway that the router could be")
    port_id = id_from_name("router-port", router_name, network.name)
    return RouterPort(port_id, router_id, network.id, mac_from_id(port_id), tuple(addresses))


def _uplink(reader: Reader, place: Place, router_id: str, shape: UplinkShape | str | None) -> Uplink | None:
    if shape is None:
        return None
    if isinstance(shape, str):
        return HostUplink()
    if shape.device is None:
        reader.complain(place, f"an uplink is {UPLINK_FORMS}")
        return None
    device = reader.read(place, "device", fields.device_name, shape.device) or "?"
    addresses = reader.read_all(place, "addresses", fields.interface, shape.addresses)
    gateways = reader.read_all(place, "gateways", fields.record_address, shape.gateways)
    reader.complain_of_repeats((*place, "addresses"), addresses)
    if not shape.addresses:
        reader.complain(place, "has no addresses: an uplink by a device needs at least one of its own")
    for index, gateway in enumerate(gateways):
        if any(gateway.version == other.version for other in gateways[:index]):
            reader.complain((*place, "gateways", index), f"is the second of IPv{gateway.version}; a router has one")
        elif addresses and not any(gateway in address.network for address in addresses) and not gateway.is_link_local:
            links = ", ".join(str(address.network) for address in addresses)
            reader.complain((*place, "gateways", index), f"{gateway} is not on the uplink ({links})")
    return DeviceUplink(device, mac_from_id(router_id), addresses, gateways)


def _on_link(ports: Iterable[RouterPort], uplink: Uplink | None) -> list[Block]:
    blocks: list[Block] = [address.network for port in ports for address in port.addresses]
    if isinstance(uplink, DeviceUplink):
        blocks += [address.network for address in uplink.addresses]
    return blocks


def _routes(
    reader: Reader, place: Place, shapes: Sequence[RouteShape], on_link: Sequence[Block]
) -> tuple[RouterRoute, ...]:
    found: dict[Block, RouterRoute] = {}
    for index, shape in enumerate(shapes):
        destination = reader.read((*place, index), "destination", fields.any_block, shape.destination)
        nexthop = reader.read((*place, index), "nexthop", fields.record_address, shape.nexthop)
        if destination is None or nexthop is None:
            continue
        if destination.version != nexthop.version:
            reader.complain((*place, index, "nexthop"), f"{nexthop} is not of the version of {destination}")
        elif not any(nexthop in block for block in on_link):
            reader.complain((*place, index, "nexthop"), f"{nexthop} is on no network of the router, nor on its uplink")
        elif destination in found:
            reader.complain((*place, index, "destination"), f"there is a route to {destination} already")
        elif destination in on_link:
            reader.complain((*place, index, "destination"), f"{destination} is a network of the router itself")
        else:
            found[destination] = RouterRoute(destination, nexthop)
    return tuple(found.values())


def _guest(reader: Reader, place: Place, field: str, text: str, ports: Sequence[RouterPort]) -> IPv4Address | None:
    """The address of a guest on one of the router's networks."""
    address = reader.read(place, field, fields.host_address, text)
    if address is None:
        return None
    own = [interface for port in ports for interface in port.addresses]
    if any(address == interface.ip for interface in own):
        reader.complain((*place, field), f"{address} is the router's own")
    elif not any(address in interface.network for interface in own):
        reader.complain((*place, field), f"{address} is on no network of this router")
    else:
        return address
    return None


def _floating_ips(
    reader: Reader,
    place: Place,
    shapes: Sequence[FloatingIpShape],
    ports: Sequence[RouterPort],
    uplink: Uplink | None,
) -> tuple[FloatingIp, ...]:
    if shapes and not isinstance(uplink, DeviceUplink):
        reader.complain(place, "need an uplink by a device; by way of the host there are port_forwards")
    found: list[FloatingIp] = []
    for index, shape in enumerate(shapes):
        at = (*place, index)
        address = reader.read(at, "address", fields.host_address, shape.address)
        fixed_ip = _guest(reader, at, "to", shape.to, ports)
        if address is None:
            continue
        if isinstance(uplink, DeviceUplink) and any(address == own.ip for own in uplink.addresses):
            reader.complain((*at, "address"), f"{address} is the uplink's own address")
        elif any(address in interface.network for port in ports for interface in port.addresses):
            reader.complain((*at, "address"), f"{address} is on a network of this router, not beyond its uplink")
        elif any(address == other.address for other in found):
            reader.complain((*at, "address"), f"{address} is another guest's floating IP already")
        elif fixed_ip is not None and any(fixed_ip == other.fixed_ip for other in found):
            reader.complain((*at, "to"), f"{fixed_ip} has a floating IP already")
        elif fixed_ip is not None:
            found.append(FloatingIp(address, fixed_ip))
    return tuple(found)


def _forwards(
    reader: Reader,
    place: Place,
    shapes: Sequence[PortForwardShape],
    ports: Sequence[RouterPort],
    uplink: Uplink | None,
) -> tuple[PortForward, ...]:
    if shapes and uplink is None:
        reader.complain(place, "need an uplink, which this router does not have")
    found: list[PortForward] = []
    taken: set[tuple[str, int, IPv4Address | None]] = set()
    for index, shape in enumerate(shapes):
        at = (*place, index)
        port = reader.read(at, "port", fields.port_number, shape.port)
        to_port = port if shape.to_port is None else reader.read(at, "to_port", fields.port_number, shape.to_port)
        to_address = _guest(reader, at, "to", shape.to, ports)
        address = reader.read(at, "address", fields.host_address, shape.address)
        if address is not None and isinstance(uplink, HostUplink):
            reader.complain((*at, "address"), "by way of the host, a port is published on every address of the host")
        if isinstance(uplink, DeviceUplink) and address is None:
            own = next((each.ip for each in uplink.addresses if isinstance(each, IPv4Interface)), None)
            if own is None and uplink.addresses:
                reader.complain(at, "needs an address, as the uplink has none of IPv4")
            address = own
        if port is None or to_port is None or to_address is None:
            continue
        key = (shape.protocol, port, address)
        if key in taken:
            reader.complain((*at, "port"), f"{shape.protocol} port {port} is forwarded already")
            continue
        taken.add(key)
        found.append(PortForward(shape.protocol, port, to_address, to_port, address))
    return tuple(found)
