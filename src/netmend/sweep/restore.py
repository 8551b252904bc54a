"""Makes again what a journal says was deleted: taps, veth pairs, bridges, plain names."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netmend.kernel import links, tap
from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError
from netmend.kernel.link_details import LinkDetails
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.sweep.journal import DoomedName, Recorded


@dataclass(frozen=True, slots=True)
class Restored:
    """One object of the journal; `problem` says why it was not made."""

    name: str
    problem: str | None = None


def restore(recorded: Recorded) -> Iterator[Restored]:
    """Make each object that is gone, in the calling thread's network namespace; nothing that is there is touched."""
    with RouteSocket() as route:
        made: set[int] = set()
        for link in recorded.links.values():
            if link.index not in recorded.gone or link.index in made:
                continue
            other = recorded.links.get(recorded.pairs.get(link.index, 0))
            yield Restored(link.name, _try(route, link, other))
            if other is not None:
                made.add(other.index)
                yield Restored(other.name, None)
    for name in recorded.names.values():
        if name.path in recorded.gone:
            yield Restored(name.path, _restore_name(name))


def _try(route: RouteSocket, link: LinkDetails, other: LinkDetails | None) -> str | None:
    try:
        return _restore_link(route, link, other)
    except KernelError as error:
        return str(error)


def _restore_link(route: RouteSocket, link: LinkDetails, other: LinkDetails | None) -> str | None:
    if link.kind == "tun":
        _restore_tap(route, link)
    elif link.kind == "bridge":
        made = links.create_bridge(route, link.name, link.mtu, link.group, link.mac)
        links.set_link(route, made, alias=link.alias, up=link.up or None)
    elif link.kind == "veth" and other is not None:
        with Netns.current() as here:
            ends = [VethEnd(one.name, one.mtu, one.group, one.mac) for one in (link, other)]
            near = links.create_veth(route, ends[0], ends[1], here)
        links.set_link(route, near, up=False, alias=link.alias)
        if other.alias is not None:
            links.set_link(route, links.Found(near.peer_index, other.name), alias=other.alias)
    elif link.kind == "veth":
        return "its far end was in another namespace, of which the journal knows nothing"
    else:
        return f"netmend cannot make a device of kind {link.kind or 'physical'}"
    return None


def _restore_tap(route: RouteSocket, link: LinkDetails) -> None:
    details = link.tun
    assert details is not None
    flags = details.type
    flags |= 0 if details.packet_info else tap.IFF_NO_PI
    flags |= tap.IFF_VNET_HDR if details.vnet_hdr else 0
    flags |= tap.IFF_MULTI_QUEUE if details.multi_queue else 0
    if links.find_link(route, link.name) is not None:  # attaching to it would change nothing and look like success
        raise KernelError("create link", link.name, 17)
    with tap.Tap(link.name, flags) as made:
        found = links.find_link(route, link.name)
        if found is None:
            raise KernelError("find link", link.name, 19)
        links.set_link(route, found, group=link.group, mtu=link.mtu, mac=link.mac, alias=link.alias)
        if details.owner is not None:
            made.set_owner(details.owner)
        if details.group is not None:
            made.set_group(details.group)
        made.persist()


def _restore_name(name: DoomedName) -> str | None:
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
