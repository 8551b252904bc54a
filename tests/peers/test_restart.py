"""The node ends, in order or not, and starts again: guests keep their leases, and the kernel keeps what was made."""

import signal
from ipaddress import IPv4Interface

import pytest
from tests.peers.clients import Dhclient, Udhcpc, address
from tests.peers.guests import make_guest, network, port, wait_for_device
from tests.peers.kernel_state import kernel_state
from tests.peers.node import Node

MAC = "fa:16:3e:00:20:11"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_leases_and_devices_outlive_the_node(number: signal.Signals) -> None:
    guest, other, third = make_guest("guest"), make_guest("other"), make_guest("third")
    intent = network(
        "net",
        port("guest", MAC),
        port("other", "fa:16:3e:00:20:12", "10.20.0.12"),
        port("third", "fa:16:3e:00:20:13"),
        dynamic=True,
        pools=["10.20.0.100 - 10.20.0.101"],
    )
    with Node(intent) as node:
        node.wait_until_right()
        dynamic, reserved = Udhcpc(guest), Dhclient(other)
        first = address(dynamic.get())
        assert address(reserved.get()) == IPv4Interface("10.20.0.12/24")
        before = kernel_state()

        node.end(number)
        assert kernel_state() == before
        node.start()
        node.wait_until_right()
        assert kernel_state() == before

        # its lease is honoured: the same client renews it, and nobody else is given it
        known = len(dynamic.records())
        dynamic.signal(signal.SIGUSR1)
        assert address(dynamic.wait(dynamic.renewed, known)) == first
        wait_for_device(third)
        last = address(Udhcpc(third).get())
        assert {first.ip.packed[-1], last.ip.packed[-1]} == {100, 101}

        reserved.kill()
        assert address(reserved.get()) == IPv4Interface("10.20.0.12/24")
        assert reserved.records()[-1].event == "REBOOT", reserved.explain()
