"""What flows do with packets (ovs-actions(7)). Instructions of OpenFlow are among them, as ovs-ofctl(8) prints them."""

from dataclasses import dataclass
from typing import Final, Literal

from netmend.ground.openflow.fields import Field

IN_PORT: Final = 0xFFFFFFF8
TABLE: Final = 0xFFFFFFF9
NORMAL: Final = 0xFFFFFFFA
FLOOD: Final = 0xFFFFFFFB
ALL: Final = 0xFFFFFFFC
CONTROLLER: Final = 0xFFFFFFFD
LOCAL: Final = 0xFFFFFFFE
ANY: Final = 0xFFFFFFFF
PORT_NAMES: Final = {
    **{IN_PORT: "IN_PORT", TABLE: "TABLE", NORMAL: "NORMAL", FLOOD: "FLOOD", ALL: "ALL"},
    **{CONTROLLER: "CONTROLLER", LOCAL: "LOCAL", ANY: "ANY"},
}


@dataclass(frozen=True, slots=True)
class Span:
    """`bits` bits of a field, the lowest at `start`."""

    field: Field
    start: int
    bits: int

    @property
    def whole(self) -> bool:
        return self.start == 0 and self.bits == self.field.bits


@dataclass(frozen=True, slots=True)
class Output:
    """Send it through a port, or what `PORT_NAMES` names; `octets` is how much of it a controller gets."""

    port: int
    octets: int = 0


@dataclass(frozen=True, slots=True)
class OutputField:
    """Send it through the port whose number a field holds."""

    source: Span


@dataclass(frozen=True, slots=True)
class Resubmit:
    """Look it up in `table` (None: in this one) as if it came from `port` (None: from where it came), then go on.
    With `ct`, fields of its connection are exchanged."""

    table: int | None
    port: int | None = None
    ct: bool = False


@dataclass(frozen=True, slots=True)
class SetField:
    """Give the bits of `mask` this value."""

    field: Field
    value: int
    mask: int


@dataclass(frozen=True, slots=True)
class Load:
    """Give part of a field this value."""

    value: int
    target: Span


@dataclass(frozen=True, slots=True)
class Move:
    """Copy part of a field to part of another."""

    source: Span
    target: Span


@dataclass(frozen=True, slots=True)
class PushVlan:
    ethertype: int


@dataclass(frozen=True, slots=True)
class Group:
    id: int


@dataclass(frozen=True, slots=True)
class Meter:
    id: int


@dataclass(frozen=True, slots=True)
class SetQueue:
    id: int


@dataclass(frozen=True, slots=True)
class GotoTable:
    """Go on in another table, when the other actions are done."""

    table: int


@dataclass(frozen=True, slots=True)
class WriteMetadata:
    value: int
    mask: int


@dataclass(frozen=True, slots=True)
class WriteActions:
    """Do these when the tables are through with it."""

    actions: "tuple[Action, ...]"


@dataclass(frozen=True, slots=True)
class Conjunction:
    """The packet meets one of the `clauses` conditions of flows with `conj_id=id`; `clause` counts from 0."""

    id: int
    clause: int
    clauses: int


@dataclass(frozen=True, slots=True)
class Nat:
    """Translate addresses as the connection has it, or from now on: to the addresses and ports between the two."""

    kind: Literal["", "src", "dst"] = ""
    addresses: tuple[str, str] | None = None
    ports: tuple[int, int] | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ct:
    """Pass it to connection tracking in a zone, and with `table` go on with it there, tracked."""

    commit: bool = False
    force: bool = False
    zone: int | Span = 0
    table: int | None = None
    alg: int = 0  # the port of the application: 21 for FTP, 69 for TFTP
    actions: "tuple[Action, ...]" = ()  # done with the connection: set its mark, translate


@dataclass(frozen=True, slots=True)
class LearnPart:
    """One part of a learned flow. With `target`, `match` says whether it must equal the source or is set to it; without
    one, the flow sends what it matches to the port that the source is. The source is part of the packet, or a value."""

    source: Span | int
    bits: int
    match: bool
    target: Span | None


@dataclass(frozen=True, slots=True)
class Learn:
    """Make a flow from the packet."""

    table: int
    parts: tuple[LearnPart, ...]
    priority: int = 32768
    cookie: int = 0
    idle_timeout: int = 0
    hard_timeout: int = 0
    fin_idle_timeout: int = 0
    fin_hard_timeout: int = 0
    flags: int = 0  # 1: send_flow_rem, 2: delete_learned


@dataclass(frozen=True, slots=True)
class Note:
    """Does nothing: text of whoever made the flow."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Simple:
    """An action without anything to it: `pop_vlan`, `clear_actions`, `ct_clear`, `exit`, `pop_queue`, `dec_ttl`."""

    name: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """An action that netmend does not read: its number, and the experimenter's where it is one."""

    experimenter: int
    number: int
    data: bytes


_Field = Output | OutputField | SetField | Load | Move | PushVlan
_Way = Resubmit | Group | Meter | SetQueue | GotoTable | WriteMetadata | WriteActions
_Connection = Conjunction | Nat | Ct
Action = _Field | _Way | _Connection | Learn | Note | Simple | Unknown
Actions = tuple[Action, ...]
