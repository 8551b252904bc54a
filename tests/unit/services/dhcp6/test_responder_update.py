"""Changes of intent: what is answered next, and that it is what a new responder would say."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.services.dhcp6.guest import (
    DNS,
    MAC,
    NOW,
    OTHER_MAC,
    Server,
    Solicit,
    duid_ll,
    ia,
    message,
    network,
    packed_mac,
    port,
    subnet,
)

from netmend.intent import DhcpPort, Dns, Network, Pool6
from netmend.services.dhcp6 import Dhcp6Responder, Drop, Sender

OWN, NEW = "2001:db8:1::10", "2001:db8:1::20"
MACS = [f"02:00:00:00:00:{number:02x}" for number in range(1, 5)]


def test_a_new_address_is_answered_at_once() -> None:
    server = Server(network(subnet(), ports=[port(MAC, OWN)]))
    assert server.ask(message(Solicit, ia())).addresses == [OWN]
    server.responder.update(network(subnet(), ports=[port(MAC, NEW)]))
    assert server.ask(message(Solicit, ia())).addresses == [NEW]
    server.responder.update(network(subnet()))
    assert server.silent(message(Solicit, ia())) == Drop.UNKNOWN_CLIENT


def test_what_a_subnet_says_is_answered_at_once() -> None:
    base = network(subnet(), ports=[port(MAC, OWN)])
    server = Server(base)
    assert server.ask(message(Solicit, ia())).option(DNS) is None
    server.responder.update(replace(base, dns=Dns()))
    assert server.ask(message(Solicit, ia())).option(DNS) == subnet().server_address.packed
    server.responder.update(replace(base, subnets6=(subnet(address_mode="slaac"),)))
    assert server.silent(message(Solicit, ia())) == Drop.NO_SUBNET


def test_the_servers_duid_follows_its_port() -> None:
    base = network(subnet(), ports=[port(MAC, OWN)])
    server = Server(base)
    named = DhcpPort("5f1d0f70-3d0c-4a6e-9f57-3c3f6a1c2b10", "fa:16:3e:00:00:09")
    server.responder.update(replace(base, dhcp_port=named))
    assert server.duid.hex() == "0004" + named.id.replace("-", "")
    assert server.ask(message(Solicit, ia())).option(2) == server.duid


def test_an_address_of_a_port_that_is_gone_is_leased_again() -> None:
    tiny = subnet(dynamic=True, pools=(Pool6(subnet().cidr[0x10], subnet().cidr[0x10]),))
    base = network(tiny, ports=[port(MAC, OWN)])
    server = Server(base)
    (given,) = server.ask(message(Solicit, ia(), duid=duid_ll(OTHER_MAC)), OTHER_MAC).associations
    assert given.addresses == {}
    server.responder.update(replace(base, ports={}))
    assert server.ask(message(Solicit, ia(), duid=duid_ll(OTHER_MAC)), OTHER_MAC).addresses == [OWN]


numbers = st.dictionaries(st.sampled_from(MACS), st.integers(0x10, 0x14), max_size=4)
shapes: dict[str, Any] = {"domain": st.sampled_from([None, "a", "b"]), "lease_time": st.sampled_from([60, 3600])}


def _network(addresses: dict[str, int], changes: dict[str, Any]) -> Network:
    taken: dict[int, str] = {}
    for mac, number in addresses.items():
        taken.setdefault(number, mac)
    base = subnet(**changes)
    return network(base, ports=[port(mac, str(base.cidr[number])) for number, mac in taken.items()])


@given(st.lists(st.tuples(numbers, st.fixed_dictionaries(shapes)), min_size=1, max_size=6))
def test_after_any_changes_it_answers_as_a_new_one(states: list[tuple[dict[str, int], dict[str, Any]]]) -> None:
    intents = [_network(*state) for state in states]
    responder = Dhcp6Responder(intents[0])
    for intent in intents:
        responder.update(intent)
        fresh = Dhcp6Responder(intent)
        for mac in MACS:
            sender = Sender(bytes(16), 546, packed_mac(mac))
            assert responder.handle(message(Solicit, ia()), sender, NOW) == fresh.handle(
                message(Solicit, ia()), sender, NOW
            )
