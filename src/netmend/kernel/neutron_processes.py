"""Finds the helpers of Neutron's agents, dnsmasq and haproxy, among the processes in sight; and ends one."""

import os
import select
import signal
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Final

from msgspec import Struct

from netmend.ground.neutron_processes import PROGRAMS, HelperProcess, Rival, role_and_owner
from netmend.kernel import procfs

_END_BY: Final = {"haproxy": (signal.SIGUSR1,)}  # it closes its listeners, answers what was asked, and ends
_PATIENCE: Final = 2.0  # seconds in which a helper should end before it is killed
_PORTS: Final = frozenset({53, 67, 80, 547, 9697})  # DNS, DHCP, metadata, DHCPv6, metadata by way of a router
_TABLES: Final = (("udp", "udp"), ("udp", "udp6"), ("tcp", "tcp"), ("tcp", "tcp6"))
_LISTENS: Final = "0A"  # TCP_LISTEN, net/tcp_states.h


class Helper(Struct, frozen=True):
    """A process that serves networks for Neutron's agent."""

    pid: int
    program: str
    words: str  # its command line
    network: int = 0  # inode of its network namespace

    def __str__(self) -> str:
        return f"{self.program} {self.pid}"

    def end(self) -> bool:
        """End the process, if it still is the helper; returns whether that is gone."""
        try:
            handle = os.pidfd_open(self.pid)  # from here on, its pid is not given to another process
        except OSError:
            return True
        try:
            if " ".join(procfs.arguments(self.pid)) != self.words:
                return False
            # Readable once its sockets are closed (pidfd_open(2)); its command line is gone before that.
            ended = select.poll()
            ended.register(handle, select.POLLIN)
            for number in (*_END_BY.get(self.program, ()), signal.SIGTERM, signal.SIGKILL):
                signal.pidfd_send_signal(handle, number)
                if ended.poll(_PATIENCE * 1000):
                    return True
        except ProcessLookupError:
            return True
        finally:
            os.close(handle)
        return False


def find_helpers(pids: Iterable[int] | None = None) -> list[Helper]:
    """Every dnsmasq and haproxy among these processes, or all in sight, whoever started it. Raises KernelError where
    there is no /proc."""
    found = []
    for pid in procfs.pids() if pids is None else pids:
        arguments = procfs.arguments(pid)
        if not arguments or PurePath(arguments[0]).name not in PROGRAMS:
            continue
        inode = None
        with suppress(PermissionError):
            inode = procfs.namespace_inode(pid, "net")
        if inode is not None:
            found.append(Helper(pid, PurePath(arguments[0]).name, " ".join(arguments), inode))
    return found


def describe_helpers(helpers: Iterable[Helper]) -> list[HelperProcess]:
    """Of these helpers, those of Neutron's agents: with their sockets, and who else serves beside them."""
    ours = [(helper, known) for helper in helpers if (known := role_and_owner(helper.words))]
    own = {helper.pid: procfs.sockets_of(helper.pid) for helper, _ in ours}
    of_helpers: set[int] = set().union(*own.values())
    opened: dict[int, dict[int, str]] = {}  # by namespace: inode of a socket → what it listens to
    for helper, _ in ours:
        if helper.network not in opened:
            opened[helper.network] = dict(_listeners(helper.pid))
    strangers = _owners({inode for sockets in opened.values() for inode in sockets} - of_helpers)
    found = []
    for helper, (role, owner) in ours:
        sockets = opened[helper.network]
        listens = sorted({what for inode, what in sockets.items() if inode in own[helper.pid]})
        rivals = {strangers[inode] for inode, what in sockets.items() if what in listens and inode in strangers}
        status, started = procfs.status(helper.pid), procfs.started(helper.pid)
        if status is None or started is None:
            continue  # it has ended
        found.append(
            HelperProcess(
                helper.pid, helper.program, role, owner, helper.network, status.parent, started, tuple(listens),
                tuple(sorted(rivals)),
            )
        )  # fmt: skip
    return found


def _listeners(pid: int) -> Iterator[tuple[int, str]]:
    """Sockets of the process's network namespace that guests send to: inode, and what it is (proc(5), /proc/net)."""
    for protocol, table in _TABLES:
        try:
            lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        except OSError:  # it has ended, or a kernel without IPv6
            continue
        for fields in map(str.split, lines):
            port = int(fields[1].rpartition(":")[2], 16)
            if port in _PORTS and (protocol == "udp" or fields[3] == _LISTENS) and fields[9] != "0":
                yield int(fields[9]), f"{protocol} {port}"


def _owners(inodes: Collection[int]) -> dict[int, Rival]:
    """Who has these sockets open; not asked of any process where there are none."""
    found: dict[int, Rival] = {}
    for pid in procfs.pids() if inodes else ():
        for inode in procfs.sockets_of(pid) & set(inodes):
            found.setdefault(inode, Rival(pid, procfs.program(pid)))
    return found
