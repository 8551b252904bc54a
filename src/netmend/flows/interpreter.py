"""Follows a packet through a switch's flows, as ovs-vswitchd would (ovs-actions(7)), and says each step.

Nothing is changed by that: what `learn` would make is not made, and connection tracking says what the question says. An
action that is not known here leaves a doubt, which the trace names, and never a verdict that was guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from netmend.flows import registers
from netmend.flows.learning import normal
from netmend.flows.lookup import Packet
from netmend.flows.switch import Bridge, Switch
from netmend.ground.openflow.action_text import action_text
from netmend.ground.openflow.actions import (
    ALL,
    CONTROLLER,
    FLOOD,
    IN_PORT,
    NORMAL,
    Action,
    Conjunction,
    Ct,
    GotoTable,
    Learn,
    Load,
    Meter,
    Move,
    Nat,
    Note,
    Output,
    OutputField,
    PushVlan,
    Resubmit,
    SetField,
    SetQueue,
    Simple,
    Span,
    WriteMetadata,
)
from netmend.ground.openflow.fields import BY_NAME, CT_STATES, VLAN_PRESENT
from netmend.ground.openflow.flow import Flow

_DEEPEST: Final = 64  # resubmissions within each other (ovs-actions(7), `resubmit`)
_MOST: Final = 4096  # resubmissions of a packet
_INNER: Final = "vlan_tci1"  # the tag below the outermost; no flow matches on it
_TRACKED: Final = 0x20
_NEW: Final = 0x01
NEW: Final = _TRACKED | _NEW
"""`ct_state` of a packet that begins a connection."""

StepKind = Literal["bridge", "flow", "miss", "action", "note", "doubt", "resume", "out"]


@dataclass(frozen=True, slots=True)
class Step:
    """`flow`: the packet met one in table `table`; `miss`: none; `out`: it left through port `text`; else words."""

    kind: StepKind
    bridge: str
    depth: int
    text: str = ""
    table: int | None = None
    flow: Flow | None = None


@dataclass
class Trace:
    """`delivered` are the names of ports that the packet left the switch through, with its VLAN there (0: untagged)."""

    steps: list[Step] = field(default_factory=list)
    delivered: list[tuple[str, int]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def met(self) -> list[tuple[str, int, int | None]]:
        """Bridge, table, and the priority of the flow that was met there, in order."""
        return [
            (step.bridge, step.table or 0, step.flow.priority if step.flow is not None else None)
            for step in self.steps
            if step.kind in {"flow", "miss"}
        ]

    @property
    def decided_by(self) -> Step | None:
        """The last flow that was met before it was dropped."""
        return next((step for step in reversed(self.steps) if step.kind in {"flow", "miss"}), None)


class _Ended(Exception):
    """The action `exit`."""


def follow(switch: Switch, bridge: str, packet: Packet, tracked: Sequence[int] = ()) -> Trace:
    """The way of a packet, whose field `in_port` says where it comes in. `tracked` are the values of `ct_state` that
    connection tracking gives it, time after time; then `NEW`. Raises KeyError where there is no such bridge."""
    return _Follower(switch, tracked).follow(switch.bridges[bridge], packet)


class _Follower:
    def __init__(self, switch: Switch, tracked: Sequence[int]) -> None:
        self._switch = switch
        self._tracked = list(tracked)
        self._trace = Trace()
        self._resubmits = 0
        self._waiting: list[tuple[Bridge, int, Packet]] = []  # for connection tracking

    def follow(self, bridge: Bridge, packet: Packet) -> Trace:
        self._enter(bridge, dict(packet), 0)
        while self._waiting:
            bridge, table, packet = self._waiting.pop(0)
            packet["ct_state"] = self._tracked.pop(0) if self._tracked else NEW
            state = _state_text(packet["ct_state"])
            self._say("resume", bridge, 0, f"connection tracking says {state}; on in table {table}")
            self._guarded(bridge, table, packet, 0)
        return self._trace

    def _say(self, kind: StepKind, bridge: Bridge, depth: int, text: str) -> None:
        self._trace.steps.append(Step(kind, bridge.name, depth, text))
        if kind == "doubt":
            self._trace.doubts.append(text)

    def _enter(self, bridge: Bridge, packet: Packet, depth: int) -> None:
        self._say("bridge", bridge, depth, bridge.name)
        self._guarded(bridge, 0, packet, depth)

    def _guarded(self, bridge: Bridge, table: int, packet: Packet, depth: int) -> None:
        try:
            self._table(bridge, table, packet, depth, None)
        except _Ended:
            return

    def _table(self, bridge: Bridge, table: int, packet: Packet, depth: int, port: int | None) -> None:
        """Look up, and do what the flow says; `port` is another that it is to come from, in the lookup alone."""
        here: int | None = table
        while here is not None:
            flow = self._look_up(bridge, here, packet, depth, port)
            if flow is None:
                return
            here = None
            for action in flow.actions:
                if isinstance(action, GotoTable):
                    here = action.table
                else:
                    self._do(action, bridge, flow.table, packet, depth)

    def _look_up(self, bridge: Bridge, table: int, packet: Packet, depth: int, port: int | None) -> Flow | None:
        seen = packet if port is None else {**packet, "in_port": port}
        found = bridge.tables[table].find(seen) if table in bridge.tables else None
        kind: StepKind = "miss" if found is None else "flow"
        self._trace.steps.append(Step(kind, bridge.name, depth, "", table, found))
        if found is not None and found.unread:
            self._say("doubt", bridge, depth, f"a flow of table {table} matches on {', '.join(found.unread)}")
        return found

    def _do(self, action: Action, bridge: Bridge, table: int, packet: Packet, depth: int) -> None:
        match action:
            case Output(port):
                self._output(bridge, packet, depth, port)
            case OutputField(source):
                self._output(bridge, packet, depth, _part(packet, source))
            case Resubmit(target, port):
                self._resubmit(bridge, table if target is None else target, packet, depth, port)
            case SetField(named, value, mask):
                registers.put(packet, named, value, mask)
            case Load(value, target):
                _set(packet, target, value)
            case Move(source, target):
                _set(packet, target, _part(packet, source))
            case WriteMetadata(value, mask):
                registers.put(packet, BY_NAME["metadata"], value, mask)
            case PushVlan():
                packet[_INNER] = packet.get("vlan_tci", 0)
                packet["vlan_tci"] = VLAN_PRESENT
            case Ct():
                self._track(action, bridge, packet, depth)
            case Simple(name):
                self._do_simple(name, bridge, packet, depth)
            case Learn():
                self._say("note", bridge, depth, f"it would learn a flow in table {action.table}")
            case Meter(number):
                self._say("note", bridge, depth, f"meter {number} drops it where it is too fast")
            case Note() | SetQueue() | Conjunction():
                return
            case _:
                self._say("doubt", bridge, depth, f"what {action_text(action)} does is not followed here")

    def _do_simple(self, name: str, bridge: Bridge, packet: Packet, depth: int) -> None:
        match name:
            case "pop_vlan":
                packet["vlan_tci"] = packet.pop(_INNER, 0)
            case "ct_clear":
                registers.untrack(packet)
            case "exit":
                raise _Ended
            case "dec_ttl":
                if packet.get("nw_ttl", 0) <= 1:
                    self._say("note", bridge, depth, "its time to live is over: dropped")
                    raise _Ended
                packet["nw_ttl"] -= 1
            case "clear_actions" | "pop_queue":
                return
            case _:
                self._say("doubt", bridge, depth, f"what {name} does is not followed here")

    def _resubmit(self, bridge: Bridge, table: int, packet: Packet, depth: int, port: int | None) -> None:
        self._resubmits += 1
        if depth >= _DEEPEST or self._resubmits > _MOST:
            self._say("note", bridge, depth, "more resubmissions than the switch does: dropped")
            raise _Ended
        self._table(bridge, table, packet, depth + 1, port)

    def _track(self, action: Ct, bridge: Bridge, packet: Packet, depth: int) -> None:
        zone = _part(packet, action.zone) if isinstance(action.zone, Span) else action.zone
        if any(isinstance(inner, Nat) for inner in action.actions):
            self._say("doubt", bridge, depth, "addresses that connection tracking translates are not known here")
        if action.table is not None:
            later = {**packet, "ct_zone": zone}
            later.pop("ct_mark", None)
            self._waiting.append((bridge, action.table, later))
        if action.commit:
            self._say("note", bridge, depth, f"its connection is kept in zone {zone}")
        registers.untrack(packet)

    def _output(self, bridge: Bridge, packet: Packet, depth: int, port: int) -> None:
        source = packet.get("in_port")
        if port == NORMAL:
            way = normal(bridge, packet)
            self._say("note", bridge, depth, f"as a learning switch does: {way.why}")
            for number, tci in way.ports:
                self._leave(bridge, {**packet, "vlan_tci": tci}, depth, number)
        elif port in {FLOOD, ALL}:
            for number in bridge.by_number:
                if number != source:
                    self._leave(bridge, dict(packet), depth, number)
        elif port == CONTROLLER:
            self._say("note", bridge, depth, "it goes to a controller")
        elif port == IN_PORT:
            self._leave(bridge, dict(packet), depth, source or 0)
        elif port == source:
            self._say("note", bridge, depth, "it would go out where it came in: dropped")
        else:
            self._leave(bridge, dict(packet), depth, port)

    def _leave(self, bridge: Bridge, packet: Packet, depth: int, number: int) -> None:
        port = bridge.by_number.get(number)
        if port is None:
            self._say("note", bridge, depth, f"there is no port {number}: dropped")
        elif port.kind != "patch":
            tci = packet.get("vlan_tci", 0)
            vlan = tci & 0xFFF if tci & VLAN_PRESENT else 0
            self._say("out", bridge, depth, port.name)
            self._trace.delivered.append((port.name, vlan))
        elif port.peer is not None and port.peer in self._switch.place_of:
            peer, at = self._switch.place_of[port.peer]
            if depth >= _DEEPEST:
                self._say("note", bridge, depth, "bridges that are joined in a circle: dropped")
                return
            registers.untrack(packet)
            for name in registers.OF_THE_SWITCH:
                packet.pop(name, None)
            packet["in_port"] = at
            self._enter(peer, packet, depth + 1)
        else:
            self._say("note", bridge, depth, f"{port.name} leads to {port.peer}, which is not there: dropped")


def _part(packet: Packet, span: Span) -> int:
    return registers.get(packet, span.field) >> span.start & (1 << span.bits) - 1


def _set(packet: Packet, span: Span, value: int) -> None:
    mask = (1 << span.bits) - 1 << span.start
    registers.put(packet, span.field, value << span.start, mask)


def _state_text(state: int) -> str:
    return "|".join(name for bit, name in enumerate(CT_STATES) if state >> bit & 1)
