"""A small world with a real Open vSwitch in it: intents, what must be there, and the database read without netmend."""

import json
import socket
from ipaddress import IPv4Interface
from typing import Any

from msgspec.structs import replace
from tests.faults.world import DHCP_TAP, DIRECTORY, GUESTS, NETWORK_ID, World, changed, small
from tests.kernel.vswitch import SOCKET, VSwitch
from tests.waiting import wait_for

from netmend.intent import BridgeWiring, Intent, NetnsPlug, Network, OvsWiring, TapPlug
from netmend.kernel import links, nsdir
from netmend.kernel.addresses import dump_addresses
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.reconcile.reconciler import Reconciler

INTERNAL, VETH, OWN = OvsWiring(), OvsWiring(veth=True), OvsWiring(own_tags=True)
_PATIENCE = 20.0  # seconds


def _wired(intent: Intent, wiring: OvsWiring | BridgeWiring) -> Intent:
    (network,) = intent.networks.values()
    return Intent({network.id: replace(network, wiring=wiring)})


def with_internal() -> Intent:
    return _wired(small(), INTERNAL)


def with_own_tags() -> Intent:
    return _wired(small(), OWN)


def with_veth() -> Intent:
    return _wired(small(), VETH)


def with_bridge() -> Intent:
    return _wired(small(), BridgeWiring())


def with_internal_changed() -> Intent:
    return _wired(changed(), INTERNAL)


