"""One look at a switch: its bridges and ports from its database, flows from each bridge, what it learned."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from netmend.flows.comparison import differences
from netmend.flows.interpreter import Trace, follow
from netmend.flows.lookup import Packet
from netmend.flows.packet import packet_text
from netmend.flows.switch import Bridge, Switch
from netmend.flows.switch_trace import SwitchTrace, read_switch_trace
from netmend.ground.openflow.fields import CT_STATES
from netmend.kernel import vswitchd
from netmend.kernel.openflow import connection, management_socket
from netmend.kernel.ovsdb.connection import Connection
from netmend.kernel.ovsdb.layout import layout

_LOOKS: Final = 3
DATABASE: Final = "unix:/run/openvswitch/db.sock"


def observe(remote: str, directory: str) -> Switch:
    """The whole switch; `remote` is its database, and `directory` where its sockets are. Raises KernelError."""
    with Connection(remote) as database:
        layouts = layout(database)
    control = vswitchd.control_socket(directory)
    bridges = {}
    for found in layouts:
        with connection.Bridge(management_socket(found.name, directory)) as bridge:
            flows = tuple(bridge.flows())
        learned = vswitchd.learned(control, found.name)
        bridges[found.name] = Bridge(found.name, found.ports, flows, learned, found.datapath)
    return Switch(bridges)


def switch_trace(directory: str, bridge: str, packet: Packet, tracked: Sequence[int]) -> SwitchTrace:
    """What the switch itself says of a packet, and of what connection tracking says of it. Raises KernelError."""
    states = [",".join(name for bit, name in enumerate(CT_STATES) if state >> bit & 1) for state in tracked]
    return read_switch_trace(vswitchd.trace(vswitchd.control_socket(directory), bridge, packet_text(packet), states))


def ask_both(
    remote: str, directory: str, place: Callable[[Switch], tuple[str, Packet]], tracked: Sequence[int]
) -> tuple[Switch, Trace, list[str]]:
    """The way of a packet by the model, and how the switch's own differs from it in words. `place` says for a switch
    which bridge the packet comes into, and the packet. Flows change, and a switch learns, between two looks; so a
    difference is one that stays. Raises KernelError, and what `place` raises."""
    for _ in range(_LOOKS):
        switch = observe(remote, directory)
        bridge, packet = place(switch)
        ours = follow(switch, bridge, packet, tracked)
        found = differences(switch, ours, switch_trace(directory, bridge, packet, tracked))
        if not found:
            break
    return switch, ours, found


def run_directory(remote: str) -> str:
    """Where the sockets of a switch are whose database listens at `remote`: beside its own."""
    return str(Path(remote.removeprefix("unix:")).parent) if remote.startswith("unix:") else "/run/openvswitch"
