"""What others are asked, which of their answers are taken, and for how long."""

import dns.flags
import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.services.dns.asker import NOW, Server, code, data, network, subnet, upstream_answer, zone_of

from netmend.intent import Dns
from netmend.services.dns import Verdict, ask, judge
from netmend.services.dns.cache import Cache, Entry

NAME = "www.example.org."
SOA = "example.org. 3600 IN SOA ns.example.org. hostmaster.example.org. 7 3600 600 86400 {minimum}"


def ttls(answer: dns.message.Message) -> list[int]:
    return [rrset.ttl for rrset in (*answer.answer, *answer.authority)]


class TestQuestion:
    def test_is_one_that_others_understand(self) -> None:
        forward = Server().forward(NAME, "AAAA", want_dnssec=True)
        message = dns.message.from_wire(ask(forward.query, bytes).message)
        assert message.question[0].to_text().upper() == f"{NAME} IN AAAA".upper()
        assert (message.payload, message.ednsflags, message.flags) == (1232, 0x8000, dns.flags.RD)

    def test_id_and_case_are_random(self) -> None:
        forward = Server().forward("a.very.long.name.of.many.letters.example.org.")
        noise = [bytes((n,)) * 60 for n in (0x00, 0xFF, 0x5A)]
        asked = [ask(forward.query, lambda size, n=n: noise[n][:size]) for n in range(3)]  # type: ignore[misc]
        assert len({one.message[:2] for one in asked}) == 3
        assert len({one.question for one in asked}) == 3
        assert len({one.question.lower() for one in asked}) == 1
        assert asked[0].question == forward.query.question and asked[1].question != forward.query.question

    def test_without_edns_for_servers_of_old(self) -> None:
        asked = ask(Server().forward(NAME).query, bytes, edns=False)
        assert dns.message.from_wire(asked.message).edns == -1


class TestJudgement:
    def answer(self, **fields: int) -> tuple[bytearray, Verdict]:
        asked = ask(Server().forward(NAME).query, lambda size: b"\xa5" * size)
        message = bytearray(asked.message)
        message[2] |= 0x80
        for at, value in fields.items():
            message[int(at[1:])] = value
        return message, judge(asked, bytes(message))

    def test_the_answer_is_good(self) -> None:
        assert self.answer()[1] is Verdict.GOOD

    @pytest.mark.parametrize(
        "fields", [{"_0": 0}, {"_1": 0}, {"_2": 0}, {"_2": 0x90}, {"_13": 0x78}, {"_5": 2}, {"_5": 0}]
    )
    def test_what_is_no_answer_to_it(self, fields: dict[str, int]) -> None:
        assert self.answer(**fields)[1] is Verdict.NOT_OURS

    def test_another_case_is_told(self) -> None:
        message, _ = self.answer()
        assert self.answer(_13=message[13] ^ 0x20)[1] is Verdict.OTHER_CASE

    @pytest.mark.parametrize(
        ("fields", "verdict"),
        [
            ({"_2": 0x83}, Verdict.TRUNCATED),
            ({"_3": 1}, Verdict.NO_EDNS),
            ({"_3": 4}, Verdict.NO_EDNS),
            ({"_3": 1, "_5": 0}, Verdict.NO_EDNS),
            ({"_3": 2}, Verdict.USELESS),
            ({"_3": 5}, Verdict.USELESS),
            ({"_3": 5, "_5": 0}, Verdict.USELESS),
            ({"_3": 3}, Verdict.GOOD),
        ],
    )
    def test_codes(self, fields: dict[str, int], verdict: Verdict) -> None:
        assert self.answer(**fields)[1] is verdict

    @given(st.binary(max_size=80))
    def test_any_octets(self, octets: bytes) -> None:
        asked = ask(Server().forward(NAME).query, bytes)
        judge(asked, octets)
        judge(asked, asked.message[:2] + b"\x80" + octets)


