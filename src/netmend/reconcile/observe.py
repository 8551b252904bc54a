"""Observes what is there: one snapshot of the host's links and names for each pass, then one network at a time.

A namespace is usable when it has been entered (invariant I4). A name leads to one of four things: nothing (`absent`), a
plain file (`plain`: the incident), a namespace of netmend's (`usable`), or one that netmend did not make (`foreign`).
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from netmend.intent.names import DEVICE_GROUP, DEVICE_GROUPS, Mark
from netmend.intent.port import NetnsPlug, PidPlug
from netmend.kernel import links, netns, nsdir, sysctl
from netmend.kernel.addresses import Interface, dump_addresses
from netmend.kernel.errors import KernelError, NotANamespace
from netmend.kernel.forwarding import with_forwarding
from netmend.kernel.links import Link
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.routes import Route, dump_set_routes
from netmend.reconcile.diversions import NONE as NO_DIVERSIONS
from netmend.reconcile.diversions import Diversions, look_for_diversions
from netmend.reconcile.other_nodes import is_another_nodes
from netmend.reconcile.switch import NOTHING, SwitchSeen
from netmend.wiring import Device, FarEnd, Home


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at the host. A link is netmend's own when it bears its mark."""

    links: Mapping[str, Link]  # by name: netmend's own, and those with a wanted name
    network_of: Mapping[str, str]  # by name of an own link: network id, from its mark
    names: frozenset[str]  # in the namespace directory
    switch: SwitchSeen = NOTHING
    addresses: Mapping[int, set[Interface]] = field(default_factory=dict)  # by index of an own link
    forwarding: Mapping[str, bool] = field(default_factory=dict)  # own ports looked at: is the MAC fixed there
    sysctls: bool = True  # they can be written
    _links_of: Mapping[str, list[Link]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        links_of: dict[str, list[Link]] = {}
        for name, owner in self.network_of.items():
            links_of.setdefault(owner, []).append(self.links[name])
        object.__setattr__(self, "_links_of", links_of)  # frozen from here on

    def of_network(self, network_id: str) -> list[Link]:
        """Netmend's own links of a network."""
        return self._links_of.get(network_id, [])


def is_ours(link: Link) -> bool:
    """Whether a device bears netmend's mark: the group it was born in, or the alias that it got next."""
    return link.group in DEVICE_GROUPS or Mark.parse(link.alias) is not None


def take_snapshot(
    route: RouteSocket,
    wanted: Mapping[str, str],
    directory: str,
    switch: SwitchSeen = NOTHING,
    own_macs: Mapping[str, str] = MappingProxyType({}),
) -> Snapshot:
    """Take one dump of links, one of addresses and one listing of names; `switch` is what was seen of the switch, and
    `wanted` maps names of devices to network ids, `own_macs` names of own ports to MACs that their bridges should have
    for good. Raises KernelError."""
    found = {link.name: link for link in links.dump_chosen_links(route, DEVICE_GROUPS, wanted)}
    owners: dict[str, str] = {}
    for name, link in found.items():
        if not is_ours(link):
            continue
        mark = Mark.parse(link.alias)
        # without an alias, netmend was killed before it set one: then the name tells the network, if it is wanted
        owners[name] = mark.network_id if mark else wanted.get(name, "")
    indexes = {found[name].index for name in owners}
    addresses = dump_addresses(route, lambda data: int.from_bytes(data[4:8], sys.byteorder) in indexes)
    return Snapshot(
        found,
        owners,
        frozenset(nsdir.names(directory)),
        switch,
        addresses,
        _forwarding(route, found, own_macs),
        sysctl.are_writable(),
    )


def _forwarding(route: RouteSocket, found: Mapping[str, Link], own_macs: Mapping[str, str]) -> dict[str, bool]:
    ports = {link.index: name for name, link in found.items() if link.master and name in own_macs}
    try:
        right = with_forwarding(route, {index: own_macs[name] for index, name in ports.items()})
    except KernelError:  # one of them went away just now
        return {}
    return {name: index in right for index, name in ports.items()}


@dataclass(frozen=True, slots=True)
class NamespaceSeen:
    """What the name of a network leads to, and what is in the namespace when that is usable."""

    state: Literal["absent", "plain", "usable", "foreign"]
    pinned: bool = False  # the name leads to the namespace in use
    marked: bool = False  # a plain file that holds netmend's mark
    handle: Netns | None = None  # of a usable one
    links: Mapping[str, Link] = field(default_factory=dict)  # in it, by name
    addresses: Mapping[int, set[Interface]] = field(default_factory=dict)  # in it, by index of the link
    adopted: bool = False  # made by another agent, and taken over: so is the file of its name
    routes: Mapping[int, set[Route]] = field(default_factory=dict)  # set in it, by index of the link
    diversions: Diversions = NO_DIVERSIONS  # set in it
    another_nodes: bool = False  # a foreign one: it bears the mark, and another node's devices lead into it
    whose: str = ""  # which node's that is


def look_into_namespace(
    network_id: str,
    path: str,
    opened: Netns | None,
    *,
    exists: bool,
    mark: Mark | None = None,
    diversions: bool = False,
) -> NamespaceSeen:
    """What the name at `path` leads to. A namespace that is open already (`opened`) counts, whatever the name leads to.
    One of netmend's bears `mark`, by default that of the network's. `diversions`: look for them too, which takes half
    as long again. The caller closes a Netns of the answer that is not `opened`. Raises KernelError."""
    wanted = mark or Mark("namespace", network_id)
    named, plain = None, False
    if exists:
        try:
            named = Netns.open(path)
        except NotANamespace:
            plain = True
        except KernelError as error:
            if error.code not in {2, 40}:  # ENOENT: gone meanwhile; ELOOP: a symbolic link, which is not followed
                raise
    if opened is not None:
        pinned = named is not None and named.inode == opened.inode
        if named is not None:
            named.close()
        inner, addresses, routes, diverted, _ = _contents(opened, diversions=diversions)
        return NamespaceSeen("usable", pinned, plain, opened, inner, addresses, _is_adopted(inner), routes, diverted)
    if named is None:
        marked = plain and Mark.parse(netns.name_mark(path)) == wanted
        return NamespaceSeen("plain" if plain else "absent", marked=marked)
    try:
        inner, addresses, routes, diverted, borne = _contents(named, diversions=diversions)
    except BaseException:
        named.close()
        raise
    if borne != wanted:
        named.close()
        return NamespaceSeen("foreign")
    if is_another_nodes(named, inner.values()):
        named.close()
        return NamespaceSeen("foreign", another_nodes=True)
    return NamespaceSeen("usable", True, False, named, inner, addresses, _is_adopted(inner), routes, diverted)


def _is_adopted(inner: Mapping[str, Link]) -> bool:
    return inner["lo"].group == DEVICE_GROUP


_Contents = tuple[dict[str, Link], dict[int, set[Interface]], dict[int, set[Route]], Diversions, Mark | None]


def _contents(namespace: Netns, *, diversions: bool) -> _Contents:
    with namespace.entered(), RouteSocket() as route:
        inner = {link.name: link for link in links.dump_links(route)}
        found = look_for_diversions(route) if diversions else NO_DIVERSIONS
        return inner, dump_addresses(route), dump_set_routes(route), found, Mark.parse(inner["lo"].alias)


class FarSeen(Struct, frozen=True):
    """The namespace of a guest, as seen from the host.

    The host's namespace has an id for another only once a link led from one to the other, or `ip netns set` gave it
    one (ip-netns(8)). A namespace without an id holds no far end; it is not to be taken for the host's own.
    """

    netnsid: int | None = None  # the id under which the host's namespace knows it
    problem: str | None = None  # why it cannot be had
    is_host: bool = False  # it is the host's own namespace

    def holds_far_end(self, link: Link) -> bool:
        """Whether the far end of a veth of the host is in this namespace."""
        if self.is_host:
            return link.peer_netnsid is None
        return self.netnsid is not None and link.peer_netnsid == self.netnsid


def open_place(far: FarEnd, directory: str) -> Netns:
    """Open the namespace that the far end of a guest's veth belongs in; raises KernelError."""
    match far.place:
        case NetnsPlug(name):
            return Netns.open(f"{directory}/{name}")
        case PidPlug(pid):
            return Netns.of_process(pid)
        case Home():
            raise ValueError("the network's own namespace is no guest's")


def look_at_guests(route: RouteSocket, devices: Iterable[Device], directory: str) -> dict[str, FarSeen]:
    """The namespace of each port that is plugged into one, by device name."""
    seen: dict[str, FarSeen] = {}
    host = None
    for device in devices:
        if device.far is None or isinstance(device.far.place, Home):
            continue
        if host is None:
            with Netns.current() as current:
                host = current.inode
        try:
            with open_place(device.far, directory) as place:
                is_host = place.inode == host
                seen[device.name] = FarSeen(None if is_host else links.namespace_id(route, place), is_host=is_host)
        except KernelError as error:
            seen[device.name] = FarSeen(problem=_no_place(device.far, error))
    return seen


def _no_place(far: FarEnd, error: KernelError) -> str:
    match far.place:
        case NetnsPlug(name) if error.code == 2:
            return f"waiting for the guest's namespace {name}: no such name yet"
        case PidPlug(pid) if error.code == 2:
            return f"waiting for the guest: no process {pid}"
        case _:
            return str(error)


def names_of_ours(
    names: Mapping[str, str], directory: str, foreign: set[str], mark_of: Callable[[str], Mark] | None = None
) -> list[str]:
    """Ids of those networks or routers of which the namespace, or a half-made name, bears netmend's mark.

    `names` are names of namespaces, each with the id that it stands for, and `mark_of` gives the mark for an id, by
    default a network's. `foreign` remembers names that turned out not to be netmend's, so that they are looked into
    once: Neutron's own agents give namespaces names like these.
    """
    ours = []
    for name, owner_id in names.items():
        if name in foreign:
            continue
        mark = mark_of(owner_id) if mark_of is not None else None
        seen = look_into_namespace(owner_id, f"{directory}/{name}", None, exists=True, mark=mark)
        if seen.handle:
            seen.handle.close()
        if seen.state == "usable" or seen.marked:
            ours.append(owner_id)
        elif not seen.another_nodes:  # which may end
            foreign.add(name)
    return ours
