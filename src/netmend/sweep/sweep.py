"""A sweep from beginning to end: looks, looks again, and deletes what is dead, if asked to."""

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
from netmend.sweep import delete, names, processes, rules
from netmend.sweep.delete import Deleter, Outcome
from netmend.sweep.journal import BadJournal, Journal, Surroundings, read_journal
from netmend.sweep.judge import Judge
from netmend.sweep.kinds import KINDS
from netmend.sweep.known import NOTHING_KNOWN, Known
from netmend.sweep.look import look_at_links, names_elsewhere, take_scene
from netmend.sweep.names import Name
from netmend.sweep.processes import Process
from netmend.sweep.scene import DEAD, Reason, Scene, SwitchPort, Unit
from netmend.sweep.sightings import Sightings, key, row_key
from netmend.sweep.switch import judge_rows

APART: Final = 0.5
"""Seconds that lie at least between the two looks at which a thing must be dead; a healthy name is a plain file for up
to 10 ms, and an agent that makes a device has it up within less."""
_BY_THEMSELVES: Final = frozenset({Reason.HELPER_OF_NOTHING, Reason.HELPER_SURPLUS})  # dead by the host's own word


@dataclass(frozen=True, slots=True)
class Options:
    """What to sweep, and by which evidence."""

    intent: Intent | None = None  # None: nothing of ours is judged
    kinds: tuple[str, ...] = ()  # names of KINDS
    min_age: float = 600.0  # seconds
    known: Known = NOTHING_KNOWN
    assume_all_seen: bool = False
    directory: str = nsdir.DEFAULT
    state: Path = Path("/var/lib/netmend/sweep")


@dataclass(frozen=True, slots=True)
class Findings:
    """What one look found."""

    units: list[Unit]
    ports: list[SwitchPort]
    names: list[Name]
    unseen: list[str]
    scene: Scene
    at: float  # time.monotonic
    processes: list[Process] = field(default_factory=list)
    first_look: bool = False  # there was none before, so nothing of others can be old enough
    mature_at: float | None = None  # seconds since the epoch when all that is too young now will be old enough

    @property
    def dead_units(self) -> list[Unit]:
        return [unit for unit in self.units if unit.dead]

    @property
    def any_young(self) -> bool:
        groups = (self.units, self.ports, self.names, self.processes)
        return Reason.YOUNG in {one.reason for group in groups for one in group}

    @property
    def dead_ports(self) -> list[SwitchPort]:
        return [port for port in self.ports if port.dead]

    @property
    def dead_names(self) -> list[Name]:
        return [name for name in self.names if name.dead]

    @property
    def dead_processes(self) -> list[Process]:
        return [process for process in self.processes if process.dead]

    @property
    def any_dead(self) -> bool:
        return any((self.dead_units, self.dead_ports, self.dead_names, self.dead_processes))


@dataclass(slots=True)
class Result:
    """The outcome of deleting."""

    outcome: Outcome = field(default_factory=Outcome)
    journal: Path | None = None
    seconds: float = 0.0


