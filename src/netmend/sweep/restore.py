"""Makes again what a journal says was deleted, or was about to be when the sweep was killed, and is gone: taps, veth
pairs, bridges, ports of Open vSwitch, plain names."""

import errno
import os
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from netmend.kernel import addresses, link_details, link_settings, links, netns, ovsdb, tap
from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError
from netmend.kernel.link_details import LinkDetails
from netmend.kernel.links import Found, VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.ovsdb import WholePort, foreign
from netmend.kernel.ovsdb.connection import Connection
from netmend.sweep import look
from netmend.sweep.journal import DoomedName, Recorded

_FOLLOWS = 15.0  # seconds within which ovs-vswitchd, busy as it may be, makes devices of its own
_ORDER = {"bridge": 0}  # what others are ports of is made before them


@dataclass(frozen=True, slots=True)
class Restored:
    """The outcome for one object of the journal."""

    name: str
    problem: str | None = None  # why it was not made
    there: bool = False  # it never went


def restore(recorded: Recorded) -> Iterator[Restored]:
    """Make each object that is gone, in the calling thread's network namespace; nothing that is there is touched, but
    for the device group that a killed sweep moved it into. Raises KernelError where links cannot be listed."""
    with RouteSocket() as route:
        present = {link.name: link for link in link_details.dump_details(route)}
        _put_back(route, recorded, present)
        settled: set[int] = set()
        for link in sorted(recorded.links.values(), key=lambda link: _ORDER.get(link.kind, 1)):
            if link.index in recorded.spared or link.index in settled or _made_by_switch(recorded, link):
                continue
            pair = [one for one in (link, _peer(recorded, link)) if one is not None]
            settled.update(one.index for one in pair)
            if link.index not in recorded.gone and all(_same(one, present.get(one.name)) for one in pair):
                yield from (Restored(one.name, there=True) for one in pair)
                continue
            problem = _try(route, recorded, pair)
            yield from (Restored(one.name, problem) for one in pair)
    yield from _restore_ports(recorded)
    _settle_switchs_own(recorded)
    for name in recorded.names.values():
        if name.path in recorded.spared:
            continue
        if name.path not in recorded.gone and os.path.lexists(name.path):
            yield Restored(name.path, there=True)
        else:
            yield Restored(name.path, _restore_name(name))


def _made_by_switch(recorded: Recorded, link: LinkDetails) -> bool:
    port = recorded.ports.get(link.name)
    return port is not None and port.interface.get("type") == "internal"


def _restore_ports(recorded: Recorded) -> Iterator[Restored]:
    spared = {link.name for link in recorded.links.values() if link.index in recorded.spared}
    ports = [port for port in recorded.ports.values() if port.uuid not in recorded.spared and port.name not in spared]
    if not ports:
        return
    path = ovsdb.present()
    if path is None:
        yield from (Restored(_called(port), "there is no database of Open vSwitch here") for port in ports)
        return
    with Connection(f"unix:{path}") as connection:
        present = foreign.whole_ports(connection)
        for port in ports:
            if port.uuid not in recorded.gone and port.name in present:
                yield Restored(_called(port), there=True)
                continue
            try:
                foreign.make_again(connection, port)
                yield Restored(_called(port))
            except KernelError as error:
                yield Restored(_called(port), str(error))


def _settle_switchs_own(recorded: Recorded) -> None:
    """Give a device that ovs-vswitchd has made again for its port the MAC and the other settings of the deleted one."""
    waiting = {link.name: link for link in recorded.links.values() if _made_by_switch(recorded, link)}
    deadline = time.monotonic() + (_FOLLOWS if look.switch_pids() else 0)
    with RouteSocket() as route:
        while waiting:
            for now in link_details.dump_details(route):
                then = waiting.pop(now.name, None)
                if then is not None and then.index not in recorded.spared and now.mac != then.mac:
                    with suppress(KernelError):  # it may be gone again, and its port is there all the same
                        links.set_link(
                            route, Found(now.index, now.name), mac=then.mac, group=then.group, alias=then.alias
                        )
            if time.monotonic() >= deadline:
                return
            time.sleep(0.1)


def _called(port: WholePort) -> str:
    return f"{port.name} on {port.bridge}"


def _peer(recorded: Recorded, link: LinkDetails) -> LinkDetails | None:
    """The other end of a veth, if the journal has both."""
    other = recorded.links.get(link.lower) if link.kind == "veth" and link.lower_netnsid is None else None
    return other if other is not None and other.lower == link.index else None


def _same(then: LinkDetails, now: LinkDetails | None) -> bool:
    """True when the device is there, or one that was made again in its place."""
    return now is not None and (now.name, now.kind, now.mac) == (then.name, then.kind, then.mac)


