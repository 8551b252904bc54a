"""A name that is a namespace for some and a plain file for others: `Invalid argument` on use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from shlex import quote

from netmend.doctor.blame import Stand, Standing, bind_of, explain, line, reference_of, stand
from netmend.doctor.checks.covered_names import covered_copies
from netmend.doctor.mends import bind_names, enter, keep, reconnect, remarked, restart, whose
from netmend.doctor.observation import HOST, Directory, Name
from netmend.doctor.places import ENGINE_INTERNAL, Copy, HostView, Place, alike
from netmend.doctor.rehearsal.losses import first_safe
from netmend.doctor.relevant import namespace_text
from netmend.doctor.sentences import script, several
from netmend.ground.finding import Finding, PinName, Severity

CHECK = "plain-file"


@dataclass(frozen=True, slots=True)
class _Split:
    """Names with the same people for and against them."""

    usable: tuple[Place, ...]
    broken: tuple[Place, ...]
    # label → a copy, in view at another path there, because of which a deletion was refused
    deleted: tuple[tuple[str, Copy], ...] = ()


def check(view: HostView) -> Iterator[Finding]:
    for directory, places in view.all_shared:
        if len(places) > 1:
            reference = reference_of(view, places)
            stands = {
                place.label: Stand(place, one.standing, reference)
                for same in alike(places)
                for one in (stand(view, same[0], reference),)
                for place in same
            }
            stands[reference.label] = Stand(reference, Standing.REFERENCE, reference)
            yield from _Case(view, directory, places, stands, reference, view.listed(directory)).findings()


@dataclass(frozen=True, slots=True)
class _Case:
    """A directory, and how everybody stands towards it."""

    view: HostView
    directory: Directory
    places: list[Place]
    stands: dict[str, Stand]
    reference: Place
    listed: dict[str, Name] | None

    def findings(self) -> Iterator[Finding]:
        covered: dict[str, frozenset[str]] = {}
        elsewhere: dict[str, dict[str, Copy]] = {}
        classes = alike(self.places)
        for same in classes:
            hidden = frozenset(covered_copies(self.view, same[0], self.directory))
            copies = self.view.copies(same[0].namespace, self.directory)
            seen = {c.name: c for c in copies if c.visible and c.name not in same[0].usable}
            for place in same:
                covered[place.label] = hidden
                elsewhere[place.label] = seen
        names_of: dict[tuple[object, ...], list[str]] = {}
        splits: dict[tuple[object, ...], _Split] = {}
        for name in sorted({name for places in classes for name in places[0].usable}):
            if self.listed is not None and not _may_be_namespace(self.listed.get(name)):
                continue
            lacking = tuple(
                index
                for index, places in enumerate(classes)
                if name not in places[0].usable and name not in covered[places[0].label]
            )
            broken = tuple(place for index in lacking for place in classes[index] if self._suffers(place))
            if not any(place.counts for place in broken):
                continue
            usable = tuple(p for places in classes if name in places[0].usable for p in places)
            refused = tuple(
                (p.label, elsewhere[p.label][name])
                for p in broken
                if name in elsewhere[p.label] and self.stands[p.label].receives
            )
            key: tuple[object, ...] = (lacking, tuple(p.label for p in usable), tuple(label for label, _ in refused))
            names_of.setdefault(key, []).append(name)
            splits.setdefault(key, _Split(usable, broken, refused))
        for key, names in names_of.items():
            yield from self._tell(names, splits[key])

    def _suffers(self, place: Place) -> bool:
        """Not who sees an engine's own directory by way of a read-only mount of something above it, to look about."""
        if self.view.title(self.directory) not in ENGINE_INTERNAL or place.explicit or place.label == HOST:
            return True
        bind = bind_of(place)
        return not (bind is not None and bind.read_only)

    def _tell(self, names: list[str], split: _Split) -> Iterator[Finding]:
        """One finding a name; all have the cause and the mend in common."""
        culprits = _culprits(split, self.stands)
        cause = _cause(split, culprits)
        mend = self._mend(split, culprits, names)
        usable_in = tuple(place.label for place in split.usable)
        broken_in = tuple(place.label for place in split.broken)
        title = self.view.title(self.directory)
        lines = [line(place) for place in _telling(split, culprits)]
        lines += [f"{label}: also mounted: {copy.mount.id} {copy.mount.fields.text}" for label, copy in split.deleted]
        for name in names:
            inode = split.usable[0].usable[name][0]
            known = self.listed.get(name) if self.listed is not None else None
            yield Finding(
                check=CHECK,
                severity=Severity.ERROR if _serious(split) else Severity.WARNING,
                summary=f"{name} is a namespace in {several(usable_in)}, and a plain file in {several(broken_in)}",
                evidence=(
                    f"{title}/{name}: {namespace_text(inode)} in {several(usable_in)}; not nsfs in "
                    f"{several(broken_in)} (entering it says Invalid argument)",
                    *lines,
                ),
                cause=cause,
                mend=mend,
                suffers=tuple(place.label for place in split.broken if place.counts),
                netns=name,
                usable_in=usable_in,
                broken_in=broken_in,
                directory=title,
                culprits=tuple(one.place.label for one in culprits),
                safe=() if title in ENGINE_INTERNAL else _pin(split, name, inode, title),
                key=(self.directory, name, inode, known and known.inode, known and known.changed, usable_in, broken_in),
            )

    def _mend(self, split: _Split, culprits: list[Stand], names: list[str]) -> str:
        refused = dict(split.deleted)
        lines: list[str] = []
        for place in split.broken:
            if place.label in refused:
                lines += _mount_again(place, refused[place.label], names)
        kept = self._kept(culprits, names)
        others = [one for one in culprits if one.place.label not in refused]
        lines += kept
        if others:
            lines += reconnect(others)
        elif not refused:
            for place in split.broken:
                container = place.namespace.container
                if container is not None:
                    lines += restart(container, "it takes the names that are there then")
        end = "netmend doctor  # verifies"
        return first_safe(self.view, [script([*lines, end]), *([script([*kept, end])] if kept else [])])

    def _kept(self, culprits: list[Stand], names: list[str]) -> list[str]:
        """Names that only somebody has who is to be restarted, or who does not send: the host is given them first."""
        if self.reference.label != HOST or self.view.title(self.directory) in ENGINE_INTERNAL:
            return []
        lines: list[str] = []
        kept = set(self.reference.usable)
        restarted = {one.place.label for one in culprits}
        sources = sorted(
            (s for s in self.stands.values() if s.place.label != HOST), key=lambda s: s.place.label not in restarted
        )
        for source in sources:
            only_there = [name for name in source.place.usable if name not in kept]
            if only_there and (source.place.label in restarted or set(only_there) & set(names)):
                lines += keep(sorted(only_there), source.place, self.reference.path)
                kept.update(only_there)
        return lines