class TestCache:
    def test_seconds_pass(self) -> None:
        server = Server()
        server.learn(*self.one(server))
        for seconds, left in ((0, 60), (0.9, 60), (1, 59), (59.5, 1)):
            server.now = NOW + seconds
            answer = server.ask(NAME.upper())
            assert (data(answer), ttls(answer)) == (["192.0.9.1"], [left])
            assert not answer.flags & (dns.flags.AA | dns.flags.AD)
        server.now = NOW + 60
        server.forward(NAME)

    @staticmethod
    def one(server: Server, ttl: int = 60) -> tuple:  # type: ignore[type-arg]
        forward = server.forward(NAME)
        return forward, upstream_answer(forward, f"{NAME} {ttl} IN A 192.0.9.1")

    def test_the_lowest_ttl_counts(self) -> None:
        server = Server()
        forward = server.forward(NAME)
        answer = upstream_answer(forward, f"{NAME} 60 IN CNAME x.example.net.", "x.example.net. 5 IN A 192.0.9.1")
        server.learn(forward, answer)
        server.now = NOW + 4
        assert ttls(server.ask(NAME)) == [56, 1]
        server.now = NOW + 5
        server.forward(NAME)

    def test_what_is_not_to_be_kept_is_not(self) -> None:
        server = Server()
        server.learn(*self.one(server, 0))
        server.forward(NAME)

    def test_a_ttl_with_its_top_bit_set_is_none_rfc2181(self) -> None:
        server = Server()
        forward = server.forward(NAME)
        raw = upstream_answer(forward, f"{NAME} 1 IN A 192.0.9.1").to_wire().replace(b"\0\0\0\1\0\4", b"\xff\0\0\1\0\4")
        assert server.learn(forward, raw).ttl == 0

    @pytest.mark.parametrize(
        ("rcode", "minimum", "kept"), [("NXDOMAIN", 30, 30), ("NOERROR", 30, 30), ("NXDOMAIN", 99_999, 3600)]
    )
    def test_denials_are_kept_as_the_soa_says_rfc2308(self, rcode: str, minimum: int, kept: int) -> None:
        server = Server()
        forward = server.forward(NAME)
        server.learn(forward, upstream_answer(forward, rcode=rcode, authority=[SOA.format(minimum=minimum)]))
        server.now = NOW + kept - 1
        answer = server.ask(NAME)
        assert (code(answer), zone_of(answer), ttls(answer)) == (rcode, "example.org.", [1])
        server.now = NOW + kept
        server.forward(NAME)

    def test_a_denial_without_an_soa_is_not_kept(self) -> None:
        server = Server()
        forward = server.forward(NAME)
        server.learn(forward, upstream_answer(forward, rcode="NXDOMAIN"))
        server.forward(NAME)

    def test_failures_are_kept_for_a_moment_rfc9520(self) -> None:
        server = Server()
        server.responder.fail(server.forward(NAME), NOW)
        answer = server.ask(NAME, use_edns=0)
        assert code(answer) == "SERVFAIL"
        assert answer.options[0].otype == 15  # RFC 8914
        server.now = NOW + 5
        server.forward(NAME)

    def test_types_and_dnssec_are_kept_apart(self) -> None:
        server = Server()
        server.learn(*self.one(server))
        server.forward(NAME, "AAAA")
        server.forward(NAME, want_dnssec=True)
        server.forward(NAME, flags=dns.flags.RD | dns.flags.CD)

    def test_nobody_looks_into_the_cache_without_rd(self) -> None:
        server = Server()
        server.learn(*self.one(server))
        assert code(server.ask(NAME, flags=0)) == "REFUSED"

    def test_a_change_of_forwarders_forgets(self) -> None:
        server = Server()
        server.learn(*self.one(server))
        server.responder.update(network(dns=Dns("office.example", allow_private=True)))
        server.forward(NAME)

    def test_is_bounded(self) -> None:
        cache = Cache(entries=10, octets=8000)
        for n in range(100):
            cache.put(n, Entry(0, (1, 0, 0), bytes(n * 10), (), 60, NOW))
            assert len(cache) <= 10 and cache.octets <= 8000
        assert cache.get(99, NOW) is not None and cache.get(0, NOW) is None

    @given(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 500), st.integers(0, 3), st.integers(0, 2)), max_size=60)
    )
    def test_octets_are_counted_right(self, steps: list[tuple[int, int, int, int]]) -> None:
        cache, now = Cache(entries=5, octets=2500), NOW
        for key, size, ttl, passes in steps:
            now += passes
            found = cache.get(key, now)
            assert found is None or now - found.since < found.ttl
            cache.put(key, Entry(0, (1, 0, 0), bytes(size), (), ttl, now))
        assert cache.octets == sum(len(entry.body) + 400 for entry in cache._entries.values())


