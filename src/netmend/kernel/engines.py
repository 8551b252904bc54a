"""What container engines left on disk about their containers, found by their running daemons. Read-only.

Docker keeps `containers/ID/{config.v2,hostconfig}.json` in its data root (moby, daemon/container.go). A containerd shim
has the OCI bundle as working directory, conmon has it as argument `-b`; both hold the runtime-spec `config.json`.
Documents are returned as they are: they hold environments, which callers must leave out of whatever they keep.
"""

import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from netmend.kernel import procfs
from netmend.kernel.errors import KernelError
from netmend.kernel.unix_http import UnixConnection

Document = dict[str, Any]


class DockerDaemon(Struct, frozen=True):
    """A running dockerd; paths as it sees them."""

    pid: int
    data_root: str
    sockets: tuple[str, ...]


def docker_daemon(pid: int) -> DockerDaemon:
    """The dockerd that is process `pid`, with what its arguments and daemon.json say."""
    words = procfs.arguments(pid)
    settings: Document = {}
    config = _option(words, "--config-file") or "/etc/docker/daemon.json"
    try:
        found = json.loads(Path(f"/proc/{pid}/root{config}").read_bytes())
        settings = found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        pass
    root = _option(words, "--data-root", "-g", "--graph") or settings.get("data-root") or "/var/lib/docker"
    hosts = [*_options(words, "-H", "--host"), *(settings.get("hosts") or ())]
    sockets = tuple(host.removeprefix("unix://") for host in hosts if str(host).startswith("unix://"))
    return DockerDaemon(pid, str(root), sockets or ("/run/docker.sock",))


def docker_containers(daemon: DockerDaemon) -> Iterator[tuple[Document, Document]]:
    """`config.v2.json` and `hostconfig.json` of each container. Raises KernelError where the data root is not ours."""
    folder = f"/proc/{daemon.pid}/root{daemon.data_root}/containers"
    try:
        ids = os.listdir(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise KernelError("list", folder, error.errno or 0) from error
    for identifier in ids:
        try:
            config = json.loads(Path(folder, identifier, "config.v2.json").read_bytes())
            host = json.loads(Path(folder, identifier, "hostconfig.json").read_bytes())
        except (OSError, ValueError):  # made or removed just now
            continue
        if isinstance(config, dict) and isinstance(host, dict):
            yield config, host


def docker_inspect(path: str, timeout: float = 5.0) -> list[Document]:
    """What `docker inspect` says of every container, asked of the daemon at a unix socket. Raises KernelError."""
    try:
        listed = _get(path, "/containers/json?all=1", timeout)
        return [_get(path, f"/containers/{entry['Id']}/json", timeout) for entry in listed]
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
        raise KernelError("ask", path, getattr(error, "errno", None) or 0, str(error)) from error


def ask_engine(path: str, resource: str, timeout: float = 5.0) -> Any:
    """What the engine at a unix socket answers to GET of a resource of Docker's API. Raises KernelError."""
    try:
        return _get(path, resource, timeout)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise KernelError("ask", path, getattr(error, "errno", None) or 0, str(error)) from error


def _get(path: str, resource: str, timeout: float) -> Any:
    connection = UnixConnection(path, timeout)
    try:
        connection.request("GET", resource)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise ValueError(f"HTTP {answer.status}")
        return json.loads(body)
    finally:
        connection.close()


def oci_bundle(pid: int) -> Document | None:
    """The runtime-spec config of the container whose first process is `pid`, by way of its shim or conmon."""
    status = procfs.status(pid)
    if status is None or status.parent == 0:
        return None
    parent = status.parent
    words = procfs.arguments(parent)
    program = procfs.program(parent)
    try:
        if program == "conmon":
            bundle = _option(words, "-b", "--bundle")
        elif program.startswith("containerd-shim"):
            bundle = os.readlink(f"/proc/{parent}/cwd")
        else:
            return None
        if not bundle:
            return None
        found = json.loads(Path(f"/proc/{parent}/root{bundle}/config.json").read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def podman_names(storage: str = "/var/lib/containers/storage") -> dict[str, str]:
    """Container id → name, from containers/storage's own list; empty where there is none that can be read."""
    found: dict[str, str] = {}
    for kind in ("overlay-containers", "vfs-containers", "btrfs-containers"):
        try:
            entries = json.loads(Path(storage, kind, "containers.json").read_bytes())
            found.update((entry["id"], entry["names"][0]) for entry in entries if entry.get("names"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


def _options(words: list[str], *names: str) -> Iterator[str]:
    for position, word in enumerate(words):
        for name in names:
            if word == name and position + 1 < len(words):
                yield words[position + 1]
            elif word.startswith(name + "="):
                yield word[len(name) + 1 :]


def _option(words: list[str], *names: str) -> str | None:
    return next(_options(words, *names), None)
