"""Networks on a real Open vSwitch (userspace datapath): made once, found again, mended, removed."""

import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.blocks import blocks
from tests.kernel.store_node import make_guest
from tests.kernel.vswitch import SOCKET, VSwitch
from tests.sessions import agrees, commands, normal, sessions_of, typed
from tests.waiting import wait_for

from netmend.intent import BridgeWiring, Intent, Network, OvsWiring, Port, Subnet
from netmend.intent.names import DEVICE_GROUP, dhcp_port, id_from_name, namespace_name, tap_name
from netmend.kernel import links, netns
from netmend.kernel.addresses import dump_addresses
from netmend.kernel.links import Link
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.offload import leaves_checksums
from netmend.kernel.ovsdb.watch import PortsChanged, PortWatch
from netmend.reconcile import switch as switch_reading
from netmend.reconcile.reconciler import Reconciler
from netmend.reconcile.reports import PassReport
from netmend.sources.file import load
from netmend.wiring.ovs import MARK_KEY, OWNER

INTERNAL, VETH = OvsWiring(), OvsWiring(veth=True)


def network(number: int, wiring: OvsWiring = INTERNAL, ports: tuple[Port, ...] = ()) -> Network:
    cidr = IPv4Network("10.0.0.0/24")
    subnet = Subnet(id_from_name("subnet", str(number)), "s", cidr, cidr[2])
    return Network(
        id_from_name("network", str(number)),
        f"n{number}",
        1400,
        wiring,
        subnets=(subnet,),
        ports={port.id: port for port in ports},
    )


def intent(*networks: Network) -> Intent:
    return Intent({found.id: found for found in networks})


def host_links() -> dict[str, Link]:
    with RouteSocket() as route:
        return {link.name: link for link in links.dump_links(route)}


def inside(one: Network) -> dict[str, Link]:
    with Netns.open(f"/run/netns/{namespace_name(one.id)}") as place, place.entered():
        return host_links()


def run_until_right(reconciler: Reconciler, wanted: Intent) -> PassReport:
    """Passes as a node makes them, until all is right."""

    def look() -> PassReport | None:
        report = reconciler.run(wanted)
        return None if report.wrong or report.planned_steps else report

    return wait_for(look, "all is right", lambda: [reason.text for reason in reconciler.resync.all()], every=0.05)


def test_an_internal_port_is_moved_into_the_namespace_with_neutrons_ids_on_it() -> None:
    one = network(1)
    port = dhcp_port(one)
    name = tap_name(port.id)
    with VSwitch() as switch:
        plans = Reconciler().plan(intent(one))
        report = (reconciler := Reconciler()).run(intent(one))
        assert report.right == {one.id}, [reason.text for reason in reconciler.resync.all()]
        assert [str(step) for step in plans[0].steps] == [
            f"create namespace {namespace_name(one.id)}",
            f"pin namespace {namespace_name(one.id)}",
            f"add port {name} to br-int",
            f"move {name} into {namespace_name(one.id)}",
        ]
        assert report.planned_steps == 4
        assert name not in host_links()
        with Netns.open(f"/run/netns/{namespace_name(one.id)}") as place, place.entered(), RouteSocket() as route:
            found = {link.name: link for link in links.dump_links(route)}[name]
            assert (found.kind, found.mac, found.mtu, found.up) == ("tun", port.mac, 1400, True)
            assert found.group == DEVICE_GROUP
            assert {str(address) for address in dump_addresses(route)[found.index]} == {"10.0.0.2/24"}
        assert switch.ports() == {name}
        ids = switch.get("Interface", name, "external_ids")
        for expected in (f'iface-id="{port.id}"', "iface-status=active", f'attached-mac="{port.mac}"'):
            assert expected in ids
        assert [switch.get("Port", name, column) for column in ("tag", "vlan_mode", "trunks")] == [
            "4095",
            "trunk",
            "[4095]",
        ]
        assert switch.get("Interface", name, "type") == "internal"
        assert reconciler.run(intent(one)).planned_steps == 0
        assert Reconciler().plan(intent(one)) == []
        assert reconciler.run(Intent()).planned_steps
        assert switch.ports() == set() and name not in host_links()


def test_the_session_of_the_document(tmp_path: Path) -> None:
    (file,) = [block for block in blocks() if block.document == "docs/wiring-ovs.md" and block.kind == "yaml intent"]
    (block,) = sessions_of(__file__, "docs/wiring-ovs.md")
    (tmp_path / "blue.yaml").write_text(file.text)
    make_guest("web")
    (plan, steps), (show, rows) = commands(block)
    with VSwitch() as switch:
        printed = typed(plan, tmp_path)
        assert agrees(steps, printed), printed
        assert run_until_right(Reconciler(), load(tmp_path / "blue.yaml"))
        printed = switch.vsctl(*show.split()[1:])
        assert ports_in_order(rows) == ports_in_order(printed)


def ports_in_order(printed: str) -> list[str]:
    """The paragraphs that `ovs-vsctl show` prints, without the database's id; it has the ports in any order."""
    head, *ports = normal(printed.partition("\n")[2]).split("\nPort ")
    return [head, *sorted(ports)]


@pytest.mark.parametrize("wiring", [INTERNAL, VETH])
def test_a_port_deleted_under_us_comes_back(wiring: OvsWiring) -> None:
    one = network(1, wiring)
    name = tap_name(dhcp_port(one).id)
    with VSwitch() as switch:
        run_until_right(reconciler := Reconciler(), intent(one))
        switch.vsctl("del-port", name)
        run_until_right(reconciler, intent(one))
        assert switch.ports() == {name}
        (device,) = set(inside(one)) - {"lo"}
        assert device == (name if wiring is INTERNAL else "ns-" + name[3:])


