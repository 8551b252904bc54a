"""A file's shape as an Intent."""

from dataclasses import replace
from pathlib import Path

from netmend.intent import Intent, Network, Subnet
from netmend.intent.names import id_from_name
from netmend.intent.network import DEFAULT_MTU
from netmend.sources import fields, metadata_fields
from netmend.sources.file.build_dns import build_dns, without_servers
from netmend.sources.file.build_metadata import build_proxy
from netmend.sources.file.build_port import build_port
from netmend.sources.file.build_subnet import build_subnet
from netmend.sources.file.build_wiring import build_wiring
from netmend.sources.file.frames import Frames
from netmend.sources.file.ports import Ports
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import FileShape, NetworkShape
from netmend.sources.host_names import HostNames
from netmend.sources.problem import Complaints, Place


def build_intent(shape: FileShape, complaints: Complaints, directory: Path) -> Intent:
    """The intent; only to be used when nothing was complained of. Files that it names are looked for in `directory`."""
    reader = Reader(complaints)
    proxy = build_proxy(reader, directory, shape.metadata_proxy) if shape.metadata_proxy else None
    host_names = HostNames(complaints)
    networks = [
        _build_network(reader, host_names, ("networks", index), network_shape, directory)
        for index, network_shape in enumerate(shape.networks or ())
    ]
    if shape.metadata_proxy is None:
        for index, network_shape in enumerate(shape.networks or ()):
            if network_shape.metadata == "proxy":
                complaints.add(("networks", index, "metadata"), "needs a metadata_proxy, which this file does not have")
    return Intent({network.id: network for network in networks}, proxy)


def _build_network(
    reader: Reader, host_names: HostNames, place: Place, shape: NetworkShape, directory: Path
) -> Network:
    """The network; where something was complained of, with a substitute that conflicts with nothing."""
    name = reader.read(place, "name", fields.name, shape.name) or ascii(shape.name)
    network_id = reader.read(place, "id", fields.uuid, shape.id) or id_from_name("network", name)
    mtu = reader.read(place, "mtu", fields.mtu, shape.mtu) or DEFAULT_MTU
    wiring = build_wiring(reader, place, shape)
    host_names.take_network(place, network_id, name)
    frames = Frames(reader, (*place, "subnets"), shape.subnets or ())
    ports = Ports(reader, frames, network_id)
    only_fixed = bool(shape.subnets) and not any(subnet.dynamic for subnet in shape.subnets or ())
    for index, port_shape in enumerate(shape.ports or ()):
        port_place = (*place, "ports", index)
        port = build_port(reader, port_place, port_shape, name, directory)
        ports.add(port_place, port)
        host_names.take_port(port_place, port, name)
        if only_fixed and port_shape.fixed_ips is None:
            why = "gets no address: give it fixed_ips (`[]` if it shall have none), or make a subnet dynamic"
            reader.complain(port_place, why)
    subnets = _build_subnets(reader, host_names, name, frames, ports)
    dns = build_dns(reader, place, shape.dns, subnets)
    if dns is not None:
        subnets = without_servers(subnets)
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
        dns=dns,
        metadata=metadata,
        project_id=project_id,
    )


def _build_subnets(
    reader: Reader, host_names: HostNames, network_name: str, frames: Frames, ports: Ports
) -> tuple[Subnet, ...]:
    subnets: list[Subnet] = []
    names: set[str] = set()
    for frame in frames:
        subnet = build_subnet(reader, network_name, frames, frame, ports.by_number.keys())
        if subnet is None:
            continue
        if subnet.name in names:
            reader.complain((*frame.place, "name"), f"another subnet of this network is named {subnet.name}")
        names.add(subnet.name)
        host_names.take_subnet(frame.place, subnet, network_name)
        subnets.append(subnet)
    return tuple(subnets)
