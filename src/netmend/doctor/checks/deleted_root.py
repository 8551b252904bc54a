"""A directory that was deleted under a mount of it: nothing can be made there, and nobody else sees it."""

from __future__ import annotations

from collections.abc import Iterator

from netmend.doctor.mends import restart
from netmend.doctor.observation import HOST, MountNamespace
from netmend.doctor.places import HostView
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
                yield _finding(namespace, path, top)


def _finding(namespace: MountNamespace, path: str, mount: Mount) -> Finding:
    if namespace.container is not None:
        lines = restart(namespace.container, "it then mounts the directory that is there now")
    elif namespace.label == HOST:
        lines = [f"umount {mount.mount_point}", f"mkdir -p {path}"]
    else:
        lines = [f"# restart process {namespace.pid or 'PID'} ({namespace.program}): it then sees the directory of now"]
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
        mend=script([*lines, "netmend doctor  # verifies"]),
        suffers=(namespace.label,),
        directory=path,
        culprits=(namespace.label,),
        key=(namespace.label, path, mount.id, mount.fields.text),
    )
