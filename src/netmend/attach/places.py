"""Where a guest is: a process, a namespace, a container, or a tap, as the `plug` of a port."""

import os
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from netmend.kernel import nsdir, procfs
from netmend.kernel.engines import Document, ask_engine
from netmend.kernel.errors import KernelError
from netmend.kernel.netns import Netns

Plug = dict[str, Any]
ENGINES: Final = ("/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock")
_OF_PROCESS: Final = re.compile(r"/proc/([1-9][0-9]{0,9})(?:/task/[0-9]+)?/ns/net")


class NoPlace(Exception):
    """The guest's namespace cannot be found, or cannot be entered; the text says why."""


def of_process(pid: int, device: str) -> Plug:
    """The namespace that a process is in; raises NoPlace."""
    with _opened(f"/proc/{pid}/ns/net", f"process {pid}"):
        return {"pid": pid, "device": device}


def of_namespace(name: str, device: str, directory: str = nsdir.DEFAULT) -> Plug:
    """A name in the namespace directory; raises NoPlace."""
    with _opened(f"{directory}/{name}", f"namespace {name}"):
        return {"netns": name, "device": device}


def of_path(path: str, device: str, directory: str = nsdir.DEFAULT) -> Plug:
    """A file that a namespace is mounted on, below the namespace directory or /proc, and not the namespace of the
    caller, which is the host's; raises NoPlace."""
    found = _OF_PROCESS.fullmatch(os.path.normpath(path))
    if found:
        plug = of_process(int(found[1]), device)
        _not_the_hosts(path)
        return plug
    real = Path(path).resolve()
    if real.parent != Path(directory).resolve():
        raise NoPlace(f"{path}: netmend looks for guests' namespaces in {directory}, and at /proc/PID/ns/net")
    plug = of_namespace(real.name, device, directory)
    _not_the_hosts(path)
    return plug


def _not_the_hosts(path: str) -> None:
    with _opened(path, path) as its, Netns.current() as ours:
        if its.inode == ours.inode:
            raise NoPlace(f"{path} is the network namespace of the host itself: there is nothing to plug into")


def of_tap(owner: int) -> Plug:
    return {"tap": {"owner": owner}}


def of_container(text: str, device: str, sockets: tuple[str, ...] = ENGINES) -> Plug:
    """A running container of Docker or Podman, by name or id; raises NoPlace.

    The plug is the container's first process: after a restart of the container it is another, and has to be attached
    anew.
    """
    asked = [path for path in sockets if Path(path).exists()]
    for path in asked:
        container = _container(path, text)
        if container is not None:
            state = container.get("State")
            pid = state.get("Pid") if isinstance(state, dict) else None
            if not pid:
                raise NoPlace(f"container {text} does not run")
            return _of_container(int(pid), text, device)
    pid = _by_id(text)
    if pid is not None:
        return _of_container(pid, text, device)
    where = f"asked {', '.join(asked)}, and" if asked else "no engine has a socket here, and"
    raise NoPlace(f"no container {text} was found ({where} no process here is in a cgroup of that id)")


def _of_container(pid: int, text: str, device: str) -> Plug:
    with _opened(f"/proc/{pid}/ns/net", f"container {text}") as its, Netns.of_process(os.getpid()) as ours:
        if its.inode == ours.inode:
            raise NoPlace(f"container {text} has the host's network (--network host): there is nothing to plug into")
    return of_process(pid, device)


def _container(path: str, text: str) -> Document | None:
    try:
        found = ask_engine(path, f"/containers/{quote(text, safe='')}/json")
    except KernelError:
        return None
    return found if isinstance(found, dict) else None


def _by_id(text: str) -> int | None:
    """The oldest process in a cgroup that bears the container's id, of which `text` is the beginning."""
    if re.fullmatch(r"[0-9a-f]{12,64}", text) is None:
        return None
    named = re.compile(rf"(?<![0-9a-f]){text}[0-9a-f]{{0,{64 - len(text)}}}(?![0-9a-f])")
    for pid in sorted(procfs.pids()):
        try:
            if named.search(Path(f"/proc/{pid}/cgroup").read_text()):
                return pid
        except OSError:
            continue
    return None


def _opened(path: str, what: str) -> Netns:
    try:
        return Netns.open(path)
    except KernelError as error:
        raise NoPlace(f"{what}: {error}") from error
