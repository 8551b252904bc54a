"""Messages of engines, CNI plugins and iproute2 that are about mounts of namespaces: what each means, and the mend."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from netmend.propagation.pitfalls import Pitfall

_QUOTE = r"[\"'`\\]*"


def _not_shared(found: re.Match[str]) -> Pitfall:
    path, point, slave = found[1], found[2], bool(found[3])
    wanted = "shared, or a slave of one" if slave else "shared"
    return Pitfall(
        "host-not-shared",
        f"the engine was asked to share {path} with a container ({'slave' if slave else 'shared'}), and {path} lies on "
        f"the mount {point} of the host, which is not {wanted}: nothing could travel, so it refuses. It looks at the "
        "mounts that it has itself, which may not be the host's (systemd's MountFlags=, a snap, a container). systemd "
        "makes all mounts shared at boot; WSL2, Alpine, Synology and containers do not.",
        f"mount --make-rshared {point}, at each boot before the engine starts; then start the container again",
    )


_MESSAGES: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Pitfall]], ...]] = (
    (
        re.compile(
            rf"path {_QUOTE}(/[^\s\"'`\\]*){_QUOTE} is mounted on {_QUOTE}(/[^\s\"'`\\]*){_QUOTE} but it is not a "
            r"shared( or slave)? mount"
        ),
        _not_shared,
    ),
    (
        re.compile(r"Can't find mount point of (\S+)", re.I),
        lambda found: Pitfall(
            "no-mount-point",
            f"dockerd finds no mount that {found[1]} lies on: its own mount namespace is not the host's, or the source "
            "is a link that leads out of it.",
            "netmend doctor on the host says which mounts dockerd has",
        ),
    ),
    (
        re.compile(r"Bidirectional mount propagation is available only to privileged containers"),
        lambda _: Pitfall(
            "privileged-needed",
            "the API server admits mountPropagation: Bidirectional only with securityContext.privileged: true, since "
            "what the container mounts appears on the host.",
            "set privileged: true; or HostToContainer where the container makes no namespaces",
        ),
    ),
    (
        re.compile(r"unknown FS magic on|not a network namespace|[Ii]nvalid argument.*netns|netns.*[Ii]nvalid argument|"
                   r"setting the network namespace .* failed: Invalid argument|failed to open netns", re.S),
        lambda _: Pitfall(
            "plain-file",
            "the name is there as a plain file, and no namespace is mounted on it where the program looks: made by "
            "somebody whose mounts do not reach it, lost with a container's restart, or covered by another mount "
            "(1021994 and ef53 are tmpfs and ext4, where nsfs, 6e736673, should be).",
            "netmend doctor on the host says which, whose mount it is, and what mends it",
        ),
    ),
    (
        re.compile(r"(?:netns|network namespace).*[Nn]o such file or directory", re.S),
        lambda _: Pitfall(
            "no-file",
            "the program sees no file of that name: its directory of namespaces is not the one in which the name was "
            "made (it has no mount of the host's, or another path), or the namespace was deleted meanwhile.",
            "compare ls /run/netns on the host with ls /proc/PID/root/run/netns of the program; mount the host's "
            "directory into its container, receiving: -v /run/netns:/run/netns:rslave",
        ),
    ),
    (
        re.compile(r"[Dd]evice or resource busy"),
        lambda _: Pitfall(
            "busy",
            "the name's file is still a mount point in this mount namespace: a second copy of the namespace's mount, "
            "out of reach of the one that was unmounted. The name is a plain file now, and the namespace lives on. On "
            "kernels 3.10 any mount namespace that has the mount is enough (fs.may_detach_mounts).",
            "netmend doctor on the host shows where the second copy is, and gives the name back",
        ),
    ),
    (
        re.compile(r"invalid (?:mode|propagation mode|bind mount propagation|mount propagation)[:\s]+(\S+)"),
        lambda found: Pitfall(
            "no-such-word",
            f"the engine knows no word {found[1]}: Docker takes [r]private, [r]shared and [r]slave, Podman "
            "[r]unbindable too, each at most once and beside ro or rw, z or Z.",
            "write one of these words",
        ),
    ),
)  # fmt: skip


def recognise(text: str) -> Pitfall | None:
    """What a message means; None for one that is not known."""
    for pattern, explain in _MESSAGES:
        found = pattern.search(text)
        if found is not None:
            return explain(found)
    return None
