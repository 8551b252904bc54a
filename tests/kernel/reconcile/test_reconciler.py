"""The reconciler on the real kernel: made once, found again, mended, removed; nobody else's touched."""

import os
import threading
import time
from ipaddress import IPv4Network, IPv6Network, ip_interface
from pathlib import Path

import pytest
from msgspec.structs import replace

from netmend.intent import Intent, NetnsPlug, Network, PidPlug, Port, Subnet, Subnet6
from netmend.intent.eui64 import link_local_address
from netmend.intent.names import (
    DEVICE_GROUP,
    DOOMED_GROUP,
    Mark,
    bridge_name,
    dhcp_port,
    dhcp_port_id,
    id_from_name,
    inner_name,
    namespace_name,
    tap_name,
)
from netmend.kernel import addresses, links, netns, nsdir
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.reconcile.reconciler import Reconciler
from netmend.reconcile.reports import Listener, Ready
from netmend.reconcile.steps import Plan

BLOCK6 = IPv6Network("2001:db8::/64")
SUBNET6 = Subnet6(id_from_name("subnet", "six"), "six", BLOCK6, BLOCK6[2])


def network(number: int, ports: tuple[Port, ...] = ()) -> Network:
    network_id = id_from_name("network", str(number))
    cidr = IPv4Network("10.0.0.0/24")
    subnet = Subnet(id_from_name("subnet", str(number)), "s", cidr, cidr[2])
    return Network(network_id, f"n{number}", subnets=(subnet,), ports={port.id: port for port in ports})


def intent(*networks: Network) -> Intent:
    return Intent({found.id: found for found in networks})


def links_by_name() -> dict[str, links.Link]:
    with RouteSocket() as route:
        return {link.name: link for link in links.dump_links(route)}


def test_plan_does_nothing_and_says_what_a_pass_does() -> None:
    wanted = intent(network(1), network(2))
    plans = Reconciler().plan(wanted)
    assert set(links_by_name()) == {"lo"} and not Path("/run/netns").exists()
    reconciler = Reconciler()
    report = reconciler.run(wanted)
    assert report.planned_steps == sum(len(plan.steps) for plan in plans) == 10
    assert report.right == frozenset(wanted.networks) and not report.wrong
    assert Reconciler().plan(wanted) == []


def test_a_restart_finds_all_and_tears_nothing_down() -> None:
    wanted = intent(network(1))
    (one,) = wanted.networks.values()
    first = Reconciler()
    first.run(wanted)
    first.close()
    name = f"/run/netns/{namespace_name(one.id)}"
    before = (Netns.open(name).inode, {found.name: found.index for found in links_by_name().values()})
    told: list[Ready] = []
    second = Reconciler(listener=Listener(ready=told.append))
    assert second.run(wanted).planned_steps == 0
    assert (Netns.open(name).inode, {found.name: found.index for found in links_by_name().values()}) == before
    assert [(ready.network, ready.device, ready.anew) for ready in told] == [
        (one, inner_name(dhcp_port_id(one.id)), False)
    ]


def test_a_defect_that_one_network_meets_is_told_and_is_not_the_others() -> None:
    one, two = network(1), network(2)
    defective = [one.id]

    def serve(ready: Ready) -> None:
        if ready.network.id in defective:
            raise ValueError("as nobody had thought")

    reconciler = Reconciler(listener=Listener(ready=serve))
    report = reconciler.run(intent(one, two))
    assert report.right == {two.id}
    assert report.wrong == {one.id}
    assert [str(error) for error in report.defects] == ["as nobody had thought"]
    (reason,) = report.new_reasons
    assert reason.network_id == one.id
    assert reason.text.startswith("defect: ValueError: as nobody had thought")
    defective.clear()
    assert reconciler.run(intent(one, two)).right == {one.id, two.id}
    assert reconciler.resync.all() == []


