"""What goes wrong with a mount of a namespace directory into a container, known before it runs.

Each pitfall was seen on real engines; docs/propagation.md tells how.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netmend.propagation.options.request import MountRequest
from netmend.propagation.paths import is_under

NETNS_DIRECTORIES = ("/run/netns", "/var/run/netns", "/run/docker/netns", "/var/run/docker/netns")


@dataclass(frozen=True, slots=True)
class Pitfall:
    """``id`` is stable, for tests and for links; ``mend`` is what to write or type instead."""

    id: str
    text: str
    mend: str


def pitfalls(requests: Sequence[MountRequest], engine: str) -> list[Pitfall]:
    """All that apply to the mounts of one container; each id at most once a mount."""
    binds = [request for request in requests if request.kind == "bind"]
    found: list[Pitfall] = []
    for request in binds:
        found += _of_one(request, engine)
    found += _together(binds)
    return found


def _shows_namespaces(request: MountRequest) -> bool:
    return any(
        is_under(directory, request.source) or is_under(request.source, directory) for directory in NETNS_DIRECTORIES
    )


def _written(request: MountRequest, word: str, engine: str) -> str:
    if engine == "kubernetes":
        return "mountPropagation: " + {"shared": "Bidirectional", "slave": "HostToContainer"}.get(word, "None")
    return f"{request.source}:{request.target}:{word}"


def _of_one(request: MountRequest, engine: str) -> Iterator[Pitfall]:
    word = request.propagation.removeprefix("r")
    shared = _written(request, "shared", engine)
    namespaces = _shows_namespaces(request)
    if word in ("private", "") and namespaces:
        said = f"`{request.propagation}`" if request.asked else "no propagation named, which means private"
        yield Pitfall(
            "private",
            f"{said}: what is mounted under {request.source} after the container has started is not seen in it, and "
            "what the container mounts is seen by nobody else. The name of a namespace made later is there as a plain "
            "file, and its use fails with `Invalid argument`. A restart of the container shows those made until then.",
            f"write {shared}",
        )
    if word == "slave" and namespaces:
        yield Pitfall(
            "one-way",
            "namespaces that the container makes are plain files for the host and for every other container; and the "
            "container's own are covered when the host's first `ip netns add` mounts the directory on itself.",
            f"write {shared}, unless the container only uses what others make",
        )
        yield Pitfall(
            "busy",
            "`ip netns add` in the container makes its copy of the directory shared, in a group of its own below the "
            "host's. A deletion in the container can then give `Device or resource busy`, where a copy of the mount "
            "came from the host as well.",
            "let the host, or a container with shared, make and delete them",
        )
    if word == "unbindable":
        yield Pitfall(
            "unbindable",
            "nothing travels, and the mount cannot be bound again inside the container.",
            f"write {shared} where namespaces are to be shared",
        )
    if word in ("shared", "slave"):
        yield _host_must_be_shared(request, word, engine)
        yield Pitfall(
            "shared-proves-nothing",
            f"`shared:N` for {request.target} in the container's mountinfo is no proof: iproute2 makes the directory "
            "shared on its first `ip netns add`. Its group must be that of the host's topmost mount there.",
            "netmend doctor",
        )
    if namespaces and request.read_only:
        yield Pitfall(
            "read-only",
            "namespaces can be used, but not made or deleted: `ip netns add` gives `Read-only file system`.",
            "leave out `ro` where the container makes namespaces",
        )
    if namespaces and not request.recursive:
        yield Pitfall(
            "not-recursive",
            "namespaces that exist when the container starts are plain files in it: the bind leaves out their mounts.",
            "bind recursively, which is the default",
        )
    if request.source in ("/run", "/var/run", "/"):
        yield Pitfall(
            "second-copy",
            f"{request.source} holds the namespace directory, so the container gets a copy of every namespace's mount "
            f"at {request.target}; where /run/netns comes in by another way too, that is a second, hidden copy: "
            "deletion then fails with `Device or resource busy`, and leaves a namespace alive without a name.",
            "mount the directories that are needed, not all of it",
        )


def _host_must_be_shared(request: MountRequest, word: str, engine: str) -> Pitfall:
    other = "shared" if word == "shared" else "shared, or a slave"
    if engine == "podman":
        consequence = "podman starts the container all the same, and everything behaves as private"
    elif engine in ("docker", "compose"):
        consequence = (
            f"Docker does not start the container: `path {request.source} is mounted on … but it is not a "
            f"{'shared mount' if word == 'shared' else 'shared or slave mount'}`"
        )
    else:
        consequence = "the runtime starts the container all the same, and nothing travels"
    return Pitfall(
        "host-not-shared",
        f"the host's mount that holds {request.source} must be {other}, as seen by the engine itself, which may be in "
        f"a mount namespace of its own (systemd's MountFlags=slave). Otherwise {consequence}.",
        f"findmnt -o TARGET,PROPAGATION -T {request.source}; where it says private: mount --make-rshared /",
    )


def _together(binds: Sequence[MountRequest]) -> Iterator[Pitfall]:
    for first in binds:
        for second in binds:
            if first is second or not is_under(second.source, first.source):
                continue
            if first.source == second.source and binds.index(first) > binds.index(second):
                continue
            pair = f"{first.source}:{first.target} and {second.source}:{second.target}"
            doubled = second.target == first.target.rstrip("/") + second.source.removeprefix(first.source.rstrip("/"))
            if doubled and first.propagation in ("shared", "rshared"):
                yield Pitfall(
                    "doubling",
                    f"{pair}: the second is mounted on the first, which is shared, so it appears on the host too; at "
                    "each start the number of mounts there doubles (12 to 1,536 in 7 restarts).",
                    f"leave out {second.source}:{second.target}; the first shows it already",
                )
            if not _shows_namespaces(second):
                continue  # two copies of other things hinder no `ip netns delete`
            if first.propagation in ("slave", "rslave") and second.propagation in ("shared", "rshared"):
                continue  # the copy below the first receives the unmounting, and goes too
            if second.direction == "in" or second.read_only:
                continue  # it uses what others make, and deletes nothing
            yield Pitfall(
                "hidden-copy",
                f"{pair}: the container has two copies of each mount, outside each other's peer group. A deletion "
                "takes one away and fails at the other: `Device or resource busy`; the name is then a plain file for "
                "everybody, and the namespace lives on without a name.",
                "keep one of the two",
            )
