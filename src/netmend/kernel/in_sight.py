"""What the processes in sight have open: taps, network namespaces, mount namespaces; and what is out of sight.

One walk over /proc (proc(5)). It shows that no process uses a thing, so it keeps account of what it could not see.
"""

import errno
import os
import re
from typing import Final

from msgspec import Struct, field

from netmend.kernel import mounts, procfs
from netmend.kernel.errors import KernelError
from netmend.kernel.netns import Netns

_FIRST_PID_NAMESPACE: Final = "pid:[4026531836]"  # PROC_PID_INIT_INO, linux/proc_ns.h
_WALKS: Final = 5
_NAMED: Final = 5  # processes that a sentence names
_ENDED: Final = (errno.ENOENT, errno.ESRCH, errno.EINVAL)  # EINVAL: ended, and not waited for yet
_NETWORK: Final = re.compile(rb"net:\[([0-9]+)\]")


class InSight(Struct):
    """Which process has what open; `unseen` says, in sentences, what could not be looked at."""

    taps: dict[str, int] = field(default_factory=dict)  # device, of any network namespace → a process that has it open
    networks: dict[int, str] = field(default_factory=dict)  # inode of a namespace → a path to it, empty: out of reach
    mount_namespaces: dict[str, int] = field(default_factory=dict)  # name of a mount namespace → a process in it
    mounted: dict[str, set[bytes]] = field(default_factory=dict)  # last part of a path → namespaces mounted at such
    paths: dict[int, set[str]] = field(default_factory=dict)  # inode of a namespace → paths at which it is mounted
    unseen: list[str] = field(default_factory=list)

    def inside(self, inode: int) -> bool:
        """True when a process or thread is in the namespace, or has it open: more than a mount leads to it."""
        return "/root/" not in self.networks.get(inode, "/root/")

    def reach(self, inode: int) -> Netns | None:
        """The namespace, open; None when no way leads to it any more."""
        try:
            found = Netns.open(self.networks[inode])
        except (KeyError, KernelError):
            return None
        if found.inode == inode:
            return found
        found.close()
        return None


def look_around() -> InSight:
    """Walk over all processes. Raises KernelError where there is no /proc."""
    for _ in range(_WALKS):
        seen, ended = _walk()
        if not ended:
            break
    else:
        seen.unseen.append("processes kept ending while they were looked at; try again")
    if os.readlink("/proc/self/ns/pid") != _FIRST_PID_NAMESPACE:
        seen.unseen.append(
            "this is a pid namespace of its own, so processes outside it cannot be seen; "
            "run on the host, or in a container started with --pid=host"
        )
    return seen


def _walk() -> tuple[InSight, bool]:
    """What was seen, and whether a process ended by which a mount namespace was to be looked into: others in it live
    on."""
    seen, ended = InSight(), False
    refused: list[int] = []
    for pid in procfs.pids():
        try:
            _look_at(pid, seen)
        except PermissionError:
            refused.append(pid)
    for pid in list(seen.mount_namespaces.values()):
        try:
            _mounted_networks(pid, seen)
        except KernelError as error:
            if error.code in _ENDED:
                ended = True
            else:
                refused.append(pid)
    if refused:
        seen.unseen.append(f"{_named(refused)} may not be looked into; run as root with CAP_SYS_PTRACE")
    return seen, ended


def _named(pids: list[int]) -> str:
    """Processes by id and command, the first few of many; every process's command may be read (proc(5))."""
    named = ", ".join(f"{pid} ({procfs.program(pid) or 'ended'})" for pid in pids[:_NAMED])
    if len(pids) == 1:
        return f"process {named}"
    return f"{len(pids)} processes, {named}{' and others' if len(pids) > _NAMED else ''},"


def _look_at(pid: int, seen: InSight) -> None:
    try:
        name = os.readlink(f"/proc/{pid}/ns/mnt")
        tasks = os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return
    seen.mount_namespaces.setdefault(name, pid)
    for task in tasks:  # a thread may be in a namespace of its own
        way = f"/proc/{pid}/task/{task}/ns/net"
        try:
            target = os.readlink(way)
        except (FileNotFoundError, ProcessLookupError):
            continue
        seen.networks.setdefault(int(target[5:-1]), way)
    for one in procfs.held(pid):
        if isinstance(one, procfs.HeldTap):
            seen.taps.setdefault(one.name, pid)
        else:
            seen.networks.setdefault(one.inode, f"/proc/{pid}/fd/{one.descriptor}")


def _mounted_networks(pid: int, seen: InSight) -> None:
    for line in mounts.read_mountinfo(pid).splitlines():
        fields = line.split(b" ")
        if b"nsfs" not in fields or not (network := _NETWORK.fullmatch(fields[3])):
            continue
        path = os.fsdecode(fields[4].replace(b"\\040", b" "))
        seen.mounted.setdefault(path.rpartition("/")[2], set()).add(fields[3])
        inode, way = int(network[1]), f"/proc/{pid}/root{path}"
        seen.paths.setdefault(inode, set()).add(path)
        if not seen.networks.get(inode):
            seen.networks[inode] = way if _leads_to(way, inode) else ""


def _leads_to(way: str, inode: int) -> bool:
    try:
        return os.stat(way).st_ino == inode
    except OSError:
        return False
