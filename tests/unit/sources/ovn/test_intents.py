"""Networks from rows: those with a guest here and a metadata port; who is known by what."""

from ipaddress import IPv4Address, IPv6Address, ip_interface
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sources.ovn.rows import CHASSIS, datapath, guest, health_monitor, localport, tables, uuid

from netmend.intent import MetadataProxy, OvnWiring
from netmend.intent.names import own_device_names
from netmend.services.metadata.callers import Callers
from netmend.sources.ovn.intents import Builder, Place
from netmend.sources.ovn.rows import addresses
from netmend.wiring.own_addresses import own_addresses

PROXY = MetadataProxy(("http://127.0.0.1:8775",), "secret")
PLACE = Place(CHASSIS, "br-int", "netdev")


def builder() -> Builder:
    return Builder(PLACE, PROXY)


def test_a_network_with_a_guest_here_has_the_metadata_ports_devices_and_addresses() -> None:
    (network,) = builder().build(tables(guest(1, 5), guest(2, 6, None), networks=(1, 2))).networks.values()
    assert (network.id, network.name, network.mtu, network.metadata) == (uuid("network", 1), "n1", 1442, "proxy")
    assert isinstance(network.wiring, OvnWiring) and network.wiring.datapath == "netdev"
    assert own_device_names(network) == (f"tap{network.id[:10]}0", f"tap{network.id[:10]}1")
    assert network.dhcp_port and network.dhcp_port.id == uuid("metadata", 1)
    wanted = ("10.0.0.2/24", "169.254.169.254/32", "fe80::f816:3fff:fe00:1/64", "fd00::2/64", "fe80::a9fe:a9fe/64")
    assert own_addresses(network) == tuple(map(ip_interface, wanted))
    (port,) = network.ports.values()
    assert (port.id, port.device_id, port.project_id) == (uuid("port", 1, 5), uuid("instance", 5), "p1")


def test_guests_of_other_chassis_are_not_known_and_one_that_comes_by_migration_is() -> None:
    here = guest(1, 5, uuid("elsewhere"), additional_chassis=(uuid("chassis"),))
    (network,) = (
        builder().build(tables(here, guest(1, 6, uuid("elsewhere")), guest(1, 7, type="virtual"))).networks.values()
    )
    assert network.ports.keys() == {uuid("port", 1, 5)}


def test_a_network_without_a_metadata_port_is_not_served_and_status_says_why() -> None:
    made = builder()
    assert not made.build(tables(guest(1, 5), localports=False)).networks
    assert "no metadata port" in made.problems[uuid("network", 1)]
    found = tables(guest(1, 5))
    found["Port_Binding"][uuid("row", uuid("metadata", 1))]["mac"] = ("unknown",)
    assert not made.build(found).networks and "has no MAC" in made.problems[uuid("network", 1)]


def test_another_localport_is_not_the_metadata_port() -> None:
    (network,) = builder().build(tables(guest(1, 5), health_monitor(1))).networks.values()
    assert network.dhcp_port and network.dhcp_port.id == uuid("metadata", 1)
    assert not builder().build(tables(guest(1, 5), health_monitor(1), localports=False)).networks


def test_of_two_ports_with_one_address_neither_is_known_by_it() -> None:
    """Metadata holds secrets, and Neutron's agent takes whichever comes first."""
    double = guest(1, 6, mac=("fa:16:3e:00:01:06 10.0.0.5 fd00::6",), external_ids={"neutron:device_id": "other"})
    made = builder()
    (network,) = made.build(tables(guest(1, 5), double)).networks.values()
    callers = Callers(network)
    assert callers.find(IPv4Address("10.0.0.5")) is None and made.problems
    assert (one := callers.find(IPv6Address("fd00::5"))) and one.device_id == uuid("instance", 5)
    assert (two := callers.find(IPv6Address("fd00::6"))) and two.device_id == "other"


def test_a_guest_with_the_metadata_ports_address_is_not_known_by_it() -> None:
    (network,) = builder().build(tables(guest(1, 2))).networks.values()
    assert Callers(network).find(IPv4Address("10.0.0.2")) is None


def test_what_did_not_change_is_the_same_object() -> None:
    made, rows = builder(), tables(guest(1, 5), guest(2, 6), networks=(1, 2))
    first = made.build(rows)
    rows["Port_Binding"][uuid("row", uuid("port", 2, 7))] = guest(2, 7)
    second = made.build(rows)
    one, two = uuid("network", 1), uuid("network", 2)
    assert second.networks[one] is first.networks[one] and second.networks[two] is not first.networks[two]
    assert second.networks[two].ports[uuid("port", 2, 6)] is first.networks[two].ports[uuid("port", 2, 6)]


