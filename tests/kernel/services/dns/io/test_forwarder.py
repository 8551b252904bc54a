"""Servers that are dead, slow, or lie: what a guest is told, and when."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from tests.kernel.services.dns.io.world import Upstream, World, good, patience
from tests.unit.services.dns.asker import code, data, network
from tests.waiting import PATIENCE, wait_for

from netmend.intent import Dns, DnsServer
from netmend.services.dns.io import forwarder

UP, SECOND = "127.0.0.53", "127.0.0.54"
NAME = "www.example.org"
TRUE, FALSE = "192.0.9.1", "192.0.9.66"

Message = dns.message.Message
Answer = Callable[[Message], Sequence[bytes]]


def honest(query: Message) -> list[bytes]:
    return [good(query, f"60 A {TRUE}").to_wire()]


def forged(query: Message) -> Message:
    return good(query, f"60 A {FALSE}")


def test_ids_ports_and_case_are_ever_different() -> None:
    with Upstream(UP, honest) as upstream, World(UP) as world:
        for number in range(30):
            world.ask(f"name-{number}.of.some.length.example.org")
        assert len({query.id for _, query, _ in upstream.asked}) >= 29
        assert len({source[1] for _, _, source in upstream.asked}) >= 25
        assert len({str(query.question[0].name.parent()) for _, query, _ in upstream.asked}) > 20
        assert {str(query.question[0].name.parent()).lower() for _, query, _ in upstream.asked} == {
            "of.some.length.example.org."
        }


def test_one_question_for_all_who_wait() -> None:
    def slow(query: Message) -> list[bytes]:
        time.sleep(0.3)
        return honest(query)

    with Upstream(UP, slow) as upstream, World(UP) as world:

        def ask(number: int) -> list[str]:
            return data(world.ask(NAME, tcp=number % 2 == 0))

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(8))) == [[TRUE]] * 8
        assert len(upstream.asked) == 1


def wrong_id(query: Message) -> Sequence[bytes]:
    lie = forged(query)
    lie.id ^= 1
    return [lie.to_wire(), *honest(query)]


def wrong_question(query: Message) -> Sequence[bytes]:
    other = dns.message.make_query("www.example.net", "A", id=query.id)
    return [forged(other).to_wire(), *honest(query)]


def wrong_type(query: Message) -> Sequence[bytes]:
    other = dns.message.make_query(query.question[0].name, "AAAA", id=query.id)
    return [good(other, "60 AAAA 2a00::66").to_wire(), *honest(query)]


def a_query_back(query: Message) -> Sequence[bytes]:
    return [query.to_wire(), *honest(query)]


def rubbish(query: Message) -> Sequence[bytes]:
    return [b"", b"\0" * 11, query.to_wire()[:2] + b"\x80\0", *honest(query)]


@pytest.mark.parametrize("lies", [wrong_id, wrong_question, wrong_type, a_query_back, rubbish])
def test_what_is_no_answer_to_the_question_is_not_taken(lies: Answer) -> None:
    with Upstream(UP, lies), World(UP) as world:
        assert data(world.ask(NAME)) == [TRUE]
        assert world.status()["forged"] >= 1


def test_an_answer_from_elsewhere_is_not_even_seen() -> None:
    elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    elsewhere.bind((SECOND, 53))
    same_host = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    same_host.bind((UP, 5353))

    def helped(query: Message) -> Sequence[bytes]:
        for liar in (elsewhere, same_host):
            liar.sendto(forged(query).to_wire(), upstream.asked[-1][2])
        time.sleep(0.1)
        return honest(query)

    with elsewhere, same_host, Upstream(UP, helped) as upstream, World(UP) as world:
        assert data(world.ask(NAME)) == [TRUE]
        assert world.status()["forged"] == 0


def test_who_is_told_many_lies_asks_over_tcp() -> None:
    def guesses(query: Message) -> Sequence[bytes]:
        return [
            bytes((n,)) * 2 + forged(query).to_wire()[2:] for n in range(256) if bytes((n,)) * 2 != query.id.to_bytes(2)
        ]

    with patience(20.0), Upstream(UP, guesses, honest) as upstream, World(UP) as world:
        assert data(world.ask(NAME)) == [TRUE]
        assert [over for over, _, _ in upstream.asked] == ["udp", "tcp"]


def test_a_server_that_changes_the_case_is_asked_over_tcp() -> None:
    def lower(query: Message) -> list[bytes]:
        message = honest(query)[0]
        return [message[:12] + message[12:].lower()]

    with patience(20.0), Upstream(UP, lower) as upstream, World(UP) as world:
        assert data(world.ask("some.rather.long.name.example.org")) == [TRUE]
        assert [over for over, _, _ in upstream.asked] == ["udp", "tcp"]


def test_a_truncated_answer_is_asked_for_over_tcp() -> None:
    def cut(query: Message) -> list[bytes]:
        answer = good(query)
        answer.flags |= dns.flags.TC
        return [answer.to_wire()]

    def whole(query: Message) -> list[bytes]:
        return [good(query, *(f"60 A 192.0.9.{n}" for n in range(200))).to_wire(max_size=65_535)]

    with patience(20.0), Upstream(UP, cut, whole) as upstream, World(UP) as world:
        small = world.ask(NAME)
        assert small.flags & dns.flags.TC and not small.answer
        assert len(data(world.ask(NAME, tcp=True))) == 200
        assert [over for over, _, _ in upstream.asked] == ["udp", "tcp"]


def test_a_server_that_truncates_over_tcp_too_gives_nothing() -> None:
    def cut(query: Message) -> list[bytes]:
        answer = good(query)
        answer.flags |= dns.flags.TC
        return [answer.to_wire()]

    with Upstream(UP, cut), Upstream(SECOND, honest), World(UP, SECOND) as world:
        assert data(world.ask(NAME)) == [TRUE]


def test_a_server_that_does_not_know_edns_is_asked_without() -> None:
    def old(query: Message) -> list[bytes]:
        if query.edns < 0:
            return honest(query)
        answer = good(query)
        answer.use_edns(False)
        answer.set_rcode(dns.rcode.FORMERR)
        return [answer.to_wire()]

    with Upstream(UP, old) as upstream, World(UP) as world:
        assert data(world.ask(NAME, use_edns=0)) == [TRUE]
        assert [query.edns for _, query, _ in upstream.asked] == [0, -1]


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP"])
def test_the_next_server_is_asked_when_one_fails(rcode: str) -> None:
    def failing(query: Message) -> list[bytes]:
        answer = good(query)
        answer.set_rcode(dns.rcode.from_text(rcode))
        return [answer.to_wire()]

    with Upstream(UP, failing), Upstream(SECOND, honest), World(UP, SECOND) as world, patience(60.0):
        assert data(world.ask(NAME)) == [TRUE]


def test_where_nobody_listens_the_next_is_asked_at_once() -> None:
    with Upstream(SECOND, honest), World(UP, SECOND) as world, patience(60.0):
        assert data(world.ask(NAME)) == [TRUE]


def test_when_nobody_answers_the_guest_is_told_in_time() -> None:
    with Upstream(UP, lambda query: []), Upstream(SECOND, lambda query: []), World(UP, SECOND) as world:
        began = time.monotonic()
        assert code(world.ask(NAME)) == "SERVFAIL"
        assert time.monotonic() - began > 4
        assert world.status()["unanswered"] == 4
        with patience(60.0):
            assert code(world.ask(NAME)) == "SERVFAIL", "that is kept for a moment (RFC 9520)"
        assert code(world.ask("other.example.org")) == "SERVFAIL"
        assert world.status()["unanswered"] == 5, "servers known to be silent are tried once"
    assert sum(forwarder.TRIES) < 5, "resolvers give up then (resolv.conf(5))"


def test_without_servers_the_guest_is_told_at_once() -> None:
    with World() as world:
        assert code(world.ask(NAME)) == "SERVFAIL"


def test_a_silent_server_delays_the_first_answers_only() -> None:
    with Upstream(UP, lambda query: []), Upstream(SECOND, honest), World(UP, SECOND) as world:
        for number in range(2):
            assert data(world.ask(f"{number}.example.org")) == [TRUE]
        with patience(60.0):
            assert data(world.ask("2.example.org")) == [TRUE]


def test_a_slow_server_is_heard_while_the_next_is_tried() -> None:
    next_is_asked = threading.Event()

    def slow(query: Message) -> list[bytes]:
        assert next_is_asked.wait(PATIENCE)
        return honest(query)

    def silent(query: Message) -> list[bytes]:
        next_is_asked.set()
        return []

    with Upstream(UP, slow), Upstream(SECOND, silent), World(UP, SECOND) as world, patience(60.0, first=0.3):
        assert data(world.ask(NAME)) == [TRUE]


def test_rebinding_is_refused() -> None:
    with Upstream(UP, lambda query: [good(query, "60 A 10.0.0.10").to_wire()]), World(UP) as world:
        answer = world.ask(NAME)
        assert (code(answer), data(answer)) == ("REFUSED", [])
        assert world.status()["rebinding"] == 1


def test_a_dead_server_fills_no_descriptors() -> None:
    """What is asked at once is bounded, for a guest and for a network."""
    with Upstream(UP, lambda query: []), World(UP) as world, world.guest.entered():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder:
            flooder.connect(("10.0.0.2", 53))
            for number in range(1500):
                flooder.send(dns.message.make_query(f"{number}.example.org", "A").to_wire())
        wait_for(lambda: world.status()["crowded"] > 500, "it is told no")
        assert world.status()["under_way"] <= 64
        assert data(world.ask("web.office.example")) == ["10.0.0.10"]


def test_a_domain_is_asked_of_its_own_servers_at_their_port() -> None:
    """Over UDP, and over TCP where the answer is cut off; what is dead there is not asked elsewhere."""

    def of_corp(query: Message) -> list[bytes]:
        return [good(query, "60 A 10.9.9.9").to_wire()]

    def cut_off(query: Message) -> list[bytes]:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.TC
        return [answer.to_wire()]

    domains = (
        ("corp.example", (DnsServer(ip_address(SECOND), 5353),)),
        ("dead.example", (DnsServer(ip_address(SECOND), 5354),)),
    )
    intent = network(dns=Dns("office.example", forward_domains=domains))
    with (
        Upstream(UP, honest) as usual,
        Upstream(SECOND, cut_off, of_corp, port=5353) as corp,
        World(UP, intent=intent) as world,
    ):
        assert data(world.ask("db.corp.example")) == ["10.9.9.9"]
        assert [over for over, _, _ in corp.asked] == ["udp", "tcp"]
        assert data(world.ask(NAME)) == [TRUE]
        with patience(0.2):
            assert code(world.ask("db.dead.example")) == "SERVFAIL"
        assert len(usual.asked) == 1
