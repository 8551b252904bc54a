"""Dead names in the namespace directory: plain files that no mount namespace has a namespace on.

A healthy name is a plain file, too, in the moment between its creation and the mount; so a name counts as dead only
when two looks, apart from each other, find the same file.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from netmend.intent.names import Mark, namespace_name
from netmend.intent.network import Intent
from netmend.kernel import links, listing, netns, procfs
from netmend.kernel.errors import KernelError
from netmend.kernel.in_sight import InSight
from netmend.kernel.listing import Entry
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.sweep.kinds import ForeignKind
from netmend.sweep.known import Known
from netmend.sweep.scene import DEAD, Reason


@dataclass(frozen=True, slots=True)
class Name:
    """One name; `plain`: a file, with nothing mounted on it here; `text`: what its maker wrote into it."""

    name: str
    path: str
    plain: bool
    entry: Entry
    reason: Reason
    text: str = ""

    @property
    def dead(self) -> bool:
        return self.reason in DEAD


def judge_ours(directory: str, intent: Intent) -> list[Name]:
    """Every name that leads to a namespace of ours, or bears our mark; raises KernelError."""
    wanted = {namespace_name(network.id) for network in intent.networks.values()}
    found = []
    for name, entry in _entries(directory).items():
        if not name.startswith(namespace_name("")):
            continue
        path = f"{directory}/{name}"
        plain = _is_plain(entry)
        text = (netns.name_mark(path) or "") if plain else ""
        mark = Mark.parse(text) if plain else _mark_inside(path)
        if mark is not None and namespace_name(mark.network_id) == name:
            reason = Reason.IN_INTENT if name in wanted else Reason.OURS_NOT_IN_INTENT
            found.append(Name(name, path, plain, entry, reason, text))
    return found


def judge_foreign(
    directory: str, kinds: Mapping[str, ForeignKind], known: Known, seen: InSight, *, min_age: float, trusting: bool
) -> list[Name]:
    """Every name of a kind that has names; raises KernelError. `trusting`: what is in sight is taken for all."""
    found = []
    patterns = [kind.namespaces for kind in kinds.values() if kind.namespaces]
    for name, entry in _entries(directory).items() if patterns else ():
        match = next((match for pattern in patterns if (match := pattern.fullmatch(name))), None)
        if match is None:
            continue
        path = f"{directory}/{name}"
        plain = _is_plain(entry)
        text = (netns.name_mark(path) or "") if plain else ""
        reason = Reason.NAME_WITHOUT_NAMESPACE
        if not plain or name in seen.mounted:
            reason = Reason.NAMESPACE_ALIVE
        elif Mark.parse(text) is not None:
            reason = Reason.OURS
        elif known.knows(name):
            reason = Reason.KNOWN
        elif seen.unseen and not trusting:
            reason = Reason.UNSEEN
        elif time.time() - entry.changed < min_age:
            reason = Reason.YOUNG
        else:
            reason = _elsewhere(path, seen) or reason
        found.append(Name(name, path, plain, entry, reason, text))
    return found


def _entries(directory: str) -> dict[str, Entry]:
    try:
        return listing.entries(directory)
    except KernelError as error:
        if error.code == 2:  # no directory, no names
            return {}
        raise


def _is_plain(entry: Entry) -> bool:
    return entry.kind == "file" and entry.device != procfs.nsfs_device()


def _elsewhere(path: str, seen: InSight) -> Reason | None:
    """Why the name may be alive in another mount namespace; None when it is not, in any."""
    for mount_namespace, pid in seen.mount_namespaces.items():
        try:
            entry = listing.entry(listing.through(pid, path))
            still = str(Path(f"/proc/{pid}/ns/mnt").readlink()) == mount_namespace
        except (KernelError, OSError):
            still, entry = False, None
        if not still:
            return Reason.UNSEEN  # its process ended meanwhile: look again
        if entry is not None and not _is_plain(entry):
            return Reason.NAMESPACE_ALIVE
    return None


def _mark_inside(path: str) -> Mark | None:
    try:
        with Netns.open(path) as namespace, namespace.entered(), RouteSocket() as route:
            loopback = links.find_link(route, "lo")
            return Mark.parse(loopback.alias) if loopback else None
    except KernelError:
        return None


def still_dead(then: Name) -> bool:
    """True when the very same thing is at the path still."""
    if not then.plain:
        mark = _mark_inside(then.path)
        return mark is not None and namespace_name(mark.network_id) == then.name
    now = listing.entry(then.path)
    return now is not None and _is_plain(now) and (now.device, now.inode) == (then.entry.device, then.entry.inode)
