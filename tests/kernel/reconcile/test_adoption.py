"""What Neutron's agent left in a wanted network's namespace is taken over, where that was asked for; else it stays."""

import subprocess
import sys
from ipaddress import IPv4Address, IPv4Network

from netmend.intent import Intent, Network, Subnet
from netmend.intent.names import Mark, namespace_name
from netmend.kernel import links, netns, nsdir, procfs
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.ovsdb.connection import Connection
from netmend.reconcile.adoption import Adopted, Adoption, helper_namespaces
from netmend.reconcile.reconciler import Reconciler

NETWORK_ID = "3d2cf2a6-4b6f-4dd6-8b31-0d2d3f2f8a11"
OTHER_ID = "3d2cf2a6-4b6f-4dd6-8b31-0d2d3f2f8a12"
NETWORK = Network(
    NETWORK_ID,
    "n",
    subnets=(Subnet("s", "s", IPv4Network("192.0.2.0/24"), IPv4Address("192.0.2.2")),),
)
NOWHERE = "unix:/nonexistent"  # networks with a Linux bridge need no switch


def make_foreign(network_id: str) -> int:
    """A namespace as `ip netns add` makes it; its inode."""
    nsdir.prepare()
    name = namespace_name(network_id)
    with Netns.create(name) as made, RouteSocket() as route:
        links.set_link(route, links.LOOPBACK, up=True)
    netns.pin(made, f"{nsdir.DEFAULT}/{name}", "")
    with Netns.open(f"{nsdir.DEFAULT}/{name}") as named:
        return named.inode


def helper(program: str, network_id: str, words: str) -> subprocess.Popen[bytes]:
    """A process in the network's namespace that looks like one of Neutron's helpers."""
    with Netns.open(f"{nsdir.DEFAULT}/{namespace_name(network_id)}") as namespace, namespace.entered():
        command = [program, "-c", "import time; print(flush=True); time.sleep(600)", words]
        process = subprocess.Popen(command, executable=sys.executable, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def mark_of(network_id: str) -> Mark | None:
    with Netns.open(f"{nsdir.DEFAULT}/{namespace_name(network_id)}") as named, named.entered(), RouteSocket() as route:
        found = links.find_link(route, "lo")
        return Mark.parse(found.alias) if found else None


def test_without_being_asked_it_is_left_alone() -> None:
    make_foreign(NETWORK_ID)
    report = Reconciler().run(Intent({NETWORK_ID: NETWORK}))
    assert report.wrong == {NETWORK_ID}
    assert mark_of(NETWORK_ID) is None


def test_the_namespace_becomes_ours_and_its_helpers_are_known() -> None:
    inode = make_foreign(NETWORK_ID)
    make_foreign(OTHER_ID)
    dnsmasq = helper("dnsmasq", NETWORK_ID, f"--dhcp-hostsfile=/var/lib/neutron/dhcp/{NETWORK_ID}/host")
    others = [
        helper("dnsmasq", OTHER_ID, f"--dhcp-hostsfile=/var/lib/neutron/dhcp/{NETWORK_ID}/host"),  # elsewhere
        helper("dnsmasq", NETWORK_ID, "--conf-file=/etc/mine"),  # of somebody else
        helper("sleep", NETWORK_ID, NETWORK_ID),  # another program
    ]
    adoption = Adoption(nsdir.DEFAULT, Connection(NOWHERE))
    told: list[Adopted] = []
    reconciler = Reconciler(take_over=lambda networks: told.extend(adoption.adopt(networks)))
    try:
        report = reconciler.run(Intent({NETWORK_ID: NETWORK}))
        assert report.right == {NETWORK_ID}
        assert not report.wrong
        assert [adopted.network_id for adopted in told] == [NETWORK_ID]
        assert [str(found) for found in told[0].helpers] == [f"dnsmasq {dnsmasq.pid}"]
        assert dnsmasq.poll() is None, "it serves until netmend does"
        assert told[0].helpers[0].end()
        assert mark_of(NETWORK_ID) == Mark("namespace", NETWORK_ID)
        assert reconciler.open_namespaces[NETWORK_ID].inode == inode
        assert dnsmasq.wait(timeout=10) != 0
        assert all(process.poll() is None for process in others)
        assert mark_of(OTHER_ID) is None
        assert adoption.foreign_namespaces([NETWORK_ID]) == [namespace_name(OTHER_ID)]
        assert all(procfs.arguments(process.pid) for process in others)
    finally:
        for process in (dnsmasq, *others):
            process.kill()
            process.wait()


def test_helpers_that_came_back_end_when_netmend_comes_back() -> None:
    first = Reconciler()
    assert first.run(Intent({NETWORK_ID: NETWORK})).right == {NETWORK_ID}
    first.close()
    dnsmasq = helper("dnsmasq", NETWORK_ID, f"--dhcp-hostsfile=/var/lib/neutron/dhcp/{NETWORK_ID}/host")
    adoption = Adoption(nsdir.DEFAULT, Connection(NOWHERE))
    told: list[Adopted] = []
    reconciler = Reconciler(take_over=lambda networks: told.extend(adoption.adopt(networks)), helpers=helper_namespaces)
    try:
        for _ in range(2):
            assert reconciler.run(Intent({NETWORK_ID: NETWORK})).right == {NETWORK_ID}
        assert [[str(found) for found in adopted.helpers] for adopted in told] == [[f"dnsmasq {dnsmasq.pid}"]]
        assert told[0].helpers[0].end()
        assert dnsmasq.wait(timeout=10) != 0
    finally:
        dnsmasq.kill()
        dnsmasq.wait()


def test_a_second_pass_has_nothing_to_take_over() -> None:
    make_foreign(NETWORK_ID)
    adoption = Adoption(nsdir.DEFAULT, Connection(NOWHERE))
    calls: list[list[Network]] = []

    def take_over(networks: object) -> None:
        calls.append(list(networks))  # type: ignore[call-overload]
        adoption.adopt(calls[-1])

    reconciler = Reconciler(take_over=take_over)
    for _ in range(3):
        assert reconciler.run(Intent({NETWORK_ID: NETWORK})).right == {NETWORK_ID}
    assert len(calls) == 1
