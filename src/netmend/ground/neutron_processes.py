"""The dnsmasq and haproxy processes that Neutron's agents start, and which of them are strays: orphans and doubles.

An agent starts one of each for a network. Kolla's wrappers start each as a container of its own, which outlives the
agent's: one whose network was deleted meanwhile is never ended, and an agent that does not know of one starts another.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

PROGRAMS: Final = frozenset({"dnsmasq", "haproxy"})

_UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_FILE: Final = re.compile(rf"/(dhcp|ns-metadata-proxy|ovn-metadata-proxy)/({_UUID})(?:/|\.conf\b)")
"""A file of the process below `state_path` (neutron/agent/linux/dhcp.py, agent/metadata/driver_base.py)."""


class Rival(NamedTuple):
    """A process that is no helper, and has a socket that serves what a helper serves, in the same namespace."""

    pid: int
    program: str


class HelperProcess(Struct, frozen=True):
    """A dnsmasq or haproxy that serves a network, or the networks of a router, for Neutron's agent."""

    pid: int
    program: str
    role: str  # the directory that its files are in: `dhcp`, `ns-metadata-proxy`, `ovn-metadata-proxy`
    owner: str  # id of the network or router that its files are named after
    network: int  # inode of its network namespace
    parent: int = 0
    started: float = 0.0  # seconds since the epoch
    listens: tuple[str, ...] = ()  # its sockets that guests send to: `udp 67`
    rivals: tuple[Rival, ...] = ()

    def __str__(self) -> str:
        return f"{self.program} {self.pid}"


class Wrong(StrEnum):
    """What is wrong with a helper."""

    GONE = "its network is gone"
    SURPLUS = "another one serves the same network"
    BESIDE = "another program serves the same network"


class Stray(NamedTuple):
    """A helper that nobody needs."""

    helper: HelperProcess
    wrong: Wrong
    instead: int | None = None  # the process that serves in its place


def role_and_owner(command_line: str) -> tuple[str, str] | None:
    """The directory and the id in the path of a helper's files; None for what is not one of Neutron's."""
    found = _FILE.search(command_line)
    return (found[1], found[2]) if found else None


def find_strays(
    helpers: Iterable[HelperProcess], names: Mapping[int, Collection[str]], empty: Collection[int]
) -> list[Stray]:
    """Every helper that nobody needs. A worker of haproxy is told with the process that started it.

    `names`: by inode of a network namespace, the names that lead to it anywhere; `empty`: the namespaces that hold no
    device but the loopback. A helper whose namespace has devices and no name is a stray only if another serves its
    network: else guests may be served by it.
    """
    firsts = _with_workers(list(helpers))
    alike: dict[tuple[str, str, str], list[HelperProcess]] = {}
    for helper in firsts:
        alike.setdefault((helper.program, helper.role, helper.owner), []).append(helper)
    found: list[Stray] = []
    for same in alike.values():
        right = [helper for helper in same if _is_named(helper, names) and helper.network not in empty]
        serving = [helper for helper in right if helper.listens]  # one that is about to end listens to nothing
        newest = max(serving, key=lambda helper: (helper.started, helper.pid), default=None)
        for helper in same:
            if helper.network in empty:
                found.append(Stray(helper, Wrong.GONE))
            elif newest is not None and helper is not newest and (helper.listens or helper not in right):
                found.append(Stray(helper, Wrong.SURPLUS, newest.pid))
            elif helper.rivals and helper in right:
                found.append(Stray(helper, Wrong.BESIDE, helper.rivals[0].pid))
    return found


def _with_workers(known: Sequence[HelperProcess]) -> list[HelperProcess]:
    """Processes that no other of them started, each with the sockets of its workers, who alone have haproxy's."""
    pids = {helper.pid for helper in known}
    workers: dict[int, list[HelperProcess]] = {}
    for helper in known:
        if helper.parent in pids:
            workers.setdefault(helper.parent, []).append(helper)
    return [
        replace(
            first,
            listens=tuple(sorted({*first.listens, *(what for one in workers[first.pid] for what in one.listens)})),
            rivals=tuple(sorted({*first.rivals, *(rival for one in workers[first.pid] for rival in one.rivals)})),
        )
        if first.pid in workers
        else first
        for first in known
        if first.parent not in pids
    ]


def _is_named(helper: HelperProcess, names: Mapping[int, Collection[str]]) -> bool:
    return any(name.endswith(helper.owner) for name in names.get(helper.network, ()))
