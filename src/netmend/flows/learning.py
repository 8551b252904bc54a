"""What a learning switch does with a frame: the action NORMAL (ovs-actions(7); VLANs: ovs-vswitchd.conf.db(5))."""

from dataclasses import dataclass

from netmend.flows.lookup import Packet
from netmend.flows.switch import Bridge
from netmend.ground.openflow.actions import LOCAL
from netmend.ground.openflow.fields import VLAN_PRESENT
from netmend.ground.openflow.switch import BridgePort

_MULTICAST = 1 << 40
_RESERVED, _OF_RESERVED = 0x0180C2000000, 0xFFFFFFFFFFF0  # IEEE 802.1D: never forwarded


@dataclass(frozen=True, slots=True)
class Way:
    """Where a frame goes: numbers of ports, each with the frame's VLAN field there; `why` in words."""

    why: str
    ports: tuple[tuple[int, int], ...] = ()


def normal(bridge: Bridge, packet: Packet) -> Way:
    """The way of a frame that came from the packet's `in_port`."""
    source = bridge.by_number.get(packet.get("in_port", 0))
    if source is None:
        return Way("it came from no port of this bridge: dropped")
    tci = packet.get("vlan_tci", 0)
    vlan = vlan_of(source, tci & 0xFFF if tci & VLAN_PRESENT else 0)
    if vlan is None:
        return Way(f"{source.name} is no member of the frame's VLAN {tci & 0xFFF}: dropped")
    target = packet.get("eth_dst", 0)
    if target & _OF_RESERVED == _RESERVED:
        return Way("a reserved address: dropped")
    if not target & _MULTICAST and (vlan, target) in bridge.learned:
        number = bridge.learned[vlan, target]
        number = LOCAL if number is None else number
        if number == packet.get("in_port"):
            return Way(f"its destination was learned where it came from, in VLAN {vlan}: dropped")
        known = bridge.by_number.get(number)
        if known is not None and (out := _tag(known, vlan, tci)) is not None:
            return Way(f"its destination was learned at {known.name}, in VLAN {vlan}", ((number, out),))
    found = [
        (number, out)
        for number, port in bridge.by_number.items()
        if number != packet.get("in_port") and (out := _tag(port, vlan, tci)) is not None
    ]
    kind = "to all" if target & _MULTICAST else "its destination was not learned"
    return Way(f"{kind}: flooded in VLAN {vlan}", tuple(found))


def is_access(port: BridgePort) -> bool:
    return port.tag is not None and port.vlan_mode in {None, "access"}


def vlan_of(port: BridgePort, vlan: int) -> int | None:
    """The VLAN that a frame with that tag (0: none) is in when it comes from the port; None: it may not."""
    if is_access(port):
        return port.tag if vlan == 0 else None
    if vlan == 0 and port.tag is not None:
        vlan = port.tag  # native
    return vlan if carries(port, vlan) else None


def carries(port: BridgePort, vlan: int) -> bool:
    """Whether frames of a VLAN go out through the port."""
    if is_access(port):
        return port.tag == vlan
    if port.tag is not None and vlan == 0:  # of a native VLAN: such a port is no member of VLAN 0
        return False
    return not port.trunks or vlan in port.trunks or (port.tag is not None and port.tag == vlan)


def _tag(port: BridgePort, vlan: int, tci: int) -> int | None:
    """The VLAN field that a frame leaves a port with; None: it does not leave there."""
    if not carries(port, vlan):
        return None
    if vlan == 0 or is_access(port) or (port.vlan_mode == "native-untagged" and port.tag == vlan):
        return 0
    return tci & 0xE000 | VLAN_PRESENT | vlan
