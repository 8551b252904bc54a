"""A changed network is answered from at once, and only what changed costs anything."""

from threading import Event, Thread

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.services.dhcp4.guest import (
    ACK,
    DISCOVER,
    MAC,
    NAK,
    NOW,
    OTHER_MAC,
    REQUEST,
    STRANGER,
    Server,
    message,
    network,
    port,
    read,
    subnet,
)

from netmend.intent import Network, Port
from netmend.services.dhcp4 import Drop
from netmend.services.shared.port_changes import changed_ports


def test_a_port_is_added_changed_and_removed() -> None:
    server = Server(network(subnet()))
    assert server.silent(DISCOVER) is Drop.UNKNOWN_CLIENT
    server.responder.update(network(subnet(), ports=[port(MAC, "192.0.2.10")]))
    assert server.ask(DISCOVER).yiaddr == "192.0.2.10"
    server.responder.update(network(subnet(), ports=[port(MAC, "192.0.2.11", hostname="new")]))
    seen = server.ask(DISCOVER)
    assert (seen.yiaddr, seen.options[12]) == ("192.0.2.11", b"new")
    assert server.ask(REQUEST, ciaddr="192.0.2.10").kind == NAK
    server.responder.update(network(subnet()))
    assert server.silent(DISCOVER) is Drop.UNKNOWN_CLIENT
    assert not server.responder.knows(bytes.fromhex("020000000001"))


def test_two_ports_exchange_their_addresses_or_their_macs() -> None:
    server = Server(network(subnet(), ports=[port(MAC, "192.0.2.10"), port(OTHER_MAC, "192.0.2.11")]))
    assert server.ask(DISCOVER).yiaddr == "192.0.2.10"
    server.responder.update(network(subnet(), ports=[port(MAC, "192.0.2.11"), port(OTHER_MAC, "192.0.2.10")]))
    assert server.ask(DISCOVER, mac=MAC).yiaddr == "192.0.2.11"
    one, other = replace(port(OTHER_MAC, "192.0.2.11"), id="x"), replace(port(MAC, "192.0.2.10"), id="y")
    server.responder.update(network(subnet(), ports=[one, other]))
    swapped = replace(one, mac=MAC), replace(other, mac=OTHER_MAC)
    server.responder.update(network(subnet(), ports=swapped))
    assert server.ask(DISCOVER, mac=MAC).yiaddr == "192.0.2.11"
    assert server.ask(DISCOVER, mac=OTHER_MAC).yiaddr == "192.0.2.10"


def test_a_subnets_options_and_the_mtu_change() -> None:
    server = Server(network(subnet(), ports=[port(MAC, "192.0.2.10")]))
    server.ask(DISCOVER)
    server.responder.update(network(subnet(domain="new.example"), ports=[port(MAC, "192.0.2.10")], mtu=1400))
    seen = server.ask(DISCOVER)
    assert (seen.options[15], seen.options[26]) == (b"new.example", (1400).to_bytes(2, "big"))


def test_a_fixed_ip_that_is_given_up_returns_to_the_pool() -> None:
    pool = subnet(dynamic=True).pools[0]
    every = [str(pool.first + n) for n in range(10)]
    ports = [port(f"02:00:00:00:01:{n:02x}", address) for n, address in enumerate(every)]
    server = Server(network(subnet(dynamic=True), ports=ports))
    assert server.silent(DISCOVER, mac=STRANGER) is Drop.POOL_EXHAUSTED
    server.responder.update(network(server.responder.network.subnets[0], ports=ports[1:]))
    assert server.ask(DISCOVER, mac=STRANGER).yiaddr == every[0]


def test_leases_outlive_a_change_of_the_subnet_and_lapse_when_the_pool_moves() -> None:
    server = Server(network(subnet(dynamic=True)))
    address = server.ask(DISCOVER, mac=STRANGER).yiaddr
    server.ask(REQUEST, mac=STRANGER, server="192.0.2.2", requested=address)
    server.responder.update(network(subnet(dynamic=True, domain="new.example")))
    assert server.ask(REQUEST, mac=STRANGER, ciaddr=address).kind == ACK
    pool = subnet().pools[0]
    server.responder.update(network(subnet(dynamic=True, pools=(replace(pool, first=pool.last),))))
    assert server.ask(REQUEST, mac=STRANGER, ciaddr=address).kind == NAK
    assert server.ask(DISCOVER, mac=STRANGER).yiaddr == str(pool.last)


def test_a_removed_port_is_no_longer_listed() -> None:
    server = Server(network(subnet(), ports=[port(MAC, "192.0.2.10")]))
    server.ask(REQUEST, requested="192.0.2.10")
    assert len(server.responder.leases(NOW)) == 1
    server.responder.update(network(subnet()))
    assert server.responder.leases(NOW) == []


def test_requests_are_answered_while_intent_changes() -> None:
    """From the old intent or from the new, never from something between."""
    intents = [
        network(subnet(domain=f"{n}.example"), ports=[port(MAC, f"192.0.2.{10 + n}", hostname=f"vm{n}")])
        for n in (0, 1)
    ]
    server = Server(intents[0])
    done = Event()

    def change() -> None:
        while not done.is_set():
            for intent in reversed(intents):
                server.responder.update(intent)

    thread = Thread(target=change)
    thread.start()
    try:
        answers = {server.responder.handle(message(DISCOVER), None, NOW) for _ in range(200)}
    finally:
        done.set()
        thread.join()
    seen = {(read(answer).yiaddr, read(answer).options[15], read(answer).options[12]) for answer in answers}
    assert seen <= {("192.0.2.10", b"0.example", b"vm0"), ("192.0.2.11", b"1.example", b"vm1")}


names = st.sampled_from("abcdefgh")
ports_of = st.dictionaries(names, st.integers(0, 2), max_size=8)


@given(ports_of, ports_of)
def test_changed_ports_are_those_that_differ(old: dict[str, int], new: dict[str, int]) -> None:
    made: dict[tuple[str, int], Port] = {}

    def ports(values: dict[str, int]) -> dict[str, Port]:
        for item in values.items():
            made.setdefault(item, Port(item[0], item[0], "02:00:00:00:00:00", hostname=str(item[1])))
        return {key: made[key, value] for key, value in values.items()}

    removed, added = changed_ports(ports(old), ports(new))
    assert {(port.id, int(port.hostname or 0)) for port in removed} == old.items() - new.items()
    assert {(port.id, int(port.hostname or 0)) for port in added} == new.items() - old.items()
    assert len(removed) == len(old.items() - new.items())


@given(st.lists(st.dictionaries(names, st.integers(1, 6), max_size=6), min_size=2, max_size=5))
def test_an_updated_responder_answers_like_a_new_one(history: list[dict[str, int]]) -> None:
    def intent(owners: dict[str, int]) -> Network:
        taken: dict[int, str] = {}
        for name, last in owners.items():
            taken.setdefault(last, name)
        return network(
            subnet(),
            ports=[port(f"02:00:00:00:00:{ord(name):02x}", f"192.0.2.{last}0") for last, name in taken.items()],
        )

    server = Server(intent(history[0]))
    for owners in history:
        server.responder.update(intent(owners))
        fresh = Server(intent(owners))
        for name in "abcdefgh":
            mac = f"02:00:00:00:00:{ord(name):02x}"
            from_old, from_new = (
                asked.responder.handle(message(DISCOVER, mac=mac), None, NOW) for asked in (server, fresh)
            )
            assert from_old == from_new