class TestAnswers:
    def test_edns_is_for_one_hop(self) -> None:
        server = Server()
        forward = server.forward(NAME)
        answer = upstream_answer(forward, f"{NAME} 60 IN A 192.0.9.1")
        answer.use_edns(
            0, payload=4096, options=[dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"1234567812345678")]
        )
        server.learn(forward, answer)
        ours = server.ask(NAME, use_edns=0)
        assert (ours.payload, ours.options) == (1232, ())
        assert server.ask(NAME, use_edns=False).edns == -1

    def test_an_opt_record_before_others_is_taken_out(self) -> None:
        server = Server()
        forward = server.forward(NAME)
        asked = ask(forward.query, bytes)
        opt = b"\0\0\x29\x10\0\0\0\0\0\0\0"
        glue = b"\2ns\xc0\x10\0\1\0\1\0\0\0\x3c\0\4\xc0\0\x09\x35"
        raw = asked.message[:2] + b"\x81\x80\0\1\0\1\0\0\0\2" + asked.question
        raw += b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\x09\1" + opt + glue
        server.learn(forward, raw, asked)
        answer = server.ask(NAME)
        assert data(answer) == ["192.0.9.1"]
        assert str(answer.additional[0].name) == "ns.example.org."

    @pytest.mark.parametrize("cut", range(1, 16))
    def test_records_cut_off_make_no_sense(self, cut: int) -> None:
        server = Server()
        forward = server.forward(NAME)
        asked = ask(forward.query, bytes)
        answer = upstream_answer(forward, f"{NAME} 60 IN A 192.0.9.1").to_wire()
        answer = answer[: answer.index(b"\xc0\0\x09\1") + 4]
        assert server.responder.take(asked, asked.message[:2] + answer[2:-cut], forward, NOW) is None

    @given(st.binary(max_size=120), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
    def test_any_octets(self, octets: bytes, answers: int, authority: int, additional: int) -> None:
        server = Server()
        forward = server.forward(NAME)
        asked = ask(forward.query, bytes)
        counts = bytes((0, answers, 0, authority, 0, additional))
        entry = server.responder.take(
            asked, asked.message[:2] + b"\x81\x80\0\1" + counts + asked.question + octets, forward, NOW
        )
        if entry is not None:
            wire = server.responder.compose(forward.query, entry, NOW + 1)
            assert len(wire) <= 1232 and wire[:2] == forward.query.id

    def test_rebinding(self) -> None:
        for rdtype, private in (
            ("A", "10.1.2.3"),
            ("A", "127.0.0.1"),
            ("A", "198.18.0.9"),
            ("AAAA", "fd12::1"),
            ("AAAA", "::ffff:192.168.0.1"),
            ("AAAA", "64:ff9b::a00:1"),
            ("HTTPS", "1 . alpn=h2 ipv4hint=192.0.9.1,192.168.1.1"),
            ("HTTPS", "1 svc.example.org. ipv6hint=fe80::1"),
        ):
            subnets = (subnet("198.18.0.0/24"),)
            server = Server(network(subnets=subnets))
            forward = server.forward(NAME, rdtype)
            record = f"{NAME} 60 IN {rdtype} {private}"
            server.learn(forward, upstream_answer(forward, f"{NAME} 60 IN TXT public", record))
            answer = server.ask(NAME, rdtype)
            assert (code(answer), data(answer)) == ("REFUSED", []), private
            assert server.responder.counters.rebinding == 1
            allowed = Server(network(subnets=subnets, dns=Dns(allow_private=True)))
            forward = allowed.forward(NAME, rdtype)
            allowed.learn(forward, upstream_answer(forward, record))
            assert code(allowed.ask(NAME, rdtype)) == "NOERROR"

    @pytest.mark.parametrize(
        ("rdtype", "public"),
        [
            ("A", "192.0.9.1"),
            ("AAAA", "2a00::1"),
            ("HTTPS", "1 . alpn=h2 ipv4hint=192.0.9.1"),
            ("AAAA", "64:ff9b::808:808"),
        ],
    )
    def test_public_addresses_are_no_rebinding(self, rdtype: str, public: str) -> None:
        server = Server()
        forward = server.forward(NAME, rdtype)
        server.learn(forward, upstream_answer(forward, f"{NAME} 60 IN {rdtype} {public}"))
        assert len(data(server.ask(NAME, rdtype))) == 1


def test_without_forwarding_others_names_are_refused() -> None:
    server = Server(network(dns=Dns("office.example", forward=False)))
    assert code(server.ask(NAME)) == "REFUSED"
    assert data(server.ask("web.office.example.")) == ["10.0.0.10"]
