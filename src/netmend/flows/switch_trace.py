"""What ovs-vswitchd says of a packet's way (ofproto/trace, ovs-vswitchd(8)), read from its text."""

import re
from dataclasses import dataclass

_BRIDGE = re.compile(r'\s*bridge\("(.*)"\)$')
_MET = re.compile(r"\s*(\d+)\. (?:.*, )?priority (\d+)(?:,|$)")
_MISSED = re.compile(r"\s*(\d+)\. No match")
_PREFIX = "Datapath actions: "
_NO_PORTS = frozenset(("drop", "pop_vlan", "ct", "ct_clear", "pop_eth", "trunc"))


@dataclass(frozen=True, slots=True)
class SwitchTrace:
    """`met`: bridge, table, and the priority of the flow that was met there (None: none). `delivered`: the names of
    ports; a tunnel's is that of its device in the datapath, such as `vxlan_sys_4789`."""

    met: tuple[tuple[str, int, int | None], ...]
    delivered: frozenset[str]


def read_switch_trace(text: str) -> SwitchTrace:
    met: list[tuple[str, int, int | None]] = []
    delivered: set[str] = set()
    bridge = ""
    nested: list[tuple[int, str]] = []  # how far each is indented
    for line in text.splitlines():
        if found := _BRIDGE.match(line):
            indent = len(line) - len(line.lstrip())
            nested = [one for one in nested if one[0] < indent]
            nested.append((indent, found[1]))
        elif found := _MET.match(line) or _MISSED.match(line):
            indent = len(line) - len(line.lstrip())
            bridge = next((name for at, name in reversed(nested) if at <= indent), bridge)
            met.append((bridge, int(found[1]), int(found[2]) if found.lastindex == 2 else None))
        elif line.startswith(_PREFIX):
            delivered |= _ports(line.removeprefix(_PREFIX))
    return SwitchTrace(tuple(met), frozenset(delivered))


def _ports(text: str) -> set[str]:
    """The ports among actions of the datapath: words without parentheses."""
    found, depth, word = set(), 0, ""
    for letter in text + ",":
        if letter == "," and depth == 0:
            if word and "(" not in word and word not in _NO_PORTS:
                found.add(word.strip('"'))
            word = ""
        else:
            depth += {"(": 1, ")": -1}.get(letter, 0)
            word += letter
    return found
