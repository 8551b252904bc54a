"""Attacks that were found on other DNS forwarders, most on dnsmasq: each test names the CVE, and what netmend does.

Octets that no parser of ours may choke on are in tests/unit/services/dns/test_responder_any_bytes.py and tests/fuzz.
What has no counterpart here: CVE-2025-12198 to 12200 are of dnsmasq's configuration file, of which netmend has none.
"""

import os

import dns.edns
import dns.flags
import dns.message
import dns.rrset
from tests.unit.services.dns.asker import Server, data, upstream_answer

from netmend.services.dns import Forward, Verdict, ask, judge
from netmend.services.dns.upstream import read_answer

NAME = "www.example.org."


def reply_to(message: bytes, **fields: int) -> bytes:
    """A message as its own answer, with octets changed: `_N=value`."""
    made = bytearray(message)
    made[2] |= 0x80
    for at, value in fields.items():
        made[int(at[1:])] = value
    return bytes(made)


def test_cve_2020_25684_an_answer_is_taken_by_the_question_that_it_answers_alone() -> None:
    """dnsmasq took an answer for any of its open questions at any of its sockets. Here each question has a connected
    socket of its own, and what comes by it is held against that one question."""
    server = Server()
    one = ask(server.forward(NAME).query, os.urandom)
    other = ask(server.forward("other.example.org.").query, os.urandom)
    assert judge(one, reply_to(one.message)) is Verdict.GOOD
    assert judge(other, reply_to(one.message)) is Verdict.NOT_OURS
    assert judge(one, one.message[:2] + reply_to(other.message)[2:]) is Verdict.NOT_OURS


def test_cve_2020_25685_the_whole_question_is_compared_and_no_weak_sum_of_it() -> None:
    """dnsmasq compared a CRC32 of the name, of which collisions are made at will. Here name, type and class are
    compared octet by octet, with the random case that the name had."""
    asked = ask(Server().forward("abcdefghijklmnop.example.org.").query, lambda size: b"\xa5" * size)
    end = len(asked.question) + 12
    for at in range(12, end):
        if at != 12 and asked.message[at] in {7, 3}:
            continue  # lengths of labels: what follows is another name altogether
        assert judge(asked, reply_to(asked.message, **{f"_{at}": asked.message[at] ^ 1})) is Verdict.NOT_OURS
    lowered = asked.message[:12] + asked.question.lower() + asked.message[end:]
    assert judge(asked, reply_to(lowered)) is Verdict.OTHER_CASE  # asked again, over TCP


def test_cve_2020_25686_what_is_asked_twice_is_under_way_once() -> None:
    """dnsmasq asked anew for each copy of a question, and a forger had as many ids to hit (birthday attack). Here
    questions with one answer have one key, and a second one waits for the first."""
    server = Server()
    keys = {server.forward(name).key for name in (NAME, NAME.upper(), "wWw.eXample.orG.")}
    assert len(keys) == 1


def test_cve_2021_3448_the_id_and_the_case_are_of_the_system_s_entropy_each_time() -> None:
    """dnsmasq used one source port where it was bound to an interface, and an id was all that a forger had to guess."""
    forward = Server().forward(NAME)
    asked = [ask(forward.query, os.urandom) for _ in range(64)]
    assert len({one.message[:2] for one in asked}) > 60
    assert len({one.question for one in asked}) > 32


def test_cve_2017_14491_no_answer_is_larger_than_what_was_asked_for() -> None:
    """dnsmasq wrote past its buffer when records of others did not fit. Here what does not fit is cut by whole records,
    and the answer says that it is truncated."""
    server = Server()
    forward = server.forward(NAME)
    answer = upstream_answer(forward, *(f"{NAME} 60 IN A 192.0.9.{n}" for n in range(1, 200)))
    server.learn(forward, answer.to_wire(want_shuffle=False, max_size=65535))
    for size in (512, 600, 1232, 4096, 65535):
        told = server.raw(dns.message.make_query(NAME, "A", use_edns=0, payload=size).to_wire())
        assert told is not None
        assert len(told) <= min(size, 1232)
        assert told[2] & 0x02, "TC"


def test_cve_2017_13704_a_query_of_any_size_costs_its_own_octets_alone() -> None:
    """dnsmasq cleared a buffer by a length of the query's, below zero."""
    server = Server()
    for size in (0, 1, 11, 12, 13, 512, 4096, 65535):
        answer = server.raw(dns.message.make_query(NAME, "A").to_wire()[:12].ljust(size, b"\0")[:size])
        assert answer is None or len(answer) <= 1232


def test_cve_2023_28450_answers_are_asked_for_in_a_size_that_is_not_fragmented() -> None:
    """dnsmasq asked for 4096 octets, whose later fragments a forger may replace. Here it is 1232 (DNS flag day)."""
    message = dns.message.from_wire(ask(Server().forward(NAME).query, os.urandom).message)
    assert message.payload == 1232


