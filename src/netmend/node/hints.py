"""Hints that the kernel is no longer as netmend left it: each names the networks to look at again.

Netmend's own changes are heard too. A message that shows a device as it should be clears the suspicion that an earlier
message about it raised, so a pass does not set off the next one.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from netmend.intent.names import (
    Mark,
    bridge_name,
    namespace_name,
    network_of_namespace,
    own_device_names,
    router_namespace_name,
)
from netmend.intent.network import Intent, Network, OvsWiring
from netmend.intent.port import NetnsPlug, NoPlug, Port
from netmend.kernel.device_settings import differing_settings
from netmend.kernel.errors import KernelError
from netmend.kernel.netns import is_namespace
from netmend.kernel.ovsdb.watch import PortsChanged
from netmend.kernel.watch import (
    AddressChanged,
    Diverted,
    ForwardingGone,
    Ipv6SwitchedOn,
    LinkChanged,
    LinkWatch,
    RouteGone,
    SettingsChanged,
)
from netmend.node.router_hints import RouterHints
from netmend.reconcile.routers.settings import HOST_END, ROUTER_LINK
from netmend.services.shared.port_changes import changed_ports
from netmend.wiring.own_addresses import own_addresses
from netmend.wiring.settings import ON_HOST, OWN_PORT, settings_of

EVERYTHING = "*"  # in place of a network id: look at all of them
RULES = "rules"  # in place of a network id: look at the rules of port security and security groups
_ROUTER_PREFIX = router_namespace_name("")


class _GuestNamespaces(Struct, frozen=True):
    """The namespaces that the ports of a network are plugged into. Kept from one intent to the next: a network of
    thousands of ports changes one at a time."""

    ports: Mapping[str, Port]
    names: Counter[str]  # of namespaces, each with the number of ports plugged into it

    @classmethod
    def of(cls, ports: Mapping[str, Port], before: "_GuestNamespaces | None") -> "_GuestNamespaces":
        if before is None:
            return cls(ports, Counter(_plugged(ports.values())))
        if before.ports is ports:
            return before
        removed, added = changed_ports(before.ports, ports)
        names = Counter(before.names)
        names.update(_plugged(added))
        names.subtract(_plugged(removed))
        return cls(ports, +names)


def _plugged(ports: Iterable[Port]) -> Iterable[str]:
    return (port.plug.netns for port in ports if isinstance(port.plug, NetnsPlug))


class Hints:
    """Gathers from watches which networks are under suspicion, by id, until the node's loop takes them."""

    def __init__(
        self,
        network_of_device: Callable[[str], str | None],
        network_of_netnsid: Callable[[int], str | None],
        is_awaited: Callable[[str], bool] = lambda device: False,
        device_of_index: Callable[[int], str | None] = lambda index: None,
        router_of_netnsid: Callable[[int], str | None] = lambda netnsid: None,
    ) -> None:
        """`is_awaited` says whether the switch has yet to make a device."""
        self._network_of_device = network_of_device
        self._network_of_netnsid = network_of_netnsid
        self._is_awaited = is_awaited
        self._device_of_index = device_of_index
        self._router_of_netnsid = router_of_netnsid
        self._routers = RouterHints(Intent())
        self._indexes: dict[int, str] = {}  # of devices on the host, as heard since
        self._intent = Intent()
        self._own_addresses: dict[str, frozenset[bytes]] = {}  # by network
        self._switched: set[str] = set()  # networks wired by Open vSwitch, whose devices have no bridge as master
        self._internal: set[str] = set()  # devices that are on the host only on their way into a namespace
        self._netnsids: dict[int, str] = {}  # id of a namespace of ours -> network, as its DHCP port last showed
        self._objects: dict[str, str] = {}  # device or name -> network
        self._networks: set[str] = set()
        self._guest_namespaces: dict[str, _GuestNamespaces] = {}  # by network
        self._networks_of_name: dict[str, set[str]] = {}  # guest's namespace -> networks plugged into it

    def intent_changed(self, intent: Intent) -> None:
        """Learn which namespaces of guests are awaited, and which devices the switch makes."""
        self._intent, self._own_addresses = intent, {}
        self._routers = RouterHints(intent, self._routers)
        names: dict[str, set[str]] = {}
        known, self._guest_namespaces = self._guest_namespaces, {}
        self._switched, self._internal = set(), set()
        for network in intent.networks.values():
            if isinstance(network.wiring, OvsWiring):
                self._switched.add(network.id)
                if not network.wiring.veth:
                    self._internal.add(own_device_names(network)[0])
            self._guest_namespaces[network.id] = namespaces = _GuestNamespaces.of(network.ports, known.get(network.id))
            for name in namespaces.names:
                names.setdefault(name, set()).add(network.id)
        self._networks_of_name = names

    def hear_links(self, watch: LinkWatch) -> None:
        latest: dict[str, LinkChanged] = {}  # a device in the making changes eight times; its last state counts
        for event in watch.read():
            match event:
                case None:
                    self._networks.add(EVERYTHING)
                case AddressChanged():
                    self._hear_address(event)
                case SettingsChanged():
                    self._hear_settings(event)
                case ForwardingGone(index, None):
                    self._suspect_device(index)
                case Ipv6SwitchedOn(index, None):
                    self._hear_ipv6(index)
                case RouteGone(netnsid):
                    self._suspect_router(netnsid)
                case Diverted(netnsid):
                    self._suspect_namespace(netnsid)
                case LinkChanged(netnsid=None):
                    latest[event.name] = event
                case LinkChanged():
                    if event.gone or not event.up or self._is_changed_inside(event):
                        self._suspect_namespace(event.netnsid)
        for event in latest.values():
            self._hear_link(event)

    def _is_changed_inside(self, event: LinkChanged) -> bool:
        """Whether a device in a network's namespace is not as netmend's own should be."""
        network = self._intent.networks.get(self._network_behind(event.netnsid or 0) or "")
        if network is None or event.name != own_device_names(network)[1]:
            return False
        link = event.link
        return link.mtu != network.mtu or not link.has_arp

    def _hear_link(self, event: LinkChanged) -> None:
        """One of the host's own links changed."""
        network_id = self._network_of_device(event.name)
        if network_id is None:
            return
        if event.name in self._internal:
            self._hear_internal(event, network_id)
            return
        link = event.link
        if event.gone:
            self._indexes.pop(link.index, None)
        else:
            self._indexes[link.index] = link.name
        mark = Mark.parse(link.alias)
        is_port = link.master or network_id in self._switched
        stands_alone = mark is not None and mark.role in ("bridge", "uplink")
        is_right = not event.gone and link.up and mark is not None and (is_port or stands_alone)
        if is_right and mark is not None:
            wanted = settings_of(is_bridge=mark.role == "bridge", is_switched=network_id in self._switched)
            if mark.role == "uplink":
                wanted = ON_HOST if link.master else HOST_END
            is_right = not differing_settings(link.data, wanted)
        network = self._intent.networks.get(network_id)
        if is_right and network is not None and mark is not None and mark.role in ("bridge", "dhcp", "guest"):
            is_right = link.mtu == network.mtu
        if mark is not None and mark.role == "dhcp" and link.peer_netnsid is not None:
            self._netnsids[link.peer_netnsid] = network_id
        if mark is not None and mark.role == "router" and link.peer_netnsid is not None:
            self._routers.learn(link.peer_netnsid, mark.port_id)
        if is_right:
            self._objects.pop(link.name, None)
        else:
            self._objects[link.name] = network_id

    def _hear_internal(self, event: LinkChanged, network_id: str) -> None:
        """A device that the switch makes came to the host, to be moved on, or went; as a rule netmend moved it."""
        if event.gone:
            self._objects.pop(event.name, None)
        elif self._is_awaited(event.name):
            self._networks.add(network_id)
        else:
            self._objects[event.name] = network_id

    def _hear_settings(self, event: SettingsChanged) -> None:
        wanted: Mapping[str, int] = ON_HOST if event.netnsid is None else OWN_PORT
        if self._is_uplink(event) or (event.netnsid is not None and self._router_behind(event.netnsid)):
            wanted = HOST_END if event.netnsid is None else ROUTER_LINK
        if any(wanted.get(name, value) != value for name, value in event.values):
            if event.netnsid is None:
                self._suspect_device(event.index)
            else:
                self._suspect_namespace(event.netnsid)

    def _hear_ipv6(self, index: int) -> None:
        """IPv6 was switched on for a device of the host: a bridge and a port of the switch should have none."""
        name = self._name_of(index)
        network_id = name and self._network_of_device(name)
        if name and network_id and (name == bridge_name(network_id) or network_id in self._switched):
            self._objects[name] = network_id

    def _hear_address(self, event: AddressChanged) -> None:
        """An address came or went: devices on the host should have none, those in namespaces what intent says."""
        router_id = None if event.netnsid is None else self._router_behind(event.netnsid)
        if router_id is not None and not event.gone:
            if not self._routers.has_address(router_id, event.address):
                self._networks.add(router_id)
        elif event.gone and event.netnsid is None:
            if self._is_uplink(event):
                self._suspect_device(event.index)
        elif event.gone:
            self._suspect_namespace(event.netnsid)
        elif event.netnsid is None:
            self._suspect_device(event.index)
        else:
            network = self._intent.networks.get(self._network_behind(event.netnsid) or "")
            if network is not None and event.address not in self._addresses_of(network):
                self._networks.add(network.id)

    def _addresses_of(self, network: Network) -> frozenset[bytes]:
        known = self._own_addresses.get(network.id)
        if known is None:
            known = frozenset(address.ip.packed for address in own_addresses(network))
            self._own_addresses[network.id] = known
        return known

    def _name_of(self, index: int) -> str | None:
        return self._indexes.get(index) or self._device_of_index(index)

    def _suspect_device(self, index: int) -> None:
        name = self._name_of(index)
        network_id = name and self._network_of_device(name)
        if name and network_id:
            self._objects[name] = network_id

    def hear_switch(self, changed: PortsChanged) -> None:
        """Ports of netmend changed in the database of Open vSwitch, or went."""
        if changed.everything:
            self._networks.add(EVERYTHING)
        for text in changed.marks:
            mark = Mark.parse(text)
            if mark is None:
                self._networks.add(EVERYTHING)
            else:
                self._objects[text] = mark.network_id

    def _suspect_namespace(self, netnsid: int | None) -> None:
        """Suspect the network whose namespace this is, if it is one: in a guest's, the guest may do what it likes."""
        network_id = None if netnsid is None else self._network_behind(netnsid)
        if network_id is not None:
            self._networks.add(network_id)
        else:
            self._suspect_router(netnsid)

    def _suspect_router(self, netnsid: int | None) -> None:
        router_id = None if netnsid is None else self._router_behind(netnsid)
        if router_id is not None:
            self._networks.add(router_id)

    def _router_behind(self, netnsid: int) -> str | None:
        return self._routers.behind(netnsid) or self._router_of_netnsid(netnsid)

    def _is_uplink(self, event: AddressChanged | SettingsChanged) -> bool:
        """Whether an event on the host is about the end of a router's uplink that is no port of a bridge."""
        name = self._name_of(event.index) if event.netnsid is None else None
        return name is not None and self._routers.is_by_way_of_host(self._network_of_device(name))

    def _network_behind(self, netnsid: int) -> str | None:
        return self._netnsids.get(netnsid) or self._network_of_netnsid(netnsid)

    def hear_names(self, names: Iterable[str]) -> None:
        """Names that appeared or vanished in the namespace directory; an empty one: the directory itself."""
        for name in names:
            if not name:
                self._networks.add(EVERYTHING)
            elif (network_id := network_of_namespace(name)) is not None:
                self._objects[name] = network_id
            elif name.startswith(_ROUTER_PREFIX):
                if self._routers.is_wanted(router_id := name.removeprefix(_ROUTER_PREFIX)):
                    self._objects[name] = router_id
            else:
                self._networks.update(self._networks_of_name.get(name, ()))

    def hear_rules(self, netnsids: Iterable[int | Literal["lost"] | None]) -> None:
        """Somebody changed netmend's rules of these namespaces; None: of the host, which a pass over no network puts
        right too."""
        for netnsid in netnsids:
            if netnsid == "lost":
                self._networks.add(EVERYTHING)
            elif netnsid is None:
                self._networks.add(RULES)
            else:
                self._suspect_router(netnsid)

    def check_pins(self, network_ids: Iterable[str], directory: str) -> None:
        """After mounts changed: suspect the networks whose name leads to a namespace no more."""
        for network_id in network_ids:
            with suppress(KernelError):
                if not is_namespace(f"{directory}/{namespace_name(network_id)}"):
                    self._networks.add(network_id)

    def take(self, waiting: set[str]) -> set[str]:
        """Return the networks under suspicion, and suspect them no longer.

        Devices and names of networks `waiting` for their next try come and go because netmend makes and undoes them,
        which is no reason to try sooner.
        """
        taken = self._networks | (set(self._objects.values()) - waiting)
        self._objects.clear()
        self._networks = set()
        return taken


def same_devices(old: Network, new: Network) -> bool:
    """Whether a change of intent is no hint: the two differ at most in ports that others wire, and netmend makes the
    same devices for both. Costs what changed, where ports share what did not."""
    if old.ports is new.ports:
        return old == new
    removed, added = changed_ports(old.ports, new.ports)
    if not all(isinstance(port.plug, NoPlug) for port in (*removed, *added)):
        return False
    return replace(new, ports=old.ports) == old


def changed_rules(old: Intent, new: Intent) -> set[str]:
    """`RULES` alone, where security groups or address groups are others than before."""
    same = old.security_groups is new.security_groups and old.address_groups is new.address_groups
    return set() if same else {RULES}
