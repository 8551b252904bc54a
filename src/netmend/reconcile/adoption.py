"""Takes over what Neutron's own agents made on this host for networks that intent has.

To adopt is to mark: a namespace of a network without a mark, and the devices in it that are ports of the switch
or veths, get netmend's marks. From then on the reconciler finds them as if it had made them: a device that is right
stays as it is, without a lost packet, and one that is left over (the taps of many resyncs) is an orphan and goes. The
dnsmasq and the haproxy of the network are found: it is certain that they are these, and in this namespace.

What serves the network still is for the caller to end (`Helper`), when netmend is about to serve in its place: it may
be a process of a container that has outlived the agent, and guests need somebody meanwhile.

Neutron's agent may come back to a marked namespace while netmend does not run: what it makes then is taken over the
same way (`was_here`). So is a device of a DHCP port, of another host's for instance, that somebody puts there later.

Only networks of intent are looked at. Other namespaces stay as they are, and are listed (`foreign_namespaces`).
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress

from msgspec import Struct, field

from netmend.intent.names import DEVICE_GROUP, Mark, dhcp_port, namespace_name, network_of_namespace, own_device_names
from netmend.intent.network import Network, OvnWiring, OvsWiring
from netmend.kernel import links, nsdir
from netmend.kernel.errors import KernelError
from netmend.kernel.links import Link
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.neutron_processes import Helper, find_helpers
from netmend.kernel.ovsdb import ports
from netmend.kernel.ovsdb.connection import Connection
from netmend.reconcile.observe import NamespaceSeen, Snapshot, is_ours
from netmend.reconcile.switch import mark_of
from netmend.wiring.ovs import BRIDGE_KEY, MARK_KEY, OWNER

_PREFIXES = ("tap", "ns-")  # of the devices that Neutron's agents put into the namespace of a network


class Adopted(Struct):
    """What was taken over of one network."""

    network_id: str
    devices: list[str] = field(default_factory=list)  # names
    helpers: list[Helper] = field(default_factory=list)  # what serves it still


class Adoption:
    """Takes over for one node. Not thread-safe."""

    def __init__(self, directory: str, connection: Connection) -> None:
        """`directory` is where names of namespaces live; `connection`, to the database of Open vSwitch, is closed with
        this object."""
        self._directory = directory
        self._connection = connection

    def close(self) -> None:
        self._connection.close()

    def adopt(self, networks: Iterable[Network]) -> list[Adopted]:
        """Take over the namespaces of these networks that bear no mark, or netmend's own, and what is in them. Raises
        KernelError; the next call does what was left undone."""
        found: list[Adopted] = []
        helpers: Mapping[int, list[Helper]] | None = None
        for network in networks:
            namespace = self._marked_by(network.id, None) or self._marked_by(network.id, network.id)
            if namespace is None:
                continue
            with namespace:
                if helpers is None:
                    helpers = _helpers()
                found.append(self._adopt(network, namespace, helpers.get(namespace.inode, [])))
        return found

    def foreign_namespaces(self, wanted: Iterable[str]) -> list[str]:
        """Names of networks' namespaces that are neither wanted nor marked by netmend."""
        known = set(wanted)
        found = []
        for name in sorted(nsdir.names(self._directory)):
            network_id = network_of_namespace(name)
            if network_id is None or network_id in known:
                continue
            with suppress(KernelError):
                namespace = self._marked_by(network_id, None)
                if namespace is not None:
                    namespace.close()
                    found.append(name)
        return found

    def _marked_by(self, network_id: str, owner: str | None) -> Netns | None:
        """The namespace of the network, if it lives and bears netmend's mark for `owner` (None: no mark)."""
        try:
            namespace = Netns.open(f"{self._directory}/{namespace_name(network_id)}")
        except KernelError:
            return None  # a name without a namespace, or gone meanwhile: the reconciler's business
        with namespace.entered(), RouteSocket() as inside:
            loopback = links.find_link(inside, links.LOOPBACK.name)
        wanted = str(Mark("namespace", owner)) if owner else None
        if loopback is not None and (loopback.alias or None) == wanted:
            return namespace
        namespace.close()
        return None

    def _adopt(self, network: Network, namespace: Netns, helpers: list[Helper]) -> Adopted:
        adopted = Adopted(network.id)
        with namespace.entered(), RouteSocket() as inside:
            found = links.dump_links(inside)
        devices = [link for link in found if link.name.startswith(_PREFIXES)]
        is_marked = any(link.alias for link in found if link.name == links.LOOPBACK.name)
        if isinstance(network.wiring, OvsWiring):
            adopted.devices += self._mark_ports(network, network.wiring, devices)
        adopted.devices += self._mark_veths(network, devices)
        adopted.helpers = [helper for helper in helpers if network.id in helper.words]
        with namespace.entered(), RouteSocket() as inside:  # last: until then, this is done again
            # The group says that it was adopted: then the file of its name, which holds no mark, is ours too.
            mark = str(Mark("namespace", network.id))
            if not is_marked:
                links.set_link(inside, links.LOOPBACK, alias=mark, group=DEVICE_GROUP)
        return adopted

    def _mark_ports(self, network: Network, wiring: OvsWiring, devices: Iterable[Link]) -> list[str]:
        """Mark the ports of the switch that have their device in the namespace, or the far end of a veth in it."""
        names = sorted({_outside(network, link.name) for link in devices})
        found = ports.find(self._connection, names) if names else {}
        for port in found.values():
            port_id = port.ids.get("iface-id", "")
            if mark_of(port) is None and _is_named_after(port.name, port_id, network):
                mark = str(Mark("dhcp", network.id, port_id))
                ours = dict((OWNER, (MARK_KEY, mark), (BRIDGE_KEY, wiring.bridge)))
                ports.mend(self._connection, port.name, ids=ours, port_ids=ours)
        return sorted(found)

    def _mark_veths(self, network: Network, devices: Iterable[Link]) -> list[str]:
        """Mark the host ends of veths."""
        wanted = {link.peer_index: link for link in devices if link.kind == "veth"}
        if not wanted:
            return []
        marked = []
        with RouteSocket() as route:
            for link in devices:
                near = links.find_link(route, _outside(network, link.name))
                if near is None or near.index != link.peer_index or Mark.parse(near.alias):
                    continue
                port_id = dhcp_port(network).id if isinstance(network.wiring, OvnWiring) else near.name[3:]
                links.set_link(route, near, group=DEVICE_GROUP, alias=str(Mark("dhcp", network.id, port_id)))
                marked.append(near.name)
        return marked


