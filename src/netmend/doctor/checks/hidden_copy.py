"""A second mount of a name in the same mount namespace, out of reach of the first one's peer group.

Deleting the name there unmounts the first, then fails: `Device or resource busy`. The name is a plain file for
everybody afterwards, and the namespace lives on (vfs_unlink refuses a name that is a mount point in the caller's own
mount namespace, fs/namei.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from netmend.doctor.blame import Stand, Standing, leads_to, line, option, reference_of, stand
from netmend.doctor.mends import enter, keep, recreate, remarked, whose
from netmend.doctor.observation import HOST, Bind, Container, Directory
from netmend.doctor.places import Copy, HostView, Place
from netmend.doctor.rehearsal.losses import first_safe
from netmend.doctor.sentences import count, script, several
from netmend.ground.finding import Finding, Severity
from netmend.propagation.mountinfo import Mount
from netmend.propagation.paths import is_under

CHECK = "hidden-copy"
_VERIFY = "netmend doctor  # verifies"


def check(view: HostView) -> Iterator[Finding]:
    for directory, places in view.shared:
        reference = reference_of(view, places)
        for place in places:
            if not (place.label == HOST or place.asked_for or place.namespace.container) or not place.usable:
                continue
            if place.namespace.may_use_namespaces is False:
                continue
            left = _left_behind(view, place, directory)
            if left and not _only_looks(stand(view, place, reference)):
                yield _finding(view, place, directory, left)


def _only_looks(one: Stand) -> bool:
    """It receives what others make, and has made nothing itself: it will not delete either."""
    return one.standing is Standing.RECEIVER and not one.place.usable.keys() - one.reference.usable.keys()


def _left_behind(view: HostView, place: Place, directory: Directory) -> dict[str, list[Copy]]:
    """Name → copies that would still be mounted after a deletion by the name at `place`."""
    copies: dict[str, list[Copy]] = {}
    for copy in view.copies(place.namespace, directory):
        copies.setdefault(copy.name, []).append(copy)
    here = view.standing_for(place.namespace)
    reached: dict[int | None, set[int]] = {}
    left: dict[str, list[Copy]] = {}
    for name, (_, visible) in place.usable.items():
        if len(copies.get(name, ())) < 2:
            continue
        shown = next((copy for copy in copies[name] if copy.mount.id == visible.id), None)
        if shown is None:
            continue
        group = shown.parent.shared
        if group not in reached:
            reached[group] = (
                {m.mount.id for m in view.graph.receivers(group) if m.namespace == here} if group else set()
            )
        taken = reached[group] | {shown.parent.id}
        rest = []
        for copy in copies[name]:
            if copy.parent.id in taken:
                taken = taken - {copy.parent.id}  # one goes from each parent that hears of it
            else:
                rest.append(copy)
        if rest:
            left[name] = rest
    return left


def _finding(view: HostView, place: Place, directory: Directory, left: dict[str, list[Copy]]) -> Finding:
    names = sorted(left)
    first = left[names[0]][0]
    stacked = _all_stacked(place, left)
    where = sorted({copy.mount.mount_point.rpartition("/")[0] for copies in left.values() for copy in copies})
    covered = not first.visible
    title = view.title(directory)
    return Finding(
        check=CHECK,
        severity=Severity.ERROR if place.label == HOST or place.explicit else Severity.WARNING,
        summary=f"in {place.label}, {count(len(names), 'name')} in {place.path} cannot be deleted: a second copy is "
        f"mounted "
        + ("on the name itself" if stacked else f"beneath, on {several(where)}" if covered else f"at {several(where)}"),
        evidence=(
            line(place),
            *(
                f"{place.label}: {name}: mount {copy.mount.id} on {copy.mount.mount_point} (parent {copy.parent.id}, "
                f"{copy.parent.propagation}), net:[{copy.inode}]" + ("" if copy.visible else ", covered")
                for name in names[:4]
                for copy in left[name][:3]
            ),
        ),
        cause=(
            f"In {place.label} two mounts are on one name in {place.path}, the one over the other: somebody pinned a "
            "namespace under a name that had one. `ip netns delete` unmounts the upper one, gets `Device or resource "
            "busy` for the file, and leaves the name to the namespace beneath."
            if stacked
            else f"{place.label} has the directory {title} mounted more than once{_twice(place)}, and the copy "
            f"{'beneath ' + place.path if covered else 'at ' + several(where)} does not follow the visible one: `ip "
            f"netns "
            "delete` there unmounts the visible one, gets `Device or resource busy` for the file, and leaves a "
            "plain file "
            "for everybody and a namespace without a name."
        ),
        mend=_mend(view, place, directory, left),
        suffers=(place.label,),
        directory=title,
        culprits=(place.label,),
        key=(directory, place.label, *((name, *(copy.mount.id for copy in left[name])) for name in names)),
    )


def _is_stacked(place: Place, name: str, copy: Copy) -> bool:
    """Whether the copy is on the very name that another one is on, in the same directory: the name was pinned twice."""
    tree, lowest = place.namespace.tree, place.usable[name][1]
    beneath = tree.by_id.get(lowest.parent_id)
    while beneath is not None and beneath is not lowest and beneath.mount_point == lowest.mount_point:
        lowest, beneath = beneath, tree.by_id.get(beneath.parent_id)
    return copy.mount.mount_point == lowest.mount_point and copy.parent.id == lowest.parent_id


def _all_stacked(place: Place, left: dict[str, list[Copy]]) -> bool:
    return all(_is_stacked(place, name, copy) for name, copies in left.items() for copy in copies)


def _other_bind(place: Place, container: Container) -> Bind | None:
    """The container's other way to the directory: a bind of something above it."""
    above = [
        bind
        for bind in container.binds
        if place.path != bind.destination and leads_to(bind, place) and bind.propagation not in ("rslave", "slave")
    ]
    return max(above, key=lambda bind: len(bind.source)) if above else None


