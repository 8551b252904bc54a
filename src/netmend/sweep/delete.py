"""Deletes what was judged dead, many devices at once, and nothing that is not still the same and still dead.

One RTM_DELLINK waits some 17 ms for grace periods of RCU, whatever it is sent with; a message that deletes a whole
device group waits once (net/core/rtnetlink.c, rtnl_group_dellink). So a batch of devices is moved into a group that
nobody else uses, then each is looked at again *in the group*: what is not the device that was judged, or is in use now,
goes back to the group it came from; only then is the group deleted. A recycled index is never hit: its name is asked
before it is moved, and all about it afterwards. A device that is a port of Open vSwitch goes after its port does, and
one that is the switch's own goes with it.
"""

import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
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
from netmend.sweep.journal import Journal, Surroundings
from netmend.sweep.look import look_at_links
from netmend.sweep.names import Name
from netmend.sweep.ports import Ports
from netmend.sweep.processes import Process
from netmend.sweep.scene import Reason, SwitchPort, Unit

BATCH: Final = 1_000
"""Devices, or pairs, deleted at once: the kernel's rtnl lock is held for some 0.2 s, for which every other change of a
link on the host waits; twice as many are no faster by more than the noise."""
_FOLLOWS: Final = 15.0  # seconds within which ovs-vswitchd, busy as it may be, removes devices of its own
GROUPS: Final = range(0x6E6D7700, 0x6E6D7800)
"""Device groups that sweeps use, one a sweep."""


@dataclass(slots=True)
class Outcome:
    """The outcome of a deletion: devices and ports by name, names by path."""

    deleted: int = 0
    spared: dict[str, str] = field(default_factory=dict)  # with the reason
    failed: dict[str, str] = field(default_factory=dict)  # with what was said


def choose_group(in_use: Set[int]) -> int:
    """Find a device group of ours with no device in it."""
    free = sorted(set(GROUPS) - in_use)
    return free[randbelow(len(free))] if free else GROUPS.start


