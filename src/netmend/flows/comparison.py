"""Our model of a packet's way beside the switch's own."""

from netmend.flows.interpreter import Trace
from netmend.flows.switch import Switch
from netmend.flows.switch_trace import SwitchTrace

_NO_TUNNELS = frozenset(("", "internal", "tap", "system", "dpdk", "dpdkvhostuser", "dpdkvhostuserclient", "patch"))
TUNNEL = "a tunnel"


def differences(switch: Switch, ours: Trace, theirs: SwitchTrace) -> list[str]:
    """Each in words; none: both agree, on where it leaves and on every flow that it meets on the way."""
    found = []
    mine = {_place(switch, name) for name, _ in ours.delivered}
    others = {_place(switch, name) for name in theirs.delivered}
    if mine != others:
        found.append(f"by the model it leaves through {_names(mine)}, by the switch through {_names(others)}")
    if sorted(ours.met, key=str) != sorted(theirs.met, key=str):
        only, lacking = set(ours.met) - set(theirs.met), set(theirs.met) - set(ours.met)
        found.append(f"flows that it meets by the model alone: {_flows(only)}; by the switch alone: {_flows(lacking)}")
    return found


def _place(switch: Switch, name: str) -> str:
    """The port; all tunnels are one, for the datapath has a device for many."""
    if name not in switch.place_of:
        return TUNNEL
    bridge, number = switch.place_of[name]
    return name if bridge.by_number[number].kind in _NO_TUNNELS else TUNNEL


def _names(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "no port"


def _flows(met: set[tuple[str, int, int | None]]) -> str:
    words = [
        f"{bridge} table {table} " + ("none" if priority is None else f"priority {priority}")
        for bridge, table, priority in sorted(met, key=str)
    ]
    return ", ".join(words) or "none"
