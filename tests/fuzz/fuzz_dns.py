"""Coverage-guided fuzzing of the DNS core: conversations of any octets between a responder, guests, and servers that it
asks.

PYTHONPATH=. python tests/fuzz/fuzz_dns.py [libFuzzer options, such as -max_total_time=60]

An input is a row of records: two octets of length, of which the top bits say what the rest is (a whole message of a
guest; what stands behind a sound header; an answer to what was forwarded last; the same, behind a sound head); then so
many octets. Found are exceptions, answers that are malformed, too long, or to answers, and inputs that take too long
(libFuzzer's -timeout). An input that was found is written to the working directory as crash-* and is run again by
naming it.
"""

import os

import atheris

with atheris.instrument_imports(include=["netmend.services.dns"]):
    from netmend.services.dns import DnsResponder, Domains, Forward, Verdict, ask, judge

import dns.message
import dns.rrset
from tests.fuzz.campaign import run
from tests.unit.services.dns.asker import NOW, network

HEADER = b"\x12\x34\1\0\0\1\0\0\0\0\0\0"
MESSAGE, BEHIND_HEADER, ANSWER, BEHIND_HEAD = range(4)


def one_input(data: bytes) -> None:
    domains, intent = Domains(), network()
    domains.put(intent)
    responder, now, at = DnsResponder(intent, domains), NOW, 0
    forward: Forward | None = None
    while at + 2 <= len(data):
        head = int.from_bytes(data[at : at + 2], "big")
        rest = data[at + 2 : at + 2 + (head & 0x1FFF)]
        at += 2 + len(rest)
        now += 0.7
        kind, tcp = head >> 14, bool(head & 0x2000)
        if kind in (MESSAGE, BEHIND_HEADER):
            message = rest if kind == MESSAGE else HEADER[: 12 - tcp] + b"\1" * tcp + rest
            answer = responder.remembered(message, now) or responder.handle(message, now, tcp=tcp)
            if isinstance(answer, Forward):
                forward = answer
            elif answer is not None:
                check(message, answer, 65_535 if tcp else 1232)
        elif forward is not None:
            asked = ask(forward.query, os.urandom if tcp else bytes)
            reply = (
                rest if kind == ANSWER else asked.message[:2] + b"\x81\x80\0\1" + rest[:6] + asked.question + rest[6:]
            )
            if judge(asked, reply) is Verdict.GOOD:
                entry = responder.take(asked, reply, forward, now)
                if entry is not None:
                    compose(responder, forward, responder.compose(forward.query, entry, now + 1))


def compose(responder: DnsResponder, forward: Forward, answer: bytes) -> None:
    """Records of others are passed on as they are, so their data may be what dnspython does not take."""
    assert answer[:2] == forward.query.id and answer[2] & 0x80, "header"
    assert len(answer) <= forward.query.limit, "length"
    assert answer[12 : 12 + len(forward.query.question)] == forward.query.question, "question"


def check(message: bytes, answer: bytes, limit: int) -> None:
    assert answer[:2] == message[:2] and answer[2] & 0x80 and not message[2] & 0x80, "header"
    assert len(answer) <= limit, "length"


def seeds() -> list[bytes]:
    """Conversations, for the fuzzer to start from."""

    def record(kind: int, octets: bytes, *, tcp: bool = False) -> bytes:
        return (kind << 14 | tcp << 13 | len(octets)).to_bytes(2, "big") + octets

    asked = [
        ("web.office.example.", "A"),
        ("10.0.0.10.in-addr.arpa.", "PTR"),
        ("3.1.0.0." + "0." * 24 + "0.0.d.f.ip6.arpa.", "PTR"),
        ("host-10-0-0-13.", "ANY"),
        ("office.example.", "SOA"),
        ("x.localhost.", "AAAA"),
        ("www.example.org.", "HTTPS"),
    ]
    queries = [dns.message.make_query(name, rdtype, id=7, want_dnssec=True) for name, rdtype in asked]
    answer = dns.message.make_response(queries[-1])
    for name, rdtype, text in (
        ("www.example.org.", "HTTPS", "1 . alpn=h2 ipv4hint=10.0.0.1"),
        ("www.example.org.", "A", "192.0.9.1"),
    ):
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", rdtype, text))
    answer.authority.append(dns.rrset.from_text("org.", 60, "IN", "SOA", "a. b. 1 2 3 4 5"))
    whole = answer.to_wire(want_shuffle=False)
    behind = whole[6:12] + whole[12 + len("www.example.org.") + 1 + 4 :]
    last = record(MESSAGE, queries[-1].to_wire())
    return [
        *(record(MESSAGE, query.to_wire(), tcp=n % 2 == 0) for n, query in enumerate(queries)),
        *(record(BEHIND_HEADER, query.to_wire()[12:]) for query in queries),
        last + record(BEHIND_HEAD, behind) + last,
        last + record(ANSWER, whole),
    ]


if __name__ == "__main__":
    run(one_input, seeds())
