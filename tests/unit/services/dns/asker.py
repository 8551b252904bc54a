"""A guest's side of DNS for tests: queries made, and answers read, by dnspython."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from netmend.intent import Dns, Network, Port, Subnet, Subnet6
from netmend.services.dns import Asked, DnsResponder, Domains, Entry, Forward, Verdict, ask, judge

NOW = 1000.0
NETWORK_ID = "0b6ee5f2-3c1c-4f5e-9d2b-6a1f4c0e7d11"
DNS = Dns("office.example")


def subnet(cidr: str = "10.0.0.0/24", **changes: Any) -> Subnet:
    block = IPv4Network(cidr)
    return Subnet(id=cidr, name=cidr, cidr=block, server_address=block[2], **changes)


def subnet6(cidr: str = "fd00::/64", **changes: Any) -> Subnet6:
    block = IPv6Network(cidr)
    return Subnet6(id=cidr, name=cidr, cidr=block, server_address=block[2], **changes)


def port(hostname: str | None, *addresses: str, name: str | None = None) -> Port:
    return Port(
        id=f"port {name or hostname} {addresses}",
        name=name or hostname or "unnamed",
        mac="fa:16:3e:00:00:01",
        hostname=hostname,
        fixed_ips=tuple(IPv4Address(text) for text in addresses if "." in text),
        fixed_ips6=tuple(IPv6Address(text) for text in addresses if ":" in text),
    )


PORTS = (
    port("web", "10.0.0.10", "fd00::10"),
    port("db", "10.0.0.11"),
    port("a.deep", "10.0.0.12"),
    port(None, "10.0.0.13", "fd00::13", name="nameless"),
)


def network(*ports: Port, dns: Dns | None = DNS, **changes: Any) -> Network:
    fields: dict[str, Any] = {"id": NETWORK_ID, "name": "net", "subnets": (subnet(),), "subnets6": (subnet6(),)}
    fields |= {"ports": {one.id: one for one in ports or PORTS}, "dns": dns, **changes}
    return Network(**fields)


class Server:
    """A responder, asked as a guest asks; what it wants to ask others is kept in `forwards`."""

    def __init__(self, intent: Network | None = None, *others: Network) -> None:
        self.domains = Domains()
        intent = intent or network()
        for one in (intent, *others):
            self.domains.put(one)
        self.responder = DnsResponder(intent, self.domains)
        self.now = NOW
        self.forwards: list[Forward] = []

    def raw(self, message: bytes, *, tcp: bool = False) -> bytes | None:
        remembered = None if tcp else self.responder.remembered(message, self.now)
        answer = remembered or self.responder.handle(message, self.now, tcp=tcp)
        if isinstance(answer, Forward):
            self.forwards.append(answer)
            return None
        return answer

    def ask(self, name: str, rdtype: str = "A", *, tcp: bool = False, **fields: Any) -> dns.message.Message:
        """The answer, which must be there and whole."""
        query = dns.message.make_query(name, rdtype, **fields)
        wire = self.raw(query.to_wire(), tcp=tcp)
        assert wire is not None, "no answer of its own"
        answer = dns.message.from_wire(wire)
        assert answer.id == query.id
        assert answer.question == query.question
        assert [str(q.name) for q in answer.question] == [str(q.name) for q in query.question], "case"
        assert answer.flags & dns.flags.QR
        assert (answer.edns >= 0) == (query.edns >= 0)
        return answer

    def forward(self, name: str, rdtype: str = "A", **fields: Any) -> Forward:
        """What is to be asked of others."""
        known = len(self.forwards)
        assert self.raw(dns.message.make_query(name, rdtype, **fields).to_wire()) is None
        (forward,) = self.forwards[known:]
        return forward

    def learn(self, forward: Forward, answer: dns.message.Message | bytes, asked: Asked | None = None) -> Entry:
        """Take an answer to a forward."""
        asked = asked or ask(forward.query, bytes)
        raw = answer if isinstance(answer, bytes) else answer.to_wire(want_shuffle=False)
        raw = asked.message[:2] + raw[2:]
        assert judge(asked, raw) is Verdict.GOOD
        entry = self.responder.take(asked, raw, forward, self.now)
        assert entry is not None
        return entry


def upstream_answer(forward: Forward, *records: str, **fields: Any) -> dns.message.Message:
    """An answer of another server: records as `name ttl IN type data`, in the section of `authority` if given so."""
    query = forward.query
    asked = ask(query, bytes)
    answer = dns.message.make_response(dns.message.from_wire(asked.message), recursion_available=True)
    answer.set_rcode(dns.rcode.from_text(fields.get("rcode", "NOERROR")))
    for section, texts in ((answer.answer, records), (answer.authority, fields.get("authority", ()))):
        for text in texts:
            name, ttl, _, rdtype, data = text.split(maxsplit=4)
            section.append(dns.rrset.from_text(name, int(ttl), "IN", rdtype, data))
    return answer


def data(answer: dns.message.Message) -> list[str]:
    return [item.to_text() for rrset in answer.answer for item in rrset]


def code(answer: dns.message.Message) -> str:
    return dns.rcode.to_text(answer.rcode())


def zone_of(answer: dns.message.Message) -> str:
    """Whose SOA a denial carries."""
    (soa,) = answer.authority
    assert soa.rdtype == dns.rdatatype.SOA
    return str(soa.name)