def test_cve_2026_4893_a_guest_s_client_subnet_is_neither_passed_on_nor_believed() -> None:
    """dnsmasq checked the source that a client subnet (RFC 7871) spoke of, in place of the packet's. A guest's makes a
    server answer as for somebody else, and the cache keep that for all; one in an answer has made forwarders take what
    they did not ask for. EDNS is for one hop: neither passes."""
    server = Server()
    spoofed: list[dns.edns.Option] = [dns.edns.ECSOption("198.51.100.0", 24)]
    forward = server.forward(NAME, use_edns=0, options=spoofed)
    assert dns.message.from_wire(ask(forward.query, os.urandom).message).options == ()
    answer = upstream_answer(forward, f"{NAME} 60 IN A 192.0.9.1")
    answer.use_edns(0, options=spoofed)
    server.learn(forward, answer)
    told = server.ask(NAME, use_edns=0)
    assert (data(told), told.options) == (["192.0.9.1"], ())


def test_records_of_names_that_were_not_asked_for_are_kept_for_nobody() -> None:
    """Kaminsky's attack (CVE-2008-1447): an answer that is taken brings others along. Here each is kept for its own
    question, whole: what else it says is looked up by nobody."""
    server = Server()
    forward = server.forward(NAME)
    answer = upstream_answer(
        forward, f"{NAME} 60 IN A 192.0.9.1", authority=("example.org. 60 IN NS bank.example.com.",)
    )
    answer.additional.append(dns.rrset.from_text("bank.example.com.", 60, "IN", "A", "192.0.9.66"))
    server.learn(forward, answer)
    server.forward("bank.example.com.")  # asked of others still


def signed_answer(forward: Forward, keys: int) -> bytes:
    """An answer with so many keys and signatures of one key tag, each of which a validator would try with each other,
    and with an NSEC3 record of many iterations."""
    answer = upstream_answer(forward, f"{NAME} 60 IN A 192.0.9.1")
    key, signature = "AwEAAQ==", "AAAA"
    for number in range(keys):
        answer.answer.append(dns.rrset.from_text(f"k{number}.example.org.", 60, "IN", "DNSKEY", f"257 3 13 {key}"))
        when = "20300101000000 20200101000000"
        answer.answer.append(
            dns.rrset.from_text(NAME, 60, "IN", "RRSIG", f"A 13 3 60 {when} 4711 example.org. {signature}")
        )
    hashed = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"
    answer.authority.append(
        dns.rrset.from_text(f"{hashed}.example.org.", 60, "IN", "NSEC3", f"1 0 65535 aabbccdd {hashed} A")
    )
    return answer.to_wire(want_shuffle=False, max_size=65535)


def test_cve_2023_50387_and_50868_and_2026_4890_and_4891_nobody_computes_with_what_is_signed() -> None:
    """KeyTrap: a validator tried each key with each signature, and hashed a name 65,535 times. dnsmasq's went round and
    round in NSEC records, and read past signatures. netmend validates nothing, and says so: the answer costs what its
    octets cost, and has no AD."""
    server = Server()
    forward = server.forward(NAME, want_dnssec=True)
    asked = ask(forward.query, os.urandom)
    found = signed_answer(forward, 200)
    message = asked.message[:2] + found[2:12] + asked.question + found[12 + len(asked.question) :]
    assert judge(asked, message) is Verdict.GOOD
    server.learn(forward, dns.message.from_wire(found))
    told = server.ask(NAME, want_dnssec=True)
    assert not told.flags & dns.flags.AD


def test_cve_2026_2291_names_of_any_octets_are_no_longer_than_they_are() -> None:
    """dnsmasq escaped octets of names in a buffer too small for all of them escaped. Here names stay octets."""
    server = Server()
    for octet in (0, 1, 0x2E, 0x5C, 0x7F, 0xFF):
        labels = (bytes([63]) + bytes([octet]) * 63) * 3 + bytes([61]) + bytes([octet]) * 61 + b"\0"
        assert len(labels) == 255
        query = os.urandom(2) + b"\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\1\0\1"
        server.raw(query)
        asked = ask(server.forwards[-1].query, os.urandom)
        assert asked.question.lower() == (labels + b"\0\1\0\1").lower()
        assert server.raw(query[:12] + b"\1" + bytes([octet]) + labels + b"\0\1\0\1") is not None  # 257: refused


def test_cve_2026_5172_lengths_of_records_that_lie_make_an_answer_useless() -> None:
    """dnsmasq took addresses out of records by lengths that it had not held against the message's."""
    server = Server()
    forward = server.forward(NAME)
    asked = ask(forward.query, os.urandom)
    for rdtype, true in ((1, 4), (28, 16), (5, 2), (6, 22)):
        for size in (true + 1, 255, 0x7FFF, 0xFFFF):
            record = b"\xc0\x0c" + rdtype.to_bytes(2, "big") + b"\0\1" + b"\0\0\0\x3c" + size.to_bytes(2, "big")
            message = asked.message[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + asked.question + record + bytes(true)
            assert read_answer(asked, message, None, 0.0) is None
