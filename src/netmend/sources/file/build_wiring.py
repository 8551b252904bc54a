"""A network's `wiring`."""

from netmend.ground.problem import Place
from netmend.intent.wiring import DEFAULT_OVS_BRIDGE, BridgeWiring, OvsWiring, Wiring
from netmend.sources import fields
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import WIRING_FORMS, NetworkShape, OvsShape

_BRIDGE = BridgeWiring()


def build_wiring(reader: Reader, network_place: Place, shape: NetworkShape) -> Wiring:
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