def _twice(place: Place) -> str:
    container = place.namespace.container
    if container is None:
        return ""
    shown = [f"-v {option(bind)}" for bind in container.binds if leads_to(bind, place)]
    return f" ({several(shown)})" if shown else ""


def _mend(view: HostView, place: Place, directory: Directory, left: dict[str, list[Copy]]) -> str:
    first = next(iter(left.values()))[0]
    container = place.namespace.container
    if container is not None:
        other = _other_bind(place, container)
        if other is not None:
            changed = Bind(other.source, other.destination, "rslave", other.read_only)
            change = {other.destination: changed}
            own = next((b for b in container.binds if b.destination == place.path), None)
            if own is not None and own.propagation not in ("shared", "rshared"):
                change[own.destination] = Bind(own.source, own.destination, "shared", own.read_only)
            host = view.host_place(directory)
            lost = sorted(set(place.usable) - set(host.usable)) if host is not None else []
            kept = keep(lost, place, host.path) if host is not None else []
            return first_safe(view, [script([*kept, *recreate(container, change), _VERIFY])])
    otherwise = _about_the_upper(place, left) if _all_stacked(place, left) else _remarks(first)
    return first_safe(view, [script([*_by_hand(place, left), _VERIFY]), script([*otherwise, _VERIFY])])


def _about_the_upper(place: Place, left: dict[str, list[Copy]]) -> list[str]:
    """Where another namespace is under the name's own, which is in use."""
    path = quote(f"{place.path}/{min(left)}")
    return [
        f"# two namespaces are pinned under {path}, and the upper one answers to it: give that one a name of its own",
        f"# (touch {path}-upper; mount -c --bind {path} {path}-upper), or end what uses it; then umount {path}",
    ]


def _by_hand(place: Place, left: dict[str, list[Copy]]) -> list[str]:
    namespace = place.namespace
    copies = [copy for found in left.values() for copy in found]
    first = copies[0]
    if _all_stacked(place, left):
        upper = " && ".join(f"umount {quote(copy.mount.mount_point)}" for copy in copies)
        return [remarked(f"{enter(namespace)}{upper}", whose(namespace))]
    if first.parent.shared is not None and first.visible:
        command = f"mount --make-rslave {quote(first.parent.mount_point)}"
    elif any(is_under(place.path, copy.mount.mount_point.rpartition("/")[0]) for copy in copies):
        return _remarks(first)  # beneath the very directory: what hides it is in use
    elif all(copy.visible for copy in copies) and len(left) == 1:
        command = f"umount -l {quote(first.mount.mount_point)}"
    else:
        command = f"umount -l {quote(_outermost(place, first).mount_point)}"
    return [remarked(f"{enter(namespace)}{command}", whose(namespace))]


def _outermost(place: Place, copy: Copy) -> Mount:
    """The mount that brought the second copy: the highest on its way that does not show the directory itself too."""
    outermost = copy.parent
    above = place.namespace.tree.by_id.get(outermost.parent_id)
    while above is not None and above is not outermost and not is_under(place.path, above.mount_point):
        outermost, above = above, place.namespace.tree.by_id.get(above.parent_id)
    return outermost


def _remarks(copy: Copy) -> list[str]:
    parent = copy.parent
    return [
        f"# the copy hangs on mount {parent.id} at {parent.mount_point}; delete names from a mount namespace that has",
        "# them once (the host), or start this one again without its second mount of the directory",
    ]
