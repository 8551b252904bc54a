"""A dnsmasq or haproxy of Neutron's agents that nobody needs: its network is gone, or something else serves it too.

Kolla's wrappers run each as a container that outlives the agent's, so nobody ends one that the next agent does not know
of. Without wrappers they end with the agent's container, or stay when the agent alone is ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from shlex import quote

from netmend.doctor.observation import HOST, Container, SeenHelper
from netmend.doctor.places import HostView
from netmend.doctor.sentences import count, moment, script, several
from netmend.ground.finding import Finding, Severity
from netmend.ground.neutron_processes import Stray, Wrong, find_strays

CHECK = "stray-processes"
_SHOWN = 8
_SEVERITY = {Wrong.GONE: Severity.WARNING, Wrong.SURPLUS: Severity.ERROR, Wrong.BESIDE: Severity.ERROR}
_CAUSE = {
    Wrong.GONE: "The network, or the router, was deleted while no agent ran that knew of the helper. Each keeps its "
    "namespace, and its container where it is in one.",
    Wrong.SURPLUS: "An agent that did not know of the helper started another, in the same namespace or in a new one of "
    "the same name. Guests may be answered by the old one, from what it was told long ago.",
    Wrong.BESIDE: "An agent of Neutron's was started beside netmend, or its helper was left when netmend began to "
    "serve. Guests are answered by either.",
}


def check(view: HostView) -> Iterator[Finding]:
    found = strays(view)
    for wrong in Wrong:
        alike = [stray for stray in found if stray.wrong is wrong]
        if alike:
            yield _finding(view, wrong, alike)


def strays(view: HostView) -> list[Stray]:
    """Every helper that nobody needs."""
    helpers = view.observation.helpers
    if not helpers:
        return []
    empty = {n.inode for n in view.observation.networks if n.links is not None and all(x.name == "lo" for x in n.links)}
    return find_strays((helper.process for helper in helpers), _names(view), empty)


def kept_by_strays(view: HostView) -> set[int]:
    """Namespaces that strays alone keep: they end with these."""
    pids = {stray.helper.pid for stray in strays(view)}
    pids |= {one.process.pid for one in view.observation.helpers if one.process.parent in pids}
    return {
        network.inode
        for network in view.observation.networks
        if network.residents
        and not network.openers
        and network.resident_count <= len(network.residents)
        and all(holder.pid in pids for holder in network.residents)
    }


def _names(view: HostView) -> Mapping[int, set[str]]:
    names: dict[int, set[str]] = {}
    for places in view.directories.values():
        for place in places:
            for name, (inode, _) in place.usable.items():
                names.setdefault(inode, set()).add(name)
    return names


def _finding(view: HostView, wrong: Wrong, found: Sequence[Stray]) -> Finding:
    where = {seen.process.pid: seen for seen in view.observation.helpers}
    names = _names(view)
    safe: list[SeenHelper] = []
    unsafe: list[SeenHelper] = []
    for stray in found:
        inode = stray.helper.network
        goes_along = inode not in names and inode in kept_by_strays(view) and wrong is not Wrong.GONE
        (unsafe if goes_along else safe).append(where[stray.helper.pid])
    lines = [f"{command}  # {_remark(wrong)}" for command in _ending(view, safe)]
    lines += [
        f"# {command}  # their namespaces, and the devices in these, go along" for command in _ending(view, unsafe)
    ]
    if wrong is not Wrong.GONE:
        lines.append("docker ps --filter name=neutron_  # one that comes back has an agent that starts it: stop that")
    titles = [_title(view, where[stray.helper.pid]) for stray in found]
    programs = sorted({stray.helper.program for stray in found})
    return Finding(
        check=CHECK,
        severity=_SEVERITY[wrong],
        summary=f"{count(len(found), several(programs))} of Neutron's agents that nobody needs, {wrong}: "
        f"{several(titles, 4)}",
        evidence=tuple(_evidence(stray, title, names) for stray, title in zip(found[:_SHOWN], titles, strict=False)),
        cause=_CAUSE[wrong],
        mend=script([*lines, "netmend doctor  # verifies"]),
        suffers=(HOST,),
        culprits=tuple(dict.fromkeys(where[stray.helper.pid].where for stray in found)),
        key=(wrong, *sorted((stray.helper.pid, stray.instead or 0) for stray in found)),
    )


def _remark(wrong: Wrong) -> str:
    return "serves nobody" if wrong is Wrong.GONE else "guests are served by the other"


def _evidence(stray: Stray, title: str, names: Mapping[int, set[str]]) -> str:
    helper = stray.helper
    named = several(sorted(names.get(helper.network, ())), 3) or "no name"
    what = {
        Wrong.GONE: "nothing in it but lo",
        Wrong.SURPLUS: f"{helper.program} {stray.instead} serves the same",
        Wrong.BESIDE: "".join(f"{rival.program} {rival.pid}" for rival in helper.rivals[:1])
        + f" has {several(helper.listens)} open there too",
    }[stray.wrong]
    return (
        f"{title}: process {helper.pid} of {moment(helper.started)}, for {helper.owner}, in net:[{helper.network}] "
        f"({named}): {what}"
    )


def _title(view: HostView, helper: SeenHelper) -> str:
    container = _own_container(view, helper)
    return container.name if container else f"{helper.process.program} {helper.process.pid}"


def _own_container(view: HostView, helper: SeenHelper) -> Container | None:
    """The container that was made for the helper; None where that is the agent's."""
    namespace = view.observation.namespace(helper.where)
    container = namespace.container if namespace else None
    return container if container and helper.process.owner in container.name else None


def _ending(view: HostView, helpers: Sequence[SeenHelper]) -> list[str]:
    """Commands that end them: those in containers by their engine, the others by their number."""
    by_engine: dict[str, list[str]] = {}
    pids = []
    for helper in helpers:
        container = _own_container(view, helper)
        if container is None:
            pids.append(str(helper.process.pid))
        else:
            engine = "podman" if container.engine == "podman" else "docker"
            by_engine.setdefault(engine, []).append(quote(container.name))
    commands = [f"{engine} stop {' '.join(names)}" for engine, names in by_engine.items()]
    return commands + ([f"kill {' '.join(pids)}"] if pids else [])
