"""What a network's own names are answered, and what is nobody's business elsewhere."""

from ipaddress import IPv4Address

import dns.flags
import pytest
from msgspec.structs import replace
from tests.unit.services.dns.asker import (
    PORTS,
    Server,
    code,
    data,
    network,
    port,
    subnet,
    subnet6,
    upstream_answer,
    zone_of,
)

from netmend.intent import Dns, Network

OTHER_ID = "11111111-2222-4333-8444-555555555555"


def other(domain: str, *, project: str | None = None) -> Network:
    return replace(network(dns=Dns(domain)), id=OTHER_ID, project_id=project)


class TestForward:
    @pytest.mark.parametrize("name", ["web.", "web.office.example.", "WEB.Office.EXAMPLE."])
    def test_a_port_is_known_by_its_host_name_with_and_without_the_domain(self, name: str) -> None:
        server = Server()
        assert data(server.ask(name)) == ["10.0.0.10"]
        assert data(server.ask(name, "AAAA")) == ["fd00::10"]
        assert server.ask(name).flags & dns.flags.AA

    def test_a_name_has_no_records_of_other_types(self) -> None:
        answer = Server().ask("db.office.example.", "AAAA")
        assert (code(answer), data(answer), zone_of(answer)) == ("NOERROR", [], "office.example.")

    def test_what_is_not_there_is_denied_with_the_soa(self) -> None:
        answer = Server().ask("nobody.office.example.")
        assert (code(answer), zone_of(answer)) == ("NXDOMAIN", "office.example.")
        assert answer.flags & dns.flags.AA

    def test_a_name_that_others_are_below_is_not_denied_rfc8020(self) -> None:
        assert code(Server().ask("deep.office.example.")) == "NOERROR"
        assert data(Server().ask("a.deep.office.example.")) == ["10.0.0.12"]

    @pytest.mark.parametrize("name", ["host-10-0-0-13.office.example.", "host-10-0-0-13."])
    def test_a_port_without_a_host_name_is_called_by_its_address(self, name: str) -> None:
        assert data(Server().ask(name)) == ["10.0.0.13"]
        assert data(Server().ask(name, "AAAA")) == []
        assert data(Server().ask("host-fd00--13.office.example.", "AAAA")) == ["fd00::13"]

    @pytest.mark.parametrize("name", ["host-10-0-0-10", "host-10-0-0-99", "host-10-0-0-013", "host-", "host-fd00---13"])
    def test_and_no_other_name_of_that_form_is_there(self, name: str) -> None:
        assert code(Server().ask(f"{name}.office.example.")) == "NXDOMAIN"

    def test_several_ports_of_one_name_are_all_told(self) -> None:
        server = Server(network(port("web", "10.0.0.10", name="1"), port("web", "10.0.0.20", name="2")))
        assert sorted(data(server.ask("web.office.example."))) == ["10.0.0.10", "10.0.0.20"]

    def test_the_zones_own_name_is_netmend(self) -> None:
        server = Server()
        assert data(server.ask("office.example.")) == ["10.0.0.2"]
        assert data(server.ask("office.example.", "NS")) == ["office.example."]
        (soa,) = data(server.ask("office.example.", "SOA"))
        assert soa.startswith("office.example. nobody.invalid. ")

    def test_a_subnets_domain_holds_its_own_addresses_only(self) -> None:
        subnets = subnet(domain="four.example"), subnet("10.0.1.0/24", domain="five.example")
        server = Server(network(port("web", "10.0.0.10", "10.0.1.10"), dns=Dns(), subnets=subnets, subnets6=()))
        assert data(server.ask("web.four.example.")) == ["10.0.0.10"]
        assert data(server.ask("web.five.example.")) == ["10.0.1.10"]
        assert data(server.ask("web.")) == ["10.0.0.10", "10.0.1.10"]
        assert data(server.ask("10.1.0.10.in-addr.arpa.", "PTR")) == ["web.five.example."]

    def test_a_host_name_that_ends_in_the_domain_is_not_doubled(self) -> None:
        server = Server(network(port("Web.office.example", "10.0.0.10")))
        assert data(server.ask("web.office.example.")) == ["10.0.0.10"]
        assert data(server.ask("10.0.0.10.in-addr.arpa.", "PTR")) == ["Web.office.example."]

    def test_a_host_name_of_several_labels_in_no_zone_is_known_alone_too(self) -> None:
        server = Server(network(port("mail.far.example", "10.0.0.10")))
        assert data(server.ask("mail.far.example.")) == ["10.0.0.10"]
        assert data(server.ask("mail.far.example.office.example.")) == ["10.0.0.10"]

    def test_single_addresses_have_names_of_their_own(self) -> None:
        named = replace(
            port("web", "10.0.0.10", "10.0.1.10"),
            names=(
                (IPv4Address("10.0.0.10"), "front.office.example."),
                (IPv4Address("10.0.1.10"), "back.office.example."),
                (IPv4Address("198.18.0.9"), "far.office.example."),
            ),
        )
        server = Server(network(named, subnets=(subnet(), subnet("10.0.1.0/24"))))
        assert data(server.ask("front.office.example.")) == data(server.ask("front.")) == ["10.0.0.10"]
        assert data(server.ask("back.office.example.")) == ["10.0.1.10"]
        assert data(server.ask("10.1.0.10.in-addr.arpa.", "PTR")) == ["back.office.example."]
        assert data(server.ask("9.0.18.198.in-addr.arpa.", "PTR")) == ["far.office.example."]
        for name in ("web.office.example.", "host-10-0-0-10.office.example."):
            assert code(server.ask(name)) == "NXDOMAIN"
        server.responder.update(network(subnets=(subnet(), subnet("10.0.1.0/24"))))
        assert code(server.ask("front.office.example.")) == "NXDOMAIN"
        server.forward("9.0.18.198.in-addr.arpa.", "PTR")

    def test_any_is_answered_little_rfc8482(self) -> None:
        assert data(Server().ask("web.office.example.", "ANY")) == ['"RFC8482" ""']
        assert code(Server().ask("nobody.office.example.", "ANY")) == "NXDOMAIN"
        assert data(Server().ask("www.example.org.", "ANY")) == ['"RFC8482" ""']


