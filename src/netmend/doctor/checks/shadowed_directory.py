"""A directory of namespaces that is mounted, and covered by another one."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from netmend.doctor.mends import enter, recover_beneath, recreate, remarked, whose
from netmend.doctor.observation import Bind, Directory, MountNamespace
from netmend.doctor.places import Copy, HostView, directory_at, directory_seen
from netmend.doctor.rehearsal.losses import first_safe
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
                beneath = {copy.name for copy in view.copies(namespace, covered)}
                names = living.get(covered, set()) | beneath
                if names:
                    yield _finding(view, (namespace, path), mount, covered, names)
                    break
            else:
                if (held := _held_beneath(view, namespace, path)) is not None:
                    mount, covered, copies = held
                    yield _finding(view, (namespace, path), mount, covered, {copy.name for copy in copies})


def beneath_another(view: HostView, namespace: MountNamespace) -> set[int]:
    """The namespaces whose names lie in a directory that another file system was mounted over."""
    found: set[int] = set()
    for path in WELL_KNOWN[:2]:
        if (held := _held_beneath(view, namespace, path)) is not None:
            found.update(copy.inode for copy in held[2])
    return found


def _held_beneath(view: HostView, namespace: MountNamespace, path: str) -> tuple[Mount, Directory, list[Copy]] | None:
    """The mount above `path` that holds names there, and these, where another directory is mounted at `path` itself."""
    if not namespace.tree.at(path):
        return None
    seen = directory_seen(namespace.tree, path)
    for mount in namespace.tree.at(path.rpartition("/")[0]):
        covered = directory_at(mount, path)
        if covered is None or covered == seen or mount.deleted:
            continue
        copies = [
            copy
            for copy in view.copies(namespace, covered)
            if not copy.visible and copy.mount.mount_point == f"{path}/{copy.name}" and copy.parent is mount
        ]
        if copies:
            return mount, covered, copies
    return None


def _finding(
    view: HostView, where: tuple[MountNamespace, str], mount: Mount, covered: Directory, names: set[str]
) -> Finding:
    namespace, path = where
    top = namespace.tree.topmost(path)
    over = f"{top.id} {top.fields.text}" if top is not None else "?"
    at = top.mount_point if top is not None else path
    inside = enter(namespace)
    lines = [
        remarked(f"{inside}findmnt {quote(at)}", whose(namespace), "shows what covers it"),
        remarked(f"{inside}umount {quote(at)}", whose(namespace)),
    ]
    below: list[str] = []
    beneath = [copy for copy in view.copies(namespace, covered) if copy.mount.mount_point.startswith(path + "/")]
    covers = namespace.tree.covering(beneath[0].mount) if beneath else None
    if covers:
        found = {}
        for copy in sorted(beneath, key=lambda one: one.name):
            here = f"{path}/{copy.name}"
            found[copy.name] = f"{here}-{copy.inode}" if here in view.usable_on_host else here
        below = [f"mkdir -p {quote(path)}", *recover_beneath(namespace, covers, path, found)]
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
        mend=first_safe(
            view,
            [script([*some, "netmend doctor  # verifies"], once=False) for some in (lines, below) if some],
        ),
        suffers=(namespace.label,),
        directory=path,
        culprits=(namespace.label,),
        key=(namespace.label, path, covered, mount.id, top and top.id),
    )