class Deleter:
    """Deletes in the network namespace that its RouteSocket was made in, and calls `progress` with the number of
    objects of each batch that is done with."""

    def __init__(
        self, route: RouteSocket, journal: Journal, around: Surroundings, progress: Callable[[int], None]
    ) -> None:
        self._route = route
        self._journal = journal
        self._around = around
        self._ports = Ports()
        self._group = journal.group
        self._progress = progress
        self.outcome = Outcome()

    def close(self) -> None:
        self._ports.close()

    def delete_links(self, units: Sequence[Unit]) -> None:
        """Delete units in batches; raises BadJournal. However it ends, no device is left in the group."""
        alone = [unit for unit in units if _only_group_marks(unit)]
        batches = list(_batches([unit for unit in units if not unit.by_switch and not _only_group_marks(unit)]))
        batches += [[unit] for unit in alone]
        batches += _batches([unit for unit in units if unit.by_switch])
        with ThreadPoolExecutor(1, "journal") as writer:
            written = [writer.submit(self._record, batch) for batch in batches[:1]]
            for number, batch in enumerate(batches):
                written.pop().result()

                def meanwhile(following: Sequence[list[Unit]] = batches[number + 1 : number + 2]) -> None:
                    """Write down the next batch while the kernel is at work on this one."""
                    written.extend(writer.submit(self._record, batch) for batch in following)

                self._delete_batch(batch, meanwhile)
                if not written:
                    meanwhile()
                self._progress(sum(len(unit.links) for unit in batch))

    def _record(self, batch: Sequence[Unit]) -> None:
        self._journal.doomed_links(((unit.links, unit.reason) for unit in batch), self._around)
        because = {row.name: unit.reason for unit in batch for row in unit.rows}
        if because:
            ports = self._ports.of(row for unit in batch for row in unit.rows)
            self._journal.doomed_ports((port, because[port.name]) for port in ports.values())

    def _delete_batch(self, batch: Sequence[Unit], meanwhile: Callable[[], None]) -> None:
        doomed: list[Unit] = []
        try:
            doomed = self._same_names(batch)
            if doomed and _only_group_marks(doomed[0]):
                doomed = self._delete_alone(doomed[0])
            elif doomed and doomed[0].by_switch:
                doomed = self._delete_by_switch(doomed)
            elif doomed:
                doomed = self._delete_together(doomed, meanwhile)
        except KernelError as error:
            for link in (link for unit in doomed for link in unit.links):
                self._fail(link, str(error))
            return
        gone = [link.index for unit in doomed for link in unit.links]
        if gone:
            self._journal.done(gone)
        self.outcome.deleted += len(gone)

    def _delete_alone(self, unit: Unit) -> list[Unit]:
        (link,) = unit.links
        good = self._verify([unit], link_details.messages_of(self._route, [link.index]), link.group)
        if good:
            links.delete_link(self._route, _found(link))
        return good

    def _delete_by_switch(self, doomed: Sequence[Unit]) -> list[Unit]:
        """Devices that the switch made: they go when ovs-vswitchd sees that their ports are gone."""
        now = link_details.messages_of(self._route, [unit.links[0].index for unit in doomed])
        good = [unit for unit in doomed if self._verify([unit], now, unit.links[0].group)]
        good = self._release(good)
        left, deadline = good, time.monotonic() + _FOLLOWS
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
            while True:
                left = [unit for unit in left if _is_there(control, unit.links[0])]
                if not left or time.monotonic() > deadline:
                    break
                time.sleep(0.1)
        for unit in left:
            self._fail(unit.links[0], "its port is gone, and ovs-vswitchd has not removed the device: does it run?")
        late = {unit.links[0].index for unit in left}
        return [unit for unit in good if unit.links[0].index not in late]

    def _release(self, units: Sequence[Unit]) -> list[Unit]:
        """Take the ports of units out of Open vSwitch's database; returns the units whose ports were as they had been,
        and those that have none. Raises KernelError, and then no port is gone."""
        rows = [row for unit in units for row in unit.rows]
        if not rows:
            return list(units)
        same = self._ports.unchanged(rows)
        good = []
        for unit in units:
            if all(row.name in same for row in unit.rows):
                good.append(unit)
                continue
            for link in unit.links:
                self._spare(link, Reason.CHANGED)
        going = [same[row.name] for unit in good for row in unit.rows]
        self._ports.take_away(going)
        self._journal.done([port.uuid for port in going])
        return good

    def delete_ports(self, doomed: Sequence[SwitchPort]) -> None:
        """Delete ports that have no device, in batches; raises BadJournal."""
        for start in range(0, len(doomed), BATCH):
            batch = doomed[start : start + BATCH]
            try:
                self._delete_ports(batch)
            except KernelError as error:
                for port in batch:
                    self.outcome.failed[port.row.name] = str(error)
            self._progress(len(batch))

    def _delete_ports(self, batch: Sequence[SwitchPort]) -> None:
        rows = [port.row for port in batch]
        whole = self._ports.of(rows)
        self._journal.doomed_ports((port, Reason.OVS_ROW_UNKNOWN) for port in whole.values())
        same = self._ports.unchanged(rows)
        here = {name for link in look_at_links(self._route).values() for name in (link.name, *link.alternative_names)}
        going = []
        for row in rows:
            port = same.get(row.name)
            if port is not None and row.name not in here:
                going.append(port)
                continue
            self.outcome.spared[row.name] = Reason.CHANGED
            if row.name in whole:
                self._journal.failed(whole[row.name].uuid, Reason.CHANGED)
        self._ports.take_away(going)
        self._journal.done([port.uuid for port in going])
        self.outcome.deleted += len(going)

    def _delete_together(self, doomed: Sequence[Unit], meanwhile: Callable[[], None]) -> list[Unit]:
        """Delete a batch; returns the units that are gone. When it raises, none is left in the group. Of a veth only
        one end is moved: it takes the other along."""
        moved = [link.index for unit in doomed for link in unit.moved]
        going_themselves = set(moved)
        beside = [link.index for unit in doomed for link in unit.links if link.index not in going_themselves]
        try:
            now = link_details.move_and_look(self._route, moved, beside, self._group)
            good = self._release(self._without_guests(self._verify(doomed, now, self._group)))
            if len(good) < len(doomed):
                going = {unit.links[0].index for unit in good}
                self._back(unit for unit in doomed if unit.links[0].index not in going)
            if good:
                meanwhile()
                links.delete_group(self._route, self._group, _named(good))
        except BaseException:
            with suppress(KernelError):
                self._back(doomed)
            raise
        return good

    def _without_guests(self, units: Sequence[Unit]) -> list[Unit]:
        """The units, without those whose bridge has a new port of another: a guest's tap."""
        bridges = {link.index: unit for unit in units for link in unit.links if link.kind == "bridge"}
        if not bridges or all(unit.reason is Reason.OURS_NOT_IN_INTENT for unit in bridges.values()):
            return list(units)
        taken: set[int] = set()
        for link in links.dump_links(self._route):
            unit = bridges.get(link.master)
            if unit is not None and link.index not in {one.index for one in unit.links}:
                taken.add(unit.links[0].index)
        for unit in units:
            if unit.links[0].index in taken:
                for one in unit.links:
                    self._spare(one, Reason.PORT)
        return [unit for unit in units if unit.links[0].index not in taken]

    def _same_names(self, batch: Sequence[Unit]) -> list[Unit]:
        """The units of a batch that still have their indexes: a device that got one since must not be moved."""
        good = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
            for unit in batch:
                if all(link_details.name_of_index(control, link.index) == link.name for link in unit.links):
                    good.append(unit)
                else:
                    for link in unit.links:
                        self._spare(link, Reason.CHANGED)
        return good

    def _verify(self, batch: Sequence[Unit], now: Mapping[int, bytes], group: int) -> list[Unit]:
        """The units of a batch that are still the same and still dead, those of their devices that were moved in
        `group`."""
        good = []
        for unit in batch:
            moved = {link.index for link in unit.moved}
            reasons = [
                _still_dead(link, now.get(link.index), unit.reason, group if link.index in moved else link.group)
                for link in unit.links
            ]
            why = next((reason for reason in reasons if reason is not None), None)
            if why is None:
                good.append(unit)
                continue
            for link in unit.links:
                self._spare(link, why)
        return good

    def _back(self, batch: Iterable[Unit]) -> None:
        links.set_groups(self._route, [(_found(link), link.group) for unit in batch for link in unit.moved])

    def _spare(self, link: LinkDetails, why: Reason) -> None:
        self._journal.failed(link.index, why)
        self.outcome.spared[link.name] = why

    def _fail(self, link: LinkDetails, why: str) -> None:
        self._journal.failed(link.index, why)
        self.outcome.failed[link.name] = why

    def end_processes(self, doomed: Sequence[Process]) -> None:
        """End processes one by one; raises BadJournal."""
        self._journal.doomed_processes(doomed)
        for process in doomed:
            if process.end():
                self._journal.done([process.key])
                self.outcome.deleted += 1
            else:
                self._journal.failed(process.key, Reason.CHANGED)
                self.outcome.spared[process.name] = Reason.CHANGED
            self._progress(1)

    def delete_names(self, doomed: Sequence[Name]) -> None:
        """Delete names one by one; raises BadJournal."""
        self._journal.doomed_names(doomed)
        for name in doomed:
            try:
                if not names.still_dead(name):
                    self._journal.failed(name.path, Reason.CHANGED)
                    self.outcome.spared[name.path] = Reason.CHANGED
                else:
                    netns.unpin(name.path, None)  # shown to be dead, no matter who made it
                    self._journal.done([name.path])
                    self.outcome.deleted += 1
            except KernelError as error:
                self._journal.failed(name.path, str(error))
                self.outcome.failed[name.path] = str(error)
            self._progress(1)


