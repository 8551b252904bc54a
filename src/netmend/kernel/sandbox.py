"""A sandbox: user, mount, network, pid, uts and ipc namespaces of our own, cut off from the host.

Its first process is pid 1 of the pid namespace. When that ends, the kernel ends every process inside, and with the last
of them go the namespaces, devices and mounts.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from netmend.kernel import links, mounts, syscalls
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import RouteSocket


class SandboxUnavailable(Exception):
    """This machine does not let this user have a sandbox; the text says what to change, in one sentence."""


def run(function: Callable[[], int], *, user_namespace: bool = True) -> int:
    """Run `function` as uid 0 in a sandbox and return what it returns (0-255), or 128 + signal when it was killed.

    Inside: `/proc` of the own pid namespace, an empty tmpfs on `/run`, mounts private to the sandbox, loopback up.
    Call it from a process with one thread. `user_namespace=False` needs root and keeps the host's user namespace.
    Raises SandboxUnavailable.
    """
    ready_read, ready_write = os.pipe2(os.O_CLOEXEC)
    outer = os.fork()
    if outer == 0:
        os.close(ready_read)
        os._exit(_outer(function, ready_write, user_namespace=user_namespace))
    os.close(ready_write)
    with os.fdopen(ready_read, "rb") as ready:
        problem = ready.read()
    while True:
        try:
            _, status = os.waitpid(outer, 0)
            break
        except KeyboardInterrupt:
            continue  # the sandbox got the signal too, and ends by itself
    if problem:
        raise SandboxUnavailable(problem.decode())
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _outer(function: Callable[[], int], ready: int, *, user_namespace: bool) -> int:
    """The process between: it enters the namespaces, and waits for pid 1, which must be its child."""
    try:
        syscalls.die_with_parent(signal.SIGKILL)
        uid, gid = os.getuid(), os.getgid()
        kinds = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWPID
        kinds |= syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWIPC
        if user_namespace:
            syscalls.unshare(syscalls.CLONE_NEWUSER, "a user namespace")
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
            Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
        syscalls.unshare(kinds, "mount, network and pid namespaces")
        syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    except OSError as error:
        os.write(ready, _why_not(error).encode())
        return 2
    first = os.fork()
    if first == 0:
        os._exit(_first(function, ready))
    os.close(ready)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # pid 1 decides
    signal.signal(signal.SIGTERM, lambda *_: os.kill(first, signal.SIGTERM))
    _, status = os.waitpid(first, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _first(function: Callable[[], int], ready: int) -> int:
    try:
        syscalls.die_with_parent(signal.SIGKILL)
        syscalls.mount("proc", "/proc", "proc", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
        mounts.mount_tmpfs("/run")
        with RouteSocket() as route:
            links.set_link(route, links.LOOPBACK, up=True)
    except OSError as error:
        os.write(ready, _why_not(error).encode())
        return 2
    os.close(ready)
    try:
        return function()
    except KeyboardInterrupt:
        return 130
    except BaseException:
        traceback.print_exc()
        return 70  # EX_SOFTWARE, sysexits.h
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()


def _why_not(error: OSError) -> str:
    """One sentence: what is in the way of a sandbox, and the sysctl or flag to change."""
    for path, refuses, sentence in (
        ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ):
        with suppress(OSError):
            if Path("/proc/sys", path).read_text().strip() == refuses:
                return f"user namespaces are switched off on this machine; as root: {sentence}"
    if isinstance(error, KernelError) and error.target == "/proc":
        return (
            "this container hides parts of /proc, so a sandbox cannot have its own; "
            "start it with --security-opt systempaths=unconfined (Docker) or --security-opt unmask=ALL (Podman)"
        )
    return (
        f"this machine does not allow a sandbox ({error.strerror or error}); in a container, start it with "
        "--security-opt seccomp=unconfined, or use a user who may make user namespaces"
    )
