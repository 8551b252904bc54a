"""A small world of an OVN chassis: a network's metadata port on the switch, and what must be there, spelled out."""

import json
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from pathlib import Path
from typing import Any

from tests.faults.case import Case
from tests.faults.ovs_world import OvsWorld, rows, with_internal
from tests.faults.start_states import StartState
from tests.faults.world import DIRECTORY, EMPTY, NETWORK_ID

from netmend.intent import DhcpPort, Intent, Network, OvnWiring, Port
from netmend.intent.names import Mark, name_namespaces
from netmend.kernel import links, nsdir
from netmend.kernel.addresses import dump_addresses
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.reconcile.reconciler import Reconciler

LOCALPORT = "33333333-cccc-4333-8333-333333333333"
MAC = "fa:16:3f:00:00:01"
NAME = f"ovnmeta-{NETWORK_ID}"
OUTER, INNER = "tap11111111-a0", "tap11111111-a1"


def with_metadata(mtu: int = 1442, address: str = "10.0.0.2") -> Intent:
    """A network with one guest, which is the switch's business, and its metadata port."""
    wiring = OvnWiring("br-int", datapath="netdev", addresses=(IPv4Interface(f"{address}/24"),))
    guest = Port("44444444-dddd-4444-8444-444444444444", "g", "fa:16:3e:00:00:01", (IPv4Address("10.0.0.5"),))
    network = Network(
        NETWORK_ID, "n", mtu, wiring, ports={guest.id: guest}, dhcp_port=DhcpPort(LOCALPORT, MAC), metadata="proxy"
    )
    return Intent({NETWORK_ID: network})


def with_metadata_changed() -> Intent:
    """Another MTU, and another address of the metadata port."""
    return with_metadata(1400, "10.0.0.3")


def with_dhcp() -> Intent:
    """The same network as ML2/OVS has it: another role of this host."""
    return with_internal()


def _half_made() -> None:
    Path(DIRECTORY, NAME).unlink(missing_ok=True)
    Path(DIRECTORY, NAME).write_text(str(Mark("namespace", NETWORK_ID)) + "\n")


HALF_MADE = StartState(before_each=_half_made)


class OvnWorld(OvsWorld):
    """As `OvsWorld`, for intents of OVN too."""

    def count(self, intent: Intent) -> int:
        return 1 if _is_ovn(intent) else super().count(intent)

    def check(self, intent: Intent, reconciler: Reconciler, *, pinned: bool = True, guests_found: bool = True) -> None:
        if not _is_ovn(intent):
            super().check(intent, reconciler, pinned=pinned, guests_found=guests_found)
            return
        (network,) = intent.networks.values()
        with RouteSocket() as route:
            found = {link.name: link for link in links.dump_links(route) if link.name != "lo"}
        assert {name: link.kind for name, link in found.items() if name not in self.foreign} == {OUTER: "veth"}
        now = {link.name: (link.index, link.up) for link in found.values() if link.name in self._foreign_before}
        assert now == {name: seen for name, seen in self._foreign_before.items() if name != "lo"}
        assert found[OUTER].up and found[OUTER].alias == f"netmend:dhcp:{NETWORK_ID}:{LOCALPORT}"
        self._check_port()
        self._check_guests(EMPTY)
        assert nsdir.names(DIRECTORY) - self.foreign_names == {NAME}
        self._check_inside(network)

    def _check_port(self) -> None:
        ports = {row["name"]: row for row in rows("Port")}
        interfaces = {row["name"]: row for row in rows("Interface")}
        assert set(ports) == set(interfaces) == {*self.foreign_ports, OUTER}
        (bridge,) = rows("Bridge")
        assert sorted(uuid for _, uuid in bridge["ports"][1]) == sorted(row["_uuid"][1] for row in ports.values())
        ids = dict(interfaces[OUTER]["external_ids"][1])
        assert ids["iface-id"] == LOCALPORT and ids["managed-by"] == "netmend"
        nothing: list[Any] = ["set", []]
        assert interfaces[OUTER]["type"] == "" and interfaces[OUTER]["error"] == nothing
        assert ports[OUTER]["tag"] == ports[OUTER]["vlan_mode"] == nothing  # ovn-controller's business
        for name in self.foreign_ports:
            assert "netmend" not in json.dumps((ports[name], interfaces[name]))

    @staticmethod
    def _check_inside(network: Network) -> None:
        assert isinstance(network.wiring, OvnWiring)
        with Netns.open(f"{DIRECTORY}/{NAME}") as place, place.entered(), RouteSocket() as route:
            inside = {link.name: link for link in links.dump_links(route)}
            assert set(inside) == {"lo", INNER} and inside["lo"].up
            assert inside[INNER].up and inside[INNER].carrier and inside[INNER].mtu == network.mtu
            found = dump_addresses(route)[inside[INNER].index]
        link_local = IPv6Interface("fe80::f816:3fff:fe00:1/64")  # of the MAC (RFC 4291, appendix A)
        metadata = {IPv4Interface("169.254.169.254/32"), IPv6Interface("fe80::a9fe:a9fe/64"), link_local}
        assert found == metadata | set(network.wiring.addresses)


def _is_ovn(intent: Intent) -> bool:
    return any(isinstance(network.wiring, OvnWiring) for network in intent.networks.values())


class ChassisCase(Case):
    """A process serves one kind of cloud. So where `before` is of another, another process made it, and has ended."""

    def _pass(self, reconciler: Reconciler, intent: Intent) -> None:
        name_namespaces("ovnmeta-" if _is_ovn(intent) or not intent.networks else "qdhcp-")
        super()._pass(reconciler, intent)

    def start(self) -> Reconciler:
        reconciler = super().start()
        if not self.before.networks or _is_ovn(self.before):
            return reconciler
        reconciler.close()
        return Reconciler()