def _still_dead(then: LinkDetails, raw: bytes | None, reason: Reason, group: int) -> Reason | None:
    """None for a device that is in `group` by now and still dead (rules.still_dead); else the reason to keep it."""
    if raw == then.raw.replace(u32(IFLA_GROUP, then.group), u32(IFLA_GROUP, group), 1):
        return None
    now = decode_details(raw) if raw is not None else None
    if now is not None and now.group != group:
        return Reason.CHANGED
    return rules.still_dead(then, now, reason)


def _is_there(control: socket.socket, link: LinkDetails) -> bool:
    return link_details.name_of_index(control, link.index) == link.name


def _only_group_marks(unit: Unit) -> bool:
    """Whether it is a device of ours that was never finished. Only its group says so: if it is moved and netmend is
    killed, it counts as a stranger's."""
    return unit.reason is Reason.OURS_NOT_IN_INTENT and Mark.parse(unit.links[0].alias) is None


def _found(link: LinkDetails) -> Found:
    return Found(link.index, link.name)


def _named(batch: Sequence[Unit]) -> str:
    first = batch[0].links[0].name
    count = sum(len(unit.links) for unit in batch)
    return first if count == 1 else f"{first} and {count - 1} more"


def _batches(units: Sequence[Unit]) -> Iterator[list[Unit]]:
    for start in range(0, len(units), BATCH):
        yield list(units[start : start + BATCH])