class TestReverse:
    @pytest.mark.parametrize(
        ("name", "target"),
        [
            ("10.0.0.10.in-addr.arpa.", "web.office.example."),
            ("13.0.0.10.in-addr.arpa.", "host-10-0-0-13.office.example."),
            ("2.0.0.10.in-addr.arpa.", "office.example."),
            ("3.1.0.0." + "0." * 24 + "0.0.d.f.IP6.ARPA.", "host-fd00--13.office.example."),
        ],
    )
    def test_an_address_has_the_name_of_who_has_it(self, name: str, target: str) -> None:
        assert data(Server().ask(name, "PTR")) == [target]

    def test_addresses_of_nobody_are_denied(self) -> None:
        answer = Server().ask("99.0.0.10.in-addr.arpa.", "PTR")
        assert (code(answer), zone_of(answer)) == ("NXDOMAIN", "0.0.10.in-addr.arpa.")

    def test_what_addresses_are_below_is_there(self) -> None:
        answer = Server(network(subnets=(subnet("10.0.0.0/16"),))).ask("0.0.10.in-addr.arpa.", "PTR")
        assert (code(answer), zone_of(answer)) == ("NOERROR", "0.10.in-addr.arpa.")

    @pytest.mark.parametrize("rdtype", ["SOA", "NS"])
    def test_a_reverse_zone_has_what_a_zone_has(self, rdtype: str) -> None:
        assert data(Server().ask("0.0.10.in-addr.arpa.", rdtype))[0].startswith("0.0.10.in-addr.arpa.")

    def test_a_block_between_octets_has_zones_of_whole_ones(self) -> None:
        server = Server(network(port("x", "203.0.113.5"), subnets=(subnet("203.0.113.0/28"),)))
        assert data(server.ask("5.113.0.203.in-addr.arpa.", "PTR")) == ["x.office.example."]
        answer = server.ask("6.113.0.203.in-addr.arpa.", "PTR")
        assert zone_of(answer) == "6.113.0.203.in-addr.arpa."

    def test_public_addresses_of_others_are_forwarded(self) -> None:
        server = Server(network(subnets=(subnet("198.18.0.0/28"),)))
        server.forward("200.0.18.198.in-addr.arpa.", "PTR")
        server.forward("4.4.8.8.in-addr.arpa.", "PTR")

    @pytest.mark.parametrize(
        "name", ["1.1.168.192.in-addr.arpa.", "1.1.1.10.in-addr.arpa.", "1.20.172.in-addr.arpa.", "1.0.0.d.f.ip6.arpa."]
    )
    def test_private_addresses_of_others_stay_here_rfc6303(self, name: str) -> None:
        assert code(Server().ask(name, "PTR")) == "NXDOMAIN"
        Server(network(dns=Dns(allow_private=True))).forward(name, "PTR")

    def test_labels_that_are_no_octets_are_denied_in_our_zone(self) -> None:
        for name in (
            "x.0.0.10.in-addr.arpa.",
            "010.0.0.10.in-addr.arpa.",
            "256.0.0.10.in-addr.arpa.",
            "1.10.0.0.10.in-addr.arpa.",
        ):
            assert code(Server().ask(name, "PTR")) == "NXDOMAIN", name


