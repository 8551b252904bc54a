"""A name that is a namespace for some and a plain file for others: `Invalid argument` on use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netmend.doctor.blame import Stand, Standing, bind_of, explain, line, reference_of, stand
from netmend.doctor.mends import keep, reconnect, restart, uncover
from netmend.doctor.observation import HOST, Directory, Name
from netmend.doctor.places import Copy, HostView, Place, alike
from netmend.doctor.sentences import script, several
from netmend.ground.finding import Finding, PinName, Severity

CHECK = "plain-file"


@dataclass(frozen=True, slots=True)
class _Split:
    """Names with the same people for and against them."""

    usable: tuple[Place, ...]
    broken: tuple[Place, ...]
    hidden: tuple[tuple[str, Copy], ...] = ()
    """Label → a copy that is there and covered, of the names' first."""


def check(view: HostView) -> Iterator[Finding]:
    for directory, places in view.shared:
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
        hidden = {
            p.label: {c.name: c for c in self.view.copies(p.namespace, self.directory) if not c.visible}
            for p in self.places
        }
        names_of: dict[tuple[object, ...], list[str]] = {}
        splits: dict[tuple[object, ...], _Split] = {}
        classes = alike(self.places)
        for name in sorted({name for places in classes for name in places[0].usable}):
            if self.listed is not None and not _may_be_namespace(self.listed.get(name)):
                continue
            lacking = tuple(index for index, places in enumerate(classes) if name not in places[0].usable)
            broken = tuple(place for index in lacking for place in classes[index])
            if not any(place.counts for place in broken):
                continue
            usable = tuple(p for index, places in enumerate(classes) if index not in lacking for p in places)
            covered = tuple((p.label, hidden[p.label][name]) for p in broken if name in hidden[p.label])
            key: tuple[object, ...] = (lacking, tuple(label for label, _ in covered))
            names_of.setdefault(key, []).append(name)
            splits.setdefault(key, _Split(usable, broken, covered))
        for key, names in names_of.items():
            yield from self._tell(names, splits[key])

    def _tell(self, names: list[str], split: _Split) -> Iterator[Finding]:
        """One finding a name; all have the cause and the mend in common."""
        culprits = _culprits(split, self.stands)
        cause = _cause(split, culprits)
        mend = _mend(split, culprits, self.stands, self.reference, names)
        usable_in = tuple(place.label for place in split.usable)
        broken_in = tuple(place.label for place in split.broken)
        title = self.view.title(self.directory)
        lines = [line(place) for place in _telling(split, culprits)]
        lines += [f"{label}: covered: {copy.mount.id} {copy.mount.fields.text}" for label, copy in split.hidden]
        for name in names:
            inode = split.usable[0].usable[name][0]
            known = self.listed.get(name) if self.listed is not None else None
            yield Finding(
                check=CHECK,
                severity=Severity.ERROR if _serious(split) else Severity.WARNING,
                summary=f"{name} is a namespace in {several(usable_in)}, and a plain file in {several(broken_in)}",
                evidence=(
                    f"{title}/{name}: net:[{inode}] in {several(usable_in)}; not nsfs in {several(broken_in)} "
                    "(entering it says Invalid argument)",
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
                safe=_pin(split, name, inode, title),
                key=(self.directory, name, inode, known and known.inode, known and known.changed, usable_in, broken_in),
            )


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
    covered = {label for label, _ in split.hidden}
    found = [
        stands[place.label]
        for place in split.broken
        if place.counts and (not stands[place.label].receives or place.label in covered)
    ]
    connected = [p for p in split.broken if stands[p.label].receives and p.label not in covered]
    sources = [stands[place.label] for place in split.usable]
    if connected and not any(source.sends for source in sources):
        found = [source for source in sources if not source.sends] + found
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
    covered = {label for label, _ in split.hidden}
    sentences = [
        f"{one.place.label} had mounted these names itself; then a mount on the same directory arrived from the host "
        f"({one.place.mount.id}, {one.place.mount.propagation}) and covers them."
        for one in culprits[:6]
        if one.place.label in covered
    ]
    kinds: dict[tuple[object, ...], list[Stand]] = {}
    for one in culprits:
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


def _mend(split: _Split, culprits: list[Stand], stands: dict[str, Stand], reference: Place, names: list[str]) -> str:
    lines: list[str] = []
    on_host = reference.usable if reference.label == HOST else {}
    covered = dict(split.hidden)
    for one in culprits:
        if one.place.label in covered and one.place.label != HOST:
            lines += uncover(one.place.namespace, one.place.mount)
            lines += keep(names, one.place, reference.path) if not on_host.keys() & set(names) else []
    if reference.label == HOST:
        kept: set[str] = set()
        restarted = {one.place.label for one in culprits}
        sources = sorted(
            (s for s in stands.values() if s.place.label != HOST), key=lambda s: s.place.label not in restarted
        )
        for source in sources:
            only_there = [name for name in source.place.usable if name not in on_host and name not in kept]
            if only_there and (source.place.label in restarted or set(only_there) & set(names)):
                lines += keep(sorted(only_there), source.place, reference.path)
                kept.update(only_there)
    if culprits:
        lines += reconnect(culprits)
    else:
        for place in split.broken:
            container = place.namespace.container
            if container is not None:
                lines += restart(container, "it takes the names that are there then")
    return script([*lines, "netmend doctor  # verifies"])


def _pin(split: _Split, name: str, inode: int, title: str) -> tuple[PinName, ...]:
    """The host's name may be given back to the namespace: that covers nothing but a plain file."""
    if not any(place.label == HOST for place in split.broken):
        return ()
    for place in split.usable:
        if place.namespace.pid is not None:
            return (PinName(f"{title}/{name}", inode, f"/proc/{place.namespace.pid}/root{place.path}/{name}"),)
    return ()
