"""Deletes what was judged dead, many devices at once, and nothing that is not still the same and still dead.

One RTM_DELLINK waits some 17 ms for grace periods of RCU, whatever it is sent with; a message that deletes a whole
device group waits once (net/core/rtnetlink.c, rtnl_group_dellink). So a batch of devices is moved into a group that
nobody else uses, then each is looked at again *in the group*: what is not the device that was judged, or is in use now,
goes back to the group it came from; only then is the group deleted. A recycled index is never hit. They are looked at
before they are moved, too, so that nothing living is even touched but by what happens between the two looks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import randbelow
from typing import Final

from netmend.intent.names import Mark
from netmend.kernel import link_details, links, netns
from netmend.kernel.errors import KernelError
from netmend.kernel.link_details import LinkDetails, decode_details
from netmend.kernel.links import IFLA_GROUP, Found
from netmend.kernel.netlink import RouteSocket, u32
from netmend.sweep import names, rules
from netmend.sweep.journal import Journal
from netmend.sweep.names import Name
from netmend.sweep.rules import Reason, Unit

BATCH: Final = 1_000
"""Devices deleted at once: the kernel's rtnl lock is held for some 0.2 s, for which every other change of a link on the
host waits; twice as many are no faster by more than the noise."""
GROUPS: Final = range(0x6E6D7700, 0x6E6D7800)
"""Device groups that sweeps use, one a sweep."""


@dataclass(slots=True)
class Outcome:
    """What became of the dead: names of devices and paths of names; `spared` and `failed` with why."""

    deleted: int = 0
    spared: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def choose_group(present: Iterable[LinkDetails]) -> int:
    """A device group of ours that no device is in."""
    free = sorted(set(GROUPS) - {link.group for link in present})
    return free[randbelow(len(free))] if free else GROUPS.start


def left_behind(present: Iterable[LinkDetails]) -> list[LinkDetails]:
    """Devices that a killed sweep left in its group."""
    return [link for link in present if link.group in GROUPS]


def put_back(route: RouteSocket, strays: Sequence[LinkDetails], groups: Mapping[tuple[int, str], int]) -> None:
    """Move devices that a killed sweep left behind into the group they came from: by (index, name), else the default
    group, 0. Raises KernelError."""
    links.set_groups(route, [(Found(link.index, link.name), groups.get((link.index, link.name), 0)) for link in strays])


class Deleter:
    """Deletes in the network namespace that its RouteSocket was made in. `progress` is told how many are done with."""

    def __init__(self, route: RouteSocket, journal: Journal, group: int, progress: Callable[[int], None]) -> None:
        self._route = route
        self._journal = journal
        self._group = group
        self._progress = progress
        self.outcome = Outcome()

    def delete_links(self, units: Sequence[Unit]) -> None:
        """Delete units in batches; raises BadJournal. Whatever ends it, no device is left in the group."""
        batches = list(_batches([unit for unit in units if not _only_group_marks(unit)]))
        batches += [[unit] for unit in units if _only_group_marks(unit)]
        with ThreadPoolExecutor(1, "journal") as writer:
            # the next batch is written while the kernel is at work on this one
            written = writer.submit(self._record, batches[0]) if batches else None
            for number, batch in enumerate(batches):
                assert written is not None
                written.result()
                if number + 1 < len(batches):
                    written = writer.submit(self._record, batches[number + 1])
                self._delete_batch(batch)
                self._progress(sum(len(unit.links) for unit in batch))

    def _record(self, batch: Sequence[Unit]) -> None:
        self._journal.doomed_links((unit.links, unit.reason) for unit in batch)

    def _delete_batch(self, batch: Sequence[Unit]) -> None:
        doomed: list[Unit] = []
        try:
            doomed = self._verify(batch, None)
            if doomed and _only_group_marks(doomed[0]):
                links.delete_link(self._route, _found(doomed[0].links[0]))
            elif doomed:
                doomed = self._delete_together(doomed)
        except KernelError as error:
            for link in (link for unit in doomed for link in unit.links):
                self._fail(link, str(error))
            return
        gone = [link.index for unit in doomed for link in unit.links]
        if gone:
            self._journal.done(gone)
        self.outcome.deleted += len(gone)

    def _delete_together(self, doomed: Sequence[Unit]) -> list[Unit]:
        """Returns those that are gone; when it raises, none is left in the group."""
        try:
            links.set_groups(
                self._route, [(_found(link), self._group) for unit in doomed for link in unit.links], "delete link"
            )
            kept = self._verify(doomed, self._group)
            self._back(unit for unit in doomed if unit not in kept)
            if kept:
                links.delete_group(self._route, self._group, _named(kept))
        except BaseException:
            with suppress(KernelError):
                self._back(doomed)
            raise
        return kept

    def _verify(self, batch: Sequence[Unit], group: int | None) -> list[Unit]:
        """The units of a batch that are still the same and still dead, moved to `group` or (None) where they were."""
        now = link_details.messages_of(self._route, [link.index for unit in batch for link in unit.links])
        good = []
        for unit in batch:
            reasons = [_still_dead(link, now.get(link.index), unit.reason, group) for link in unit.links]
            why = next((reason for reason in reasons if reason is not None), None)
            if why is None:
                good.append(unit)
                continue
            for link in unit.links:
                self._spare(link, why)
        return good

    def _back(self, batch: Iterable[Unit]) -> None:
        links.set_groups(self._route, [(_found(link), link.group) for unit in batch for link in unit.links])

    def _spare(self, link: LinkDetails, why: Reason) -> None:
        self._journal.failed(link.index, why)
        self.outcome.spared[link.name] = why

    def _fail(self, link: LinkDetails, why: str) -> None:
        self._journal.failed(link.index, why)
        self.outcome.failed[link.name] = why

    def delete_names(self, doomed: Sequence[Name]) -> None:
        """Delete names one by one; raises BadJournal."""
        self._journal.doomed_names(doomed)
        for name in doomed:
            try:
                if not names.still_dead(name):
                    self._journal.failed(name.path, Reason.CHANGED)
                    self.outcome.spared[name.path] = Reason.CHANGED
                else:
                    netns.unpin(name.path)
                    self._journal.done([name.path])
                    self.outcome.deleted += 1
            except KernelError as error:
                self._journal.failed(name.path, str(error))
                self.outcome.failed[name.path] = str(error)
            self._progress(1)


def _still_dead(then: LinkDetails, raw: bytes | None, reason: Reason, group: int | None) -> Reason | None:
    """As rules.still_dead; the device must be in `group`, or (None) in the one it was in."""
    expected = then.raw
    if group is not None:
        expected = expected.replace(u32(IFLA_GROUP, then.group), u32(IFLA_GROUP, group), 1)
    if raw == expected:
        return None
    now = decode_details(raw) if raw is not None else None
    if now is not None and now.group != (then.group if group is None else group):
        return Reason.CHANGED
    return rules.still_dead(then, now, reason)


def _only_group_marks(unit: Unit) -> bool:
    """A device of ours that was never finished: in another group, it would be a stranger's should we be killed."""
    return unit.reason is Reason.OURS_NOT_IN_INTENT and Mark.parse(unit.links[0].alias) is None


def _found(link: LinkDetails) -> Found:
    return Found(link.index, link.name)


def _named(batch: Sequence[Unit]) -> str:
    first = batch[0].links[0].name
    count = sum(len(unit.links) for unit in batch)
    return first if count == 1 else f"{first} and {count - 1} more"


def _batches(units: Sequence[Unit]) -> Iterator[list[Unit]]:
    batch: list[Unit] = []
    size = 0
    for unit in units:
        batch.append(unit)
        size += len(unit.links)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