class TestNobodyElsesBusiness:
    @pytest.mark.parametrize(
        "name", ["a.invalid.", "b.test.", "x.onion.", "printer.local.", "h.home.arpa.", "_dns.resolver.arpa.", "x.alt."]
    )
    def test_special_names_are_not_forwarded(self, name: str) -> None:
        assert code(Server().ask(name)) == "NXDOMAIN"

    def test_localhost_is_the_guest_itself_rfc6761(self) -> None:
        assert data(Server().ask("localhost.")) == ["127.0.0.1"]
        assert data(Server().ask("x.localhost.", "AAAA")) == ["::1"]

    def test_a_name_of_one_label_that_is_not_ours_is_not_forwarded(self) -> None:
        answer = Server().ask("printer.")
        assert (code(answer), answer.authority) == ("NXDOMAIN", [])
        Server().forward("com.", "NS")
        Server().forward(".", "DNSKEY")

    def test_another_networks_names_are_neither_answered_nor_forwarded(self) -> None:
        server = Server(network(), other("blue.example"))
        assert code(server.ask("web.blue.example.")) == "NXDOMAIN"
        server.domains.remove(OTHER_ID)
        server.forward("web.blue.example.")

    def test_what_was_answered_before_another_network_took_the_name_is_forgotten(self) -> None:
        server = Server()
        forward = server.forward("www.blue.example.")
        server.learn(forward, upstream_answer(forward, "www.blue.example. 60 IN A 192.0.9.1"))
        for _ in range(2):
            assert data(server.ask("www.blue.example.", use_edns=False, id=7)) == ["192.0.9.1"]
        server.domains.put(other("blue.example"))
        assert code(server.ask("www.blue.example.", use_edns=False, id=7)) == "NXDOMAIN"

    def test_of_one_domain_in_two_networks_each_sees_its_own(self) -> None:
        server = Server(network(), other("office.example"))
        assert data(server.ask("web.office.example.")) == ["10.0.0.10"]

    def test_a_project_cannot_take_public_names_from_others(self) -> None:
        mine = replace(network(), project_id="mine")
        Server(mine, other("example.org", project="theirs")).forward("www.example.org.")
        assert code(Server(mine, other("lan", project="theirs")).ask("www.lan.")) == "NXDOMAIN"
        assert code(Server(mine, other("example.org", project="mine")).ask("www.example.org.")) == "NXDOMAIN"