def ask(*operations: dict[str, Any]) -> list[dict[str, Any]]:
    """The database's own answer, by a client of a few lines (RFC 7047 section 4.1.3)."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(SOCKET))
        connection.sendall(
            json.dumps({"method": "transact", "params": ["Open_vSwitch", *operations], "id": 1}).encode()
        )
        data = b""
        while True:
            data += connection.recv(1 << 16)
            try:
                found: list[dict[str, Any]] = json.loads(data)["result"]
                return found
            except ValueError:
                continue


def rows(table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask({"op": "select", "table": table, "where": []})[0]["rows"]
    return found


class OvsWorld(World):
    """As `World`, with bridge br-int, a foreign port and an internal one on it, and ovs-vswitchd at work."""

    def __init__(self, switch: VSwitch) -> None:
        super().__init__()
        self._switch = switch
        switch.vsctl("add-port", "br-int", "tapforeign0")
        switch.vsctl("add-port", "br-int", "foreign-int", "--", "set", "Interface", "foreign-int", "type=internal")
        self._switchs = {"br-int", "foreign-int", "ovs-netdev"}
        self.foreign_ports = {"br-int", "foreign-int", "tapforeign0"}
        self.foreign |= self._switchs
        with RouteSocket() as route:
            self._foreign_before = {link.name: (link.index, link.up) for link in links.dump_links(route)}

    def count(self, intent: Intent) -> int:
        """Beside what is wanted on the host, an internal port's device may be on its way through it."""
        return len(self._host_devices(intent)) + 1

    def settle(self, reconciler: Reconciler, intent: Intent) -> None:
        """Until ovs-vswitchd has followed and nothing is left to do, twice: some time after it let go of a device it
        puts the flags back that it found on it, by name, on whatever bears that name by then. A node hears of that."""
        right = 0

        def look() -> bool:
            nonlocal right
            self._switch.vsctl("--timeout=30", "set", "Open_vSwitch", ".", "external_ids:settled=yes")  # and waits
            report = reconciler.run(intent)
            right = 0 if report.planned_steps or report.wrong else right + 1
            if reconciler.breaker.state:
                reconciler.breaker.close()
            return right == 2

        wait_for(look, "all is right, twice", lambda: [reason.text for reason in reconciler.resync.all()], every=0.05)

    @staticmethod
    def _host_devices(intent: Intent) -> dict[str, str]:
        """Name and kind of each device that an intent of this file asks for on the host."""
        if not intent.networks:
            return {}
        (network,) = intent.networks.values()
        devices = {
            f"tap{port.id[:11]}": "tun" if isinstance(port.plug, TapPlug) else "veth" for port in network.ports.values()
        }
        if isinstance(network.wiring, BridgeWiring):
            return {**devices, DHCP_TAP: "veth", "brq11111111-aa": "bridge"}
        return {**devices, DHCP_TAP: "veth"} if network.wiring.veth else devices

    def check(self, intent: Intent, reconciler: Reconciler, *, pinned: bool = True, guests_found: bool = True) -> None:
        want = self._host_devices(intent)
        with RouteSocket() as route:
            found = {link.name: link for link in links.dump_links(route) if link.name != "lo"}
        assert {name: link.kind for name, link in found.items() if name not in self.foreign} == want
        now = {link.name: (link.index, link.up) for link in found.values() if link.name in self._foreign_before}
        assert now == {name: seen for name, seen in self._foreign_before.items() if name != "lo"}
        for name in want:
            assert found[name].up and (found[name].alias or "").startswith("netmend:")
        self._check_database(intent)
        self._check_guests(intent)
        names = nsdir.names(DIRECTORY) - self.foreign_names
        assert names == ({f"qdhcp-{NETWORK_ID}"} if intent.networks else set())
        if intent.networks:
            self._check_home(next(iter(intent.networks.values())))

    def _check_database(self, intent: Intent) -> None:
        """Exactly the ports that intent asks for beside the foreign ones, on the right bridge, whole."""
        ports = {row["name"]: row for row in rows("Port")}
        interfaces = {row["name"]: row for row in rows("Interface")}
        assert set(ports) == set(interfaces)
        wanted: dict[str, str] = {}
        (network,) = intent.networks.values() or (None,)
        if network is not None and isinstance(network.wiring, OvsWiring):
            wanted = {f"tap{port.id[:11]}": port.id for port in network.ports.values()}
            wanted[DHCP_TAP] = ""
        assert set(ports) - self.foreign_ports == set(wanted), intent
        assert self.foreign_ports <= set(ports)
        (bridge,) = rows("Bridge")
        assert sorted(uuid for _, uuid in bridge["ports"][1]) == sorted(row["_uuid"][1] for row in ports.values())
        for name in self.foreign_ports:
            assert "netmend" not in json.dumps((ports[name], interfaces[name]))
        if not wanted:
            return
        assert network is not None and isinstance(network.wiring, OvsWiring)
        tags = set()
        for name, port_id in wanted.items():
            ids = dict(interfaces[name]["external_ids"][1])
            internal = name == DHCP_TAP and not network.wiring.veth
            assert interfaces[name]["type"] == ("internal" if internal else "")
            assert ids["iface-status"] == "active" and ids["attached-mac"].startswith("fa:")
            assert name != DHCP_TAP or ids["iface-id"][:11] == name[3:]
            assert name == DHCP_TAP or ids["iface-id"] == port_id
            assert ids["managed-by"] == "netmend" == dict(ports[name]["external_ids"][1])["managed-by"]
            assert interfaces[name]["error"] == ["set", []]
            tags.add((ports[name]["tag"], ports[name]["vlan_mode"]))
        assert len(tags) == 1, tags
        ((tag, mode),) = tags
        assert (tag, mode) == (4095, "trunk") or (network.wiring.own_tags and 0 < tag < 4095 and mode == "access")

    def _check_guests(self, intent: Intent) -> None:
        wanted: dict[str, set[str]] = {guest: set() for guest in GUESTS}
        for network in intent.networks.values():
            for port in network.ports.values():
                if isinstance(port.plug, NetnsPlug):
                    wanted[port.plug.netns].add(port.plug.device)
        for guest, devices in wanted.items():
            with self.guests[guest].entered(), RouteSocket() as route:
                inside = {link.name: link for link in links.dump_links(route) if link.name != "lo"}
            assert set(inside) == devices, guest

    @staticmethod
    def _check_home(network: Network) -> None:
        internal = isinstance(network.wiring, OvsWiring) and not network.wiring.veth
        name = DHCP_TAP if internal else "ns-" + DHCP_TAP.removeprefix("tap")
        with Netns.open(f"{DIRECTORY}/qdhcp-{NETWORK_ID}") as place, place.entered(), RouteSocket() as route:
            inside = {link.name: link for link in links.dump_links(route)}
            assert set(inside) == {"lo", name}
            assert inside[name].up and inside[name].carrier and inside[name].mtu == network.mtu
            found = dump_addresses(route)[inside[name].index]
        assert found == {IPv4Interface((subnet.server_address, 24)) for subnet in network.subnets}
