"""Names that a mount on their directory hides: a bind of the directory on itself, made after them or arrived later."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from shlex import quote

from netmend.doctor.blame import Stand, Standing, leads_to, line, reference_of, row
from netmend.doctor.mends import keep, recover_beneath, reshare, uncover
from netmend.doctor.observation import HOST, Directory
from netmend.doctor.places import Copy, HostView, Place, alike
from netmend.doctor.rehearsal.losses import first_safe
from netmend.doctor.relevant import namespace_text
from netmend.doctor.sentences import count, script, several
from netmend.ground.finding import Finding, Severity
from netmend.propagation.mountinfo import Mount

CHECK = "covered-names"


def check(view: HostView) -> Iterator[Finding]:
    for directory, places in view.all_shared:
        reference = reference_of(view, places)
        for same in alike(places):
            place = next((one for one in same if one.label == HOST), same[0])
            hidden = covered_copies(view, place, directory)
            if hidden and (place.label == HOST or place.counts or place.namespace.is_engine):
                yield _finding(view, place, reference, hidden, [one.label for one in same])


def covered_copies(view: HostView, place: Place, directory: Directory) -> dict[str, Copy]:
    """Name → its mount, for names that a mount at the directory or above it hides in this mount namespace.

    Not where the container mounts the directory twice: its second copy is what a refused deletion leaves, see
    `dead-name`.
    """
    container = place.namespace.container
    if container is not None and sum(1 for bind in container.binds if leads_to(bind, place)) > 1:
        return {}
    found: dict[str, Copy] = {}
    for copy in view.copies(place.namespace, directory):
        if (
            not copy.visible
            and copy.name not in place.usable
            and copy.mount.mount_point == f"{place.path}/{copy.name}"
            and copy.parent is not place.mount
            and place.namespace.tree.topmost(copy.mount.mount_point) is place.mount
        ):
            found.setdefault(copy.name, copy)
    return found


def _finding(view: HostView, place: Place, reference: Place, hidden: dict[str, Copy], labels: Sequence[str]) -> Finding:
    directory = place.directory
    names = sorted(hidden)
    cover = place.mount
    first = hidden[names[0]]
    one = names[0] if len(names) == 1 else None
    others = [p.label for p in view.main_places(directory) if one is not None and one in p.usable]
    broken = [p.label for p in view.main_places(directory) if one is not None and one not in p.usable]
    return Finding(
        check=CHECK,
        severity=Severity.ERROR,
        summary=f"{count(len(names), 'name')} in {place.path} of {several(labels)} "
        f"{'is' if one else 'are'} hidden by mount {cover.id}, {_what(place, first)}: {several(names)}",
        evidence=(
            line(place),
            *(
                f"{place.label}: hidden beneath it: {row(place.namespace, hidden[name].mount)}"
                f" ({namespace_text(hidden[name].inode)})"
                for name in names[:4]
            ),
            *([f"and {len(names) - 4:,} more"] if len(names) > 4 else []),
        ),
        cause=_cause(place, first),
        mend=_mend(view, place, reference, hidden),
        suffers=tuple(labels),
        netns=one,
        usable_in=tuple(others),
        broken_in=tuple(broken),
        directory=view.title(directory),
        culprits=tuple(labels),
        key=(directory, place.label, cover.id, *((name, hidden[name].inode) for name in names)),
    )


def _what(place: Place, copy: Copy) -> str:
    if place.mount.mount_point != place.path:
        return f"a second mount of {place.mount.mount_point} made after {'it' if copy else 'them'}"
    return "a bind of the directory on itself made after them"


def _cause(place: Place, copy: Copy) -> str:
    container = place.namespace.container
    if place.label == HOST or place.namespace.is_engine:
        text = (
            f"The names lie on {copy.parent.mount_point} itself; {place.mount.mount_point} was then bound on itself "
            "without what is mounted below it (no MS_REC: `mount --bind` by hand or by an agent, old iproute2 and "
            "pyroute2), so lookups end on the cover, where each name is a plain file. No namespace is lost."
        )
        if place.mount.shared is None or place.mount.shared != copy.parent.shared:
            text += (
                " Since the cover is in another peer group, a deletion of such a name would be refused too (`Device or "
                "resource busy`), and may have been."
            )
        return text
    who = container.name if container is not None else place.label
    arrived = "" if place.mount.master is None else f" ({place.mount.id}, {place.mount.propagation})"
    return (
        f"{who} had mounted these names itself, on a mount of {place.path} that only receives or is its own; then a "
        f"mount on the same directory arrived from the host{arrived} (the first `ip netns add` mounts the directory on "
        "itself) and covers them."
    )


def _mend(view: HostView, place: Place, reference: Place, hidden: dict[str, Copy]) -> str:
    end = ["netmend doctor  # verifies"]
    groups = _by_covers(place, hidden)
    if not groups:
        return script(["# no unmounting brings them to light: start again what has these mounts", *end])
    path = place.path
    deepest = max((covers for covers, _ in groups), key=len)
    uncovered = uncover(place.namespace, deepest)
    again = [
        f"mount --rbind {quote(path)} {quote(path)} && mount --make-shared {quote(path)}  # for good: with what is in "
        "it; in a unit before the engine too"
    ]

    def beneath(names: Container[str], directory: str) -> list[str]:
        lines: list[str] = []
        for covers, group in groups:
            targets = {name: f"{directory}/{name}" for name in group if name in names}
            lines += recover_beneath(place.namespace, covers, path, targets) if targets else []
        return lines

    if place.label == HOST or place.namespace.is_engine:
        both = [uncovered + again, uncovered] if place.label == HOST else [uncovered]
        mends = [*both, beneath(hidden, path)]
        return first_safe(view, [script(lines + end, once=False) for lines in mends])
    stand = Stand(place, Standing.RECEIVER, reference)
    lost = [name for name in sorted(hidden) if reference.label == HOST and name not in reference.usable]
    mends = [uncovered + keep(lost, place, reference.path) + reshare(stand)]
    if lost:
        mends += [beneath(lost, reference.path) + reshare(stand), beneath(lost, reference.path)]
    return first_safe(view, [script(lines + end, once=False) for lines in mends])


def _by_covers(place: Place, hidden: dict[str, Copy]) -> list[tuple[list[Mount], list[str]]]:
    """The names in groups, each with the mounts that hide it; without those that no unmounting brings to light."""
    groups: dict[tuple[int, ...], tuple[list[Mount], list[str]]] = {}
    known: dict[int, list[Mount] | None] = {}
    for name in sorted(hidden):
        parent = hidden[name].parent.id
        if parent not in known:
            known[parent] = place.namespace.tree.covering(hidden[name].mount)
        covers = known[parent]
        if covers:
            groups.setdefault(tuple(mount.id for mount in covers), (covers, []))[1].append(name)
    return list(groups.values())
