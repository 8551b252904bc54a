"""A file's shape as an Intent."""

from pathlib import Path

from msgspec.structs import replace

from netmend.ground.problem import Place
from netmend.intent import Intent, Network, Subnet, Subnet6
from netmend.intent.names import id_from_name
from netmend.intent.network import DEFAULT_MTU, DEFAULT_OVS_BRIDGE, BridgeWiring, OvsWiring, Wiring
from netmend.options import dhcp6
from netmend.sources import fields, fields6, metadata_fields
from netmend.sources.file.build_dns import build_dns, without_servers
from netmend.sources.file.build_metadata import build_proxy
from netmend.sources.file.build_port import build_common_options, build_options, build_port
from netmend.sources.file.build_router import with_routers
from netmend.sources.file.build_security_group import FileGroups, build_groups, in_groups, with_members
from netmend.sources.file.build_subnet import build_subnet
from netmend.sources.file.build_subnet6 import build_subnet6
from netmend.sources.file.frames import ANY_CIDR, Frame, Frames, frame_in, read_frame
from netmend.sources.file.frames6 import ANY_CIDR6, Frame6, frame6_in, read_frame6
from netmend.sources.file.ports import Ports
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import WIRING_FORMS, FileShape, NetworkShape, OvsShape, SubnetShape
from netmend.sources.host_names import HostNames
from netmend.sources.problem import Complaints

_BRIDGE = BridgeWiring()


def build_intent(shape: FileShape, complaints: Complaints, directory: Path) -> Intent:
    """The intent; only to be used when nothing was complained of. Files that it names are looked for in `directory`."""
    reader = Reader(complaints)
    proxy = build_proxy(reader, directory, shape.metadata_proxy) if shape.metadata_proxy else None
    host_names = HostNames(complaints)
    groups = build_groups(reader, shape)
    networks = [
        _build_network(reader, (host_names, groups), ("networks", index), network_shape, directory)
        for index, network_shape in enumerate(shape.networks or ())
    ]
    if shape.metadata_proxy is None:
        for index, network_shape in enumerate(shape.networks or ()):
            if network_shape.metadata == "proxy":
                complaints.add(("networks", index, "metadata"), "needs a metadata_proxy, which this file does not have")
    by_id = {network.id: network for network in networks}
    address_groups = {group.id: group for group in groups.address_groups.values()}
    intent = Intent(by_id, proxy, {}, with_members(groups, by_id), address_groups)
    if not shape.routers:
        return intent
    return with_routers(reader, host_names, intent, shape.routers)


def _build_network(
    reader: Reader, file: tuple[HostNames, FileGroups], place: Place, shape: NetworkShape, directory: Path
) -> Network:
    """The network; where something was complained of, with a substitute that conflicts with nothing. `file` is what the
    file says beside it."""
    host_names, groups = file
    name = reader.read(place, "name", fields.name, shape.name) or ascii(shape.name)
    network_id = reader.read(place, "id", fields.uuid, shape.id) or id_from_name("network", name)
    mtu = reader.read(place, "mtu", fields.mtu, shape.mtu) or DEFAULT_MTU
    wiring = _build_wiring(reader, place, shape)
    host_names.take_network(place, network_id, name)
    subnet_shapes = [((*place, "subnets", index), subnet) for index, subnet in enumerate(shape.subnets or ())]
    read = [read_frame(reader, *each) for each in subnet_shapes if not each[1].is_ipv6]
    read6 = [read_frame6(reader, *each) for each in subnet_shapes if each[1].is_ipv6]
    doubtful = [None for _, subnet in subnet_shapes if not subnet.tells_version]  # may be of IPv6 as well
    frames, frames6 = Frames(reader, read), Frames(reader, [*read6, *doubtful])
    if mtu < fields6.MTU_MIN and any(subnet.is_ipv6 for _, subnet in subnet_shapes):
        reader.complain((*place, "mtu"), f"{mtu} is too small for IPv6, which needs {fields6.MTU_MIN} (RFC 8200)")
    ports = Ports(reader, frames, frames6, network_id)
    only_fixed = bool(subnet_shapes) and not any(subnet.dynamic for _, subnet in subnet_shapes)
    if only_fixed and subnet_shapes and all(subnet.is_ipv6 for _, subnet in subnet_shapes):
        only_fixed = any(not frame.autonomous for frame in frames6)
    for index, port_shape in enumerate(shape.ports or ()):
        port_place = (*place, "ports", index)
        if port_shape.port_security is None:
            port_shape.port_security = shape.port_security
        port = build_port(reader, port_place, port_shape, name, directory)
        port = in_groups(reader, port_place, port, port_shape, groups)
        ports.add(port_place, port, port_shape)
        host_names.take_port(port_place, port, name)
        if only_fixed and port_shape.fixed_ips is None:
            why = "gets no address: give it fixed_ips (`[]` if it shall have none), or make a subnet dynamic"
            reader.complain(port_place, why)
    subnets, subnets6 = _build_subnets(reader, host_names, name, (frames, frames6), ports)
    readable = {frame.place for frame in (*frames, *frames6)}
    for each in subnet_shapes:
        if each[0] not in readable and each[1].tells_version:
            _check_the_rest(reader, *each, name, frames)
    dns = build_dns(reader, place, shape, (*subnets, *subnets6))
    if dns is not None:
        subnets, subnets6 = without_servers(subnets), without_servers(subnets6)
    options = build_common_options(reader, (*place, "dhcp_options"), shape.dhcp_options or {})
    options6 = build_options(reader, (*place, "dhcp6_options"), shape.dhcp6_options or {}, dhcp6)
    if options:
        subnets = tuple(replace(each, dhcp_options=_merged(options, each.dhcp_options)) for each in subnets)
    if options6:
        subnets6 = tuple(replace(each, dhcp6_options=_merged(options6, each.dhcp6_options)) for each in subnets6)
    metadata = shape.metadata or "off"
    if metadata != "off":
        subnets = tuple(replace(subnet, metadata_route=True) for subnet in subnets)
    project_id = reader.read(place, "project_id", metadata_fields.identifier, shape.project_id)
    return Network(
        network_id,
        name,
        mtu,
        wiring,
        subnets=subnets,
        ports=ports.by_id,
        subnets6=subnets6,
        dns=dns,
        metadata=metadata,
        project_id=project_id,
    )


