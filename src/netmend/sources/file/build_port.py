"""One port of a file, and what it boots from, as values."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from types import ModuleType

from msgspec.structs import replace

from netmend.ground.problem import Place
from netmend.intent import AddressPair, Boot, BootByArchitecture, NetnsPlug, NoPlug, PidPlug, Plug, Port, TapPlug
from netmend.intent.names import id_from_name, mac_from_id
from netmend.intent.port import DEFAULT_GUEST_DEVICE
from netmend.options import dhcp4, dhcp6
from netmend.sources import fields, fields6, metadata_fields
from netmend.sources.file.build_metadata import build_instance
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import PLUG_FORMS, BootByArchitectureShape, BootShape, PlugShape, PortShape

UID_MAX = 0xFFFF_FFFE  # 0xFFFFFFFF means "nobody in particular" to the kernel
PID_MAX = 1 << 22  # PID_MAX_LIMIT, linux/threads.h
_HOST_NAME = 12  # RFC 2132 section 3.14
_NO_PLUG = NoPlug()


def build_port(reader: Reader, place: Place, shape: PortShape, network_name: str, directory: Path) -> Port:
    """The port; where something was complained of, with a substitute that conflicts with nothing. Files that it names
    are looked for in `directory`."""
    name = reader.read(place, "name", fields.name, shape.name) or ascii(shape.name)
    port_id = reader.read(place, "id", fields.uuid, shape.id) or id_from_name("port", network_name, name)
    mac = reader.read(place, "mac", fields.mac, shape.mac) if shape.mac is not None else mac_from_id(port_id)
    addresses = reader.read_all(place, "fixed_ips", _host_address, shape.fixed_ips)
    fixed_ips = tuple(address for address in addresses if isinstance(address, IPv4Address))
    hostname = reader.read(place, "hostname", fields.host_name, shape.hostname)
    options = build_options(reader, (*place, "dhcp_options"), shape.dhcp_options, dhcp4) if shape.dhcp_options else ()
    boot = build_boot(reader, (*place, "boot"), shape.boot) if shape.boot else None
    plug = _plug(reader, place, shape.plug) if isinstance(shape.plug, PlugShape) else _NO_PLUG
    port = Port(port_id, name, mac or "", fixed_ips, hostname, options, boot, plug)
    if len(fixed_ips) < len(addresses) or shape.duid is not None or shape.dhcp6_options:
        raw = shape.dhcp6_options or {}
        port = replace(
            port,
            fixed_ips6=tuple(address for address in addresses if isinstance(address, IPv6Address)),
            duid=reader.read(place, "duid", fields6.duid, shape.duid),
            dhcp6_options=build_options(reader, (*place, "dhcp6_options"), raw, dhcp6),
        )
    if shape.port_security is False or shape.allowed_address_pairs:
        pairs = _address_pairs(reader, (*place, "allowed_address_pairs"), shape, port.mac)
        port = replace(port, port_security=shape.port_security is not False, allowed_address_pairs=pairs)
    if shape.instance or shape.device_id is not None or shape.project_id is not None:
        device_id = reader.read(place, "device_id", metadata_fields.identifier, shape.device_id)
        project_id = reader.read(place, "project_id", metadata_fields.identifier, shape.project_id)
        port = replace(port, device_id=device_id, project_id=project_id)
        if shape.instance:
            port = replace(
                port,
                instance=build_instance(reader, (*place, "instance"), shape.instance, directory, device_id or port_id),
            )
    if shape.client_id is not None:
        port = replace(port, client_id=reader.read(place, "client_id", dhcp4.client_identifier, shape.client_id))
    return port


def _address_pairs(reader: Reader, place: Place, shape: PortShape, own: str) -> tuple[AddressPair, ...]:
    pairs = shape.allowed_address_pairs or ()
    if pairs and shape.port_security is False:
        reader.complain(
            place, "says what the port may use beside its own addresses; without port_security it may use all"
        )
    found: list[AddressPair] = []
    for index, pair in enumerate(pairs):
        block = reader.read((*place, index), "ip_address", fields.address_or_block, pair.ip_address)
        mac = reader.read((*place, index), "mac_address", fields.mac, pair.mac_address)
        if block is not None:
            found.append(AddressPair(block, mac or own))
    reader.complain_of_repeats(place, found)
    return tuple(found)


def build_boot(reader: Reader, place: Place, shape: BootShape) -> Boot:
    """Boot options, without what complaints were made of."""
    by_architecture: list[BootByArchitecture] = []
    taken: set[int] = set()
    for index, entry in enumerate(shape.by_architecture or ()):
        built = _boot_by_architecture(reader, (*place, "by_architecture", index), entry, taken)
        if built is not None:
            by_architecture.append(built)
    return Boot(
        tftp_server=reader.read(place, "tftp_server", fields.tftp_server, shape.tftp_server),
        bootfile=reader.read(place, "bootfile", fields.bootfile, shape.bootfile),
        by_architecture=tuple(by_architecture),
        http=reader.read(place, "http", fields.bootfile, shape.http),
        ipxe=reader.read(place, "ipxe", fields.bootfile, shape.ipxe),
    )


def _boot_by_architecture(
    reader: Reader, place: Place, shape: BootByArchitectureShape, taken: set[int]
) -> BootByArchitecture | None:
    place_of_list = (*place, "architectures")
    architectures = reader.read_all(place, "architectures", fields.architecture, shape.architectures)
    if not shape.architectures:
        reader.complain(place_of_list, "names no architecture")
    for architecture in architectures:
        if architecture in taken:
            reader.complain(place_of_list, f"architecture {architecture} has a boot file already")
        taken.add(architecture)
    bootfile = reader.read(place, "bootfile", fields.bootfile, shape.bootfile)
    tftp_server = reader.read(place, "tftp_server", fields.tftp_server, shape.tftp_server)
    return BootByArchitecture(frozenset(architectures), bootfile, tftp_server) if bootfile else None


def _host_address(text: str) -> IPv4Address | IPv6Address:
    return fields6.host_address(text) if ":" in text else fields.host_address(text)


def build_options(
    reader: Reader, place: Place, raw: Mapping[str, object], registry: ModuleType
) -> tuple[tuple[int, bytes], ...]:
    """DHCP options by code. `registry` knows the options of one version of DHCP."""
    options: dict[int, bytes] = {}
    for name, value in raw.items():
        try:
            code, payload = registry.encode_option(name, value)
        except ValueError as error:
            reader.complain((*place, name), str(error))
            continue
        if code in options:
            reader.complain((*place, name), f"option {registry.option_label(code)} is given twice")
        options[code] = payload
    return tuple(sorted(options.items()))


def build_common_options(reader: Reader, place: Place, raw: Mapping[str, object]) -> tuple[tuple[int, bytes], ...]:
    """DHCPv4 options of all guests of a subnet or network, by code."""
    options = build_options(reader, place, raw, dhcp4)
    if any(code == _HOST_NAME and payload for code, payload in options):
        reader.complain(place, "a host name (12) is one guest's: the hostname of a port says it")
    return options


def _plug(reader: Reader, port_place: Place, shape: PlugShape) -> Plug:
    place = (*port_place, "plug")
    given = [way for way in (shape.tap, shape.netns, shape.pid) if way is not None]
    if len(given) != 1:
        reader.complain(place, f"a plug is one of {PLUG_FORMS}")
        return _NO_PLUG
    if shape.tap is not None:
        if shape.device is not None:
            reader.complain(
                (*place, "device"), "a tap has no device in a guest; its name on the host is made of the id"
            )
        if not 0 <= shape.tap.owner <= UID_MAX:
            reader.complain((*place, "tap", "owner"), f"{shape.tap.owner} is no uid (0 to {UID_MAX})")
        return TapPlug(shape.tap.owner)
    device: str | None = DEFAULT_GUEST_DEVICE
    if shape.device is not None:
        device = reader.read(place, "device", fields.device_name, shape.device)
    if shape.pid is not None:
        if not 1 <= shape.pid <= PID_MAX:
            reader.complain((*place, "pid"), f"{shape.pid} is no process id (1 to {PID_MAX})")
        return PidPlug(shape.pid, device) if device else _NO_PLUG
    netns = reader.read(place, "netns", fields.namespace_name, shape.netns)
    return NetnsPlug(netns, device) if netns and device else _NO_PLUG