def test_datapaths_that_are_no_networks_of_neutron_are_left_alone() -> None:
    rows = tables(guest(1, 5))
    for name in ("lrouter", "neutron-", "neutron-../../etc", f"neutron-{uuid('network', 1).upper()}x"):
        rows["Datapath_Binding"][uuid("datapath", 1)] = {"external_ids": {"name": name}}
        assert not builder().build(rows).networks


WORDS = st.sampled_from(
    [
        "fa:16:3e:00:00:01",
        "FA:16:3E:00:00:02",
        "10.0.0.9",
        "fd00::9",
        "dynamic",
        "unknown",
        "router",
        "",
        "10.0.0.9/33",
        "é",
    ]
)
ROWS = st.builds(
    lambda number, words, ids, kind, here: guest(
        1,
        number,
        uuid("chassis") if here else None,
        mac=tuple(" ".join(one) for one in words),
        external_ids=ids,
        type=kind,
    ),
    st.integers(3, 6),
    st.lists(st.lists(WORDS, max_size=4), max_size=3),
    st.dictionaries(
        st.sampled_from(["neutron:cidrs", "neutron:device_id", "neutron:project_id", "neutron:mtu", "x"]),
        st.sampled_from(["", "10.0.0.3/24", "10.0.0.4/24 fd00::4/64", "junk", "99999999999", "-1"]),
    ),
    st.sampled_from(["", "external", "localport", "virtual", "patch", "new-in-2030"]),
    st.booleans(),
)


@given(st.lists(ROWS, max_size=6), st.booleans())
def test_any_rows_are_an_intent_that_keeps_its_promises(found: list[dict[str, Any]], localports: bool) -> None:
    rows = tables(*found, localports=localports)
    intent = builder().build(rows)
    again = Builder(PLACE, PROXY).build(dict(reversed(list(rows.items()))))
    assert intent == again  # the order in which rows come does not matter
    for network in intent.networks.values():
        assert network.dhcp_port is not None and network.ports is not None
        claims = [claim for port in network.ports.values() for claim in (port.mac, *port.fixed_ips, *port.fixed_ips6)]
        assert len(claims) == len(set(claims)) and network.dhcp_port.mac not in claims
        assert all(68 <= network.mtu <= 65535 for network in intent.networks.values())
        callers = Callers(network)
        for port in network.ports.values():
            for address in (*port.fixed_ips, *port.fixed_ips6):
                assert callers.find(address) is port  # type: ignore[arg-type]


@given(st.lists(st.lists(WORDS, max_size=5), max_size=4), st.text(max_size=40))
def test_any_column_of_addresses_can_be_read(words: list[list[str]], cidrs: str) -> None:
    mac, found = addresses({"mac": [" ".join(one) for one in words], "external_ids": {"neutron:cidrs": cidrs}})
    assert (mac is None or mac == mac.lower()) and len(found) == len(set(found))


def test_an_mtu_that_no_device_can_have_is_the_default() -> None:
    for text in ("", "0", "67", "65536", "junk", "１４００"):
        rows = tables(guest(1, 5))
        rows["Port_Binding"][uuid("row", uuid("metadata", 1))] = localport(1, mtu=text)
        (network,) = builder().build(rows).networks.values()
        assert network.mtu == 1500


def test_a_second_datapath_of_a_network_does_not_break_the_first() -> None:
    rows = tables(guest(1, 5), guest(2, 6), networks=(1, 2))
    rows["Datapath_Binding"][uuid("datapath", 2)] = datapath(1)
    assert builder().build(rows).networks.keys() == {uuid("network", 1)}


def test_rows_that_come_again_are_the_same_networks_with_the_same_problems() -> None:
    """As after a restart: first from disk, then from the database."""
    made = builder()

    def found() -> dict[str, Any]:
        twice = guest(2, 5) | {"logical_port": uuid("port", 2, 6)}
        rows = (guest(1, 5), guest(2, 5), twice, guest(3, 7))
        again = tables(*rows, networks=(1, 2, 3))
        again["Port_Binding"][uuid("row", uuid("metadata", 3))]["mac"] = ("unknown",)
        return again

    first, problems = made.build(found()), dict(made.problems)
    again = made.build(found())
    assert problems.keys() == {uuid("network", 2), uuid("network", 3)} and made.problems == problems
    assert all(again.networks[one] is network for one, network in first.networks.items()) and len(first.networks) == 2
    changed = found()
    changed["Port_Binding"][uuid("row", uuid("port", 1, 5))]["mac"] = ("fa:16:3e:00:01:05 10.0.0.9",)
    newest = made.build(changed)
    assert newest.networks[uuid("network", 1)] is not first.networks[uuid("network", 1)]
    assert newest.networks[uuid("network", 2)] is first.networks[uuid("network", 2)]