def _merged(
    options: tuple[tuple[int, bytes], ...], winning: tuple[tuple[int, bytes], ...]
) -> tuple[tuple[int, bytes], ...]:
    return tuple(sorted({**dict(options), **dict(winning)}.items()))


def _build_wiring(reader: Reader, network_place: Place, shape: NetworkShape) -> Wiring:
    """The wiring; where something was complained of, a bridge."""
    wiring = shape.wiring
    if wiring is None or wiring == "bridge":
        return _BRIDGE
    ovs = OvsShape() if wiring == "ovs" else wiring.ovs
    place = (*network_place, "wiring")
    if ovs is None:
        reader.complain(place, f"a wiring is one of {WIRING_FORMS}")
        return _BRIDGE
    bridge = reader.read((*place, "ovs"), "bridge", fields.device_name, ovs.bridge) or DEFAULT_OVS_BRIDGE
    return OvsWiring(bridge, ovs.veth, ovs.datapath, own_tags=ovs.tags == "own")


def _check_the_rest(reader: Reader, place: Place, shape: SubnetShape, network_name: str, frames: Frames[Frame]) -> None:
    """Complain of what else is wrong with a subnet that has an unreadable CIDR."""
    if not shape.is_ipv6:
        build_subnet(reader, network_name, frames, frame_in(reader, place, shape, ANY_CIDR), frozenset())
        return
    if shape.server_address is None:
        shape = replace(shape, routes=None)  # they lead to the address that netmend would choose
    build_subnet6(reader, network_name, frame6_in(reader, place, shape, ANY_CIDR6), frozenset())


def _build_subnets(
    reader: Reader,
    host_names: HostNames,
    network_name: str,
    frames: tuple[Frames[Frame], Frames[Frame6]],
    ports: Ports,
) -> tuple[tuple[Subnet, ...], tuple[Subnet6, ...]]:
    taken = ports.by_number.keys()
    built = [(frame, build_subnet(reader, network_name, frames[0], frame, taken)) for frame in frames[0]]
    built6 = [(frame, build_subnet6(reader, network_name, frame, taken)) for frame in frames[1]]
    names: set[str] = set()
    servers: set[int] = set()
    every: list[tuple[Frame | Frame6, Subnet | Subnet6 | None]] = [*built, *built6]
    for frame, subnet in sorted(every, key=lambda each: each[0].place):
        if subnet is None:
            continue
        if subnet.name in names:
            reader.complain((*frame.place, "name"), f"another subnet of this network is named {subnet.name}")
        names.add(subnet.name)
        others = frames[0] if isinstance(frame, Frame) else frames[1]
        _check_server_address(reader, frame.place, subnet, others, servers)
        host_names.take_subnet(frame.place, subnet, network_name)
    return (
        tuple(subnet for _, subnet in built if subnet is not None),
        tuple(subnet for _, subnet in built6 if subnet is not None),
    )


def _check_server_address(
    reader: Reader, place: Place, subnet: Subnet | Subnet6, others: Frames[Frame] | Frames[Frame6], servers: set[int]
) -> None:
    """Complain of an address of netmend's own, outside its subnet, that somebody else on the network has. `servers` are
    its addresses in the subnets before."""
    number = int(subnet.server_address)
    if subnet.server_address not in subnet.cidr:
        used = others.holding(number) is not None or subnet.server_address == subnet.gateway
        if used or number in servers:
            why = f"{subnet.server_address} is in use on this network; write another for {subnet.cidr}"
            reader.complain((*place, "server_address"), why)
    servers.add(number)
