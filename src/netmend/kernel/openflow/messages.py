"""Messages of OpenFlow 1.3 and 1.4: headers, flows, ports, bundles and errors (sections 7.1 to 7.5)."""

import struct
from typing import Final, Literal

from netmend.ground.openflow.actions import ANY
from netmend.ground.openflow.flow import Flow
from netmend.kernel.openflow.actions import decode_instructions, encode_instructions
from netmend.kernel.openflow.oxm import decode_match, encode_match

VERSION_1_3, VERSION_1_4 = 4, 5
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, FEATURES_REQUEST, FEATURES_REPLY = 0, 1, 2, 3, 5, 6
FLOW_MOD, MULTIPART_REQUEST, MULTIPART_REPLY, BARRIER_REQUEST, BARRIER_REPLY = 14, 18, 19, 20, 21
BUNDLE_CONTROL, BUNDLE_ADD = 33, 34
FLOWS, PORTS = 1, 13  # kinds of multipart messages
BUNDLE_OPEN, BUNDLE_CLOSE, BUNDLE_COMMIT, BUNDLE_DISCARD = 0, 2, 4, 6  # of requests; each reply is one more
ATOMIC: Final = 1
ORDERED: Final = 2
MORE: Final = 1  # another part of a multipart message follows
ALL_TABLES: Final = 0xFF
HEADER: Final = struct.Struct("!BBHI")
_FLOW: Final = struct.Struct("!HBxIIHHHHHxxQQQ")
_FLOW_MOD: Final = struct.Struct("!QQBBHHHIIIHH")
_NO_BUFFER: Final = 0xFFFFFFFF

Change = Literal["add", "delete", "delete all that match"]
_COMMANDS: Final[dict[Change, int]] = {"add": 0, "delete": 4, "delete all that match": 3}
_ERRORS: Final = {
    (0, 0): "no version of OpenFlow in common",
    (1, 5): "not permitted",
    (2, 0): "unknown action",
    (2, 3): "unknown action of an experimenter",
    (2, 4): "no such port",
    (2, 5): "bad argument of an action",
    (3, 0): "unknown instruction",
    (4, 6): "unknown field of a match",
    (4, 7): "bad value in a match",
    (4, 8): "bad mask in a match",
    (4, 9): "a match without what it requires",
    (5, 1): "the table is full",
    (5, 2): "no such table",
    (5, 3): "flows overlap",
    (5, 4): "not permitted",
}


def hello() -> bytes:
    """The versions that are spoken here, in a bitmap (section 7.5.1)."""
    bitmap = 1 << VERSION_1_3 | 1 << VERSION_1_4
    return struct.pack("!BBHIHHI", VERSION_1_4, HELLO, 16, 0, 1, 8, bitmap)


def flows_request(cookie: int, cookie_mask: int, table: int) -> bytes:
    """The body of a question for the flows with that cookie, by its mask, in one table or `ALL_TABLES`."""
    return struct.pack("!HH4xB3xII4xQQ", FLOWS, 0, table, ANY, ANY, cookie, cookie_mask) + encode_match({})


def decode_flows(raw: bytes, at: int, end: int) -> list[Flow]:
    """The flows of one part of the answer. Raises ValueError."""
    found = []
    while at < end:
        try:
            length, table, seconds, _, priority, idle, hard, flags, _, cookie, packets, octets = _FLOW.unpack_from(
                raw, at
            )
        except struct.error as error:
            raise ValueError(f"a flow is cut short: {error}") from error
        if length < _FLOW.size or at + length > end:
            raise ValueError(f"a flow of {length} octets does not fit")
        match, unread, start = decode_match(raw, at + _FLOW.size)
        actions = decode_instructions(raw, start, at + length)
        found.append(Flow(table, priority, match, actions, cookie, idle, hard, packets, octets, seconds, flags, unread))
        at += length
    return found


def flow_mod(change: Change, flow: Flow, cookie_mask: int = 0) -> bytes:
    """The body of a change. `delete` means this very flow, by table, priority and match, and `delete all that match`
    those of its match and more; both only where the cookie is the flow's in the bits of `cookie_mask`. Raises
    ValueError or KeyError for a flow that cannot be said."""
    head = _FLOW_MOD.pack(
        *(flow.cookie, cookie_mask, flow.table, _COMMANDS[change], flow.idle_timeout, flow.hard_timeout),
        *(flow.priority, _NO_BUFFER, ANY, ANY, flow.flags, 0),
    )
    return head + encode_match(flow.match) + (encode_instructions(flow.actions) if change == "add" else b"")


def error_text(kind: int, code: int) -> str:
    return _ERRORS.get((kind, code), f"error {kind}, code {code} (OpenFlow 1.4 section 7.5.4)")
