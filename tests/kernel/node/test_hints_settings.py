"""A running node hears of what somebody does to its devices, and mends it long before its next look at everything."""

import socket
import struct
import subprocess
import time
from collections.abc import Callable
from ipaddress import ip_interface
from pathlib import Path

import pytest
from tests.kernel.store_node import make_guest, make_network, store_node
from tests.waiting import wait_for

from netmend.attach.client import Api
from netmend.firewall.rules import TABLE
from netmend.intent.names import bridge_name, inner_name, namespace_name, tap_name
from netmend.kernel import addresses, links
from netmend.kernel.device_settings import differing_settings
from netmend.kernel.errors import KernelError
from netmend.kernel.forwarding import with_forwarding
from netmend.kernel.netlink import NLM_F_CREATE, Request, RouteSocket, attribute, text
from netmend.kernel.netns import Netns
from netmend.kernel.nft.encode import be32
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import DELTABLE, NEWTABLE, read_table, remove_table
from netmend.node.http.status_client import NoNode, ask
from netmend.node.settings import Settings
from netmend.reconcile.diversions import look_for_diversions
from netmend.wiring.settings import OWN_PORT, settings_of

MTU = 1500
PATIENCE = 20.0  # seconds: a third of those between two looks at everything
CONF = Path("/proc/sys/net")


class Place:
    """A network with one guest, served by a node."""

    def __init__(self, api: Api) -> None:
        self.nft = NftSocket()
        network = make_network(api, "lab")
        self.guest = make_guest("guest-1")
        port = api.create_port({"network_id": network["id"], "binding:profile": {"netns": "guest-1"}})
        self.id: str = network["id"]
        self.bridge, self.tap = bridge_name(self.id), tap_name(port["id"])
        (own,) = api.ports(network_id=self.id, device_owner="network:dhcp")
        self.inner, self.mac = inner_name(own["id"]), own["mac_address"]
        wait_for(lambda: self.find(tap_name(own["id"])) is not None, "the own port", Path("/run/node.log").read_text)
        found = self.find(tap_name(own["id"]))
        assert found
        self.own = found
        wait_for(lambda: self.find(self.tap), "the guest's port is made", Path("/run/node.log").read_text)
        wait_until_right(self, "it is made as it should be")
        time.sleep(0.2)  # what was heard of its making is looked at

    def find(self, name: str) -> links.Link | None:
        with RouteSocket() as route:
            return links.find_link(route, name)

    def is_right(self) -> bool:
        if not read_table(self.nft, TABLE).elements:
            return False
        with RouteSocket() as route:
            if not with_forwarding(route, {self.own.index: self.mac}):
                return False
            for name in (self.bridge, self.tap):
                found = links.find_link(route, name)
                if found is None or found.index in addresses.dump_addresses(route):
                    return False
                if found.mtu != MTU or differing_settings(
                    found.data, settings_of(is_bridge=name == self.bridge, is_switched=False)
                ):
                    return False
        with self.home() as home, home.entered(), RouteSocket() as route:
            own = links.find_link(route, self.inner)
            assert own
            given = {str(address.ip) for address in addresses.dump_addresses(route)[own.index]}
            if own.mtu != MTU or not own.has_arp:
                return False
            if look_for_diversions(route):
                return False
            return not differing_settings(own.data, OWN_PORT) and given == {"192.0.2.2"}

    def home(self) -> Netns:
        return Netns.open(f"/run/netns/{namespace_name(self.id)}")


def wait_until_right(place: Place, what: str) -> None:
    wait_for(place.is_right, what, Path("/run/node.log").read_text, seconds=PATIENCE)


def give_address(name: str, address: str) -> None:
    with RouteSocket() as route:
        found = links.find_link(route, name)
        assert found
        addresses.add_address(route, found, ip_interface(address))


def set_on(name: str, setting: str, value: int) -> None:
    with RouteSocket() as route:
        found = links.find_link(route, name)
        assert found
        links.set_link(route, found, settings={setting: value})


def alter(name: str, *, mtu: int | None = None, arp: bool | None = None) -> None:
    with RouteSocket() as route:
        found = links.find_link(route, name)
        assert found
        links.set_link(route, found, mtu=mtu, arp=arp)


def forget(place: Place) -> None:
    with RouteSocket() as route:
        header = struct.pack("=BxHiHBB", 7, 0, place.own.index, 0, 4, 0)
        route.perform([Request(29, 0, header + attribute(2, bytes.fromhex(place.mac.replace(":", ""))), "remove", "x")])


def in_home(place: Place, change: Callable[[], None]) -> None:
    with place.home() as home, home.entered():
        change()


def run_in_home(place: Place, command: str) -> None:
    with place.home() as home, home.entered():
        subprocess.run(["ip", *command.split()], check=True)


