"""Two networks with the same addresses, and guests with the same MACs, do not know of each other."""

from ipaddress import IPv4Interface

from tests.peers.capture import Capture
from tests.peers.clients import Udhcpc, address
from tests.peers.guests import make_guest, network, port, run_in, wait_for_device
from tests.peers.node import Node

MAC, NEIGHBOUR = "fa:16:3e:00:20:11", "fa:16:3e:00:20:12"


def test_same_addresses_same_macs_and_nothing_crosses() -> None:
    names = ("blue-one", "blue-two", "green-one", "green-two")
    guests = {name: make_guest(name) for name in names}
    networks = [
        network(
            colour,
            port(f"{colour}-one", MAC, "10.20.0.11"),
            port(f"{colour}-two", NEIGHBOUR, "10.20.0.12"),
            domain=f"{colour}.example",
        )
        for colour in ("blue", "green")
    ]
    with Node(*networks) as node:
        node.wait_until_right()
        with Capture(guests["green-two"]) as elsewhere:
            for name in ("blue-one", "blue-two"):
                record = Udhcpc(guests[name]).get()
                assert address(record) == IPv4Interface(f"10.20.0.{11 if name == 'blue-one' else 12}/24")
                assert record.variables["domain"] == "blue.example"
            run_in(guests["blue-two"], "busybox", "arping", "-c", "2", "-w", "5", "-I", "eth0", "10.20.0.11")
            assert elsewhere.messages() == []
            # the capture hears what it should: a client of its own network
            record = Udhcpc(guests["green-one"]).get()
            assert address(record) == IPv4Interface("10.20.0.11/24")
            assert record.variables["domain"] == "green.example"
            assert elsewhere.messages("DISCOVER")
            blue = [frame for frame in elsewhere.frames if b"blue" in frame.octets]
            assert blue == []
        assert node.status("blue")["dhcp"]["sent"] == {"offer": 2, "ack": 2}
        assert node.status("green")["dhcp"]["sent"] == {"offer": 1, "ack": 1}
        wait_for_device(guests["green-two"])