def _outside(network: Network, inner: str) -> str:
    """The name on the host, or on the switch, of a device that an agent has put into the network's namespace: `ns-...`
    there is `tap...`; of OVN's agent, `tap...1` is `tap...0`."""
    outer, own = own_device_names(network)
    if isinstance(network.wiring, OvnWiring) and inner == own:
        return outer
    return f"tap{inner[len('tap') :]}"  # `ns-` is as long


def _is_named_after(name: str, port_id: str, network: Network) -> bool:
    if isinstance(network.wiring, OvnWiring):
        return name == own_device_names(network)[0]
    return bool(name[len("tap") :]) and port_id.startswith(name[len("tap") :])


def helper_namespaces() -> frozenset[int]:
    """Inodes of the network namespaces that Neutron's helpers are in."""
    return frozenset(_helpers())


def was_here(network: Network, seen: NamespaceSeen, snapshot: Snapshot, helpers: Collection[int]) -> bool:
    """Whether another agent has been in a namespace of netmend's: it has left a helper there, or a stray device.
    `helpers` is what `helper_namespaces` says."""
    if seen.state != "usable" or seen.handle is None or snapshot.switch.problem:
        return False
    return seen.handle.inode in helpers or bool(stray_devices(network, seen, snapshot))


def stray_devices(network: Network, seen: NamespaceSeen, snapshot: Snapshot) -> frozenset[int]:
    """Devices in a namespace of netmend's, by index there, that are called as those of DHCP ports are, and have an end
    outside that is not netmend's."""
    if seen.state != "usable" or snapshot.switch.problem:
        return frozenset()
    return frozenset(
        link.index
        for name, link in seen.links.items()
        if name.startswith(_PREFIXES) and not _has_end_of_ours(network, name, snapshot)
    )


def _has_end_of_ours(network: Network, name: str, snapshot: Snapshot) -> bool:
    outside = _outside(network, name)
    link = snapshot.links.get(outside)
    return outside in snapshot.switch.ports or (link is not None and is_ours(link))


def _helpers() -> dict[int, list[Helper]]:
    """Every dnsmasq and haproxy in sight, by the inode of the network namespace that it is in."""
    found: dict[int, list[Helper]] = {}
    for helper in find_helpers():
        found.setdefault(helper.network, []).append(helper)
    return found