def test_a_defect_that_all_networks_meet_is_told_and_does_not_end_the_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = network(1), network(2)
    reconciler = Reconciler()
    with monkeypatch.context() as patched:
        patched.setattr(reconciler.owners, "want", lambda networks: 1 / 0)
        report = reconciler.run(intent(one, two))
    assert report.wrong == {one.id, two.id}
    assert len(report.defects) == 1
    assert {reason.network_id for reason in reconciler.resync.all()} == {one.id, two.id}
    assert reconciler.run(intent(one, two)).right == {one.id, two.id}


def test_the_network_s_own_device_has_the_addresses_of_intent_and_no_others() -> None:
    one = network(1)
    wanted = replace(one, metadata="embedded", subnets6=(SUBNET6,))
    reconciler = Reconciler()
    told: list[Ready] = []
    Reconciler(listener=Listener(ready=told.append)).run(intent(wanted))
    found = {"10.0.0.2/24", "169.254.169.254/32", "2001:db8::2/64", "fe80::a9fe:a9fe/64"}
    found.add(f"{link_local_address(dhcp_port(one).mac)}/64")
    assert own_addresses(told[0]) == found
    assert Reconciler().plan(intent(wanted)) == []
    with told[0].namespace.entered(), RouteSocket() as route:
        device = links_by_name()[told[0].device]
        addresses.remove_address(route, device, ip_interface("2001:db8::2/64"))
        addresses.add_address(route, device, ip_interface("2001:db8::bad/64"))
        assert Path(f"/proc/sys/net/ipv6/conf/{device.name}/accept_ra").read_text() == "0\n"
    reconciler.run(intent(wanted))
    assert own_addresses(told[0]) == found
    reconciler.run(intent(one))
    assert own_addresses(told[0]) == {"10.0.0.2/24"}


def own_addresses(ready: Ready) -> set[str]:
    with ready.namespace.entered(), RouteSocket() as route:
        return {str(address) for address in addresses.dump_addresses(route)[links_by_name()[ready.device].index]}


def test_the_bridge_keeps_guests_off_the_host() -> None:
    wanted = intent(network(1))
    Reconciler().run(wanted)
    bridge = bridge_name(next(iter(wanted.networks)))

    def read(name: str) -> str:
        return Path("/proc/sys/net", name.format(bridge)).read_text().strip()

    assert read("ipv6/conf/{}/disable_ipv6") == "1"
    assert read("ipv4/conf/{}/arp_ignore") == "8"
    assert read("ipv4/conf/{}/rp_filter") == "1"
    assert read("ipv4/conf/{}/forwarding") == "0"


def test_ports_are_plugged_into_names_and_processes() -> None:
    nsdir.prepare()
    with Netns.create("guest") as guest:
        netns.pin(guest, "/run/netns/guest", "theirs")
    by_name = Port(id_from_name("port", "a"), "a", "fa:16:3e:00:00:0a", plug=NetnsPlug("guest", "eth3"))
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        with Netns.create("process"):
            os.write(writer, b"x")
            time.sleep(600)
        os._exit(0)
    os.read(reader, 1)
    by_pid = Port(id_from_name("port", "b"), "b", "fa:16:3e:00:00:0b", plug=PidPlug(pid))
    gone = Port(id_from_name("port", "c"), "c", "fa:16:3e:00:00:0c", plug=PidPlug(4_000_000))
    report = (reconciler := Reconciler()).run(intent(network(1, (by_name, by_pid, gone))))
    for place, device, mac in ((guest, "eth3", by_name.mac), (Netns.of_process(pid), "eth0", by_pid.mac)):
        with place.entered():
            assert links_by_name()[device].mac == mac and links_by_name()[device].carrier
    assert len(report.wrong) == 1
    (reason,) = reconciler.resync.all()
    assert reason.port_id == gone.id and "no process 4000000" in reason.text
    os.kill(pid, 9)
    os.waitpid(pid, 0)


