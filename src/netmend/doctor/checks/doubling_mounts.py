"""The same directory mounted on itself over and over: each start of a container doubles the mounts."""

from __future__ import annotations

from collections.abc import Iterator

from netmend.doctor.blame import option
from netmend.doctor.mends import recreate, restart
from netmend.doctor.observation import HOST, Bind, MountNamespace
from netmend.doctor.places import HostView, directory_at
from netmend.doctor.rehearsal.losses import first_safe
from netmend.doctor.relevant import WELL_KNOWN
from netmend.doctor.sentences import count, script, several
from netmend.ground.finding import Finding, Severity

CHECK = "doubling-mounts"
_MANY = 4
"""Layers of one directory on itself that nothing makes on purpose: a bind on itself and one that arrived make two."""


def check(view: HostView) -> Iterator[Finding]:
    for namespace in view.observation.namespaces:
        if namespace.label != HOST and view.observation.namespace(HOST) is not None:
            continue  # where it doubles, the host has it; what others have is the same thing seen again
        for path in WELL_KNOWN[:2]:
            layers: dict[object, int] = {}
            for mount in namespace.tree.at(path):
                directory = directory_at(mount, path)
                layers[directory] = layers.get(directory, 0) + 1
            doubling = _who_doubles(view, namespace, path)
            most = max(layers.values(), default=0)
            if most >= (2 if doubling else _MANY):
                yield _finding(view, namespace, path, most, doubling)


def _who_doubles(view: HostView, host: MountNamespace, path: str) -> list[MountNamespace]:
    """Containers that share what lies above the directory with the host, and mount the directory itself as well."""
    above = path.rpartition("/")[0]
    groups = {mount.shared for mount in host.tree.at(above)} - {None}
    return [
        namespace
        for namespace in view.observation.namespaces
        if namespace.container is not None
        and any(mount.shared in groups for mount in namespace.tree.at(above))
        and any(bind.destination == path for bind in namespace.container.binds)
    ]


def _finding(
    view: HostView, namespace: MountNamespace, path: str, layers: int, doubling: list[MountNamespace]
) -> Finding:
    above = path.rpartition("/")[0]
    names = [one.label for one in doubling]
    lines = _single_layer(path, above)
    evidence = [
        f"{namespace.label}: {layers} mounts of one directory at {path}, {namespace.total_mounts:,} mounts in all"
    ]
    for one in doubling:
        container = one.container
        if container is None:
            continue
        binds = [bind for bind in container.binds if bind.destination in (path, above)]
        evidence.append(
            f"{one.label}: {several([f'-v {option(bind)}' for bind in binds])}; {one.total_mounts:,} mounts"
        )
        change = {
            b.destination: Bind(b.source, b.destination, "rslave", b.read_only) for b in binds if b.destination == above
        }
        change |= {b.destination: Bind(b.source, b.destination, "shared") for b in binds if b.destination == path}
        lines += recreate(container, change)
    others = {
        place.label: place.namespace.container
        for _, places in view.shared
        for place in places
        if place.asked_for and place.label not in names
    }
    for other in others.values():
        if other is not None:
            lines += restart(other, "it takes the host's mount of now")
    who = several(names) or "a container no longer there"
    return Finding(
        check=CHECK,
        severity=Severity.ERROR if layers >= 16 else Severity.WARNING,
        summary=f"{path} is mounted on itself {count(layers, 'time')} over in {namespace.label}, and doubles with "
        f"each start of {who}",
        evidence=tuple(evidence),
        cause=(
            f"{who} mounts {above} shared and {path} besides. The second mount is made on the first, whose peer "
            f"group is the "
            f"host's, so it arrives on the host too, and the next start copies both: {path} doubles each time."
        ),
        mend=first_safe(view, [script([*lines, "netmend doctor  # verifies"])]),
        suffers=(namespace.label, *names),
        directory=path,
        culprits=tuple(names),
        key=(namespace.label, path, *names),
    )


def _single_layer(path: str, above: str) -> list[str]:
    """Take all layers away, down to the directory itself, which has every name too; the next `ip netns add` makes one.

    All are peers, and unmounting one would take the names from every other: not while they are shared.
    """
    return [
        f"mount --make-rprivate {above}",
        f"while umount -l {path} 2>/dev/null; do :; done",
        f"mount --make-rshared {above}",
    ]
