"""The ports of one network, checked against each other and the subnets as they are added."""

from netmend.intent import Port
from netmend.intent.names import dhcp_port_id, mac_from_id
from netmend.sources.file.frames import Frame, Frames
from netmend.sources.file.reading import Reader
from netmend.sources.problem import Place


class Ports:
    """A network's ports. Complains of a second one with a name, MAC or address of the first, and of addresses that no
    guest of this network can have."""

    def __init__(self, reader: Reader, frames: Frames, network_id: str) -> None:
        self._complain = reader.complain
        self._frames = frames
        self._names: set[str] = set()
        self._macs: dict[str, str] = {}  # the name of the port that has it
        self._own_macs = {
            mac_from_id(network_id): "the network's bridge",
            mac_from_id(dhcp_port_id(network_id)): "netmend's own port on the network",
        }
        self.by_id: dict[str, Port] = {}
        self.by_number: dict[int, str] = {}  # by fixed IP, as an integer: the name of the port that has it

    def add(self, place: Place, port: Port) -> None:
        if port.name in self._names:
            self._complain((*place, "name"), f"another port of this network is named {port.name}")
        self._names.add(port.name)
        other = self._macs.setdefault(port.mac, port.name)
        if (other is not port.name and port.mac) or port.mac in self._own_macs:
            self._complain((*place, "mac"), self._why_not_mac(port, other))
        if port.fixed_ips:
            self._add_addresses((*place, "fixed_ips"), port)
        self.by_id[port.id] = port

    def _why_not_mac(self, port: Port, other: str) -> str:
        whose = self._own_macs.get(port.mac, f"port {other}")
        derived = "; it is made from the port's id: give the port a mac" if port.mac == mac_from_id(port.id) else ""
        return f"{whose} has the MAC {port.mac} too{derived}"

    def _add_addresses(self, place: Place, port: Port) -> None:
        used: list[Frame] = []
        for index, address in enumerate(port.fixed_ips):
            number = int(address)  # hashes and compares ten times as fast as an IPv4Address
            other = self.by_number.setdefault(number, port.name)
            if other is not port.name or (index and address in port.fixed_ips[:index]):
                whose = "this port" if other is port.name else f"port {other}"
                self._complain((*place, index), f"{whose} has {address} already")
                continue
            frame = self._frames.holding(number)
            if frame is None:
                if not self._frames.may_hold(number):
                    self._complain((*place, index), f"{address} is outside every subnet of this network")
                continue
            if number in frame.reserved:
                self._complain((*place, index), f"{address} is {frame.reserved[number]}")
            if frame in used:
                why = f"a port has one address in a subnet; this is its second in {frame.cidr}"
                self._complain((*place, index), why)
            used.append(frame)
