"""Rules of policy routing by netlink (ip-rule(8), rtnetlink(7)), in the namespace of the RouteSocket given."""

import errno
import socket
import struct
from typing import Final

from msgspec import Struct

from netmend.kernel.netlink import NLM_F_CREATE, NLM_F_EXCL, Request, RouteSocket, parse_attributes, u8, u32

RTM_NEWRULE: Final = 32  # linux/rtnetlink.h
RTM_DELRULE: Final = 33
RTM_GETRULE: Final = 34
_PRIORITY: Final = 6  # linux/fib_rules.h: FRA_*
_SUPPRESS_PREFIX: Final = 14
_TABLE: Final = 15
_PROTOCOL: Final = 21
_TO_TABLE: Final = 1  # FR_ACT_TO_TBL
_BY_KERNEL: Final = 2  # RTPROT_KERNEL
_NO_LIMIT: Final = b"\xff\xff\xff\xff"  # of suppressed prefixes
_HEADER: Final = struct.Struct(
    "=BBBBBBBBI"
)  # struct fib_rule_hdr: family, two lengths, tos, table, -, -, action, flags
_LOCAL, _MAIN, _DEFAULT = 255, 254, 253
_GONE: Final = (errno.ENOENT, errno.ESRCH)


class Rule(Struct, frozen=True):
    """One rule. `message` is what the kernel says of it, and takes to remove it."""

    message: bytes

    def __str__(self) -> str:
        family, *_, action, _ = _HEADER.unpack_from(self.message)
        found = parse_attributes(self.message, _HEADER.size)
        priority = int.from_bytes(found.get(_PRIORITY, b""), "little")
        table = int.from_bytes(found.get(_TABLE, b""), "little")
        what = f"to table {table}" if action == _TO_TABLE else f"with action {action}"
        return f"rule {priority} of IPv{6 if family == socket.AF_INET6 else 4} {what}"


def _born_with(family: int, priority: int, table: int) -> Rule:
    header = _HEADER.pack(family, 0, 0, 0, table, 0, 0, _TO_TABLE, 0)
    # A priority of 0 is said too: without one, the kernel chooses one, and it tells none of 0.
    return Rule(header + u32(_PRIORITY, priority) + u32(_TABLE, table) + u8(_PROTOCOL, _BY_KERNEL))


BORN_WITH: Final = {  # net/ipv4/fib_rules.c, net/ipv6/fib6_rules.c
    socket.AF_INET: (
        _born_with(socket.AF_INET, 0, _LOCAL),
        _born_with(socket.AF_INET, 32766, _MAIN),
        _born_with(socket.AF_INET, 32767, _DEFAULT),
    ),
    socket.AF_INET6: (_born_with(socket.AF_INET6, 0, _LOCAL), _born_with(socket.AF_INET6, 32766, _MAIN)),
}
"""By family, the rules of a namespace that nobody has changed."""
ALL_BORN_WITH: Final = frozenset(rule for born in BORN_WITH.values() for rule in born)


def dump_rules(route: RouteSocket) -> set[Rule]:
    """All rules of IPv4 and IPv6; those that a namespace is born with are equal to BORN_WITH's. Raises KernelError."""
    answer = route.dump(RTM_GETRULE, _HEADER.pack(*bytes(9)), "list rules", "of the namespace")
    return {_rule(data) for data in answer if data[0] in BORN_WITH}


def _rule(data: bytes) -> Rule:
    family, to, source, tos, _, _, _, action, flags = _HEADER.unpack_from(data)
    if (to, source, tos, action, flags) == (0, 0, 0, _TO_TABLE, 0):
        found = parse_attributes(data, _HEADER.size)
        priority, table = (int.from_bytes(found.pop(key, b""), "little") for key in (_PRIORITY, _TABLE))
        found.pop(_PROTOCOL, None)
        if found.pop(_SUPPRESS_PREFIX, _NO_LIMIT) == _NO_LIMIT and not found:
            born = _born_with(family, priority, table)
            if born in BORN_WITH[family]:
                return born
    return Rule(data)


def add_rule(route: RouteSocket, rule: Rule) -> None:
    """Add one of BORN_WITH; no error when it is there. Raises KernelError."""
    flags = NLM_F_CREATE | NLM_F_EXCL
    route.perform([Request(RTM_NEWRULE, flags, rule.message, "add", str(rule), (errno.EEXIST,))])


def remove_rule(route: RouteSocket, rule: Rule) -> None:
    """Remove a rule as `dump_rules` gave it; no error when it is gone. Raises KernelError."""
    route.perform([Request(RTM_DELRULE, 0, rule.message, "remove", str(rule), _GONE)])
