"""The codec is a total function: whatever comes, it reads it or raises ValueError."""

import random
import struct

import pytest

from netmend.ground.openflow.actions import Ct, Learn, LearnPart, Load, Output, Resubmit, Span
from netmend.ground.openflow.fields import BY_TITLE
from netmend.ground.openflow.flow import Flow
from netmend.kernel.openflow.actions import encode_instructions
from netmend.kernel.openflow.messages import decode_flows
from netmend.kernel.openflow.oxm import encode_match

REGISTER = Span(BY_TITLE["NXM_NX_REG6"], 0, 16)
SOURCE = Span(BY_TITLE["NXM_OF_ETH_SRC"], 0, 48)
FLOW = Flow(
    72,
    77,
    {"eth_type": (0x800, 0xFFFF), "nw_proto": (6, 0xFF), "tp_dst": (0x50, 0xFFF0), "ct_state": (0x21, 0x25)},
    (
        Ct(table=73, zone=REGISTER, actions=(Load(1, Span(BY_TITLE["NXM_NX_CT_MARK"], 0, 32)),)),
        Learn(20, (LearnPart(SOURCE, 48, True, Span(BY_TITLE["NXM_OF_ETH_DST"], 0, 48)),)),
        Resubmit(81),
        Output(3),
    ),
)


def on_the_wire(flow: Flow) -> bytes:
    body = encode_match(flow.match) + encode_instructions(flow.actions)
    return struct.pack("!HBxIIHHHHHxxQQQ", 48 + len(body), flow.table, 0, 0, flow.priority, 0, 0, 0, 0, 0, 0, 0) + body


def test_a_flow_is_read_as_it_was_written() -> None:
    raw = on_the_wire(FLOW) * 2
    assert decode_flows(raw, 0, len(raw)) == [FLOW, FLOW]


def test_what_is_cut_short_is_refused() -> None:
    raw = on_the_wire(FLOW)
    for end in range(1, len(raw)):
        with pytest.raises(ValueError, match=r"."):
            decode_flows(raw[:end], 0, end)


def test_octets_that_are_changed_raise_nothing_else() -> None:
    chance = random.Random(17)
    raw = on_the_wire(FLOW)
    read = 0
    for _ in range(20000):
        changed = bytearray(raw)
        for _ in range(chance.randrange(1, 5)):
            changed[chance.randrange(len(raw))] = chance.randrange(256)
        try:
            decode_flows(bytes(changed), 0, len(changed))
            read += 1
        except ValueError:
            continue
    assert read > 1000