def _put_back(route: RouteSocket, recorded: Recorded, present: Mapping[str, LinkDetails]) -> None:
    """Put back the devices that a killed sweep left in its group."""
    strays = [
        (Found(now.index, now.name), then.group)
        for then in recorded.links.values()
        if (now := present.get(then.name)) is not None and now.index == then.index and now.group == recorded.group
    ]
    if strays:
        links.set_groups(route, strays)


def _try(route: RouteSocket, recorded: Recorded, pair: list[LinkDetails]) -> str | None:
    try:
        refusal = _make(route, pair)
        if refusal is None:
            for link in pair:
                master = None if link.name in recorded.ports else recorded.masters.get(link.index)
                _settle(route, link, master, recorded.addresses.get(link.index, ()))
        return refusal
    except KernelError as error:
        return str(error)
    except (struct.error, OverflowError, TypeError, ValueError) as error:
        return f"the journal's line does not describe a device: {error}"


def _make(route: RouteSocket, pair: list[LinkDetails]) -> str | None:
    link = pair[0]
    if link.kind == "tun":
        _make_tap(route, link)
    elif link.kind == "bridge":
        made = links.create_bridge(route, link.name, link.mtu, link.group, link.mac)
        now = link_details.decode_details(link_details.messages_of(route, [made.index])[made.index])
        if other := dict(set(link.bridge) - set(now.bridge)):  # this kernel may not know a setting that is at rest
            link_settings.set_bridge(route, made, other)
    elif link.kind == "veth" and len(pair) == 2:
        with Netns.current() as here:
            near, far = (
                VethEnd(one.name, one.mtu, one.group, one.mac, (one.tx_queues or 1, one.rx_queues or 1)) for one in pair
            )
            links.set_link(route, links.create_veth(route, near, far, here), up=False)
    elif link.kind == "veth":
        return "its far end was in another namespace, of which the journal knows nothing"
    else:
        return f"netmend cannot make a device of kind {link.kind or 'physical'}"
    return None


def _make_tap(route: RouteSocket, link: LinkDetails) -> None:
    details = link.tun
    assert details is not None
    flags = details.type
    flags |= 0 if details.packet_info else tap.IFF_NO_PI
    flags |= tap.IFF_VNET_HDR if details.vnet_hdr else 0
    flags |= tap.IFF_MULTI_QUEUE if details.multi_queue else 0
    if links.find_link(route, link.name) is not None:  # attaching to it would change nothing and look like success
        raise KernelError("create link", link.name, errno.EEXIST)
    with tap.Tap(link.name, flags) as made:
        found = links.find_link(route, link.name)
        if found is None:
            raise KernelError("find link", link.name, errno.ENODEV)
        links.set_link(route, found, group=link.group, mtu=link.mtu, mac=link.mac)
        if details.owner is not None:
            made.set_owner(details.owner)
        if details.group is not None:
            made.set_group(details.group)
        made.persist()


def _settle(route: RouteSocket, link: LinkDetails, master: str | None, given: Iterable[addresses.Interface]) -> None:
    """Set all settings of a device that its creation did not; up comes last, when nothing is missing."""
    made = links.find_link(route, link.name)
    if made is None:
        raise KernelError("find link", link.name, errno.ENODEV)
    if link.alias is not None:
        links.set_link(route, made, alias=link.alias)
    link_settings.set_queue_length(route, made, link.tx_queue_length)
    if link.flags:  # the first journals have none
        link_settings.set_flags(route, made, link.flags)
    if link.alternative_names:
        link_settings.add_names(route, made, link.alternative_names)
    for address in given:
        addresses.add_address(route, made, address)
    if link.up:
        links.set_link(route, made, up=True)
    if master is None:
        return
    bridge = links.find_link(route, master)
    if bridge is None:
        raise KernelError("attach", link.name, errno.ENODEV, f"{master}, which it was a port of, is not there")
    links.set_link(route, made, master=bridge.index)


def _restore_name(name: DoomedName) -> str | None:
    if name.loopback_up is not None:
        return _restore_namespace(name, up=name.loopback_up)
    if not name.plain:
        return "a namespace that is gone cannot be made again with what was in it"
    try:
        with changing("pin", name.path):
            descriptor = os.open(name.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, name.mode)
        with os.fdopen(descriptor, "w") as file:
            file.write(name.text and name.text + "\n")
        Path(name.path).chmod(name.mode)
    except OSError as error:
        return f"{name.path}: {error.strerror}"
    return None


def _restore_namespace(name: DoomedName, *, up: bool) -> str | None:
    """Make a new namespace in the place of one that was empty."""
    try:
        with Netns.create(name.path) as made:
            if up:
                with RouteSocket() as inside:
                    links.set_link(inside, links.LOOPBACK, up=True)
        with made:
            netns.pin(made, name.path, name.text)
    except KernelError as error:
        return str(error)
    return None
