"""A file's shape as an Intent."""

from dataclasses import replace

from netmend.intent import Intent, Network, Subnet
from netmend.intent.names import id_from_name
from netmend.sources import fields
from netmend.sources.file.build_port import build_port
from netmend.sources.file.build_subnet import Frame, build_subnet, read_frame
from netmend.sources.file.members import Frames, Ports
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import FileShape, NetworkShape
from netmend.sources.host_names import HostNames
from netmend.sources.problem import Complaints, Place


def build_intent(shape: FileShape, complaints: Complaints) -> Intent:
    """The intent; only to be used when nothing was complained of."""
    reader = Reader(complaints)
    host_names = HostNames(complaints)
    networks: dict[str, Network] = {}
    for index, network_shape in enumerate(shape.networks or ()):
        network = _build_network(reader, host_names, ("networks", index), network_shape)
        if network is not None:
            networks[network.id] = network
    return Intent(networks)


def _build_network(reader: Reader, host_names: HostNames, place: Place, shape: NetworkShape) -> Network | None:
    name = reader.read((*place, "name"), fields.name, shape.name)
    if shape.id is None:
        network_id: str | None = id_from_name("network", shape.name)
    else:
        network_id = reader.read((*place, "id"), fields.uuid, shape.id)
    mtu = reader.read((*place, "mtu"), fields.mtu, shape.mtu)
    if name is not None and network_id is not None:
        host_names.take_network(place, network_id, name)

    frames = [
        frame
        for index, subnet_shape in enumerate(shape.subnets or ())
        if (frame := read_frame(reader, (*place, "subnets", index), subnet_shape)) is not None
    ]
    ports = _build_ports(reader, host_names, place, shape, frames)
    subnets = _build_subnets(reader, shape.name, frames, ports)
    if name is None or network_id is None:
        return None
    network = Network(id=network_id, name=name, subnets=subnets, ports=ports.by_id)
    if mtu is not None:
        network = replace(network, mtu=mtu)
    return network if shape.wiring is None else replace(network, wiring=shape.wiring)


def _build_ports(
    reader: Reader, host_names: HostNames, place: Place, shape: NetworkShape, frames: list[Frame]
) -> Ports:
    ports = Ports(reader, Frames(reader, frames))
    only_fixed = bool(frames) and not any(frame.shape.dynamic for frame in frames)
    for index, port_shape in enumerate(shape.ports or ()):
        port_place = (*place, "ports", index)
        port = build_port(reader, port_place, port_shape, shape.name)
        if port is None:
            continue
        ports.add(port_place, port)
        host_names.take_port(port_place, port, shape.name)
        if only_fixed and port_shape.fixed_ips is None:
            why = "gets no address: give it fixed_ips (`[]` if it shall have none), or make a subnet dynamic"
            reader.complain(port_place, why)
    return ports


def _build_subnets(reader: Reader, network_name: str, frames: list[Frame], ports: Ports) -> tuple[Subnet, ...]:
    cidrs = [frame.cidr for frame in frames]
    subnets: list[Subnet] = []
    names: set[str] = set()
    ids: set[str] = set()
    for frame in frames:
        subnet = build_subnet(reader, frame, network_name, ports.by_address.keys(), cidrs)
        if subnet is None:
            continue
        if subnet.name in names:
            reader.complain((*frame.place, "name"), f"another subnet of this network is named {subnet.name}")
        elif subnet.id in ids:
            reader.complain((*frame.place, "id"), f"another subnet of this network has the id {subnet.id}")
        names.add(subnet.name)
        ids.add(subnet.id)
        subnets.append(subnet)
    return tuple(subnets)