class TestChange:
    def test_a_changed_port_is_answered_at_once(self) -> None:
        server = Server()
        assert code(server.ask("new.office.example.", use_edns=False)) == "NXDOMAIN"
        renamed = replace(PORTS[0], hostname="new")
        server.responder.update(network(renamed, *PORTS[1:]))
        assert data(server.ask("new.office.example.", use_edns=False)) == ["10.0.0.10"]
        assert code(server.ask("web.office.example.")) == "NXDOMAIN"
        assert data(server.ask("10.0.0.10.in-addr.arpa.", "PTR")) == ["new.office.example."]

    def test_the_serial_rises(self) -> None:
        server = Server()
        (before,) = data(server.ask("office.example.", "SOA"))
        server.responder.update(network(*PORTS[1:]))
        (after,) = data(server.ask("office.example.", "SOA"))
        assert int(after.split()[2]) > int(before.split()[2])

    def test_a_new_domain_holds_for_names_known_before(self) -> None:
        server = Server(network(port("web.lab.example", "10.0.0.10")))
        changed = network(port("web.lab.example", "10.0.0.10"), dns=Dns("lab.example"))
        server.domains.put(changed)
        server.responder.update(changed)
        assert data(server.ask("web.lab.example.")) == ["10.0.0.10"]

    def test_removing_one_of_two_of_a_name_leaves_the_other(self) -> None:
        first, second = port("web", "10.0.0.10", name="1"), port("web", "10.0.0.20", name="2")
        server = Server(network(first, second))
        server.responder.update(network(second))
        assert data(server.ask("web.office.example.")) == ["10.0.0.20"]

    def test_v6_subnets_have_domains_too(self) -> None:
        server = Server(network(dns=Dns(), subnets=(), subnets6=(subnet6(domain="six.example"),)))
        assert data(server.ask("web.six.example.", "AAAA")) == ["fd00::10"]
        assert data(server.ask("web.six.example.")) == []


def test_a_port_without_a_host_name_answers_to_its_own() -> None:
    nameless = port(None, "10.0.0.13", name="printer")
    server = Server(network(nameless))
    assert data(server.ask("printer.office.example")) == data(server.ask("printer")) == ["10.0.0.13"]
    assert data(server.ask("host-10-0-0-13.office.example")) == ["10.0.0.13"]


def test_a_host_name_wins_over_the_name_of_another_port() -> None:
    nameless, named = port(None, "10.0.0.13", name="printer"), port("printer", "10.0.0.14", name="other")
    server = Server(network(nameless, named))
    assert data(server.ask("printer.office.example")) == ["10.0.0.14"]
    server.responder.update(network(nameless))
    assert data(server.ask("printer.office.example")) == ["10.0.0.13"]
    server.responder.update(network(port("x", "10.0.0.15")))
    assert code(server.ask("printer.office.example")) == "NXDOMAIN"


def test_records_of_intent() -> None:
    addresses = [IPv4Address("10.0.0.1"), IPv4Address("198.51.100.7"), IPv4Address("10.0.0.10")]
    records = (("gw", addresses[0]), ("git.example.net", addresses[1]), ("www.office.example", addresses[2]))
    server = Server(network(port("web", "10.0.0.10"), dns=Dns("office.example", records=records)))
    assert data(server.ask("gw.office.example")) == data(server.ask("gw")) == ["10.0.0.1"]
    assert data(server.ask("git.example.net")) == ["198.51.100.7"]
    assert data(server.ask("www.office.example")) == ["10.0.0.10"]
    assert data(server.ask("1.0.0.10.in-addr.arpa", "PTR")) == ["gw.office.example."]
    assert data(server.ask("10.0.0.10.in-addr.arpa", "PTR")) == ["web.office.example."]
    server.responder.update(network(port("web", "10.0.0.10"), dns=Dns("office.example")))
    assert code(server.ask("gw.office.example")) == "NXDOMAIN"
