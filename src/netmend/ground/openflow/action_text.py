"""Actions as ovs-ofctl(8) prints them (ovs-actions(7))."""

from ipaddress import ip_address
from typing import Final

from netmend.ground.openflow.actions import (
    CONTROLLER,
    PORT_NAMES,
    Action,
    Conjunction,
    Ct,
    GotoTable,
    Group,
    Learn,
    LearnPart,
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
    Unknown,
    WriteActions,
    WriteMetadata,
)
from netmend.ground.openflow.spell import hexadecimal, masked, port

_ALGORITHMS: Final = {21: "ftp", 69: "tftp"}


def action_text(action: Action) -> str:
    """One action, with those in it."""
    match action:
        case Output(number, octets):
            if number == CONTROLLER:
                return f"CONTROLLER:{octets}"
            return PORT_NAMES.get(number) or f"output:{number}"
        case OutputField(source):
            return f"output:{span_text(source)}"
        case Resubmit():
            return _resubmit(action)
        case SetField(field, value, mask):
            return f"set_field:{masked(field, value, mask)}->{field.setter}"
        case Load(value, target):
            return f"load:{hexadecimal(value)}->{span_text(target)}"
        case Move(source, target):
            return f"move:{span_text(source)}->{span_text(target)}"
        case PushVlan(ethertype):
            return f"push_vlan:0x{ethertype:04x}"
        case Group(number):
            return f"group:{number}"
        case Meter(number):
            return f"meter:{number}"
        case SetQueue(number):
            return f"set_queue:{number}"
        case GotoTable(table):
            return f"goto_table:{table}"
        case WriteMetadata(value, mask):
            return f"write_metadata:{value:#x}" + ("" if mask == 0xFFFFFFFFFFFFFFFF else f"/{mask:#x}")
        case WriteActions(inner):
            return f"write_actions({_list(inner)})"
        case Conjunction(number, clause, clauses):
            return f"conjunction({number},{clause + 1}/{clauses})"
        case Nat():
            return _nat(action)
        case Ct():
            return _ct(action)
        case Learn():
            return _learn(action)
        case Note(data):
            return f"note:{data.hex('.')}"
        case Simple(name):
            return name
        case Unknown(experimenter, number, data):
            return f"unknown:{experimenter:#x}:{number}:{data.hex()}"


def _list(actions: tuple[Action, ...]) -> str:
    return ",".join(map(action_text, actions))


def span_text(span: Span) -> str:
    """Such as `NXM_NX_REG5[0..15]`; of a whole field `[]`."""
    if span.whole:
        return f"{span.field.title}[]"
    if span.bits == 1:
        return f"{span.field.title}[{span.start}]"
    return f"{span.field.title}[{span.start}..{span.start + span.bits - 1}]"


def _resubmit(action: Resubmit) -> str:
    if action.table is None and action.port is not None:
        return f"resubmit:{port(action.port)}"
    inside = "" if action.port is None else port(action.port)
    inside += "," + ("" if action.table is None else str(action.table))
    return f"resubmit({inside}{',ct' if action.ct else ''})"


def _ct(action: Ct) -> str:
    parts = ["commit"] if action.commit else []
    parts += ["force"] if action.force else []
    if action.table is not None:
        parts.append(f"table={action.table}")
    if isinstance(action.zone, Span):
        parts.append(f"zone={span_text(action.zone)}")
    elif action.zone:
        parts.append(f"zone={action.zone}")
    nats = [inner for inner in action.actions if isinstance(inner, Nat)]
    others = tuple(inner for inner in action.actions if not isinstance(inner, Nat))
    parts += [_nat(nat) for nat in nats]
    if others:
        parts.append(f"exec({_list(others)})")
    if action.alg:
        parts.append(f"alg={_ALGORITHMS.get(action.alg, action.alg)}")
    return f"ct({','.join(parts)})"


def _nat(nat: Nat) -> str:
    if not nat.kind:
        return "nat"
    text: str = nat.kind
    if nat.addresses is not None:
        low, high = nat.addresses
        sixth = ip_address(low).version == 6 and nat.ports is not None
        spelled = low if low == high else f"{low}-{high}"
        text += f"=[{spelled}]" if sixth else f"={spelled}"
    if nat.ports is not None:
        text += ("" if nat.addresses is not None else "=") + f":{nat.ports[0]}"
        text += "" if nat.ports[0] == nat.ports[1] else f"-{nat.ports[1]}"
    return f"nat({','.join((text, *nat.options))})"


def _learn(learn: Learn) -> str:
    parts = [f"table={learn.table}"]
    for name, value in (("idle_timeout", learn.idle_timeout), ("hard_timeout", learn.hard_timeout)):
        parts += [f"{name}={value}"] if value else []
    for name, value in (("fin_idle_timeout", learn.fin_idle_timeout), ("fin_hard_timeout", learn.fin_hard_timeout)):
        parts += [f"{name}={value}"] if value else []
    parts += [f"priority={learn.priority}"] if learn.priority != 0x8000 else []
    parts += ["send_flow_rem"] if learn.flags & 1 else []
    parts += ["delete_learned"] if learn.flags & 2 else []
    parts += [f"cookie={learn.cookie:#x}"] if learn.cookie else []
    parts += map(_learn_part, learn.parts)
    return f"learn({','.join(parts)})"


def _learn_part(part: LearnPart) -> str:
    if part.target is None:
        return f"output:{span_text(part.source)}" if isinstance(part.source, Span) else f"output:{part.source}"
    target = span_text(part.target)
    if not part.match:
        source = span_text(part.source) if isinstance(part.source, Span) else hexadecimal(part.source)
        return f"load:{source}->{target}"
    if isinstance(part.source, int):
        field = part.target.field
        if part.target.whole:
            return f"{field.setter}={masked(field, part.source, field.whole)}"
        return f"{target}={part.source:#x}"
    source = span_text(part.source)
    return target if source == target else f"{target}={source}"
