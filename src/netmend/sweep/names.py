"""Dead names in the namespace directory: plain files that no mount namespace has a namespace on, and namespaces with
nothing in them that the control plane does not know.

A healthy name is a plain file, too, in the moment between its creation and the mount; so a name counts as dead only
when two looks, apart from each other, find the same file.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from netmend.intent.names import NAMESPACE_PREFIXES, Mark, possible_namespace_names, router_namespace_name
from netmend.intent.network import Intent
from netmend.kernel import link_details, links, listing, netns, procfs
from netmend.kernel.errors import KernelError
from netmend.kernel.in_sight import InSight
from netmend.kernel.link_details import LinkDetails
from netmend.kernel.listing import Entry
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.sweep.kinds import ForeignKind
from netmend.sweep.known import Known
from netmend.sweep.scene import DEAD, Reason

_LISTED_AS: Final = {
    "qdhcp": "networks",
    "ovnmeta": "networks",
    "fip": "networks",
    "qrouter": "routers",
    "snat": "routers",
}
_FALLBACKS: Final = frozenset(
    {"tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0"}
)


@dataclass(frozen=True, slots=True)
class Name:
    """One name, and the verdict on it."""

    name: str
    path: str
    plain: bool  # a file, with nothing mounted on it here
    entry: Entry
    reason: Reason
    text: str = ""  # what the file holds
    loopback_up: bool | None = None  # of a namespace with nothing but a loopback in it; None for all others

    @property
    def key(self) -> str:
        """The key under which a look remembers the namespace at the name."""
        return f"netns/{self.path}/{self.entry.inode}"

    @property
    def dead(self) -> bool:
        return self.reason in DEAD


def judge_ours(directory: str, intent: Intent) -> list[Name]:
    """Every name that leads to a namespace of ours, or bears our mark; raises KernelError."""
    wanted = {name for network in intent.networks.values() for name in possible_namespace_names(network.id)}
    wanted.update(map(router_namespace_name, intent.routers))
    found = []
    for name, entry in _entries(directory).items():
        if not name.startswith((*NAMESPACE_PREFIXES, router_namespace_name(""))):
            continue
        path = f"{directory}/{name}"
        plain = _is_plain(entry)
        text = (netns.name_mark(path) or "") if plain else ""
        mark = Mark.parse(text) if plain else _mark_inside(path)
        if mark is not None and _names(mark, name):
            reason = Reason.IN_INTENT if name in wanted else Reason.OURS_NOT_IN_INTENT
            found.append(Name(name, path, plain, entry, reason, text))
    return found


def judge_foreign(
    directory: str, kinds: Mapping[str, ForeignKind], known: Known, seen: InSight, *, min_age: float, trusting: bool
) -> list[Name]:
    """Every name of a kind that has names; raises KernelError. `trusting`: take what is in sight for all there is."""
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
        loopback_up = None
        if not plain:
            reason = Reason.NAMESPACE_ALIVE
            if known.given and match[1] in _LISTED_AS:
                loopback_up = _nothing_inside(path, entry, seen)
            if loopback_up is not None:
                reason = _why_empty_is_kept(match, known, seen, trusting=trusting) or Reason.NAMESPACE_EMPTY
        elif name in seen.mounted:
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
        found.append(Name(name, path, plain, entry, reason, text, loopback_up))
    return found


def _why_empty_is_kept(match: re.Match[str], known: Known, seen: InSight, *, trusting: bool) -> Reason | None:
    """The reason to keep an empty namespace; None if there is none."""
    if known.knows(match[0]):
        return Reason.KNOWN
    if _LISTED_AS.get(match[1]) not in known.about:
        return Reason.NAMESPACE_UNASKED
    return Reason.UNSEEN if seen.unseen and not trusting else None


def _nothing_inside(path: str, entry: Entry, seen: InSight) -> bool | None:
    """Whether the loopback is up, of a namespace that nobody is in or has open, that has no other device, no address
    of its own and no socket, and that is mounted at this name alone; None for any other, and one that cannot be
    entered."""
    places = seen.paths.get(entry.inode, set())
    same_name = path[path.rindex("/", 0, path.rindex("/")) :]  # in other mount namespaces the path may begin otherwise
    if seen.inside(entry.inode) or any(not place.endswith(same_name) for place in places):
        return None
    try:
        with Netns.open(path) as namespace:
            if namespace.inode != entry.inode:
                return None
            with namespace.entered(), RouteSocket() as route:
                found = link_details.dump_details(route)
                addressed = link_details.given_addresses(route)
                if any(link.index != links.LOOPBACK.index and not _fallback(link) for link in found):
                    return None
                if any(not one.ip.is_loopback for given in addressed.values() for one in given):
                    return None
                if procfs.has_sockets():
                    return None
    except KernelError:
        return None
    loopback = next((link for link in found if link.index == links.LOOPBACK.index), None)
    if loopback is None or Mark.parse(loopback.alias) is not None:
        return None
    return loopback.up


def _fallback(link: LinkDetails) -> bool:
    """True for a tunnel that the kernel makes in each namespace by itself (net.core.fb_tunnels_only_for_init_net)."""
    return link.name in _FALLBACKS and not link.up


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


def _names(mark: Mark, name: str) -> bool:
    """Whether a namespace with this mark, a network's or a router's, is called so."""
    return name in (*possible_namespace_names(mark.network_id), router_namespace_name(mark.network_id))


def still_dead(then: Name) -> bool:
    """True when the path still has the same file and the same namespace."""
    if then.reason is Reason.NAMESPACE_EMPTY:
        there = listing.entry(then.path)
        same = there is not None and there.inode == then.entry.inode
        return there is not None and same and _nothing_inside(then.path, there, InSight()) is not None
    if not then.plain:
        mark = _mark_inside(then.path)
        return mark is not None and _names(mark, then.name)
    now = listing.entry(then.path)
    return now is not None and _is_plain(now) and (now.device, now.inode) == (then.entry.device, then.entry.inode)
