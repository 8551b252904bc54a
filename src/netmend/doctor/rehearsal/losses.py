"""What a mend would take away from whom, found by playing it; and the first of several that takes nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from shlex import quote
from typing import TYPE_CHECKING

from netmend.doctor.observation import NetworkNamespace, Observation, SeenLink
from netmend.doctor.places import HostView, is_own_namespace
from netmend.doctor.sentences import several
from netmend.ground.finding import PinName, RemoveName

if TYPE_CHECKING:
    from netmend.doctor.rehearsal.replica import Replica
    from netmend.propagation.model.lookup import Task
    from netmend.propagation.model.structures import Dentry, Mount

_REMOVAL = re.compile(r"rm (/[\w./@%+=:,-]+)")
_BINDING = re.compile(r"(?:touch /\S+ && )?mount -c --bind /proc/\S+ (/[\w./@%+=:,-]+)")
_NO_COMMANDS = "netmend doctor  # verifies"


@dataclass(slots=True)
class Census:
    """Which namespaces can be used where, and which are kept by a mount, in view or out of it."""

    usable: dict[tuple[str, str], Dentry] = field(default_factory=dict)  # (label, path) → namespace
    pinned: set[Dentry] = field(default_factory=set)

    @classmethod
    def of(cls, tasks: Iterable[tuple[str, Task]]) -> Census:
        census = cls()
        for label, task in tasks:
            for path, namespace in visible_namespaces(task):
                census.usable[label, path] = namespace
            if task.namespace.root is not None:
                census.pinned.update(
                    mount.root for mount in task.namespace.root.tree() if mount.root.filesystem.kind == "nsfs"
                )
        return census


def visible_namespaces(task: Task) -> Iterable[tuple[str, Dentry]]:
    """Every path at which a lookup ends on a network namespace."""
    pending: list[tuple[Mount, str]] = [(task.root.mount, "")]
    while pending:
        mount, base = pending.pop()
        if mount is not task.root.mount and (over := mount.overmount) is not None:
            pending.append((over, base))
            continue
        if mount.root.filesystem.kind == "nsfs":
            yield base or "/", mount.root
            continue
        for point, child in mount.children.items():
            if point is mount.root or not point.is_under(mount.root):
                continue
            above = point.parent
            hidden = point.unlinked
            while above is not None and above is not mount.root and not hidden:
                hidden = above in mount.children
                above = above.parent
            if not hidden:
                pending.append((child, base + point.path_below(mount.root)))


def losses(view: HostView, script: str) -> list[str]:
    """Sentences: what nobody, or somebody, could not use any more after this mend; empty where it takes nothing away.

    A mend that cannot be played is told as a loss too: nobody can say that it is none.
    """
    if not any(_does_something(line) for line in script.split("\n")):
        return []
    known = view.played.get(script)
    if known is None:
        known = view.played[script] = [] if _is_plainly_safe(view, script) else _play(view, script)
    return known


def _is_plainly_safe(view: HostView, script: str) -> bool:
    """The two mends of which there can be thousands, judged without a copy of the host.

    Removing a name on which nobody has a mount takes nothing away, and neither does mounting on one that the host does
    not have: where a receiver has another namespace on it, the new mount goes beneath (see the model's `attach`).
    """
    for text in script.split("\n"):
        line = text.partition("  # ")[0]
        if not line or line.startswith("#") or line == "netmend doctor":
            continue
        if found := _REMOVAL.fullmatch(line):
            if view.is_mounted_anywhere(found[1]):
                return False
        elif found := _BINDING.fullmatch(line):
            if found[1] in view.usable_on_host:
                return False
        else:
            return False
    return not any(text.startswith("# ") and ("again" in text or "restart" in text) for text in script.split("\n"))


def _does_something(line: str) -> bool:
    return bool(line.strip()) and line != _NO_COMMANDS


def _play(view: HostView, script: str) -> list[str]:
    # The model is loaded where something is wrong only: a host in order is looked at by the second.
    from netmend.doctor.rehearsal import perform, replica
    from netmend.doctor.rehearsal.shell import NotUnderstood

    copy = replica.build(view, replica.named_in(view, script))
    before = Census.of(copy.tasks.items())
    try:
        played = perform.perform(copy, script)
    except NotUnderstood as error:
        return [f"it cannot be played: {error}"]
    after = Census.of(copy.tasks.items())
    return [
        *_lost_devices(view.observation, played.deleted),
        *_lost_namespaces(view, copy, before, after),
        *_lost_names(view, copy, before, after),
    ]


def _lost_devices(observation: Observation, deleted: list[str]) -> list[str]:
    host = next((n for n in observation.networks if n.inode == observation.host_network), None)
    if not deleted or host is None or host.links is None:
        return ["devices of a host that was not looked at"] if deleted else []
    by_index = {link.index: link for link in host.links}
    by_name = {link.name: link for link in host.links}
    used = [name for name in deleted if name in by_name and in_use(by_name[name], by_index)]
    return [f"{several(used)}, which may be in use"] if used else []


def _lost_namespaces(view: HostView, copy: Replica, before: Census, after: Census) -> list[str]:
    lost: list[str] = []
    usable_after = set(after.usable.values())
    shown_before: dict[Dentry, str] = {}
    for (label, path), namespace in before.usable.items():
        shown_before.setdefault(namespace, f"{path} in {label}")
    living = {network.inode: network for network in view.observation.networks}
    by_dentry = {system.root: inode for inode, system in copy.networks.items()}
    for namespace, where in shown_before.items():
        if namespace not in usable_after and not view.is_engines_own(by_dentry[namespace]):
            lost.append(f"{where} ({namespace.name}), which nobody could reach by a name any more")
    for namespace in before.pinned - after.pinned - set(shown_before):
        inode = by_dentry[namespace]
        if not view.is_engines_own(inode) and not _is_kept(copy, living.get(inode)):
            lost.append(f"{namespace.name}, which has no name and is kept by a mount only")
    for inode, network in living.items():
        system = copy.networks.get(inode)
        pinned = system is not None and system.root in after.pinned
        if network.links is not None and all(link.name == "lo" for link in network.links):
            continue  # nothing is in it
        if inode == view.observation.host_network or pinned or (system is not None and system.root in before.pinned):
            continue
        if (
            not _is_kept(copy, network)
            and _somebody_ended(copy, network)
            and not is_own_namespace(view.observation, network)
        ):
            lost.append(f"net:[{inode}], which its processes alone keep")
    return lost


def _is_kept(copy: Replica, network: NetworkNamespace | None) -> bool:
    """A process that the mend leaves alone is in it, or has it open."""
    return network is not None and any(
        holder.where not in copy.ended and holder.where not in copy.restarted
        for holder in (*network.residents, *network.openers)
    )


def _somebody_ended(copy: Replica, network: NetworkNamespace) -> bool:
    return any(
        holder.where in copy.ended or holder.where in copy.restarted
        for holder in (*network.residents, *network.openers)
    )


def _lost_names(view: HostView, copy: Replica, before: Census, after: Census) -> list[str]:
    """Names at the places where programs look, of those that the mend leaves running."""
    main: set[tuple[str, str]] = {(place.label, place.path) for _, places in view.all_shared for place in places}
    reachable: dict[str, set[Dentry]] = {}
    for (label, _), namespace in after.usable.items():
        reachable.setdefault(label, set()).add(namespace)
    lost: dict[str, list[str]] = {}
    for (label, path), namespace in before.usable.items():
        if label in copy.ended or label in copy.restarted or after.usable.get((label, path)) is namespace:
            continue
        directory = path.rpartition("/")[0]
        if (label, directory) in main or namespace not in reachable.get(label, ()):
            lost.setdefault(label, []).append(path)
    return [f"{several(sorted(paths), 4)} in {label}" for label, paths in lost.items()]


def first_safe(view: HostView, candidates: Sequence[str]) -> str:
    """The first of these mends that takes nothing away; where each does, a remark that says what."""
    told: list[str] = []
    for script in candidates:
        told = losses(view, script)
        if not told:
            return script
    return withheld(told)


def withheld(told: Sequence[str]) -> str:
    """What is printed in the place of a mend that is not safe."""
    return "\n".join(
        [
            "# no command is printed: played on a copy of this host, each would take away",
            *(f"#   {text}" for text in told[:6]),
            *([f"#   and {len(told) - 6} more"] if len(told) > 6 else []),
            "netmend doctor --snapshot host.json  # records this look, for a ticket",
        ]
    )


def as_commands(action: RemoveName | PinName) -> str:
    """A safe mend of `--fix` as what one would type."""
    path = quote(action.path)
    if isinstance(action, RemoveName):
        return f"rm {path}"
    return f"touch {path} && mount -c --bind {quote(action.through)} {path}"


def in_use(link: SeenLink, links: dict[int, SeenLink]) -> bool:
    """Whether somebody may be using a device: what may be deleted has nobody at either end."""
    if link.kind == "tun":
        return link.holders != 0 or link.carrier
    if link.kind == "ifb":
        return link.up
    peer = links.get(link.peer_index)
    if link.kind == "veth" and link.peer_netnsid is None and peer is not None:
        return link.up or peer.up
    return True
