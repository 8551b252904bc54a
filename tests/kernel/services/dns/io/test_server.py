"""A guest's questions over real sockets, answered from intent and by real servers."""

import socket
from ipaddress import ip_interface

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from msgspec.structs import replace
from tests.kernel.services.dns.io.world import DEVICE, SERVER, SERVER6, World, dnsmasq
from tests.unit.services.dns.asker import NETWORK_ID, data, network, port
from tests.waiting import wait_for

from netmend.intent import Dns
from netmend.kernel import addresses, links
from netmend.kernel.netlink import RouteSocket

UP = "127.0.0.53"


@pytest.mark.parametrize("at", [SERVER, SERVER6])
@pytest.mark.parametrize("tcp", [False, True])
def test_own_names_over_both_transports_and_versions(at: str, tcp: bool) -> None:
    with World() as world:
        for _ in range(2):
            assert data(world.ask("web.office.example", at=at, tcp=tcp)) == ["10.0.0.10"]


def test_others_names_are_asked_of_a_real_server_and_kept() -> None:
    big = "--txt-record=big.example.org," + ",".join(["x" * 250] * 9)
    records = ["--host-record=www.example.org,192.0.9.1,2a00::1,120", big]
    with dnsmasq(UP, *records, "--local-ttl=100", "--edns-packet-max=4096"), World(UP) as world:
        answer = world.ask("www.example.org")
        assert data(answer) == ["192.0.9.1"] and answer.answer[0].ttl <= 120
        assert data(world.ask("www.example.org", "AAAA", at=SERVER6)) == ["2a00::1"]
        assert data(world.ask("WWW.example.ORG", tcp=True)) == ["192.0.9.1"]
        assert world.status()["forwarded"] == 2 and world.status()["cached"] == 1
        cut = world.ask("big.example.org", "TXT")
        assert cut.flags & dns.flags.TC and not cut.answer
        assert len(data(world.ask("big.example.org", "TXT", tcp=True))[0]) > 2000
        assert world.errors == []
        assert world.status()["exceptions"] == 0


def test_a_host_name_that_a_real_server_denies() -> None:
    with dnsmasq(UP, "--local=/example.org/", "--host-record=www.example.org,192.0.9.1"), World(UP) as world:
        assert world.ask("nobody.example.org").rcode() == dns.rcode.NXDOMAIN
        assert world.ask("www.example.org", "AAAA").rcode() == dns.rcode.NOERROR


def test_sources_outside_the_network_are_met_with_silence() -> None:
    with World() as world:
        with world.guest.entered(), RouteSocket() as route:
            link = links.find_link(route, DEVICE)
            assert link
            addresses.add_address(route, link, ip_interface("192.0.2.77/24"))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.bind(("192.0.2.77", 0))
                stranger.sendto(dns.message.make_query("web.", "A").to_wire(), (SERVER, 53))
        wait_for(lambda: world.status()["outside"] == 1, "it is counted")
        assert world.status()["sent"] == 0


def test_a_network_that_is_gone_is_answered_no_more() -> None:
    with World() as world:
        world.ask("web.")
        world.sockets.remove(NETWORK_ID)
        assert world.sockets.status(NETWORK_ID) is None
        with pytest.raises((dns.exception.Timeout, OSError)):
            dns_query = dns.message.make_query("web.", "A")
            with world.guest.entered():
                dns.query.udp(dns_query, SERVER, timeout=0.5)


def test_each_network_sees_its_own_names_and_cache() -> None:
    other_id = "11111111-2222-4333-8444-555555555555"
    other = network(port("web", "10.0.0.20"), id=other_id)
    with dnsmasq(UP, "--host-record=www.example.org,192.0.9.1"), World(UP) as world:
        elsewhere = world.add(other)
        assert data(world.ask("web.office.example")) == ["10.0.0.10"]
        assert data(world.ask("web.office.example", guest=elsewhere)) == ["10.0.0.20"]
        world.ask("www.example.org")
        world.ask("www.example.org", guest=elsewhere)
        found = world.sockets.status(other_id)
        assert found and (found["forwarded"], found["cached"]) == (1, 0)


def test_networks_that_share_names_answer_with_each_others() -> None:
    other_id = "11111111-2222-4333-8444-555555555555"
    names = Dns("office.example", share_names=True)
    one = network(dns=names)
    there = replace(names, domain="lab.example")
    other = network(port("mail", "10.0.0.20"), id=other_id, dns=there)
    with World() as world:
        elsewhere = world.add(other)
        assert world.ask("mail.lab.example").rcode() == dns.rcode.NXDOMAIN
        world.sockets.update(one)
        assert data(world.ask("mail.lab.example")) == ["10.0.0.20"]
        assert data(world.ask("web.office.example", guest=elsewhere)) == ["10.0.0.10"]
        world.sockets.update(replace(other, dns=replace(there, share_names=False)))
        assert world.ask("mail.lab.example").rcode() == dns.rcode.NXDOMAIN
        assert world.ask("web.office.example", guest=elsewhere).rcode() == dns.rcode.NXDOMAIN
