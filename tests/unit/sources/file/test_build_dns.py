"""What a file says about names: the resolver of a network, and what that makes of its subnets' servers."""

import json
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from netmend.intent import Dns, DnsServer, Network
from netmend.sources.file import IntentError, load

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of one network; `dns` is what it says, other arguments are fields of its one subnet."""

    def make(dns: Any, **subnet: Any) -> Path:
        network = {"name": "blue", "subnets": [{"cidr": "10.0.0.0/24", **subnet}], "dns": dns}
        path = tmp_path / "intent.json"
        path.write_text(json.dumps({"networks": [network]}, indent=0))
        return path

    return make


def network(path: Path) -> Network:
    (found,) = load(path).networks.values()
    return found


def whys(path: Path) -> dict[str, str]:
    """The problems of a file, by field."""
    with pytest.raises(IntentError) as caught:
        load(path)
    return {problem.field.removeprefix("networks[blue]."): problem.why for problem in caught.value.problems}


@pytest.mark.parametrize("off", [None, False])
def test_no_names_are_answered_unless_it_is_asked_for(write: Write, off: bool | None) -> None:
    found = network(write(off, dns_servers=["192.0.2.53"]))
    assert found.dns is None
    assert found.subnets[0].dns_servers == (ip_address("192.0.2.53"),)


@pytest.mark.parametrize("plain", [True, {}])
def test_plainly(write: Write, plain: object) -> None:
    assert network(write(plain)).dns == Dns()


def test_every_field(write: Write) -> None:
    servers = ["127.0.0.53", "2001:db8::53"]
    says = {"domain": "blue.example.", "forward_to": servers, "allow_private": True, "guest_rate": 0}
    assert network(write(says)).dns == Dns(
        "blue.example", tuple(DnsServer(ip_address(text)) for text in servers), True, True, 0
    )
    assert network(write({"forward": False})).dns == Dns(forward=False)


def test_the_servers_of_subnets_are_whom_netmend_asks(write: Write) -> None:
    found = network(write(True, dns_servers=["192.0.2.53", "198.51.100.53"]))
    assert found.dns == Dns(forwarders=tuple(DnsServer(ip_address(text)) for text in ("192.0.2.53", "198.51.100.53")))
    assert found.subnets[0].dns_servers == ()


@pytest.mark.parametrize(
    ("dns", "field", "why"),
    [
        ({"forward_to": ["192.0.2.53"]}, "dns.forward_to", "give one of both"),
        ({"forward": False}, "dns.forward", "a subnet's dns_servers says whom to ask"),
        ({"forward": False, "forward_to": ["192.0.2.53"]}, "dns.forward", "forward_to says whom to ask"),
    ],
)
def test_what_contradicts_the_servers_of_a_subnet(write: Write, dns: object, field: str, why: str) -> None:
    assert why in whys(write(dns, dns_servers=["192.0.2.53"]))[field]


def test_servers_with_a_port_and_of_domains(write: Write) -> None:
    domains = {"Corp.example.": ["192.0.2.9"], "nowhere": []}
    found = network(write({"forward_to": ["192.0.2.53:5353", "[2001:db8::53]:54"], "forward_domains": domains})).dns
    assert found is not None
    assert list(map(str, found.forwarders)) == ["192.0.2.53:5353", "[2001:db8::53]:54"]
    assert found.forward_domains == (("corp.example", (DnsServer(ip_address("192.0.2.9")),)), ("nowhere", ()))


@pytest.mark.parametrize(
    ("dns", "field", "why"),
    [
        (3, "dns", "expected true, false or a mapping, not the number 3"),
        ("yes", "dns", "expected true, false or a mapping, not the text 'yes'"),
        ([], "dns", "expected true, false or a mapping, not a list"),
        ({"forwards": True}, "dns.forwards", "did you mean forward?"),
        ({"forward": "no"}, "dns.forward", "expected true or false, not the text 'no'"),
        ({"forward_to": "1.1.1.1"}, "dns.forward_to", "expected a list, not the text '1.1.1.1'"),
        ({"forward_to": ["dns.example"]}, "dns.forward_to[0]", "servers to ask are given by their addresses"),
        ({"forward_to": ["224.0.0.251"]}, "dns.forward_to[0]", "no single server's address"),
        ({"forward_to": ["::"]}, "dns.forward_to[0]", "no single server's address"),
        ({"forward_to": ["192.0.2.53:0"]}, "dns.forward_to[0]", "a port is 1 to 65535"),
        ({"forward_to": ["192.0.2.53:70000"]}, "dns.forward_to[0]", "a port is 1 to 65535"),
        ({"forward_to": ["[192.0.2.53]:x"]}, "dns.forward_to[0]", "no IP address"),
        ({"forward_domains": ["corp.example"]}, "dns.forward_domains", "expected a mapping, not a list"),
        ({"forward_domains": {"corp.example": "192.0.2.53"}}, "dns.forward_domains.corp.example", "expected a list"),
        ({"forward_domains": {"corp.example": ["ns"]}}, "dns.forward_domains.corp.example[0]", "no IP address"),
        ({"forward_domains": {"-x": []}}, "dns.forward_domains.-x", "no host or domain name"),
        (
            {"domain": "a.example", "forward_domains": {"A.example.": []}},
            "dns.forward_domains.A.example.",
            "own domain",
        ),
        ({"forward_domains": {"A.example": [], "a.example.": []}}, "dns.forward_domains.a.example.", "twice"),
        ({"domain": "-x"}, "dns.domain", "no host or domain name"),
        ({"guest_rate": -1}, "dns.guest_rate", "it is 0 (no limit) to 1000000 queries a second"),
    ],
)
def test_what_is_wrong(write: Write, dns: object, field: str, why: str) -> None:
    found = whys(write(dns))
    assert why in found[field], found


def test_where_no_subnet_is_no_address_to_answer_at(tmp_path: Path) -> None:
    path = tmp_path / "intent.json"
    path.write_text(json.dumps({"networks": [{"name": "blue", "dns": True}]}))
    assert "no address to answer at" in whys(path)["dns"]
