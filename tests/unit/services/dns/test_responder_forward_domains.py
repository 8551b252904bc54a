"""Names of a domain that has servers of its own (`forward_domains`)."""

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import dns.flags
import pytest
from msgspec.structs import replace
from tests.unit.services.dns.asker import Server, code, data, network, subnet, upstream_answer

from netmend.intent import Dns, DnsServer

NAME = "www.example.org."
OTHER_ID = "11111111-2222-4333-8444-555555555555"
SERVERS = (DnsServer(IPv4Address("192.0.2.53")), DnsServer(IPv6Address("2001:db8::53"), 5353))


def the_server(**says: Any) -> Server:
    return Server(network(dns=Dns("office.example", forward_domains=(("corp.example", SERVERS),), **says)))


@pytest.mark.parametrize("name", ["corp.example.", "db.corp.example.", "a.b.CORP.example."])
def test_are_asked_of_these(name: str) -> None:
    assert the_server().forward(name).servers == SERVERS


@pytest.mark.parametrize("name", ["example.", "xcorp.example.", "corp.example.org."])
def test_others_are_not(name: str) -> None:
    assert the_server().forward(name, "NS").servers is None


def test_the_longest_domain_decides_and_one_below_the_networks_own_counts() -> None:
    more = ("lab.corp.example", SERVERS[1:]), ("ad.office.example", SERVERS[:1])
    domains = (("corp.example", SERVERS), *more, ("nowhere.corp.example", ()))
    server = Server(network(dns=Dns("office.example", forward_domains=domains)))
    assert server.forward("x.lab.corp.example.").servers == SERVERS[1:]
    assert server.forward("x.corp.example.").servers == SERVERS
    assert server.forward("dc.ad.office.example.").servers == SERVERS[:1]
    assert data(server.ask("web.office.example.")) == ["10.0.0.10"]
    assert code(server.ask("x.nowhere.corp.example.")) == "NXDOMAIN"


@pytest.mark.parametrize("domain", ["local", "home.arpa", "10.in-addr.arpa", "consul", "d.f.ip6.arpa"])
def test_what_would_stay_here_goes_there(domain: str) -> None:
    says = Dns(forward_domains=((domain, SERVERS),))
    server = Server(network(subnets=(subnet("192.0.2.0/24"),), subnets6=(), dns=says))
    assert server.forward(f"x.{domain}.", "PTR").servers == SERVERS
    assert server.forward(f"{domain}.").servers == SERVERS


def test_the_reverse_of_the_networks_own_addresses_stays() -> None:
    server = Server(network(dns=Dns("office.example", forward_domains=(("in-addr.arpa", SERVERS),))))
    assert data(server.ask("10.0.0.10.in-addr.arpa.", "PTR")) == ["web.office.example."]


def test_another_networks_domain_goes_there() -> None:
    other = replace(network(dns=Dns("corp.example")), id=OTHER_ID)
    intent = network(dns=Dns("office.example", forward_domains=(("corp.example", SERVERS),)))
    assert Server(intent, other).forward("db.corp.example.").servers == SERVERS


def test_they_are_asked_where_nobody_else_is() -> None:
    server = the_server(forward=False)
    server.forward("db.corp.example.")
    answer = server.ask(NAME)
    assert (code(answer), bool(answer.flags & dns.flags.RA)) == ("REFUSED", True)


def test_they_may_give_private_addresses() -> None:
    server = the_server()
    forward = server.forward("db.corp.example.")
    server.learn(forward, upstream_answer(forward, "db.corp.example. 60 IN A 10.9.9.9"))
    assert data(server.ask("db.corp.example.")) == ["10.9.9.9"]


def test_a_record_of_the_networks_own_wins() -> None:
    records = (("db.corp.example", IPv4Address("10.0.0.99")),)
    server = the_server(records=records)
    assert data(server.ask("db.corp.example.")) == ["10.0.0.99"]
    assert server.forward("corp.example.", "NS").servers == SERVERS


def test_without_rd_nobody_is_asked() -> None:
    assert code(the_server().ask("db.corp.example.", flags=0)) == "REFUSED"
