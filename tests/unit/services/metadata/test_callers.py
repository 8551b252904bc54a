"""Who asks is told by the network and the source address, and by nothing else."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.services.metadata.guest import (
    BARE,
    BARE_PORT,
    DB,
    DB_PORT,
    INSTANCE,
    SUBNET6,
    WEB,
    WEB_PORT,
    Service,
    network,
    port,
)  # fmt: skip

from netmend.intent import Port
from netmend.services.metadata import Forward
from netmend.services.metadata.callers import Callers

CLAIMS = {
    "X-Instance-ID": "instance-of-db",
    "X-Instance-ID-Signature": "0" * 64,
    "X-Forwarded-For": DB,
    "X-Tenant-ID": "another",
    "X-Project-ID": "another",
    "X-Real-IP": DB,
    "Forwarded": f"for={DB}",
    "X-Metadata-Provider": "provider",
    "X-Metadata-Provider-Signature": "0" * 64,
    "X-Neutron-Network-ID": "other",
    "X-Neutron-Router-ID": "other",
    "Host": "other",
}


def test_what_a_guest_claims_is_not_heard() -> None:
    service = Service(network(WEB_PORT, DB_PORT))
    assert service.text("/latest/meta-data/instance-id", WEB, headers=CLAIMS) == INSTANCE.id
    proxied = Service(network(WEB_PORT, DB_PORT, metadata="proxy"))
    asked = proxied.ask("/latest/meta-data/instance-id", DB, headers=CLAIMS)
    assert asked == Forward("instance-of-db", "project", DB, network_id="network")


def test_who_is_no_port_gets_nothing() -> None:
    service = Service(network(WEB_PORT))
    for source in (DB, "203.0.113.1", "2001:db8::99", "fe80::1", "::ffff:192.0.2.11"):
        for path in ("/", "/latest/meta-data/", "/openstack", "/openstack/latest/meta_data.json"):
            assert service.status(path, source) == 404
    assert service.responder.counters.unknown_callers == 20


def test_addresses_made_of_the_mac() -> None:
    """EUI-64 of 02:00:00:00:00:01: the universal/local bit turned, ff:fe in the middle (RFC 4291 appendix A)."""
    service = Service(network(WEB_PORT, DB_PORT))
    assert service.text("/latest/meta-data/instance-id", "fe80::ff:fe00:1") == INSTANCE.id
    assert service.text("/latest/meta-data/instance-id", "fe80::ff:fe00:1%7") == INSTANCE.id
    assert service.text("/latest/meta-data/instance-id", "2001:db8::ff:fe00:1") == INSTANCE.id
    assert service.status("/latest/meta-data/", "fe80:0:0:1:0:ff:fe00:1") == 404, "not fe80::/64"
    assert service.status("/latest/meta-data/", "2001:db8:1::ff:fe00:1") == 404, "no subnet of this network"
    stateful = replace(SUBNET6, address_mode="dhcpv6-stateful", ra_mode="dhcpv6-stateful")
    service = Service(network(WEB_PORT, subnets6=(stateful,)))
    assert service.status("/latest/meta-data/", "2001:db8::ff:fe00:1") == 404, "addresses there are assigned"
    assert service.status("/latest/meta-data/", "2001:db8::11") == 200


def test_a_lease_tells_the_port() -> None:
    roaming = replace(port(5, WEB, instance=INSTANCE), fixed_ips=())
    service = Service(network(roaming, DB_PORT), {"192.0.2.100": roaming.mac, "192.0.2.101": "02:00:00:00:00:aa"})
    assert service.text("/latest/meta-data/local-ipv4", "192.0.2.100") == "192.0.2.100"
    assert service.status("/latest/meta-data/", "192.0.2.101") == 404
    assert service.status("/latest/meta-data/", "192.0.2.102") == 404


def test_proxied_names_the_instance_and_its_project() -> None:
    own = replace(BARE_PORT, device_id="vm", project_id="its own")
    service = Service(network(own, DB_PORT, WEB_PORT, metadata="proxy"))
    assert service.ask("/anything", BARE) == Forward("vm", "its own", BARE, network_id="network")
    linked = Forward("instance-of-db", "project", "fe80::ff:fe00:2", network_id="network")
    assert service.ask("/anything", "fe80::ff:fe00:2%3") == linked
    assert service.status("/", WEB) == 404, "a port that belongs to no instance"
    nobody = Service(network(own, DB_PORT, metadata="proxy", project_id=None))
    assert nobody.status("/", DB) == 404, "without a project Nova would refuse it"


def test_a_change_of_intent_is_answered_at_once() -> None:
    service = Service(network(WEB_PORT, DB_PORT))
    swapped = replace(WEB_PORT, fixed_ips=(IPv4Address(DB),)), replace(DB_PORT, fixed_ips=(IPv4Address(WEB),))
    service.responder.update(network(*swapped))
    assert service.text("/latest/meta-data/instance-id", DB) == INSTANCE.id
    assert service.text("/latest/meta-data/instance-id", WEB) == "instance-of-db"
    service.responder.update(network(swapped[0]))
    assert service.status("/", WEB) == 404


ADDRESSES = st.integers(1, 6).map(lambda number: IPv4Address(f"192.0.2.{number}"))


@st.composite
def port_sets(draw: st.DrawFn) -> list[Port]:
    """Ports with unique addresses and MACs; an id stands for other addresses in other sets."""
    addresses = draw(st.permutations([IPv4Address(f"192.0.2.{number}") for number in range(1, 7)]))
    count = draw(st.integers(0, 5))
    macs = draw(st.permutations(range(1, 7)))
    return [
        replace(port(macs[at], str(addresses[at]), device_id=draw(st.sampled_from([None, "x", "y"]))), id=f"id-{at}")
        for at in range(count)
    ]


@settings(deadline=None)
@given(st.lists(port_sets(), min_size=1, max_size=6))
def test_updates_end_where_a_new_start_would(sets: Iterable[list[Port]]) -> None:
    """After any history, the callers are those of the last intent alone."""
    history = list(sets)
    callers = Callers(network(*history[0]))
    for ports in history[1:]:
        callers.update(network(*ports))
    anew = Callers(network(*history[-1]))
    sources = [ip_address(f"192.0.2.{number}") for number in range(8)]
    sources += [IPv6Address(f"fe80::ff:fe00:{number:x}") for number in range(8)]
    for source in sources:
        assert callers.find(source) == anew.find(source)
    for each in history[-1]:
        assert set(callers.ports_of(each)) == set(anew.ports_of(each)) and each in callers.ports_of(each)


@pytest.mark.parametrize("path", ["/../latest/meta-data/instance-id", "/openstack/../latest/meta-data/instance-id"])
def test_a_path_is_taken_as_nova_takes_it(path: str) -> None:
    assert Service(network(WEB_PORT)).text(path) == INSTANCE.id