def find(options: Options) -> Findings:
    """Look at everything, and a second time if devices have not been known long enough to trust one look.

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
            scene, unseen, found, ports, helpers = Scene(present), [], [], [], []
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
            helpers = processes.judge(kinds, options.known, seen, trusting=options.assume_all_seen)
        ports = judge_rows(Judge(scene, kinds, options.known)) if kinds else []
        if any(port.dead for port in ports):  # their devices may be in other namespaces
            scene = replace(scene, elsewhere=names_elsewhere(seen))
            ports = judge_rows(Judge(scene, kinds, options.known))
    foreign = rules.judge_foreign(scene, kinds, options.known)
    if options.intent is not None:
        ours = rules.judge_ours(scene, options.intent)
        own_names = names.judge_ours(options.directory, options.intent)
        own = {link.index for unit in ours for link in unit.links}
        foreign = [unit for unit in foreign if unit.links[0].index not in own]
        found = [*own_names, *(name for name in found if name.reason is not Reason.OURS)]
    else:
        ours = []
    aged = _Aged(foreign, ports, found, helpers)
    if foreign or ports or found or helpers:
        aged = _with_age(aged, scene, options)
    mature = [] if aged.youngest is None else [time.time() - aged.youngest + options.min_age]
    mature += [name.entry.changed + options.min_age for name in found if name.reason is Reason.YOUNG and name.plain]
    return Findings(
        [*ours, *aged.units],
        aged.ports,
        aged.names,
        unseen,
        scene,
        time.monotonic(),
        aged.processes,
        aged.first_look,
        max(mature, default=None),
    )


@dataclass(frozen=True, slots=True)
class _Aged:
    """What was judged, with what is not dead for long enough kept; the age of the youngest of these, if any."""

    units: list[Unit]
    ports: list[SwitchPort]
    names: list[Name]
    processes: list[Process]
    youngest: float | None = None
    first_look: bool = False


def _with_age(judged_now: _Aged, scene: Scene, options: Options) -> _Aged:
    """Takes in the look, and keeps what is dead but not for long enough; of a plain file the file itself tells that."""
    units, ports, found, helpers = judged_now.units, judged_now.ports, judged_now.names, judged_now.processes
    sightings = Sightings.load(options.state / "seen.json")
    here = [*map(key, scene.links.values()), *map(row_key, (scene.rows or {}).values())]
    judged = [(unit, [*map(key, unit.links)]) for unit in units]
    rows = [(port, [row_key(port.row)]) for port in ports]
    spaces = [name for name in found if not name.plain and name.reason is not Reason.OURS_NOT_IN_INTENT]
    keys_of_spaces = {name.key for name in spaces}
    here += keys_of_spaces
    here += [process.key for process in helpers]
    verdicts = [(unit.reason, keys) for unit, keys in judged]
    verdicts += [(port.reason, keys) for port, keys in rows]
    verdicts += [(name.reason, [name.key]) for name in spaces]
    verdicts += [(process.reason, [process.key]) for process in helpers]
    dead = [one for reason, keys in verdicts if reason in DEAD for one in keys]
    alive = [one for reason, keys in verdicts if reason not in DEAD | {Reason.UNSEEN} for one in keys]
    sightings.note(here, alive, dead)
    sightings.save()
    young: list[float] = []

    def reason_of(thing: Unit | SwitchPort | Name | Process, keys: list[str]) -> Reason:
        if not thing.dead or not keys:
            return thing.reason
        age = min(map(sightings.age, keys))
        if age < options.min_age:
            young.append(age)
            return Reason.YOUNG
        unknown = bool(thing.rows) if isinstance(thing, Unit) else thing.reason not in _BY_THEMSELVES
        if unknown and options.min_age > APART and age < time.time() - options.known.asked_at:
            return Reason.ASKED_BEFORE  # it may have been made, and the control plane have come to know it, after that
        return thing.reason

    return _Aged(
        [replace(unit, reason=reason_of(unit, keys)) for unit, keys in judged],
        [replace(port, reason=reason_of(port, keys)) for port, keys in rows],
        [replace(name, reason=reason_of(name, [name.key] if name.key in keys_of_spaces else [])) for name in found],
        [replace(process, reason=reason_of(process, [process.key])) for process in helpers],
        min(young, default=None),
        sightings.first_look,
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
    if not findings.any_dead:
        return result
    units, ports, doomed_names = findings.dead_units, findings.dead_ports, findings.dead_names
    started = time.monotonic()
    with RouteSocket() as route:
        scene = findings.scene
        names_of = {link.index: link.name for link in scene.links.values()}
        around = Surroundings(names_of, link_details.given_addresses(route))
        journal = Journal(options.state, delete.choose_group({link.group for link in scene.links.values()}))
        result.journal = journal.path
        deleter = Deleter(route, journal, around, progress)
        try:
            result.outcome = deleter.outcome
            deleter.end_processes(_still_strays(findings.dead_processes, options, findings.at))
            deleter.delete_links(units)
            if ports:
                deleter.delete_ports(ports)
            if doomed_names:
                deleter.delete_names(_still_dead(doomed_names, options, findings.at))
            left = link_details.present_groups(route)
            for link in (link for unit in units for link in unit.links):
                if (link.index, link.name) in left and link.name not in result.outcome.spared:
                    result.outcome.failed.setdefault(link.name, "the kernel still has it")
        finally:
            deleter.close()
            journal.close()
    result.seconds = time.monotonic() - started
    return result


def _still_dead(doomed: list[Name], options: Options, since: float) -> list[Name]:
    """The names of these that are dead at a second look too."""
    again = _look_again(options, since)
    same = {(name.path, name.entry.inode) for name in again.dead_names}
    return [name for name in doomed if (name.path, name.entry.inode) in same]


def _still_strays(doomed: list[Process], options: Options, since: float) -> list[Process]:
    """The processes of these that are dead at a second look too."""
    if not doomed:
        return []
    again = {process.key for process in _look_again(options, since).dead_processes}
    return [process for process in doomed if process.key in again]


def _look_again(options: Options, since: float) -> Findings:
    time.sleep(max(0.0, since + APART - time.monotonic()))
    return _look(replace(options, min_age=max(options.min_age, APART)))
