"""Intent changes while the node runs, and so does the kernel: only the difference is applied, and what is lost is
made again."""

import os
import signal
import subprocess
from collections.abc import Callable
from ipaddress import IPv4Interface

import pytest
from tests.peers.clients import Udhcpc, address
from tests.peers.guests import make_guest, network, port, wait_for_device
from tests.peers.kernel_state import kernel_state
from tests.peers.node import Node
from tests.waiting import wait_for

from netmend.intent.names import bridge_name, dhcp_port_id, id_from_name, inner_name, namespace_name, tap_name
from netmend.kernel import links, mounts, nsdir
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns, unpin

MAC = "fa:16:3e:00:20:11"
NETWORK = id_from_name("network", "net")
PORT = id_from_name("port", "net", "guest")
HOME = f"{nsdir.DEFAULT}/{namespace_name(NETWORK)}"


def _delete_link(name: str) -> None:
    with RouteSocket() as route:
        link = links.find_link(route, name)
        assert link is not None, name
        links.delete_link(route, link)


def _delete_inner() -> None:
    with Netns.open(HOME) as namespace, namespace.entered():
        _delete_link(inner_name(dhcp_port_id(NETWORK)))


def _lose_the_mount() -> None:
    """Leave the file and take the mount: what the incident looks like from inside."""
    mounts.detach(HOME)


def _everything() -> None:
    unpin(HOME, None)
    _delete_link(bridge_name(NETWORK))
    _delete_link(tap_name(PORT))
    _delete_link(tap_name(dhcp_port_id(NETWORK)))


LOSSES: dict[str, Callable[[], None]] = {
    "bridge": lambda: _delete_link(bridge_name(NETWORK)),
    "guest's device": lambda: _delete_link(tap_name(PORT)),
    "DHCP device": lambda: _delete_link(tap_name(dhcp_port_id(NETWORK))),
    "DHCP device inside": _delete_inner,
    "name of the namespace": lambda: unpin(HOME, None),
    "mount of the namespace": _lose_the_mount,
    "everything": _everything,
}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_somebody_deletes_is_made_again_and_guests_are_answered(loss: str) -> None:
    guest = make_guest("guest")
    with Node(network("net", port("guest", MAC, "10.20.0.11"))) as node:
        node.wait_until_right()
        client = Udhcpc(guest)
        assert address(client.get()) == IPv4Interface("10.20.0.11/24")
        client.kill()
        before = kernel_state()

        LOSSES[loss]()

        def is_whole() -> bool:
            """The same names everywhere; what was not deleted is the same thing still."""
            now = kernel_state()
            return {name: set(devices) for name, (_, devices) in now.items()} == {
                name: set(devices) for name, (_, devices) in before.items()
            }

        wait_for(is_whole, f"all is there again after the loss of the {loss}", node.explain)
        node.wait_until_right()
        wait_for_device(guest)
        assert address(client.get()) == IPv4Interface("10.20.0.11/24")


def test_a_changed_file_changes_only_what_differs() -> None:
    guests = {name: make_guest(name) for name in ("blue-one", "blue-two", "green-one")}
    one, two = (
        port(name, f"fa:16:3e:00:20:0{at}", f"10.20.0.1{at}") for at, name in ((1, "blue-one"), (2, "blue-two"))
    )
    green = network("green", port("green-one", "fa:16:3e:00:20:01", "10.20.0.11"))
    with Node(network("blue", one), green) as node:
        node.wait_until_right()
        served = {found["name"]: found["served_since"] for found in node.status()["networks"]}
        before = kernel_state()

        node.write(network("blue", one, two), green)  # the change itself is noticed, without a signal
        wait_for_device(guests["blue-two"])
        assert address(Udhcpc(guests["blue-two"]).get()) == IPv4Interface("10.20.0.12/24")
        node.wait_until_right()
        after = kernel_state()
        for name, (inode, devices) in before.items():
            assert after[name][0] == inode
            assert devices.items() <= after[name][1].items(), f"something of {name or 'the host'} was made anew"
        added = {name: after[name][1].keys() - before[name][1].keys() for name in after}
        assert sum(map(len, added.values())) == 2, "one veth, both its ends"
        assert {found["name"]: found["served_since"] for found in node.status()["networks"]} == served

        node.write(network("blue", one), green)
        node.signal(signal.SIGHUP)
        wait_for(lambda: kernel_state() == before, "the port is gone, and nothing else", node.explain)


def test_a_broken_file_keeps_the_old_intent_and_says_why() -> None:
    guest = make_guest("guest")
    good = network("net", port("guest", MAC, "10.20.0.11"))
    with Node(good) as node:
        node.wait_until_right()
        before = kernel_state()
        node.write_text("networks:\n  - name: net\n    subnets:\n      - cidr: 10.20.0.300/24\n")
        problem = node.wait(lambda status: status["intent"]["problem"] is not None)["intent"]["problem"]
        assert f"{node.config}:4:" in problem
        assert "cidr" in problem
        assert kernel_state() == before
        assert address(Udhcpc(guest).get()) == IPv4Interface("10.20.0.11/24")
        node.write(good)
        node.wait_until_right()
        assert kernel_state() == before


def test_a_guest_that_comes_late_and_comes_again_is_plugged() -> None:
    with Node(network("net", port("guest", MAC, "10.20.0.11"))) as node:
        reasons = node.wait(lambda status: bool(status["reasons"]))["reasons"]
        assert "guest" in reasons[0]["reason"]
        for _ in range(2):
            guest = make_guest("guest")
            wait_for_device(guest)
            client = Udhcpc(guest)
            assert address(client.get()) == IPv4Interface("10.20.0.11/24")
            node.wait_until_right()
            client.kill()
            client.home.rename(client.home.with_name(f"gone-{os.urandom(4).hex()}"))
            unpin(f"{nsdir.DEFAULT}/guest", None)
            guest.close()  # the last that held the namespace: its end of the veth goes with it
            node.wait(lambda status: bool(status["reasons"]))


def test_a_process_gets_a_port_by_its_pid() -> None:
    with Netns.create("of a process") as namespace:
        process = subprocess.Popen(["sleep", "infinity"])
    try:
        plugged = {**port("guest", MAC, "10.20.0.11"), "plug": {"pid": process.pid, "device": "lan0"}}
        with Node(network("net", plugged)) as node:
            node.wait_until_right()
            wait_for_device(namespace, "lan0")
            assert address(Udhcpc(namespace, "lan0").get()) == IPv4Interface("10.20.0.11/24")
    finally:
        process.kill()
        process.wait()
