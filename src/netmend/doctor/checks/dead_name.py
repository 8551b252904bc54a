"""A name that is a plain file for everybody: left by a refused deletion, a restart, or a maker cut short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from netmend.doctor.blame import bind_of, explain, leads_to, line, option, reference_of, stand
from netmend.doctor.checks.covered_names import covered_copies
from netmend.doctor.mends import bind_names, reconnect, recover_beneath, whose
from netmend.doctor.observation import HOST, Directory, Name
from netmend.doctor.places import Copy, HostView, Place, alike
from netmend.doctor.rehearsal.losses import first_safe
from netmend.doctor.relevant import namespace_text
from netmend.doctor.sentences import moment, script, several
from netmend.ground.finding import Finding, PinName, RemoveName, Severity

CHECK = "dead-name"
_VERIFY = "netmend doctor  # verifies"

Hidden = tuple[Place, Copy]


def check(view: HostView) -> Iterator[Finding]:
    for directory, places in view.shared:
        hidden: dict[str, list[Hidden]] = {}
        covered: set[str] = set()
        every = {place.label: place for place in (*reversed(view.directories[directory]), *places)}
        alive = {name for same in alike(places) for name in same[0].usable}
        for same in alike(list(every.values())):
            covered.update(covered_copies(view, same[0], directory))
            for copy in view.copies(same[0].namespace, directory):
                if copy.name not in alive:
                    hidden.setdefault(copy.name, []).append((same[0], copy))
        listed = view.listed(directory)
        if listed is None:
            names = {name: Name("file") for name in sorted(hidden) if name not in alive}
        else:
            names = {name: entry for name, entry in sorted(listed.items()) if name not in alive}
        mends = _hidden_mends(view, directory, {n: hidden[n] for n in names if n in hidden and n not in covered})
        for name, entry in names.items():
            if name in covered:
                continue  # told as covered-names
            if entry.kind == "file" and (listed is None or entry.inode):
                yield _dead(view, directory, (name, entry), hidden.get(name, []), mends.get(name, ""))
            elif entry.kind == "link" and entry.leads_nowhere:
                yield _dead_link(view, directory, name, entry)


def _dead(
    view: HostView, directory: Directory, found: tuple[str, Name], hidden: list[Hidden], hidden_mend: str
) -> Finding:
    name, entry = found
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
    # unlinking takes its mounts away everywhere, so only who has seen everything may call it dead
    certain = view.observation.complete and entry.inode != 0 and not hidden and not unread
    if hidden:
        cause, culprits = _refused(name, hidden)
        mend = hidden_mend
        evidence += [f"{p.label}: mount {c.mount.id} {c.mount.fields.text}" for p, c in hidden[:6]]
    else:
        remove = (
            [f"rm {quote(f'{title}/{name}')}"]
            if certain
            else [
                "# not every process was looked at, and removing the file takes the namespace from whoever has it:",
                "netmend doctor --fix  # as root, on the host: removes it if nobody has it",
            ]
        )
        cause, mend, culprits = _without_trace(view, directory, entry, remove)
        evidence += [line(place) for place in places if place.label in culprits][:6]
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


def _safe(path: str, entry: Name, hidden: list[Hidden], *, certain: bool) -> tuple[RemoveName | PinName, ...]:
    """Remove a name that nobody has; give one back that is alive, where some path leads to it."""
    if certain:
        return (RemoveName(path, entry.inode),)
    for place, copy in hidden:
        if copy.visible and place.namespace.pid is not None:
            return (PinName(path, copy.inode, f"/proc/{place.namespace.pid}/root{copy.mount.mount_point}"),)
    return ()


def _refused(name: str, hidden: list[Hidden]) -> tuple[str, tuple[str, ...]]:
    """The cause and the culprits, of a deletion that was refused."""
    holders = list(dict.fromkeys(place.label for place, _ in hidden))
    paths = {copy.mount.mount_point for _, copy in hidden}
    cause = (
        f"{several(holders)} had {namespace_text(hidden[0][1].inode)} mounted on {name} twice. A deletion "
        "there unmounted the visible one, was refused with `Device or resource busy` because of the other, and left "
        f"the file behind; the namespace lives on without a name, kept by {several(sorted(paths))} in "
        f"{several(holders)}."
    )
    return cause, tuple(holders)


def _hidden_mends(view: HostView, directory: Directory, hidden: dict[str, list[Hidden]]) -> dict[str, str]:
    """Name → the mend that gives the name back; one for all names that the same mount namespace keeps."""
    groups: dict[tuple[object, ...], list[str]] = {}
    chosen: dict[tuple[object, ...], Hidden] = {}
    for name, found in hidden.items():
        place, copy = min(found, key=lambda one: (not one[1].visible, one[0].label == HOST))
        key = (
            place.label,
            copy.visible,
            copy.mount.mount_point.rpartition("/")[0],
            copy.parent.id,
        )
        groups.setdefault(key, []).append(name)
        chosen[key] = (place, copy)
    return {name: _give_back(view, directory, names, *chosen[key]) for key, names in groups.items() for name in names}


def _give_back(view: HostView, directory: Directory, names: Sequence[str], place: Place, copy: Copy) -> str:
    target = view.title(directory)
    if view.host_place(directory) is None:
        return script(["# look at the host too: only there can the name be given back", _VERIFY])
    at = copy.mount.mount_point.rpartition("/")[0]
    holder = place.namespace
    after = [
        f"# what is not wanted can then be deleted, on the host: ip netns delete {names[0]}"
        + (" (and so on)" if len(names) > 1 else ""),
        *_flags(place),
        _VERIFY,
    ]
    if copy.visible and holder.label == HOST:
        lines = bind_names(names, at, target, "")
    elif copy.visible:
        lines = bind_names(names, f"/proc/{holder.pid or 'PID'}/root{at}", target, whose(holder))
    else:
        covers = place.namespace.tree.covering(copy.mount)
        found = {name: f"{target}/{name}" for name in names}
        lines = recover_beneath(holder, covers, at, found) if covers else []
    return first_safe(view, [script([*lines, *after], once=False)])


def _flags(place: Place) -> list[str]:
    container = place.namespace.container
    if container is None or not container.binds:
        return []
    shown = several([f"-v {option(bind)}" for bind in container.binds if leads_to(bind, place)])
    return [
        f"# {container.name} mounts the directory twice ({shown}): see the finding hidden-copy, or make one of them "
        ":rslave"
    ]


def _without_trace(
    view: HostView, directory: Directory, entry: Name, remove: Sequence[str]
) -> tuple[str, str, tuple[str, ...]]:
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
            _safely(view, remove, reconnect(restarted)),
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
            _safely(view, remove, reconnect(mended)),
            tuple(one.place.label for one in mended),
        )
    cause = (
        "Propagation is not at fault: all who show the directory exchange mounts. The file was made and the namespace "
        "never mounted on it, or it was unmounted and the file left. `nsenter -t PID -m ip netns add` without the pid "
        "namespace (-p) does that, since /proc does not fit; so does a maker killed half-way, and a container that has "
        "since been made again with the right flag."
    )
    return cause, _safely(view, remove, []), ()


def _safely(view: HostView, remove: Sequence[str], then: Sequence[str]) -> str:
    """Remove the name, then set right what cost it; the first alone where the second would cost more."""
    return first_safe(view, [script([*remove, *then, _VERIFY]), script([*remove, _VERIFY])])


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