@pytest.mark.parametrize("wiring", [INTERNAL, VETH])
def test_the_switch_restarts(wiring: OvsWiring) -> None:
    one = network(1, wiring)
    with VSwitch() as switch:
        run_until_right(reconciler := Reconciler(), intent(one))
        switch.kill("ovs-vswitchd")
        report = reconciler.run(intent(one))
        if wiring is INTERNAL:
            (reason,) = reconciler.resync.all()
            assert "waiting for Open vSwitch" in reason.text and report.wrong
        switch.start_vswitchd()
        run_until_right(reconciler, intent(one))
        assert len(inside(one)) == 2


@pytest.mark.parametrize("wiring", [INTERNAL, VETH])
def test_a_database_made_anew(wiring: OvsWiring) -> None:
    one = network(1, wiring)
    name = tap_name(dhcp_port(one).id)
    with VSwitch() as switch:
        run_until_right(reconciler := Reconciler(), intent(one))
        switch.kill("ovsdb-server")
        report = reconciler.run(intent(one))
        (reason,) = reconciler.resync.all()
        assert report.wrong == {one.id} and reason.serves and "start ovsdb-server" in reason.text
        switch.make_database()
        switch.start_database()
        reconciler.run(intent(one))
        assert "no bridge br-int" in reconciler.resync.all()[0].text
        switch.add_bridge()
        run_until_right(reconciler, intent(one))
        assert switch.ports() == {name}


def test_a_namespace_that_died_takes_the_device_along_and_gets_another() -> None:
    one = network(1)
    with VSwitch():
        run_until_right(reconciler := Reconciler(), intent(one))
        reconciler.close()
        netns.unpin(f"/run/netns/{namespace_name(one.id)}", None)
        run_until_right(Reconciler(), intent(one))
        assert len(inside(one)) == 2


def test_from_one_wiring_to_another() -> None:
    one = network(1)
    with VSwitch() as switch:
        run_until_right(reconciler := Reconciler(), intent(one))
        for wiring in (VETH, INTERNAL):
            run_until_right(reconciler, intent(replace(one, wiring=wiring)))
            assert len(switch.ports()) == 1 and len(inside(one)) == 2
        bridged = replace(one, wiring=BridgeWiring())
        run_until_right(reconciler, intent(bridged))
        assert switch.ports() == set() and len(inside(one)) == 2
        run_until_right(reconciler, intent(one))
        assert (
            len(switch.ports()) == 1
            and len(inside(one)) == 2
            and len([n for n in host_links() if n.startswith("brq")]) == 0
        )


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """As a node with hundreds of networks has them: what is opened now is beyond what select(2) knows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    opened = [os.open("/dev/null", os.O_RDONLY)]
    try:
        while opened[-1] < 1024:
            opened.append(os.dup(opened[0]))
        yield
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
def test_with_a_thousand_descriptors_open() -> None:
    one, two = network(1), network(2)
    with VSwitch() as switch:
        watch = PortWatch(f"unix:{SOCKET}", OWNER, MARK_KEY)
        heard: list[PortsChanged | None] = []
        listening = threading.Thread(target=lambda: heard.append(watch.wait()))
        reconciler = Reconciler()
        try:
            assert reconciler.run(intent(one, two)).right == {one.id, two.id}
            listening.start()
            time.sleep(0.5)
            switch.vsctl("del-port", "br-int", tap_name(dhcp_port(one).id))
            listening.join(10)
            assert heard and heard[0] is not None
            assert run_until_right(reconciler, intent(one, two)).right == {one.id, two.id}
        finally:
            watch.stop()
            listening.join(10)
            watch.close()
            reconciler.close()


def test_a_foreign_port_of_our_name_is_left_alone() -> None:
    one = network(1)
    name = tap_name(dhcp_port(one).id)
    with VSwitch() as switch:
        switch.vsctl("add-port", "br-int", name, "--", "set", "Interface", name, "type=internal")
        report = (reconciler := Reconciler()).run(intent(one))
        assert report.wrong == {one.id}
        assert "taken by another" in reconciler.resync.all()[0].text
        assert "netmend" not in switch.get("Interface", name, "external_ids")


def test_the_hosts_end_of_a_port_has_no_business_on_layer_3() -> None:
    one = network(1, VETH)
    name = tap_name(dhcp_port(one).id)
    with VSwitch():
        run_until_right(Reconciler(), intent(one))

        def read(setting: str) -> str:
            return Path("/proc/sys/net", setting.format(name)).read_text().strip()

        assert read("ipv6/conf/{}/disable_ipv6") == "1"
        assert read("ipv4/conf/{}/arp_ignore") == "8"
        assert read("ipv4/conf/{}/rp_filter") == "1"
        assert read("ipv4/conf/{}/forwarding") == "0"
        with Netns.open(f"/run/netns/{namespace_name(one.id)}") as place, place.entered():
            assert not leaves_checksums("ns-" + name[3:])


def test_a_database_that_hangs_holds_up_no_network_but_its_own() -> None:
    one, other = network(1), replace(network(2), wiring=BridgeWiring())
    with VSwitch() as switch:
        run_until_right(reconciler := Reconciler(), intent(one, other))
        switch.send("ovsdb-server", signal.SIGSTOP)
        changed = replace(other, mtu=1300)
        report = reconciler.run(intent(one, changed))
        assert report.right == {other.id} and report.wrong == {one.id}
        (reason,) = reconciler.resync.all()
        assert reason.serves and "does not answer in time" in reason.text
        began = time.monotonic()
        assert reconciler.run(intent(one, other)).right == {other.id}
        assert time.monotonic() - began < switch_reading._TIMEOUT  # it is not asked again at once
        switch.send("ovsdb-server", signal.SIGCONT)
