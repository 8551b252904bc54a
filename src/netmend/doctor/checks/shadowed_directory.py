"""A directory of namespaces that is mounted, and covered by another one."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from netmend.doctor.mends import recreate
from netmend.doctor.observation import HOST, Bind, Directory, MountNamespace
from netmend.doctor.places import HostView, directory_at, directory_seen
from netmend.doctor.relevant import WELL_KNOWN
from netmend.doctor.sentences import count, script
from netmend.ground.finding import Finding, Severity
from netmend.propagation.mountinfo import Mount

CHECK = "shadowed-directory"


def check(view: HostView) -> Iterator[Finding]:
    living = {
        directory: {name for place in places for name in place.usable} for directory, places in view.directories.items()
    }
    for namespace in view.observation.namespaces:
        if namespace.may_use_namespaces is False:
            continue
        for path in WELL_KNOWN[:2]:
            seen = directory_seen(namespace.tree, path)
            for mount in namespace.tree.at(path):
                covered = directory_at(mount, path)
                if covered is None or covered == seen or mount.deleted:
                    continue
                names = living.get(covered, set()) | {copy.name for copy in view.copies(namespace, covered)}
                if names:
                    yield _finding(namespace, path, mount, covered, names)
                    break


def _finding(namespace: MountNamespace, path: str, mount: Mount, covered: Directory, names: set[str]) -> Finding:
    top = namespace.tree.topmost(path)
    over = f"{top.id} {top.fields.text}" if top is not None else "?"
    at = top.mount_point if top is not None else path
    enter = "" if namespace.label == HOST else f"nsenter -t {namespace.pid or 'PID'} -m -p "
    lines = [f"{enter}findmnt {quote(at)}  # shows what covers it", f"{enter}umount {quote(at)}"]
    container = namespace.container
    if container is not None and any(bind.destination == path for bind in container.binds):
        lines += recreate(container, {path: Bind(path, path, "shared")})
    return Finding(
        check=CHECK,
        severity=Severity.ERROR,
        summary=f"in {namespace.label}, {path} with {count(len(names), 'namespace')} is covered by another mount",
        evidence=(
            f"{namespace.label}: covered: {mount.id} {mount.fields.text}",
            f"{namespace.label}: a lookup ends on: {over}",
        ),
        cause=(
            f"A file system was mounted on {at} after the one that holds the namespaces: names made before are "
            f"hidden, and "
            "names made now are not in the directory that others see."
        ),
        mend=script([*lines, "netmend doctor  # verifies"]),
        suffers=(namespace.label,),
        directory=path,
        culprits=(namespace.label,),
        key=(namespace.label, path, covered, mount.id, top and top.id),
    )
