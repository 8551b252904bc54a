"""A network namespace that lives on without a name: kept by a process, a descriptor, or a mount out of sight."""

from __future__ import annotations

from collections.abc import Iterator

from netmend.doctor.checks.covered_names import covered_copies
from netmend.doctor.checks.shadowed_directory import beneath_another
from netmend.doctor.checks.stray_processes import kept_by_strays
from netmend.doctor.mends import recover_beneath
from netmend.doctor.naming import maker_of
from netmend.doctor.observation import HOST, MountNamespace, NetworkNamespace, Observation, SeenLink
from netmend.doctor.places import HostView, alike, is_own_namespace
from netmend.doctor.rehearsal.losses import first_safe
from netmend.doctor.relevant import namespace_text
from netmend.doctor.sentences import count, script, several
from netmend.ground.finding import Finding, PinName, Severity
from netmend.propagation.mountinfo import Mount

CHECK = "nameless-namespace"
_NO_NAME = ("sysfs", "sys", "none", "")


def check(view: HostView) -> Iterator[Finding]:
    observation = view.observation
    in_use = {
        inode for places in view.directories.values() for same in alike(places) for inode, _ in same[0].usable.values()
    }
    told = _told_otherwise(view) | kept_by_strays(view)
    for network in observation.networks:
        if network.inode in in_use or network.inode == observation.host_network or network.foreign_user_namespace:
            continue
        if network.inode in told:
            continue
        pins = view.pinned.get(network.inode, [])
        if any(visible for _, _, visible in pins):
            continue  # it has a path somewhere, if not in a directory of names
        name = former_name(observation, network)
        if name is None and is_own_namespace(observation, network):
            continue
        links = [link for link in network.links or () if link.name != "lo"]
        named = [link for link in links if maker_of(link)]
        if not (pins or name or named or (links and not network.residents and network.openers)):
            continue  # a process that has put itself into a namespace of its own: nothing is lost
        yield _finding(view, network, name, links)
    yield from _only_hidden(view, in_use | told)


def _only_hidden(view: HostView, in_use: set[int]) -> Iterator[Finding]:
    """Namespaces known by a mount alone, which no lookup finds."""
    known = {network.inode for network in view.observation.networks}
    for inode, pins in view.pinned.items():
        if inode in known or inode in in_use or any(visible for _, _, visible in pins):
            continue
        yield _finding(view, NetworkNamespace(inode), pins[0][1].mount_point.rpartition("/")[2], [])


def _told_otherwise(view: HostView) -> set[int]:
    """Namespaces with a name that is there and hidden or dead, of which other checks tell: `covered-names`,
    `shadowed-directory`, `dead-name`."""
    told: set[int] = set()
    for namespace in view.observation.namespaces:
        if namespace.may_use_namespaces is not False:
            told |= beneath_another(view, namespace)
    for directory, places in view.all_shared:
        listed = view.listed(directory)
        for same in alike(places):
            told.update(copy.inode for copy in covered_copies(view, same[0], directory).values())
            told.update(
                copy.inode
                for copy in view.copies(same[0].namespace, directory)
                if not copy.visible and (listed is None or copy.name in listed)
            )
    return told


def former_name(observation: Observation, network: NetworkNamespace) -> str | None:
    """The name by which a process entered: `ip netns exec` mounts sysfs anew and gives it the name as source."""
    for holder in network.residents:
        namespace = observation.namespace(holder.where)
        mount = namespace.tree.topmost("/sys") if namespace else None
        if mount is not None and mount.fs_type == "sysfs" and mount.source not in _NO_NAME:
            return mount.source
    return None


def _finding(view: HostView, network: NetworkNamespace, name: str | None, links: list[SeenLink]) -> Finding:
    pins = view.pinned.get(network.inode, [])
    holders = _holders(network) + [f"mount {m.id} on {m.mount_point} in {n.label}, covered" for n, m, _ in pins]
    called = namespace_text(network.inode) + (f", once {name}," if name else "")
    path = f"/run/netns/{name or f'recovered-{network.inode}'}"
    if name and _taken(view, path):
        path = f"{path}-{network.inode}"  # somebody has another namespace by that name now
    lines: list[str] = []
    safe: tuple[PinName, ...] = ()
    through = _way_in(network)
    if through is not None:
        directory = [] if _is_there(view, "/run/netns") else ["mkdir -p /run/netns"]
        lines += [
            *directory,
            f"touch {path} && mount -c --bind {through} {path}  # a name again; then, if it is not wanted:",
        ]
        safe = (PinName(path, network.inode, through),)
        pids = " ".join(str(h.pid) for h in (network.residents or network.openers))
        lines.append(f"# kill {pids}  # the namespace and its devices go with the last that keeps it")
    elif pins:
        lines += _uncovered(view, pins[0], path)
    return Finding(
        check=CHECK,
        severity=Severity.WARNING,
        summary=f"{called} lives on without a name" + (f", with {count(len(links), 'device')} in it" if links else ""),
        evidence=(
            f"no name in any mount namespace leads to {namespace_text(network.inode)}",
            *(f"kept by {holder}" for holder in holders[:8]),
            *([f"devices: {several([link.name for link in links], 12)}"] if links else []),
        ),
        cause=(
            "The name was deleted, or lost with the mount namespace that had it, while something still kept the "
            "namespace: "
            f"{several(holders, 4)}. Its devices stay, and `ip netns` does not show it."
        ),
        mend=first_safe(view, [script([*lines, "netmend doctor  # verifies"])]),
        suffers=(HOST,),
        netns=name,
        directory="/run/netns",
        safe=safe,
        key=(network.inode, name, tuple(sorted(h.pid for h in (*network.residents, *network.openers)))[:4]),
    )


def _uncovered(view: HostView, pin: tuple[MountNamespace, Mount, bool], path: str) -> list[str]:
    """A way to what a mount hides: the mounts over it are taken away in a copy of its mount namespace."""
    namespace, mount, _ = pin
    covers = namespace.tree.covering(mount)
    if not covers:
        return [f"# kept by a mount out of sight in {namespace.label}: it ends when {namespace.label} does"]
    held, name = mount.mount_point.rpartition("/")[::2]
    directory = [] if _is_there(view, "/run/netns") else ["mkdir -p /run/netns"]
    return [*directory, *recover_beneath(namespace, covers, held, {name: path})]


def _is_there(view: HostView, path: str) -> bool:
    return any(place.path == path and place.label == HOST for places in view.directories.values() for place in places)


def _holders(network: NetworkNamespace) -> list[str]:
    inside = [f"process {holder.pid} ({holder.program}) in {holder.where}" for holder in network.residents]
    more = network.resident_count - len(network.residents)
    if more > 0:
        inside.append(f"{count(more, 'more process', 'more processes')} in it")
    return inside + [
        f"descriptor {holder.descriptor} of process {holder.pid} ({holder.program}) in {holder.where}"
        for holder in network.openers
    ]


def _way_in(network: NetworkNamespace) -> str | None:
    if network.residents:
        return f"/proc/{network.residents[0].pid}/ns/net"
    if network.openers:
        return f"/proc/{network.openers[0].pid}/fd/{network.openers[0].descriptor}"
    return None


def _taken(view: HostView, path: str) -> bool:
    """Somebody has a namespace of that name now."""
    name = path.rpartition("/")[2]
    return any(name in same[0].usable for places in view.directories.values() for same in alike(places))
