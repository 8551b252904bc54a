"""Processes, the namespaces they are in, and packet sockets, from /proc (proc(5)). Read-only.

A process may end between any two reads: one that is gone is left out. One that may not be read raises PermissionError.
"""

import os
import re
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from msgspec import Struct

from netmend.kernel.errors import KernelError

CAP_SYS_ADMIN: Final = 21  # linux/capability.h
_SOCKET: Final = re.compile(r"socket:\[([0-9]+)\]")
_INODE: Final = re.compile(r"\[([0-9]+)\]")


def mount_namespaces() -> Iterator[tuple[str, int]]:
    """Each mount namespace that can be seen, once: its name (`mnt:[4026531841]`) and the pid of a process in it."""
    seen: set[str] = set()
    for pid in pids():
        try:
            name = os.readlink(f"/proc/{pid}/ns/mnt")
        except OSError:  # gone meanwhile, or not ours to look at
            continue
        if name not in seen:
            seen.add(name)
            yield name, pid


def pids() -> list[int]:
    """Every process that /proc shows, in ascending order. Raises KernelError where there is no /proc."""
    try:
        return sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit())
    except OSError as error:
        raise KernelError("list", "/proc", error.errno or 0) from error


def namespace_inode(pid: int, kind: str) -> int | None:
    """The inode number that names the process's namespace of `kind` (`mnt`, `net`, `pid`, `user`: namespaces(7)).

    None when the process is gone; raises PermissionError when the caller may not look at it (ptrace(2)).
    """
    try:
        found = _INODE.search(os.readlink(f"/proc/{pid}/ns/{kind}"))
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(found[1]) if found else None


def program(pid: int) -> str:
    """The program's name as the kernel keeps it (comm, at most 15 bytes); empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").rstrip("\n")
    except OSError:
        return ""


def arguments(pid: int) -> list[str]:
    """The command line; empty when it cannot be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="surrogateescape").rstrip("\0").split("\0")
    except OSError:
        return []


def setting(name: str) -> str | None:
    """A setting of the kernel by its dotted name (sysctl(8)); None where this kernel does not have it."""
    try:
        return Path("/proc/sys", *name.split(".")).read_text().strip()
    except OSError:
        return None


def cgroups(pid: int) -> list[str]:
    """The paths of the process's cgroups, v1 and v2 (cgroups(7)); empty when they cannot be read."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [line.split(":", 2)[2] for line in lines if line.count(":") >= 2]


class Status(Struct, frozen=True):
    """The fields of a process that matter for work with namespaces."""

    parent: int
    may_administer: bool  # CAP_SYS_ADMIN is in its effective or bounding set (capabilities(7))


def status(pid: int) -> Status | None:
    """From /proc/PID/status; None when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    capabilities = int(fields.get("CapEff", "0"), 16) | int(fields.get("CapBnd", "0"), 16)
    return Status(int(fields.get("PPid", "0")), bool(capabilities >> CAP_SYS_ADMIN & 1))


def started(pid: int) -> float | None:
    """When the process was started, in seconds since the epoch, to about 10 ms; None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    ticks = int(text.rpartition(")")[2].split()[19])
    return _boot_time() + ticks / os.sysconf("SC_CLK_TCK")


def _boot_time() -> float:
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)  # /proc/stat's btime is in whole seconds


class HeldNamespace(Struct, frozen=True):
    """A descriptor of a network namespace; `inode` names the namespace."""

    pid: int
    descriptor: int
    inode: int


class HeldTap(Struct, frozen=True):
    """A descriptor of /dev/net/tun that is attached to the device `name`."""

    pid: int
    name: str


def held(pid: int) -> Iterator[HeldNamespace | HeldTap]:
    """Network namespaces and taps that the process has open. Raises PermissionError; one that is gone has none."""
    folder = f"/proc/{pid}/fd"
    try:
        entries = os.listdir(folder)
    except (FileNotFoundError, ProcessLookupError):
        return
    for entry in entries:
        path = f"{folder}/{entry}"
        try:
            target = os.readlink(path)
            if target == "/dev/net/tun":
                name = _tap_of(pid, entry)
                if name:
                    yield HeldTap(pid, name)
            elif target.startswith("net:[") or ("/netns/" in target or target == "/"):
                # opened at its name it shows that name, or "/" once unmounted; only stat shows that it is nsfs
                found = os.stat(path)
                if found.st_dev == nsfs_device() and _is_network(path, target):
                    yield HeldNamespace(pid, int(entry), found.st_ino)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue


def _is_network(path: str, target: str) -> bool:
    if target.startswith("net:["):
        return True
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return bool(fcntl.ioctl(descriptor, _NS_GET_NSTYPE) == 0x40000000)  # CLONE_NEWNET
    except OSError:
        return False
    finally:
        os.close(descriptor)


_NS_GET_NSTYPE: Final = 0xB703  # linux/nsfs.h


@lru_cache(maxsize=1)
def nsfs_device() -> int:
    """st_dev of nsfs: one for the whole kernel."""
    return os.stat("/proc/self/ns/net").st_dev


def _tap_of(pid: int, descriptor: str) -> str | None:
    """The device behind an open /dev/net/tun (fdinfo's `iff:`, drivers/net/tun.c)."""
    text = Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text(errors="replace")
    for line in text.splitlines():
        if line.startswith("iff:"):
            return line[4:].strip() or None
    return None


def packet_sockets() -> dict[int, set[int]]:
    """Index of each link of this network namespace to which a packet socket is bound (packet(7)), and the inodes of
    these sockets: that of a DHCP server or client, of a sniffer, of the userspace datapath of Open vSwitch. Raises
    KernelError."""
    table = "/proc/thread-self/net/packet"
    try:
        lines = Path(table).read_text().splitlines()[1:]
    except OSError as error:
        raise KernelError("read", table, error.errno or 0) from error
    found: dict[int, set[int]] = {}
    for line in lines:
        fields = line.split()
        if len(fields) > 8 and fields[4] != "0":
            found.setdefault(int(fields[4]), set()).add(int(fields[8]))
    return found


def sockets_of(pid: int) -> set[int]:
    """Inodes of the sockets that a process has open; none when it is gone, or may not be looked into."""
    found: set[int] = set()
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return found
    for descriptor in descriptors:
        try:
            match = _SOCKET.fullmatch(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
        except OSError:
            continue
        if match:
            found.add(int(match[1]))
    return found


def has_sockets() -> bool:
    """True when this network namespace has a socket of IP or a packet socket, whoever holds it. Raises KernelError."""
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet"):
        path = f"/proc/thread-self/net/{table}"
        try:
            if Path(path).read_text().count("\n") > 1:
                return True
        except FileNotFoundError:  # a kernel without IPv6
            continue
        except OSError as error:
            raise KernelError("read", path, error.errno or 0) from error
    return False
