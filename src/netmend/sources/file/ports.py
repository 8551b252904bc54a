"""The ports of one network, checked against each other and the subnets as they are added."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from msgspec.structs import replace

from netmend.ground.problem import Place
from netmend.intent import Port
from netmend.intent.eui64 import eui64_address
from netmend.intent.names import dhcp_port_id, mac_from_id
from netmend.sources.file.frames import Frame, Frames
from netmend.sources.file.frames6 import Frame6
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import PortShape


class Ports:
    """A network's ports. Complains of a second one with a name, MAC, DUID or address of the first, and of addresses
    that no guest of this network can have."""

    def __init__(self, reader: Reader, frames: Frames[Frame], frames6: Frames[Frame6], network_id: str) -> None:
        self._complain = reader.complain
        self._frames, self._frames6 = frames, frames6
        self._autonomous = [frame for frame in frames6 if frame.autonomous]
        self._names: set[str] = set()
        self._macs: dict[str, str] = {}  # the name of the port that has it
        self._client_ids: dict[bytes, str] = {}
        self._duids: dict[bytes, str] = {}
        self._own_macs = {
            mac_from_id(network_id): "the network's bridge",
            mac_from_id(dhcp_port_id(network_id)): "netmend's own port on the network",
        }
        self.by_id: dict[str, Port] = {}
        self.by_number: dict[int, str] = {}  # by fixed IP, as an integer: the name of the port that has it

    def add(self, place: Place, port: Port, shape: PortShape) -> None:
        if port.name in self._names:
            self._complain((*place, "name"), f"another port of this network is named {port.name}")
        self._names.add(port.name)
        other = self._macs.setdefault(port.mac, port.name)
        if (other is not port.name and port.mac) or port.mac in self._own_macs:
            self._complain((*place, "mac"), self._why_not_mac(port, other))
        if port.duid is not None and (other := self._duids.setdefault(port.duid, port.name)) is not port.name:
            self._complain((*place, "duid"), f"port {other} has this DUID too")
        if port.client_id is not None:
            other = self._client_ids.setdefault(port.client_id, port.name)
            if other is not port.name:
                self._complain((*place, "client_id"), f"port {other} has this client_id too")
        if self._autonomous and port.mac and shape.fixed_ips != []:
            port = self._with_own_addresses(port)
        if port.fixed_ips or port.fixed_ips6:
            self._add_addresses((*place, "fixed_ips"), port, shape.fixed_ips or ())
        self.by_id[port.id] = port

    def _why_not_mac(self, port: Port, other: str) -> str:
        whose = self._own_macs.get(port.mac, f"port {other}")
        derived = "; it is made from the port's id: give the port a mac" if port.mac == mac_from_id(port.id) else ""
        return f"{whose} has the MAC {port.mac} too{derived}"

    def _with_own_addresses(self, port: Port) -> Port:
        """The port with the addresses that its guest makes of its MAC, where none is given (RFC 4862)."""
        missing = [
            eui64_address(frame.cidr, port.mac)
            for frame in self._autonomous
            if not any(address in frame.cidr for address in port.fixed_ips6)
        ]
        return replace(port, fixed_ips6=(*port.fixed_ips6, *missing)) if missing else port

    def _add_addresses(self, place: Place, port: Port, texts: Sequence[str]) -> None:
        seen: set[int] = set()
        addresses = port.addresses
        for address in addresses:
            number = int(address)  # hashes and compares ten times as fast; no IPv6 address here is as small as IPv4's
            other = self.by_number.setdefault(number, port.name)
            if other is not port.name or number in seen:
                whose = "this port" if other is port.name else f"port {other}"
                self._complain(_item(place, texts, address), f"{whose} has {address} already")
                continue
            seen.add(number)
            frame: Frame | Frame6 | None
            frames: Frames[Frame] | Frames[Frame6]
            frames = self._frames if isinstance(address, IPv4Address) else self._frames6
            frame = frames.holding(number)
            if frame is None:
                if not frames.may_hold(number):
                    self._complain(_item(place, texts, address), f"{address} is outside every subnet of this network")
                continue
            is_router = texts and address == frame.gateway  # a port that is given the gateway's address
            if number in frame.reserved and not is_router:
                self._complain(_item(place, texts, address), f"{address} is {frame.reserved[number]}")
            if isinstance(frame, Frame6) and frame.autonomous and port.mac:
                own = eui64_address(frame.cidr, port.mac)
                if address != own:
                    why = f"the guest makes its own address in {frame.cidr} ({frame.address_mode}), of its MAC: {own}"
                    self._complain(_item(place, texts, address), f"{why}; leave it out, or write that")


def _item(place: Place, texts: Sequence[str], address: IPv4Address | IPv6Address) -> Place:
    """The last place of an address in the file; the list's place for an address that is not in it."""
    for index in range(len(texts) - 1, -1, -1):
        try:
            if ip_address(texts[index]) == address:
                return (*place, index)
        except ValueError:
            continue
    return place if texts else place[:-1]
