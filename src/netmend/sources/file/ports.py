"""The ports of one network, checked against each other and the subnets as they are added."""

from ipaddress import IPv4Address

from netmend.intent import Port
from netmend.sources.file.frames import Frame, Frames
from netmend.sources.file.reading import Reader
from netmend.sources.problem import Place


class Ports:
    """A network's ports. Complains of a second one with a name, MAC or address of the first, and of addresses that no
    guest of this network can have."""

    def __init__(self, reader: Reader, frames: Frames) -> None:
        self._complain = reader.complain
        self._frames = frames
        self._names: set[str] = set()
        self._macs: dict[str, str] = {}  # the port that has it
        self.by_id: dict[str, Port] = {}
        self.by_address: dict[IPv4Address, str] = {}  # the name of the port that has it

    def add(self, place: Place, port: Port) -> None:
        if port.name in self._names:
            self._complain((*place, "name"), f"another port of this network is named {port.name}")
        self._names.add(port.name)
        other = self._macs.setdefault(port.mac, port.name)
        if other is not port.name and port.mac:
            self._complain((*place, "mac"), f"port {other} has the MAC {port.mac} too")
        if port.fixed_ips:
            self._add_addresses((*place, "fixed_ips"), port)
        self.by_id[port.id] = port

    def _add_addresses(self, place: Place, port: Port) -> None:
        used: list[Frame] = []
        for index, address in enumerate(port.fixed_ips):
            other = self.by_address.get(address)
            if other is not None:
                whose = "this port" if other is port.name else f"port {other}"
                self._complain((*place, index), f"{whose} has {address} already")
                continue
            self.by_address[address] = port.name
            frame = self._frames.holding(address)
            if frame is None:
                if not self._frames.may_hold(address):
                    self._complain((*place, index), f"{address} is outside every subnet of this network")
                continue
            why = frame.why_not_for_guests(address)
            if why is not None:
                self._complain((*place, index), why)
            if frame in used:
                self._complain(
                    (*place, index), f"a port has one address in a subnet; this is its second in {frame.cidr}"
                )
            used.append(frame)
