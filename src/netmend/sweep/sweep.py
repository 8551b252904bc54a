"""A sweep from beginning to end: look, look again, and, when that is asked for, delete what is dead."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from netmend.intent.network import Intent
from netmend.kernel import link_details, links, nsdir
from netmend.kernel.in_sight import look_around
from netmend.kernel.links import Found
from netmend.kernel.netlink import RouteSocket
from netmend.sweep import delete, names, rules
from netmend.sweep.delete import Deleter, Outcome
from netmend.sweep.journal import BadJournal, Journal, Surroundings, read_journal
from netmend.sweep.kinds import KINDS
from netmend.sweep.known import NOTHING_KNOWN, Known
from netmend.sweep.look import look_at_links, take_scene
from netmend.sweep.names import Name
from netmend.sweep.scene import Reason, Scene, Unit
from netmend.sweep.sightings import Sightings, key

APART: Final = 0.5
"""Seconds that lie at least between the two looks at which a thing must be dead; a healthy name is a plain file for up
to 10 ms, and an agent that makes a device has it up within less."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to sweep. `intent` None: nothing of ours. `kinds`: names of KINDS."""

    intent: Intent | None = None
    kinds: tuple[str, ...] = ()
    min_age: float = 600.0  # seconds
    known: Known = NOTHING_KNOWN
    assume_all_seen: bool = False
    directory: str = nsdir.DEFAULT
    state: Path = Path("/var/lib/netmend/sweep")


@dataclass(frozen=True, slots=True)
class Findings:
    """What was judged of the `scene`, and when (`at`, time.monotonic).

    `first_look`: there was none before, so nothing of others can be old enough. `mature_at` (seconds since the epoch):
    when all that looks dead now will be old enough; None: nothing is too young.
    """

    units: list[Unit]
    names: list[Name]
    unseen: list[str]
    scene: Scene
    at: float
    first_look: bool = False
    mature_at: float | None = None

    @property
    def dead_units(self) -> list[Unit]:
        return [unit for unit in self.units if unit.dead]

    @property
    def any_young(self) -> bool:
        reasons = [*(unit.reason for unit in self.units), *(name.reason for name in self.names)]
        return Reason.YOUNG in reasons

    @property
    def dead_names(self) -> list[Name]:
        return [name for name in self.names if name.dead]


@dataclass(slots=True)
class Result:
    """What deleting came to."""

    outcome: Outcome = field(default_factory=Outcome)
    journal: Path | None = None
    seconds: float = 0.0


def find(options: Options) -> Findings:
    """Look at everything, and once more where devices have not been known for long enough to trust one look.

    Raises KernelError, CannotRemember.
    """
    options = replace(options, min_age=max(options.min_age, APART))
    findings = _look(options)
    if options.min_age == APART and findings.any_young:
        time.sleep(APART)
        findings = _look(options)
    return findings


def _look(options: Options) -> Findings:
    kinds = {name: KINDS[name] for name in options.kinds}
    with RouteSocket() as route:
        if not kinds:
            present = look_at_links(route)
            scene, unseen, found = Scene(present), [], []
        else:
            seen = look_around()
            scene = take_scene(route, seen, assume_all_seen=options.assume_all_seen)
            unseen = seen.unseen
            found = names.judge_foreign(
                options.directory,
                kinds,
                options.known,
                seen,
                min_age=options.min_age,
                trusting=options.assume_all_seen,
            )
    foreign = rules.judge_foreign(scene, kinds, options.known)
    if options.intent is not None:
        ours = rules.judge_ours(scene, options.intent)
        own_names = names.judge_ours(options.directory, options.intent)
        own = {link.index for unit in ours for link in unit.links}
        foreign = [unit for unit in foreign if unit.links[0].index not in own]
        found = [*own_names, *(name for name in found if name.reason is not Reason.OURS)]
    else:
        ours = []
    first_look, youngest = False, None
    if foreign:
        sightings = Sightings.load(options.state / "seen.json")
        first_look = sightings.first_look
        foreign, youngest = _with_age(foreign, scene, sightings, options.min_age)
        sightings.save()
    mature = [time.time() - youngest + options.min_age] if youngest is not None else []
    mature += [name.entry.changed + options.min_age for name in found if name.reason is Reason.YOUNG]
    return Findings(
        [*ours, *foreign],
        found,
        unseen,
        scene,
        time.monotonic(),
        first_look,
        max(mature, default=None),
    )


def _with_age(
    foreign: list[Unit], scene: Scene, sightings: Sightings, min_age: float
) -> tuple[list[Unit], float | None]:
    """Takes in the look, and keeps the units that are dead but not for long enough; with the age of the youngest."""
    dead = [key(link) for unit in foreign if unit.dead for link in unit.links]
    alive = [key(link) for unit in foreign if not unit.dead and unit.reason is not Reason.UNSEEN for link in unit.links]
    sightings.note(map(key, scene.links.values()), alive, dead)
    aged = [(unit, min(sightings.age(key(link)) for link in unit.links) if unit.dead else min_age) for unit in foreign]
    return (
        [replace(unit, reason=Reason.YOUNG) if age < min_age else unit for unit, age in aged],
        min((age for _, age in aged if age < min_age), default=None),
    )


def recover(options: Options) -> int:
    """Put back what a killed sweep left in its device group, by its journal; returns how many. One sweep at a time may
    run, and the caller sees to that. Raises KernelError."""
    with RouteSocket() as route:
        strays = {key: group for key, group in link_details.present_groups(route).items() if group in delete.GROUPS}
        before: dict[tuple[int, str], int] = {}
        for path in sorted(options.state.glob("sweep-*.jsonl")) if strays else ():
            try:
                recorded = read_journal(path)
            except BadJournal:
                continue
            for link in recorded.links.values():
                if strays.get((link.index, link.name)) == recorded.group:
                    before[link.index, link.name] = link.group
        if before:
            links.set_groups(route, [(Found(*key), group) for key, group in before.items()])
    return len(before)


def carry_out(options: Options, findings: Findings, progress: Callable[[int], None]) -> Result:
    """Delete what was found dead, and is dead at one more look. Raises KernelError, BadJournal."""
    result = Result()
    units, doomed_names = findings.dead_units, findings.dead_names
    if not units and not doomed_names:
        return result
    started = time.monotonic()
    with RouteSocket() as route:
        scene = findings.scene
        names_of = {link.index: link.name for link in scene.links.values()}
        around = Surroundings(names_of, link_details.given_addresses(route))
        journal = Journal(options.state, delete.choose_group({link.group for link in scene.links.values()}))
        result.journal = journal.path
        try:
            deleter = Deleter(route, journal, around, progress)
            result.outcome = deleter.outcome
            deleter.delete_links(units)
            if doomed_names:
                deleter.delete_names(_still_dead(doomed_names, options, findings.at))
            left = link_details.present_groups(route)
            for link in (link for unit in units for link in unit.links):
                if (link.index, link.name) in left and link.name not in result.outcome.spared:
                    result.outcome.failed.setdefault(link.name, "the kernel still has it")
        finally:
            journal.close()
    result.seconds = time.monotonic() - started
    return result


def _still_dead(doomed: list[Name], options: Options, since: float) -> list[Name]:
    """Of these names, those that are dead at another look, apart from the first."""
    time.sleep(max(0.0, since + APART - time.monotonic()))
    again = _look(replace(options, min_age=max(options.min_age, APART)))
    same = {(name.path, name.entry.inode) for name in again.dead_names}
    return [name for name in doomed if (name.path, name.entry.inode) in same]
