"""A port is told to the server when its guest would be answered, not before; those first that somebody waits for."""

from ipaddress import IPv4Address, IPv4Network

from msgspec.structs import replace

from netmend.intent import Intent, Network, Subnet
from netmend.sources.neutron.readiness import BATCH, Readiness

SUBNET = Subnet("s", "s", IPv4Network("192.0.2.0/24"), IPv4Address("192.0.2.2"))
NETWORK = Network("n", "n", subnets=(SUBNET,))
INTENT = Intent({"n": NETWORK})


def test_not_before_the_intent_is_in_force_and_the_network_served() -> None:
    readiness = Readiness()
    readiness.expect("n", ["p"], urgent=True)
    readiness.served("n")
    assert readiness.expects()
    readiness.arm(readiness.take_expected(), INTENT)
    assert readiness.waiting() == 1
    readiness.served("n")
    assert readiness.next_batch() == ["p"]


def test_at_once_where_the_network_is_served_and_only_ports_differ() -> None:
    readiness = Readiness()
    readiness.arm({}, INTENT)
    readiness.served("n")
    readiness.expect("n", ["p"], urgent=True)
    readiness.arm(readiness.take_expected(), Intent({"n": replace(NETWORK, ports={})}))
    assert readiness.next_batch() == ["p"]


def test_not_at_once_where_a_subnet_is_new() -> None:
    readiness = Readiness()
    readiness.arm({}, INTENT)
    readiness.served("n")
    readiness.expect("n", ["p"], urgent=True)
    changed = replace(NETWORK, subnets=(SUBNET, replace(SUBNET, id="t")))
    readiness.arm(readiness.take_expected(), Intent({"n": changed}))
    readiness.close()
    assert readiness.next_batch() == []


def test_urgent_ones_first_in_batches_and_again_when_they_could_not_be_told() -> None:
    readiness = Readiness()
    readiness.expect("n", [f"old{number}" for number in range(BATCH)], urgent=False)
    readiness.expect("n", ["new"], urgent=True)
    readiness.arm(readiness.take_expected(), INTENT)
    readiness.served("n")
    batch = readiness.next_batch()
    assert batch[0] == "new"
    assert len(batch) == BATCH
    readiness.put_back(batch)
    assert readiness.next_batch() == batch
    assert len(readiness.next_batch()) == 1


def test_of_a_network_that_intent_has_no_more_nothing_is_told() -> None:
    readiness = Readiness()
    readiness.expect("n", ["p"], urgent=True)
    readiness.arm(readiness.take_expected(), Intent())
    assert readiness.waiting() == 0