TAMPERING: dict[str, Callable[[Place], None]] = {
    "IPv6 back on": lambda place: set_sysctl("ipv6/conf/all/disable_ipv6", 0),
    "the host forwards": lambda place: set_sysctl("ipv4/ip_forward", 1),
    "no reverse path filter": lambda place: set_sysctl(f"ipv4/conf/{place.bridge}/rp_filter", 0),
    "proxy ARP": lambda place: set_sysctl(f"ipv4/conf/{place.bridge}/proxy_arp", 1),
    "an address on the bridge": lambda place: give_address(place.bridge, "192.0.2.1/24"),
    "an address on a port": lambda place: give_address(place.tap, "2001:db8::1/128"),
    "spanning tree": lambda place: set_on(place.bridge, "bridge.stp_state", 1),
    "an isolated port": lambda place: set_on(place.tap, "port.isolated", 1),
    "a smaller MTU of the bridge": lambda place: alter(place.bridge, mtu=1400),
    "a smaller MTU of a port": lambda place: alter(place.tap, mtu=1400),
    "a smaller MTU in the namespace": lambda place: in_home(place, lambda: alter(place.inner, mtu=1400)),
    "no ARP in the namespace": lambda place: in_home(place, lambda: alter(place.inner, arp=False)),
    "rules flushed": lambda place: flush_rules(),
    "netmend's MAC forgotten": forget,
    "the namespace forwards": lambda place: in_home(place, lambda: set_sysctl("ipv4/ip_forward", 1)),
    "another address in the namespace": lambda place: in_home(place, lambda: give_address(place.inner, "10.1.1.1/8")),
    "what is sent in the namespace is lost": lambda place: run_in_home(place, "rule add pref 9 blackhole"),
    "another table in the namespace": lambda place: run_in_home(place, "-6 rule add from all lookup 7"),
    "no main table in the namespace": lambda place: run_in_home(place, "rule del pref 32766"),
    "a guest's address at another's MAC": lambda place: run_in_home(
        place, f"neigh replace 192.0.2.9 lladdr 02:00:00:00:00:66 dev {place.inner} nud permanent"
    ),
    "an IPv6 address at another's MAC": lambda place: run_in_home(
        place, f"neigh replace fe80::9 lladdr 02:00:00:00:00:66 dev {place.inner} nud permanent"
    ),
}


def passes() -> int:
    try:
        return int(ask(Path("/run/netmend/netmend.sock"))["node"]["passes"])
    except NoNode:
        return 0


def flush_rules() -> None:
    """As `nft flush ruleset bridge`: a table that has no name is each of the family."""
    nft = NftSocket()
    nft.commit([(DELTABLE, 0, b"")])
    nft.close()


def set_sysctl(path: str, value: int) -> None:
    (CONF / path).write_text(str(value))


def test_changes_are_heard_mended_and_told() -> None:
    assert Settings().full_look > 2 * PATIENCE
    with store_node() as api:
        place = Place(api)
        for what, tamper in TAMPERING.items():
            tamper(place)
            assert not place.is_right() or "somebody changed it" in Path("/run/node.log").read_text(), what
            began = time.monotonic()
            wait_until_right(place, what)
            print(what, round(time.monotonic() - began, 3))
            time.sleep(0.1)
        log = Path("/run/node.log").read_text()
        told = [what for what in TAMPERING if "MTU" not in what]  # an MTU may differ since intent changed
        assert log.count("somebody changed it") >= len(told) - 2  # rules cannot be flushed, from Linux 6.9 on
        assert "resync reason" not in log


def test_nobody_flushes_the_rules_of_a_running_node() -> None:
    """They are its own as long as it lives, stay when it has ended, and are the next one's own. Before Linux 6.9, which
    cannot do that, they are put back."""
    nft = NftSocket()
    try:
        nft.commit([(NEWTABLE, NLM_F_CREATE, text(1, "probe") + be32(2, 6)), (DELTABLE, 0, text(1, "probe"))])
    except KernelError:
        pytest.skip("this kernel knows no tables with owner and persist")
    for life in range(2):  # the second finds what the first has left
        with store_node() as api:
            if not life:
                Place(api)
            wait_for(lambda: passes() > 0, "a pass", Path("/run/node.log").read_text)
            before = read_table(nft, TABLE)
            assert before.is_right and before.elements
            flush_rules()
            with pytest.raises(KernelError, match="EPERM"):
                remove_table(nft, TABLE)
            assert read_table(nft, TABLE).elements == before.elements
        assert read_table(nft, TABLE).elements == before.elements
    flush_rules()  # nobody's now
    assert not read_table(nft, TABLE).is_right


@pytest.mark.parametrize("reset", ["all", "bridge"])
def test_a_guest_does_not_become_the_hosts_ipv6_router(reset: str) -> None:
    """Case: one line of a provisioning role, and one router advertisement."""
    with store_node() as api:
        place = Place(api)
        with place.guest.entered():
            (CONF / "ipv6/conf/eth0/accept_dad").write_text("0")
            give_address("eth0", "fe80::bad/64")
            link_local = socket.if_nametoindex("eth0")
            sender = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        prefix = struct.pack("!BBBBIII16s", 3, 4, 64, 0xC0, 86400, 86400, 0, socket.inet_pton(10, "2001:db8:bad::"))
        advertisement = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + prefix
        target = place.bridge if reset == "bridge" else "all"
        (CONF / f"ipv6/conf/{target}/disable_ipv6").write_text("0")
        for _ in range(20):
            sender.sendto(advertisement, ("ff02::1", 0, 0, link_local))
            time.sleep(0.02)
        wait_until_right(place, "the setting is mended")
        routes = subprocess.run(["ip", "-6", "route"], capture_output=True, text=True, check=True).stdout
        assert "default" not in routes and "bad" not in routes
        assert "somebody changed it" in Path("/run/node.log").read_text()


def test_what_was_done_while_no_node_ran_is_found_by_the_next() -> None:
    """Its first looks are brief, for guests wait; the next ones come soon after."""
    with store_node() as api:
        place = Place(api)
    TAMPERING["a guest's address at another's MAC"](place)
    TAMPERING["what is sent in the namespace is lost"](place)
    assert not place.is_right()
    with store_node():
        wait_until_right(place, "what was changed before the start is mended")
        log = Path("/run/node.log")
        wait_for(lambda: "remove rule 9" in log.read_text(), "it is told", log.read_text)
