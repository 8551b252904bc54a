"""What flows do with packets (ovs-actions(7)). Instructions of OpenFlow are among them, as ovs-ofctl(8) prints them."""

from typing import Final, Literal

from msgspec import Struct

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


class Span(Struct, frozen=True):
    """`bits` bits of a field, the lowest at `start`."""

    field: Field
    start: int
    bits: int

    @property
    def whole(self) -> bool:
        return self.start == 0 and self.bits == self.field.bits


class Output(Struct, frozen=True):
    """Send it through a port, or what `PORT_NAMES` names; `octets` is how much of it a controller gets."""

    port: int
    octets: int = 0


class OutputField(Struct, frozen=True):
    """Send it through the port whose number a field holds."""

    source: Span


class Resubmit(Struct, frozen=True):
    """Look it up in `table` (None: in this one) as if it came from `port` (None: from where it came), then go on.
    With `ct`, fields of its connection are exchanged."""

    table: int | None
    port: int | None = None
    ct: bool = False


class SetField(Struct, frozen=True):
    """Give the bits of `mask` this value."""

    field: Field
    value: int
    mask: int


class Load(Struct, frozen=True):
    """Give part of a field this value."""

    value: int
    target: Span


class Move(Struct, frozen=True):
    """Copy part of a field to part of another."""

    source: Span
    target: Span


class PushVlan(Struct, frozen=True):
    ethertype: int


class Group(Struct, frozen=True):
    id: int


class Meter(Struct, frozen=True):
    id: int


class SetQueue(Struct, frozen=True):
    id: int


class GotoTable(Struct, frozen=True):
    """Go on in another table, when the other actions are done."""

    table: int


class WriteMetadata(Struct, frozen=True):
    value: int
    mask: int


class WriteActions(Struct, frozen=True):
    """Do these when the tables are through with it."""

    actions: "tuple[Action, ...]"


class Conjunction(Struct, frozen=True):
    """The packet meets one of the `clauses` conditions of flows with `conj_id=id`; `clause` counts from 0."""

    id: int
    clause: int
    clauses: int


class Nat(Struct, frozen=True):
    """Translate addresses as the connection has it, or from now on: to the addresses and ports between the two."""

    kind: Literal["", "src", "dst"] = ""
    addresses: tuple[str, str] | None = None
    ports: tuple[int, int] | None = None
    options: tuple[str, ...] = ()


class Ct(Struct, frozen=True):
    """Pass it to connection tracking in a zone, and with `table` go on with it there, tracked."""

    commit: bool = False
    force: bool = False
    zone: int | Span = 0
    table: int | None = None
    alg: int = 0  # the port of the application: 21 for FTP, 69 for TFTP
    actions: "tuple[Action, ...]" = ()  # done with the connection: set its mark, translate


class LearnPart(Struct, frozen=True):
    """One part of a learned flow. With `target`, `match` says whether it must equal the source or is set to it; without
    one, the flow sends what it matches to the port that the source is. The source is part of the packet, or a value."""

    source: Span | int
    bits: int
    match: bool
    target: Span | None


class Learn(Struct, frozen=True):
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


class Note(Struct, frozen=True):
    """Does nothing: text of whoever made the flow."""

    data: bytes


class Simple(Struct, frozen=True):
    """An action without anything to it: `pop_vlan`, `clear_actions`, `ct_clear`, `exit`, `pop_queue`, `dec_ttl`."""

    name: str


class Unknown(Struct, frozen=True):
    """An action that netmend does not read: its number, and the experimenter's where it is one."""

    experimenter: int
    number: int
    data: bytes


_Field = Output | OutputField | SetField | Load | Move | PushVlan
_Way = Resubmit | Group | Meter | SetQueue | GotoTable | WriteMetadata | WriteActions
_Connection = Conjunction | Nat | Ct
Action = _Field | _Way | _Connection | Learn | Note | Simple | Unknown
Actions = tuple[Action, ...]
