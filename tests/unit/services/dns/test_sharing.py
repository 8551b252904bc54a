"""Networks of one project that share their names: each one's guests are answered with the others' too."""

import pytest
from msgspec.structs import replace
from tests.unit.services.dns.asker import NETWORK_ID, Server, code, data, network, port, subnet

from netmend.intent import Dns, Network
from netmend.services.dns import DnsResponder

OTHER_ID = "11111111-2222-4333-8444-555555555555"
THIRD_ID = "22222222-2222-4333-8444-555555555555"
SHARED = Dns("office.example", share_names=True)


def other(domain: str, cidr: str = "10.7.0.0/24", *, shares: bool = True, **changes: object) -> Network:
    first = cidr.removesuffix("0/24")
    fields: dict[str, object] = {"id": OTHER_ID, **changes}
    ports = (port("db", f"{first}20"), port("mail", f"{first}21"))
    return replace(
        network(*ports, dns=Dns(domain, share_names=shares), subnets=(subnet(cidr),), subnets6=()),
        **fields,
    )


class Project:
    """A server of `network()`, which shares its names, beside others."""

    def __init__(self, *others: Network, dns: Dns = SHARED, project: str | None = None) -> None:
        own = replace(network(dns=dns), project_id=project)
        self.server = Server(own, *others)
        self.server.domains.join(own, self.server.responder)
        self.others = {one.id: DnsResponder(one, self.server.domains) for one in others}
        for one in others:
            self.server.domains.join(one, self.others[one.id])
        self.ask = self.server.ask

    def change(self, one: Network) -> None:
        self.server.domains.put(one)
        self.others[one.id].update(one)
        self.server.domains.join(one, self.others[one.id])


def test_names_in_the_others_domain_are_answered_both_ways() -> None:
    project = Project(other("lab.example"))
    answer = project.ask("mail.lab.example.")
    assert (code(answer), data(answer)) == ("NOERROR", ["10.7.0.21"])
    assert data(project.ask("21.0.7.10.in-addr.arpa.", "PTR")) == ["mail.lab.example."]
    assert code(project.ask("nobody.lab.example.")) == "NXDOMAIN"
    answer = project.ask("mail.lab.example.", "AAAA")
    assert (code(answer), data(answer)) == ("NOERROR", [])


def test_with_one_domain_for_all_a_name_of_the_networks_own_wins() -> None:
    project = Project(other("office.example"))
    assert data(project.ask("mail.office.example.")) == ["10.7.0.21"]
    assert data(project.ask("db.office.example.")) == ["10.0.0.11"]
    assert code(project.ask("nobody.office.example.")) == "NXDOMAIN"
    assert code(project.ask("mail.")) == "NXDOMAIN", "alone, a name is one of the guest's own network"


def test_several_networks_with_the_name_give_all_its_addresses() -> None:
    project = Project(other("lab.example"), other("lab.example", "10.8.0.0/24", id=THIRD_ID))
    assert sorted(data(project.ask("mail.lab.example."))) == ["10.7.0.21", "10.8.0.21"]


@pytest.mark.parametrize("theirs", [{"shares": False}, {"project_id": "another"}])
def test_nothing_is_said_of_a_network_that_does_not_share_or_of_another_project(theirs: dict[str, object]) -> None:
    project = Project(other("lab.lan", **theirs))  # type: ignore[arg-type]
    assert code(project.ask("mail.lab.lan.")) == "NXDOMAIN"
    assert code(project.ask("21.0.7.10.in-addr.arpa.", "PTR")) == "NXDOMAIN"


def test_nor_to_a_network_that_does_not_share_its_own() -> None:
    project = Project(other("lab.example"), dns=Dns("office.example"))
    assert code(project.ask("mail.lab.example.")) == "NXDOMAIN"


def test_a_change_over_there_is_seen_with_the_next_question() -> None:
    there = other("office.example")
    project = Project(there)
    for _ in range(2):
        assert code(project.ask("new.office.example.", id=7)) == "NXDOMAIN"
        assert data(project.ask("mail.office.example.", id=7)) == ["10.7.0.21"]
    new = port("new", "10.7.0.30")
    project.change(replace(there, ports={new.id: new}))
    assert data(project.ask("new.office.example.", id=7)) == ["10.7.0.30"]
    assert code(project.ask("mail.office.example.", id=7)) == "NXDOMAIN"
    project.change(replace(there, dns=Dns("office.example")))
    assert code(project.ask("new.office.example.", id=7)) == "NXDOMAIN"


def test_a_network_that_is_gone_is_not_asked() -> None:
    project = Project(other("lab.example"))
    assert data(project.ask("mail.lab.example.")) == ["10.7.0.21"]
    project.server.domains.remove(OTHER_ID)
    project.server.forward("mail.lab.example.")
    assert project.server.domains.neighbours(NETWORK_ID) == ()


def test_an_address_that_several_networks_have_is_nobodys() -> None:
    project = Project(other("lab.example"), other("two.example", id=THIRD_ID))
    assert code(project.ask("21.0.7.10.in-addr.arpa.", "PTR")) == "NXDOMAIN"
    own = project.ask("11.0.0.10.in-addr.arpa.", "PTR")
    assert data(own) == ["db.office.example."], "the network's own subnet wins"


def test_a_domain_with_servers_of_its_own_is_asked_of_these() -> None:
    servers = Dns("office.example", share_names=True, forward_domains=(("lab.example", ()),))
    assert code(Project(other("lab.example"), dns=servers).ask("mail.lab.example.")) == "NOERROR"


def test_two_networks_of_one_name_in_two_projects_do_not_meet() -> None:
    mine = replace(other("lab.lan"), project_id="mine")
    theirs = replace(other("lab.lan", "10.9.0.0/24", id=THIRD_ID), project_id="theirs")
    project = Project(mine, theirs, project="mine")
    assert data(project.ask("mail.lab.lan.")) == ["10.7.0.21"]
