"""Fields of a packet under way, by their names in actions: parts of others, as OpenFlow has them, too."""

from netmend.flows.lookup import Packet
from netmend.ground.openflow.fields import VLAN_PRESENT, Field

OF_CONNECTIONS = ("ct_state", "ct_zone", "ct_mark", "ct_label")
OF_THE_SWITCH = (*(f"reg{number}" for number in range(16)), "metadata", "tun_id", "tun_src", "tun_dst")


def get(packet: Packet, field: Field) -> int:
    name = field.name
    match name:
        case "vlan_vid":
            return packet.get("vlan_tci", 0) & 0x1FFF
        case "vlan_pcp":
            return packet.get("vlan_tci", 0) >> 13
        case "ip_dscp":
            return packet.get("nw_tos", 0) >> 2
        case "nw_ecn":
            return packet.get("nw_tos", 0) & 3
        case _ if name.startswith(("xreg", "xxreg")):
            return sum(packet.get(part, 0) << shift for part, shift in _parts(field))
        case _:
            return packet.get(name, 0)


def put(packet: Packet, field: Field, value: int, mask: int) -> None:
    """Give bits of a field a value. A packet without a VLAN tag gets none by that (ovs-actions(7), `set_field`)."""
    name = field.name
    match name:
        case "vlan_vid" | "vlan_pcp":
            shift = 0 if name == "vlan_vid" else 13
            if packet.get("vlan_tci", 0) & VLAN_PRESENT:
                _put(packet, "vlan_tci", value << shift | VLAN_PRESENT, mask << shift & 0xFFFF)
        case "ip_dscp" | "nw_tos":
            shift = 2 if name == "ip_dscp" else 0
            _put(packet, "nw_tos", value << shift, mask << shift & 0xFC)
        case "nw_ecn":
            _put(packet, "nw_tos", value, mask & 3)
        case _ if name.startswith(("xreg", "xxreg")):
            for part, shift in _parts(field):
                _put(packet, part, value >> shift & 0xFFFFFFFF, mask >> shift & 0xFFFFFFFF)
        case _:
            _put(packet, name, value, mask)


def _put(packet: Packet, name: str, value: int, mask: int) -> None:
    packet[name] = packet.get(name, 0) & ~mask | value & mask


def _parts(field: Field) -> list[tuple[str, int]]:
    """The registers of 32 bits that a longer one consists of, each with the bits below it."""
    count = field.bits // 32
    first = int(field.name.lstrip("x").removeprefix("reg")) * count
    return [(f"reg{first + index}", 32 * (count - 1 - index)) for index in range(count)]


def untrack(packet: Packet) -> None:
    for name in OF_CONNECTIONS:
        packet.pop(name, None)
