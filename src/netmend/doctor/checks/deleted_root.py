"""A directory that was deleted under a mount of it: nothing can be made there, and nobody else sees it."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from netmend.doctor.mends import keep, restart
from netmend.doctor.observation import HOST, MountNamespace
from netmend.doctor.places import HostView, directory_seen
from netmend.doctor.rehearsal.losses import first_safe
from netmend.doctor.relevant import WELL_KNOWN
from netmend.doctor.sentences import script
from netmend.ground.finding import Finding, Severity
from netmend.propagation.mountinfo import Mount

CHECK = "deleted-directory"


def check(view: HostView) -> Iterator[Finding]:
    for namespace in view.observation.namespaces:
        for path in WELL_KNOWN[:2]:
            top = namespace.tree.topmost(path)
            if top is not None and top.deleted and path.startswith(top.mount_point):
                yield _finding(view, namespace, path, top)


def _finding(view: HostView, namespace: MountNamespace, path: str, mount: Mount) -> Finding:
    kept = _kept(view, namespace, path)
    mends: list[list[str]] = [kept] if kept else []
    if namespace.container is not None:
        mends.insert(0, [*kept, *restart(namespace.container, "it then mounts the directory that is there now")])
    elif namespace.label == HOST:
        mends.insert(0, [f"umount {quote(mount.mount_point)}", f"mkdir -p {path}"])
    else:
        process = f"process {namespace.pid or 'PID'} ({namespace.program})"
        mends.insert(0, [*kept, f"# restart {process}: it then sees the directory of now"])
    return Finding(
        check=CHECK,
        severity=Severity.ERROR,
        summary=f"in {namespace.label}, {path} is a directory that was deleted",
        evidence=(f"{namespace.label}: {mount.id} {mount.parent_id} {mount.fields.text}",),
        cause=(
            f"Somebody removed the directory while {namespace.label} had it mounted, and perhaps made it again: the "
            f"mount "
            "still leads to the old one, where no name can be made (No such file or directory)."
        ),
        mend=first_safe(view, [script([*lines, "netmend doctor  # verifies"]) for lines in mends]),
        suffers=(namespace.label,),
        directory=path,
        culprits=(namespace.label,),
        key=(namespace.label, path, mount.id, mount.fields.text),
    )


def _kept(view: HostView, namespace: MountNamespace, path: str) -> list[str]:
    """Names that only the deleted directory has, given to the one of now on the host."""
    if namespace.label == HOST:
        return []
    seen = directory_seen(namespace.tree, path)
    places = view.directories.get(seen, []) if seen is not None else []
    place = next((place for place in places if place.label == namespace.label and place.path == path), None)
    if place is None or not place.usable:
        return []
    taken = {
        name
        for found in view.directories.values()
        for other in found
        if other.label == HOST and other.path == path
        for name in other.usable
    }
    return keep(sorted(set(place.usable) - taken), place, path, absent=True)
