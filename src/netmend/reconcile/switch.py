"""The local Open vSwitch: one look at its database for each pass, VLAN tags of networks, ports without their device."""

import errno
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from netmend.intent.names import Mark
from netmend.intent.network import Network, OvsWiring
from netmend.kernel.errors import KernelError
from netmend.kernel.ovsdb import foreign, ports
from netmend.kernel.ovsdb.connection import Connection
from netmend.kernel.ovsdb.ports import NewPort, Port, Tag
from netmend.kernel.ovsdb.stream import Tls
from netmend.reconcile.switch_lock import SwitchLock, SwitchTaken
from netmend.reconcile.vlan_tags import choose_tags
from netmend.wiring import Device
from netmend.wiring.ovs import MARK_KEY, OWNER, TAG_KEY

DEFAULT: Final = f"unix:{foreign.SOCKETS[0]}"
_TIMEOUT: Final = 5.0  # seconds that a pass waits for an answer
_LEFT_ALONE: Final = (
    15.0  # seconds for which a database that gave none is not asked again: other networks wait meanwhile
)
_SETTLE: Final = 2.0  # seconds
_POLL: Final = 0.01


@dataclass(frozen=True, slots=True)
class SwitchSeen:
    """One look at the database of Open vSwitch."""

    ports: Mapping[str, Port] = field(default_factory=dict)  # netmend's own, by name
    bridges: Mapping[str, str] = field(default_factory=dict)  # all, by name: the datapath_type
    problem: str | None = None  # why the database cannot be asked, where it should be
    tags: Mapping[str, int] = field(default_factory=dict)  # by network: the VLAN that netmend gives it
    lost: frozenset[str] = frozenset()  # ports without their device, although ovs-vswitchd has looked since
    network_of: Mapping[str, str] = field(default_factory=dict)  # by name of the port, from its mark
    _ports_of: Mapping[str, list[Port]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ports_of: dict[str, list[Port]] = {}
        for name, owner in self.network_of.items():
            ports_of.setdefault(owner, []).append(self.ports[name])
        object.__setattr__(self, "_ports_of", ports_of)  # frozen from here on

    def of_network(self, network_id: str) -> list[Port]:
        """Netmend's ports of a network; of "": those with a mark that cannot be read."""
        return sorted(self._ports_of.get(network_id, []), key=lambda port: port.name)


NOTHING = SwitchSeen()


def mark_of(port: Port) -> Mark | None:
    """Netmend's mark on a port, from either of its rows."""
    return Mark.parse(port.ids.get(MARK_KEY)) or Mark.parse(port.port_ids.get(MARK_KEY))


def port_ids(device: Device, tag: Tag) -> dict[str, str]:
    """The external_ids of a device in table Port: netmend's mark, and the VLAN where netmend chooses it."""
    assert device.switch is not None
    found = dict(device.switch.port_ids)
    if isinstance(tag, int):
        found[TAG_KEY] = str(tag)
    return found


def _new_port(device: Device, tag: Tag) -> NewPort:
    assert device.switch is not None
    is_internal = device.kind == "internal"
    return NewPort(
        device.name,
        device.switch.bridge,
        "internal" if is_internal else "",
        dict(device.switch.ids),
        port_ids(device, tag),
        device.mtu if is_internal else None,  # of other devices the switch does not set it
        tag,
    )


class Switch:
    """The local Open vSwitch, as a reconciler knows it over its passes. Looks come one at a time."""

    def __init__(self, remote: str | None = None, tls: Tls | None = None) -> None:
        """`remote` is where its database listens; nothing is asked yet."""
        self.connection = Connection(remote or DEFAULT, _TIMEOUT, tls)
        self._lock = SwitchLock(self.connection)
        self._hangs: KernelError | None = None
        self._next_ask = 0.0
        self._is_default = remote is None
        self._tags: dict[str, int] = {}
        self._without_device: dict[str, int] = {}  # by port: what `configured` is once ovs-vswitchd has looked

    def close(self) -> None:
        self.connection.close()

    def claim(self, patience: float) -> None:
        """Be the one netmend that changes the switch, from now on; one before us that was killed has so many seconds to
        have ended. Raises SwitchTaken; nothing where the switch does not answer: each look asks again."""
        with suppress(KernelError):
            self._lock.claim(patience)

    def look(self, networks: Iterable[Network], *, change: bool = True) -> SwitchSeen:
        """Look for ports of these networks, and for what is left of others; with `change`, to change them after it, for
        which the switch must be ours alone. Where none of the networks is wired by Open vSwitch, it is no problem that
        the switch is not there, does not answer or is another netmend's."""
        wired = [network for network in networks if isinstance(network.wiring, OvsWiring)]
        if not wired and self._is_default and foreign.present() is None:
            return NOTHING
        try:
            if self._hangs is not None and time.monotonic() < self._next_ask:
                raise self._hangs
            self._hangs = None
            if change and wired:
                self._lock.take()
            found = ports.read(self.connection, OWNER)
            if change and not wired:  # a switch that we have nothing to do with may be another's
                self._lock.take() if found.ports else self._lock.let_go()
            network_of = {
                name: mark.network_id if (mark := mark_of(port)) else "" for name, port in found.ports.items()
            }
            tags = self._choose_tags(wired, found.ports, network_of)
        except KernelError as error:
            if error.code == errno.ETIMEDOUT and error is not self._hangs:
                self._hangs, self._next_ask = error, time.monotonic() + _LEFT_ALONE
            return SwitchSeen(problem=str(error)) if wired else NOTHING
        except SwitchTaken as taken:
            return SwitchSeen(problem=str(taken)) if wired else NOTHING
        lost = frozenset(
            name for name, moment in self._without_device.items() if name in found.ports and found.configured >= moment
        )
        self._without_device = {name: moment for name, moment in self._without_device.items() if name in found.ports}
        return SwitchSeen(found.ports, found.bridges, None, tags, lost, network_of)

    def awaits(self, name: str) -> bool:
        """Whether the switch has yet to make the device of the port with that name."""
        return name in self._without_device

    def note_devices(self, ports_seen: Mapping[str, bool]) -> None:
        """Note the ports without their device (True), and let ovs-vswitchd look once; forget those that have it."""
        for name, is_missing in ports_seen.items():
            if not is_missing:
                self._without_device.pop(name, None)
        fresh = [name for name, is_missing in ports_seen.items() if is_missing and name not in self._without_device]
        if fresh:
            with suppress(KernelError):  # then it is noted by the next pass
                self._without_device.update(dict.fromkeys(fresh, ports.nudge(self.connection)))

    def add(self, wanted: Iterable[tuple[Device, Tag]]) -> None:
        """Make devices ports, each with its VLAN, all in one transaction or none; raises KernelError."""
        fresh = [_new_port(device, tag) for device, tag in wanted]
        ports.add(self.connection, fresh)
        for port in fresh:
            self._without_device.pop(port.name, None)

    def take_back(self, name: str) -> None:
        """Delete the port of that name, if it is ours; raises KernelError."""
        found = ports.find(self.connection, (name,)).get(name)
        if found is not None and mark_of(found) is not None:
            ports.remove(self.connection, (found,))

    def remove(self, doomed: Sequence[Port], *, settle: bool = False) -> None:
        """Delete ports in one transaction; with `settle`, wait until ovs-vswitchd has let go of them. Raises
        KernelError."""
        moment = ports.remove(self.connection, doomed)
        deadline = time.monotonic() + _SETTLE
        while settle and ports.configured(self.connection) < moment:
            if time.monotonic() > deadline:
                raise KernelError(ports.REMOVE, ", ".join(port.name for port in doomed), errno.ETIMEDOUT)
            time.sleep(_POLL)

    def mend(self, device: Device, differs: Collection[str], tag: Tag) -> None:
        """Set what differs of a device's port; raises KernelError."""
        wanted = _new_port(device, tag)
        ports.mend(
            self.connection,
            device.name,
            ids=wanted.ids if "ids" in differs else None,
            port_ids=wanted.port_ids if "port ids" in differs else None,
            mtu=wanted.mtu if "mtu" in differs else None,
            tag=tag if "tag" in differs else None,
        )

    def restore(self, was: Port, differs: Collection[str]) -> None:
        """Set what was changed of a port as it was found, where it had something; raises KernelError."""
        ports.mend(
            self.connection,
            was.name,
            ids=was.ids if "ids" in differs else None,
            port_ids=was.port_ids if "port ids" in differs else None,
            mtu=was.mtu if "mtu" in differs else None,
            tag=was.tag if "tag" in differs and not was.dead else None,
        )

    def _choose_tags(
        self, wired: Iterable[Network], found: Mapping[str, Port], network_of: Mapping[str, str]
    ) -> dict[str, int]:
        """The VLAN of each network that gets it from netmend: the one it has, or a free one."""
        asking = [network.id for network in wired if isinstance(network.wiring, OvsWiring) and network.wiring.own_tags]
        if not asking:
            return {}
        has = dict(self._tags)
        for name, port in sorted(found.items()):
            kept = port.port_ids.get(TAG_KEY, "")
            if kept.isdigit() and network_of[name]:
                has.setdefault(network_of[name], int(kept))
        used: set[int] = set()
        if any(network_id not in has for network_id in asking):
            used = ports.tags_in_use(self.connection)
        self._tags = choose_tags(asking, has, used)
        return self._tags
