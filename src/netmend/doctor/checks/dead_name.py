"""A name that is a plain file for everybody: left by a deletion that failed, a restart, or a maker cut short."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from netmend.doctor.blame import Stand, Standing, bind_of, explain, leads_to, line, option, reference_of, stand
from netmend.doctor.mends import keep, reconnect, reshare, uncover
from netmend.doctor.observation import HOST, Directory, Name
from netmend.doctor.places import Copy, HostView, Place, alike
from netmend.doctor.sentences import moment, script, several
from netmend.ground.finding import Finding, PinName, RemoveName, Severity
from netmend.propagation.paths import is_under

CHECK = "dead-name"


def check(view: HostView) -> Iterator[Finding]:
    for directory, places in view.shared:
        hidden: dict[str, list[tuple[Place, Copy]]] = {}
        every = {place.label: place for place in (*reversed(view.directories[directory]), *places)}
        alive = {name for same in alike(places) for name in same[0].usable}
        for place in every.values():
            for copy in view.copies(place.namespace, directory):
                if copy.name not in alive:
                    hidden.setdefault(copy.name, []).append((place, copy))
        listed = view.listed(directory)
        if listed is None:
            names = {name: Name("file") for name in sorted(hidden) if name not in alive}
        else:
            names = {name: entry for name, entry in sorted(listed.items()) if name not in alive}
        for name, entry in names.items():
            if entry.kind == "file" and (listed is None or entry.inode):
                yield _dead(view, directory, name, entry, hidden.get(name, []))
            elif entry.kind == "link" and entry.leads_nowhere:
                yield _dead_link(view, directory, name, entry)


def _dead(view: HostView, directory: Directory, name: str, entry: Name, hidden: list[tuple[Place, Copy]]) -> Finding:
    places = view.main_places(directory)
    title = view.title(directory)
    evidence = [
        f"{title}/{name}: a plain file in every mount namespace that shows it: {several([p.label for p in places])}"
    ]
    if entry.inode:
        evidence.append(f"the file is inode {entry.inode}, last changed {moment(entry.changed)}")
    unread = [item for item in view.observation.unread if item.what.startswith("mount namespace")]
    if unread:
        evidence.append(f"{len(unread)} mount namespaces could not be looked at ({unread[0].why}); one may have it")
    remove = f"rm {quote(f'{title}/{name}')}"
    covered = [place for place, copy in hidden if _is_covered(place, copy)]
    if covered:
        cause, mend, culprits = _covered(name, covered, reference_of(view, places))
        evidence += [f"{p.label}: {c.mount.id} {c.mount.fields.text}, covered by {p.mount.id}" for p, c in hidden[:6]]
        evidence += [line(place) for place in covered[:4]]
    elif hidden:
        cause, mend, culprits = _hidden(name, hidden, remove)
        evidence += [f"{p.label}: mount {c.mount.id} {c.mount.fields.text}" for p, c in hidden[:6]]
    else:
        cause, mend, culprits = _without_trace(view, directory, entry, remove)
        evidence += [line(place) for place in places if place.label in culprits][:6]
    # unlinking takes its mounts away everywhere, so only who has seen everything may call it dead
    certain = view.observation.complete and entry.inode != 0 and not hidden and not unread
    return Finding(
        check=CHECK,
        severity=Severity.ERROR,
        summary=f"{name} is a plain file for everybody: the namespace of that name is "
        + ("alive and hidden" if hidden else "gone"),
        evidence=tuple(evidence),
        cause=cause,
        mend=mend,
        suffers=tuple(place.label for place in places if place.counts),
        netns=name,
        broken_in=tuple(place.label for place in places),
        directory=title,
        culprits=culprits,
        safe=_safe(f"{title}/{name}", entry, hidden, certain=certain) if view.host_place(directory) else (),
        key=(directory, name, entry.inode, entry.changed, tuple(copy.inode for _, copy in hidden)),
    )


def _safe(
    path: str, entry: Name, hidden: list[tuple[Place, Copy]], *, certain: bool
) -> tuple[RemoveName | PinName, ...]:
    """Remove a name that nobody has; give one back that is alive, where some path leads to it."""
    if certain:
        return (RemoveName(path, entry.inode),)
    for place, copy in hidden:
        if copy.visible and place.namespace.pid is not None:
            return (PinName(path, copy.inode, f"/proc/{place.namespace.pid}/root{copy.mount.mount_point}"),)
    return ()


def _is_covered(place: Place, copy: Copy) -> bool:
    """Whether a mount on the directory arrived over the one that has the name: no second bind explains it."""
    if copy.visible or copy.parent.mount_point != place.path:
        return False
    container = place.namespace.container
    if container is not None and container.binds:
        return sum(1 for bind in container.binds if leads_to(bind, place)) < 2
    return copy.parent.master is not None


def _covered(name: str, covered: list[Place], reference: Place) -> tuple[str, str, tuple[str, ...]]:
    place = covered[0]
    who = several([one.label for one in covered])
    cause = (
        f"{who} had mounted {name} itself, on a mount of {place.path} that only receives; then a mount on the same "
        f"directory arrived from the host ({place.mount.id}, {place.mount.propagation}; the first `ip netns add` "
        "mounts the directory on itself) and covers it."
    )
    lines: list[str] = []
    for one in covered:
        lines += uncover(one.namespace, one.mount)
    lines += keep([name], place, reference.path) if reference.label == HOST else []
    for one in covered:
        lines += reshare(Stand(one, Standing.RECEIVER, reference))
    return cause, script([*lines, "netmend doctor  # verifies"]), tuple(one.label for one in covered)


def _hidden(name: str, hidden: list[tuple[Place, Copy]], remove: str) -> tuple[str, str, tuple[str, ...]]:
    holders = list(dict.fromkeys(place.label for place, _ in hidden))
    paths = {copy.mount.mount_point for _, copy in hidden}
    cause = (
        f"{several(holders)} had net:[{hidden[0][1].inode}] mounted on {name} twice, once out of sight. A deletion "
        "there unmounted the visible one, was refused with `Device or resource busy` because of the other, and left "
        "the file behind; the namespace lives on without a name, kept by "
        f"{several(sorted(paths))} in {several(holders)}."
    )
    if HOST in holders:
        away = [text for place, copy in hidden if place.label == HOST for text in _unmounts(place, copy)]
        script_of = "; ".join([*dict.fromkeys(away), remove])
        # in mounts of its own nothing of the host's is unmounted, and the removal is seen by all
        remove = f"unshare --mount --propagation private sh -c {quote(script_of)}"
    lines = [
        f"{remove}  # finishes the deletion, in every mount namespace",
        *(text for place, _ in hidden for text in _flags(place)),
        "netmend doctor  # verifies",
    ]
    return cause, script(lines), tuple(holders)


def _unmounts(place: Place, copy: Copy) -> list[str]:
    """What uncovers the copy and takes it away, where unmounting does no harm."""
    mount, tree = copy.mount, place.namespace.tree
    if is_under(mount.mount_point, place.path):
        layers = len(tree.at(place.path))
        uncovered = [f"for i in $(seq {layers}); do umount -l {quote(place.path)}; done"] if layers else []
        return [*uncovered, f"umount -l {quote(mount.mount_point)}"]
    outermost = copy.parent
    above = tree.by_id.get(outermost.parent_id)
    while above is not None and above is not outermost and not is_under(place.path, above.mount_point):
        outermost, above = above, tree.by_id.get(above.parent_id)
    return [f"umount -l {quote(outermost.mount_point)}"]


def _flags(place: Place) -> list[str]:
    container = place.namespace.container
    if container is None or not container.binds:
        return []
    shown = several([f"-v {option(bind)}" for bind in container.binds if leads_to(bind, place)])
    return [
        f"# {container.name} mounts the directory twice ({shown}): see the finding hidden-copy, or make one of them "
        ":rslave"
    ]


def _without_trace(view: HostView, directory: Directory, entry: Name, remove: str) -> tuple[str, str, tuple[str, ...]]:
    places = view.main_places(directory)
    reference = reference_of(view, places)
    stands = [stand(view, place, reference) for place in places]
    cut_off = [one for one in stands if not one.sends and one.place.label != HOST and one.place.counts]
    restarted = [
        one
        for one in cut_off
        if entry.changed and one.place.namespace.started is not None and one.place.namespace.started > entry.changed
    ]
    if restarted:
        who = several([one.place.label for one in restarted])
        cause = (
            f"The file is older than {who}, and what {who} mounts on names reaches nobody else: the namespace was most "
            f"likely made there before its last (re)start, and went with its mounts. {explain(restarted[0])}"
        )
        return (
            cause,
            script([remove, *reconnect(restarted), "netmend doctor  # verifies"]),
            tuple(one.place.label for one in restarted),
        )
    if cut_off:
        who = several([one.place.label for one in cut_off])
        cause = (
            f"Whoever made it is gone, or could not finish. {who} would lose a namespace in this way at each restart: "
            f"{explain(cut_off[0])}"
        )
        mended = [one for one in cut_off if bind_of(one.place) is not None]
        return (
            cause,
            script([remove, *reconnect(mended), "netmend doctor  # verifies"]),
            tuple(one.place.label for one in mended),
        )
    cause = (
        "Propagation is not at fault: all who show the directory exchange mounts. The file was made and the namespace "
        "never mounted on it, or it was unmounted and the file left. `nsenter -t PID -m ip netns add` without the pid "
        "namespace (-p) does that, since /proc does not fit; so does a maker killed half-way, and a container that has "
        "since been made again with the right flag."
    )
    return cause, script([remove, "netmend doctor  # verifies"]), ()


def _dead_link(view: HostView, directory: Directory, name: str, entry: Name) -> Finding:
    title = view.title(directory)
    return Finding(
        check=CHECK,
        severity=Severity.WARNING,
        summary=f"{name} is a symbolic link to {entry.target}, which is not there",
        evidence=(f"{title}/{name} -> {entry.target}: no such file",),
        cause="The link was made by hand to a process's namespace, and the process has ended.",
        mend=script([f"rm {quote(f'{title}/{name}')}", "netmend doctor  # verifies"]),
        netns=name,
        broken_in=tuple(place.label for place in view.main_places(directory)),
        directory=title,
        key=(directory, name, entry.inode, entry.changed),
    )
