"""Helpers of Neutron's agents, dnsmasq and haproxy, that serve nobody: judged by where they are, and ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from netmend.ground.neutron_processes import HelperProcess, Wrong, find_strays
from netmend.kernel import links
from netmend.kernel.errors import KernelError
from netmend.kernel.in_sight import InSight
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.neutron_processes import Helper, describe_helpers, find_helpers
from netmend.sweep.kinds import ForeignKind
from netmend.sweep.known import Known
from netmend.sweep.scene import DEAD, Reason

_REASONS: Final = {
    Wrong.GONE: Reason.HELPER_OF_NOTHING,
    Wrong.SURPLUS: Reason.HELPER_SURPLUS,
    Wrong.BESIDE: Reason.HELPER_BESIDE,
}
_LISTED_AS: Final = {"qdhcp": "networks", "ovnmeta": "networks", "qrouter": "routers", "snat": "routers"}


@dataclass(frozen=True, slots=True)
class Process:
    """A helper, and the verdict on it."""

    helper: HelperProcess
    words: str  # its command line
    reason: Reason

    @property
    def name(self) -> str:
        return f"{self.helper.program} {self.helper.pid} of {self.helper.owner}"

    @property
    def key(self) -> str:
        """The key under which a look remembers the process: its number may be another's later."""
        return f"process/{self.helper.pid}/{self.helper.started:.2f}"

    @property
    def dead(self) -> bool:
        return self.reason in DEAD

    def end(self) -> bool:
        """End it; returns whether it is gone, and False for what has its number now."""
        return Helper(self.helper.pid, self.helper.program, self.words).end()


def judge(kinds: Mapping[str, ForeignKind], known: Known, seen: InSight, *, trusting: bool) -> list[Process]:
    """Every helper of Neutron's agents, if that kind is asked for. `trusting`: take what is in sight for all there is.

    Raises KernelError.
    """
    if not any(kind.controlled for kind in kinds.values()):
        return []
    found = find_helpers()
    words = {helper.pid: helper.words for helper in found}
    helpers = describe_helpers(found)
    names = {
        inode: {path.rpartition("/")[2] for path in paths}
        for inode, paths in seen.paths.items()
        if inode in {helper.network for helper in helpers}
    }
    empty = {inode for inode in {helper.network for helper in helpers} if _is_empty(seen, inode)}
    wrong = {stray.helper.pid: _REASONS[stray.wrong] for stray in find_strays(helpers, names, empty)}
    pids = {helper.pid for helper in helpers}
    judged = []
    for helper in helpers:
        if helper.parent in pids:
            continue  # a worker goes with the process that started it
        reason = wrong.get(helper.pid) or Reason.HELPER_SERVES
        if reason is Reason.HELPER_SERVES and _is_unknown(helper, names, known):
            reason = Reason.HELPER_UNKNOWN
        elif reason is Reason.HELPER_OF_NOTHING and helper.owner in known.ids:
            reason = Reason.KNOWN
        if reason in DEAD and seen.unseen and not trusting:
            reason = Reason.UNSEEN
        judged.append(Process(helper, words[helper.pid], reason))
    return judged


def _is_unknown(helper: HelperProcess, names: Mapping[int, set[str]], known: Known) -> bool:
    """Whether the control plane was asked for what the helper serves, and does not know it."""
    kinds = {name.partition("-")[0] for name in names.get(helper.network, ()) if name.endswith(helper.owner)}
    listed = {_LISTED_AS[kind] for kind in kinds if kind in _LISTED_AS}
    return bool(listed) and listed <= known.about and helper.owner not in known.ids


def _is_empty(seen: InSight, inode: int) -> bool:
    """Whether the namespace holds nothing but a loopback."""
    namespace = seen.reach(inode)
    if namespace is None:
        return False
    try:
        with namespace, namespace.entered(), RouteSocket() as route:
            return all(link.index == links.LOOPBACK.index for link in links.dump_links(route))
    except KernelError:
        return False