def _mount_again(place: Place, copy: Copy, names: list[str]) -> list[str]:
    """Give the names back to who unmounted them, from the second copy that it has."""
    there = copy.mount.mount_point.rpartition("/")[0]
    remark = whose(place.namespace)
    lines = bind_names(names, there, place.path, remark)
    if len(names) == 1:
        lines = [
            remarked(
                f"{enter(place.namespace)}mount -c --bind {quote(copy.mount.mount_point)} "
                f"{quote(f'{place.path}/{names[0]}')}",
                remark,
                "has the name again",
            )
        ]
    else:
        lines = [
            f"{enter(place.namespace)}sh -c {quote(lines[0].partition('  # ')[0])}  # {remark or 'has them again'}"
        ]
    return [*lines, f"# if the namespace is not wanted: on the host, ip netns delete {names[0]}"]


def _may_be_namespace(entry: Name | None) -> bool:
    return entry is not None and entry.kind in ("file", "mounted")


def _serious(split: _Split) -> bool:
    """Whether the host or a container suffers, not only a process with mounts of its own."""
    return any(
        place.label == HOST or place.namespace.container is not None or place.namespace.pid is None
        for place in split.broken
        if place.counts
    )


def _culprits(split: _Split, stands: dict[str, Stand]) -> list[Stand]:
    """Who must be set up differently for these names to be had by all who lack them."""
    found = [stands[place.label] for place in split.broken if place.counts and not stands[place.label].receives]
    connected = [p for p in split.broken if stands[p.label].receives]
    refused = {label for label, _ in split.deleted}
    sources = [stands[place.label] for place in split.usable]
    if connected and not any(source.sends for source in sources):
        found = [source for source in sources if not source.sends] + found
    found += [stands[p.label] for p in split.broken if p.label in refused]
    unique = {one.place.label: one for one in found if one.standing is not Standing.REFERENCE}
    return list(unique.values())


def _telling(split: _Split, culprits: list[Stand]) -> list[Place]:
    """The places whose lines of mountinfo show the fault: two good ones, and those of the culprits."""
    chosen = {p.label: p for p in (*split.usable[:2], *split.broken[:2], *(one.place for one in culprits[:8]))}
    for place in (*split.usable, *split.broken):
        if place.label == HOST:
            chosen.setdefault(HOST, place)
    return list(chosen.values())


def _cause(split: _Split, culprits: list[Stand]) -> str:
    refused = dict(split.deleted)
    sentences = [
        f"{label} receives what the host mounts, and had the name: a deletion in {label} unmounted it there, and the "
        f"unlink was refused (`Device or resource busy`) because of {copy.mount.mount_point}, where {label} has the "
        "namespace a second time. For all others the name still works."
        for label, copy in refused.items()
    ]
    kinds: dict[tuple[object, ...], list[Stand]] = {}
    for one in culprits:
        if one.place.label not in refused:
            kinds.setdefault((one.standing, bind_of(one.place)), []).append(one)
    for same in kinds.values():
        sentences.append(explain(same[0]))
        if len(same) > 1:
            sentences.append(f"Likewise {several([one.place.label for one in same[1:]], 12)}.")
    if not sentences:
        late = [place.label for place in split.broken]
        sentences.append(
            f"{several(late)} would receive such a mount now, so it was made when the two were not connected yet, "
            f"or was "
            "unmounted there alone."
        )
    return " ".join(sentences)


def _pin(split: _Split, name: str, inode: int, title: str) -> tuple[PinName, ...]:
    """The host's name may be given back to the namespace: that covers nothing but a plain file."""
    if not any(place.label == HOST for place in split.broken):
        return ()
    for place in split.usable:
        if place.namespace.pid is not None:
            return (PinName(f"{title}/{name}", inode, f"/proc/{place.namespace.pid}/root{place.path}/{name}"),)
    return ()
