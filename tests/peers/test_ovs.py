"""Guests on a real Open vSwitch (userspace datapath), with real clients: kept apart, served, and served again after
whatever becomes of the switch, its database or its ports."""

import socket
import subprocess
import time
from collections.abc import Callable
from ipaddress import IPv4Interface
from typing import Any

import pytest
from tests.kernel.vswitch import VSwitch
from tests.peers.capture import Capture
from tests.peers.clients import Udhcpc, address
from tests.peers.guests import Document, make_guest, network, port, run_in, wait_for_device
from tests.peers.node import Node
from tests.waiting import wait_for

from netmend.intent.names import id_from_name, namespace_name, tap_name
from netmend.kernel.netns import Netns

MAC, NEIGHBOUR = "fa:16:3e:00:20:11", "fa:16:3e:00:20:12"
WIRINGS: dict[str, object] = {"internal": "ovs", "veth": {"ovs": {"veth": True, "datapath": "netdev"}}}


def wired(name: str, wiring: object, *ports: Document, **subnet: Any) -> Document:
    return {**network(name, *ports, **subnet), "wiring": wiring}


@pytest.mark.parametrize("wiring", WIRINGS)
def test_networks_on_one_bridge_are_served_and_kept_apart(wiring: str) -> None:
    names = ("blue-one", "blue-two", "green-one", "green-two")
    guests = {name: make_guest(name) for name in names}
    networks = [
        wired(
            colour,
            WIRINGS[wiring],
            port(f"{colour}-one", MAC, "10.20.0.11"),
            port(f"{colour}-two", NEIGHBOUR, "10.20.0.12"),
            domain=f"{colour}.example",
        )
        for colour in ("blue", "green")
    ]
    with VSwitch() as switch, Node(*networks) as node:
        node.wait_until_right()
        assert len(switch.ports()) == 6
        with Capture(guests["green-two"]) as elsewhere:
            for name in ("blue-one", "blue-two"):
                record = Udhcpc(guests[name]).get()
                assert address(record) == IPv4Interface(f"10.20.0.{11 if name == 'blue-one' else 12}/24")
                assert record.variables["domain"] == "blue.example"
            run_in(guests["blue-two"], "busybox", "arping", "-c", "2", "-w", "5", "-I", "eth0", "10.20.0.11")
            run_in(guests["blue-two"], "busybox", "ping", "-c", "1", "-w", "5", "10.20.0.2")
            assert elsewhere.messages() == []
            record = Udhcpc(guests["green-one"]).get()
            assert record.variables["domain"] == "green.example"
            assert elsewhere.messages("DISCOVER")
            assert [frame for frame in elsewhere.frames if b"blue" in frame.octets] == []
        tags = {name: switch.get("Port", tap_name(id_from_name("port", colour, name)), "tag") for colour in
                ("blue", "green") for name in names if name.startswith(colour)}  # fmt: skip
        assert tags["blue-one"] == tags["blue-two"] != tags["green-one"] == tags["green-two"], tags
        node.write()
        wait_for(lambda: not switch.ports(), "no port is left")


@pytest.mark.parametrize("wiring", WIRINGS)
def test_tcp_passes_the_userspace_datapath(wiring: str) -> None:
    """Which delivers packets as they are: a checksum that is left to hardware would be wrong for ever."""
    guests = [make_guest(name) for name in ("one", "two")]
    intent = wired("net", WIRINGS[wiring], port("one", MAC, "10.20.0.11"), port("two", NEIGHBOUR, "10.20.0.12"))
    with VSwitch(), Node(intent) as node:
        node.wait_until_right()
        home = Netns.open(f"/run/netns/{namespace_name(id_from_name('network', 'net'))}")
        for guest, own in zip(guests, ("10.20.0.11/24", "10.20.0.12/24"), strict=True):
            wait_for_device(guest)
            run_in(guest, "busybox", "ip", "address", "add", own, "dev", "eth0")
        for server, at in ((home, "10.20.0.2"), (guests[1], "10.20.0.12")):
            with server.entered():
                listener = socket.create_server((at, 8080))
            with guests[0].entered():
                client = socket.socket()
            with listener, client:
                client.settimeout(10)
                client.connect((at, 8080))
                with listener.accept()[0] as accepted:
                    accepted.settimeout(10)
                    for sender, receiver in ((client, accepted), (accepted, client)):
                        sender.sendall(b"x" * 100_000)
                        left = 100_000
                        while left:
                            left -= len(receiver.recv(left))
        home.close()


def _delete_ports(switch: VSwitch) -> None:
    for name in switch.ports():
        switch.vsctl("--no-wait", "del-port", name)


def _restart_switch(switch: VSwitch) -> None:
    switch.kill("ovs-vswitchd")
    switch.start_vswitchd()


def _restart_database(switch: VSwitch) -> None:
    switch.kill("ovsdb-server")
    switch.start_database()


def _empty_database(switch: VSwitch) -> None:
    switch.vsctl("--no-wait", "emer-reset")
    switch.vsctl("--no-wait", "del-br", "br-int")
    switch.add_bridge()


def _new_database(switch: VSwitch) -> None:
    switch.kill("ovsdb-server")
    switch.make_database()
    switch.start_database()
    switch.vsctl("--no-wait", "init")
    switch.add_bridge()


EVENTS: dict[str, Callable[[VSwitch], None]] = {
    "ports deleted": _delete_ports,
    "switch restarted": _restart_switch,
    "database restarted": _restart_database,
    "database emptied": _empty_database,
    "database made anew": _new_database,
}


@pytest.mark.parametrize("wiring", WIRINGS)
def test_whatever_becomes_of_the_switch(wiring: str) -> None:
    guest = make_guest("guest")
    with VSwitch() as switch, Node(wired("net", WIRINGS[wiring], port("guest", MAC, "10.20.0.11"))) as node:
        node.wait_until_right()
        expected = switch.ports()
        wait_for_device(guest)
        run_in(guest, "busybox", "ip", "address", "add", "10.20.0.11/24", "dev", "eth0")
        for event, happen in EVENTS.items():
            happen(switch)
            began = time.monotonic()
            wait_for(lambda: _answers(guest), f"an answer after: {event}", node.explain)
            took = time.monotonic() - began
            print(f"{wiring}: {event}: answered after {took:.2f} s")
            assert took < 10
            assert switch.ports() == expected
            node.wait_until_right()
        home = Netns.open(f"/run/netns/{namespace_name(id_from_name('network', 'net'))}")
        assert run_in(home, "busybox", "ip", "-o", "link").count("\n") == 2
    home.close()


def _answers(guest: Netns) -> bool:
    """Whether the guest reaches netmend's own port; its device may have been made anew, without address."""
    script = (
        "ip link show eth0 >/dev/null 2>&1 || exit 1; ip address add 10.20.0.11/24 dev eth0 2>/dev/null;"
        "ip link set eth0 up; arping -q -c 1 -w 1 -I eth0 10.20.0.2"
    )
    with guest.entered():
        return subprocess.run(["busybox", "sh", "-c", script], check=False, capture_output=True).returncode == 0