def test_a_guest_that_moves_is_moved() -> None:
    nsdir.prepare()
    places = {}
    for name in ("old", "new"):
        with Netns.create(name) as places[name]:
            netns.pin(places[name], f"/run/netns/{name}", "theirs")
    port = Port(id_from_name("port", "a"), "a", "fa:16:3e:00:00:0a", plug=NetnsPlug("old"))
    reconciler = Reconciler()
    reconciler.run(intent(network(1, (port,))))
    reconciler.run(intent(network(1, (replace(port, plug=NetnsPlug("new")),))))
    with places["old"].entered():
        assert "eth0" not in links_by_name()
    with places["new"].entered():
        assert "eth0" in links_by_name()


def test_what_is_not_ours_survives_down() -> None:
    nsdir.prepare()
    theirs = "qdhcp-" + id_from_name("network", "theirs")
    with Netns.create("theirs") as made:
        netns.pin(made, f"/run/netns/{theirs}", "")
    with RouteSocket() as route:
        links.create_bridge(route, "brqtheirs", 1500, 0, "02:00:00:00:00:01")
    reconciler = Reconciler()
    reconciler.run(intent(network(1), network(2)))
    reconciler.run(Intent())
    assert set(links_by_name()) == {"lo", "brqtheirs"}
    assert nsdir.names() == {theirs}


def test_a_namespace_of_ours_name_that_is_not_ours_blocks_that_network_only() -> None:
    nsdir.prepare()
    wanted = intent(network(1), network(2))
    first, second = wanted.networks
    with Netns.create("theirs") as made:
        netns.pin(made, f"/run/netns/{namespace_name(first)}", "")
    reconciler = Reconciler()
    report = reconciler.run(wanted)
    assert report.right == {second} and report.wrong == {first}
    (reason,) = reconciler.resync.all()
    assert "taken by one that netmend did not make" in reason.text
    assert Netns.open(f"/run/netns/{namespace_name(first)}").inode == made.inode


def test_a_name_that_was_deleted_is_given_back_to_the_living_namespace() -> None:
    wanted = intent(network(1))
    (network_id,) = wanted.networks
    name = f"/run/netns/{namespace_name(network_id)}"
    reconciler = Reconciler()
    reconciler.run(wanted)
    inode = Netns.open(name).inode
    netns.unpin(name, str(Mark("namespace", network_id)))
    assert reconciler.run(wanted).planned_steps == 1
    assert Netns.open(name).inode == inode


def test_one_network_that_hangs_does_not_hold_up_the_others() -> None:
    wanted = intent(*(network(number) for number in range(12)))
    slow = next(iter(wanted.networks))
    go_on, ready = threading.Event(), []

    def planned(plan: Plan) -> None:
        if plan.network_id == slow:
            assert go_on.wait(60)

    def is_ready(found: Ready) -> None:
        ready.append(found.network.id)
        if len(ready) == 11:
            go_on.set()

    report = Reconciler(listener=Listener(ready=is_ready, planned=planned)).run(wanted)
    assert len(report.right) == 12 and ready[-1] == slow


def test_a_scoped_pass_leaves_others_alone() -> None:
    wanted = intent(network(1), network(2))
    first, second = wanted.networks
    reconciler = Reconciler()
    reconciler.run(wanted)
    with RouteSocket() as route:
        for network_id in wanted.networks:
            found = links.find_link(route, tap_name(dhcp_port_id(network_id)))
            assert found
            links.delete_link(route, found)
    report = reconciler.run(wanted, {first})
    assert report.right == {first}
    assert tap_name(dhcp_port_id(first)) in links_by_name()
    assert tap_name(dhcp_port_id(second)) not in links_by_name()


def test_what_a_killed_removal_left_and_is_wanted_again_does_not_go_with_the_next_one() -> None:
    wanted, other = network(1), network(2)
    Reconciler().run(intent(wanted, other))
    bridge = links_by_name()[bridge_name(wanted.id)]
    with RouteSocket() as route:
        links.set_link(route, bridge, group=DOOMED_GROUP)
    report = Reconciler().run(intent(wanted))
    assert report.right == {wanted.id}
    found = links_by_name()
    assert found[bridge.name].index == bridge.index and found[bridge.name].group == DEVICE_GROUP
    assert bridge_name(other.id) not in found
