"""A namespace of the model as /proc/PID/mountinfo would show it."""

from __future__ import annotations

from netmend.propagation.model.lookup import Task
from netmend.propagation.model.structures import Mount, PeerGroup


def mountinfo(task: Task) -> str:
    """The text, in the order of mount ids; mounts that the task's root does not reach are left out."""
    paths = _paths(task)
    visible: dict[PeerGroup, None] = {}
    for mount in paths:
        if mount.group is not None:
            visible[mount.group] = None
    lines = [_line(mount, path or "/", visible) for mount, path in sorted(paths.items(), key=lambda item: item[0].id)]
    return "".join(lines)


def _paths(task: Task) -> dict[Mount, str]:
    """The mounts that can be reached, with their paths; empty for ``/``."""
    paths: dict[Mount, str] = {}
    pending = [(task.root.mount, task.root.dentry, "")]
    while pending:
        mount, root, base = pending.pop()
        if root is mount.root:
            paths[mount] = base
        for point, child in mount.children.items():
            if point.is_under(root):
                below = point.path_below(root)
                pending.append((child, child.root, base + (below if below != "/" else "")))
    return paths


def _line(mount: Mount, path: str, visible: dict[PeerGroup, None]) -> str:
    filesystem = mount.root.filesystem
    root = filesystem.root.name or mount.root.path_below()
    if mount.root.unlinked:
        root += "//deleted"
    optional = ""
    if mount.group is not None:
        optional += f"shared:{mount.group.id} "
    if mount.master is not None:
        optional += f"master:{mount.master.id} "
        dominator = _dominator(mount.master, visible)
        if dominator is not None and dominator is not mount.master:
            optional += f"propagate_from:{dominator.id} "
    if mount.unbindable:
        optional += "unbindable "
    assert mount.parent is not None
    options = "ro,relatime" if mount.read_only else "rw,relatime"
    return (
        f"{mount.id} {mount.parent.id} 0:{filesystem.number} {_mangle(root)} {_mangle(path)} {options} {optional}- "
        f"{filesystem.kind} {filesystem.source} rw\n"
    )


def _dominator(group: PeerGroup | None, visible: dict[PeerGroup, None]) -> PeerGroup | None:
    """The nearest group, upwards, of which a member can be seen (get_dominating_id)."""
    while group is not None:
        if group in visible:
            return group
        group = next(iter(group.peers)).master
    return None


def _mangle(path: str) -> str:
    return "".join(f"\\{ord(char):03o}" if char in " \t\n\\" else char for char in path)
