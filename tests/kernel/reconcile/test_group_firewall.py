"""Security groups on real bridges: in force before the guest is, changed at once, put back, closed in doubt."""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network, ip_network
from typing import Any

import pytest
from msgspec.structs import replace
from tests.kernel.firewall.group_bridge import how_bridges_track

from netmend.firewall.group_rules import NAME, table
from netmend.ground.nftables import FAMILY_INET
from netmend.intent import (
    AddressGroup,
    Intent,
    NetnsPlug,
    Network,
    Port,
    SecurityGroup,
    SecurityRule,
    Subnet,
)
from netmend.intent.names import id_from_name, tap_name
from netmend.kernel import links, netns, nsdir
from netmend.kernel.changes import observe_changes
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import RouteSocket, parse_attributes
from netmend.kernel.netns import Netns
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import GETTABLE, change_elements, read_set, remake, remove_table
from netmend.reconcile import group_firewall
from netmend.reconcile.reconciler import Reconciler

ID, TWIN = id_from_name("network", "one"), id_from_name("network", "twin")
CIDR = IPv4Network("10.0.0.0/24")
SUBNET = Subnet(id_from_name("subnet", "s"), "s", CIDR, CIDR[2])
WEB, ALL = id_from_name("security group", "web"), id_from_name("security group", "all")
EGRESS = SecurityRule("egress", 4)
UDP_80 = SecurityRule("ingress", 4, 17, (80, 80))


def port(number: int, *groups: str, **more: Any) -> Port:
    name = f"guest-{number}"
    return Port(
        id_from_name("port", name),
        name,
        f"fa:16:3e:00:00:{number:02x}",
        (CIDR[10 + number],),
        plug=NetnsPlug(name),
        security_groups=groups,
        **more,
    )


def group(group_id: str, *rules: SecurityRule, **more: Any) -> SecurityGroup:
    return SecurityGroup(group_id, group_id, rules, **more)


def intent(*ports: Port, groups: tuple[SecurityGroup, ...] = ()) -> Intent:
    network = Network(ID, "one", subnets=(SUBNET,), ports={each.id: each for each in ports})
    return Intent({ID: network}, security_groups={each.id: each for each in groups})


class Guest:
    """A namespace that a port is plugged into, with an address and UDP sockets."""

    def __init__(self, port: Port, others: list[Port]) -> None:
        self.port, self.others = port, others
        nsdir.prepare()
        with Netns.create(port.name) as made:
            netns.pin(made, f"/run/netns/{port.name}", "somebody")
        self.place = made

    def open(self) -> None:
        """Give the device its address, and tell it its neighbours, so that no frame waits for an answer to ARP."""
        from pyroute2 import IPRoute

        with self.place.entered(), IPRoute() as route:
            index = route.link_lookup(ifname="eth0")[0]
            route.addr("replace", index=index, address=str(self.port.fixed_ips[0]), prefixlen=24)
            route.link("set", index=index, state="up")
            for other in self.others:
                route.neigh("replace", dst=str(other.fixed_ips[0]), lladdr=other.mac, ifindex=index, state=0x80)

    def socket(self, number: int) -> socket.socket:
        with self.place.entered():
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((str(self.port.fixed_ips[0]), number))
        return made


def arrives(sender: socket.socket, receiver: socket.socket, seconds: float) -> bool:
    """Whether a datagram comes within that time."""
    receiver.settimeout(seconds)
    sender.sendto(b"x", receiver.getsockname())
    try:
        receiver.recv(10)
    except TimeoutError:
        return False
    return True


def passes(sender: socket.socket, receiver: socket.socket) -> bool:
    return arrives(sender, receiver, 20)


def refused(sender: socket.socket, receiver: socket.socket) -> bool:
    return not arrives(sender, receiver, 0.3)


@contextmanager
def two_guests(wanted: Intent) -> Iterator[tuple[Guest, Guest, Reconciler]]:
    if how_bridges_track() == "none" and any(each.stateful for each in wanted.security_groups.values()):
        pytest.skip("bridges of this kernel track no connections: it has neither nf_conntrack_bridge nor br_netfilter")
    ports = list(wanted.networks[ID].ports.values())
    guests = [Guest(each, [other for other in ports if other is not each]) for each in ports]
    reconciler = Reconciler()
    report = reconciler.run(wanted)
    assert report.right == {ID} and not report.mended, reconciler.resync.all()
    for guest in guests:
        guest.open()
    yield guests[0], guests[1], reconciler
    reconciler.close()


def tables() -> set[bytes]:
    return {
        parse_attributes(data, 4)[1].rstrip(b"\0")
        for family in (7, FAMILY_INET)
        for data in NftSocket(family).dump(GETTABLE)
    }


def test_a_rule_lets_in_and_an_answer_needs_none() -> None:
    ports = port(1, ALL), port(2, WEB)
    groups = group(ALL, EGRESS), group(WEB, UDP_80)
    with two_guests(intent(*ports, groups=groups)) as (one, two, reconciler):
        client, web, other = one.socket(1000), two.socket(80), two.socket(81)
        assert refused(web, client)  # nobody asked
        assert passes(client, web) and passes(web, client)
        assert refused(client, other)
        # the same intent again changes nothing
        assert not reconciler.run(intent(*ports, groups=groups)).planned_steps


def test_a_rule_that_goes_ends_what_it_let_begin_and_one_that_comes_holds_at_once() -> None:
    ports = port(1, ALL), port(2, WEB)
    with two_guests(intent(*ports, groups=(group(ALL, EGRESS), group(WEB, UDP_80)))) as (one, two, reconciler):
        client, web, other = one.socket(1000), two.socket(80), two.socket(81)
        assert passes(client, web) and passes(web, client)
        udp_81 = replace(UDP_80, ports=(81, 81))
        (reason,) = reconciler.plan(intent(*ports, groups=(group(ALL, EGRESS), group(WEB, udp_81))))
        assert "security groups in nftables: 1 port" in {str(step) for step in reason.steps}
        assert passes(client, web)  # a plan changes nothing
        assert reconciler.run(intent(*ports, groups=(group(ALL, EGRESS), group(WEB, udp_81))), scope={"rules"})
        assert refused(client, web) and refused(web, client)
        assert passes(client, other) and passes(other, client)
        # a group less
        assert reconciler.run(intent(ports[0], port(2), groups=(group(ALL, EGRESS), group(WEB, udp_81))))
        assert refused(client, other) and refused(other, client)
        # nobody filters
        assert reconciler.run(intent(*(replace(each, security_groups=None) for each in ports)))
        assert passes(client, web) and passes(web, client)
        assert NAME.encode() not in tables()


def test_members_of_a_remote_group_and_an_address_group() -> None:
    ports = port(1, ALL), port(2, WEB)
    by_group = replace(UDP_80, remote_group_id=ALL)
    listed = id_from_name("address group", "listed")
    by_list = replace(UDP_80, ports=(81, 81), remote_address_group_id=listed)
    groups = group(ALL, EGRESS), group(WEB, by_group, by_list)
    with two_guests(intent(*ports, groups=groups)) as (one, two, reconciler):
        client, web, other = one.socket(1000), two.socket(80), two.socket(81)
        assert refused(client, web) and refused(client, other)
        members = frozenset({ip_network("10.0.0.11")})
        wanted = intent(*ports, groups=(replace(groups[0], members=members), groups[1]))
        reconciler.run(wanted)
        assert passes(client, web) and refused(client, other)
        lists = {listed: AddressGroup(listed, "listed", frozenset({ip_network("10.0.0.8/29")}))}
        reconciler.run(replace(intent(*ports, groups=groups), address_groups=lists))
        assert refused(client, web) and passes(client, other)
        narrower = {listed: AddressGroup(listed, "listed", frozenset({ip_network("10.0.0.8/31")}))}
        reconciler.run(replace(intent(*ports, groups=groups), address_groups=narrower))
        assert refused(client, web) and refused(client, other)


def test_stateless_groups_track_nothing() -> None:
    ports = port(1, ALL), port(2, WEB)
    groups = group(ALL, EGRESS, stateful=False), group(WEB, UDP_80, stateful=False)
    with two_guests(intent(*ports, groups=groups)) as (one, two, reconciler):
        client, web = one.socket(1000), two.socket(80)
        assert passes(client, web) and refused(web, client)
        reconciler.run(
            intent(*ports, groups=(replace(groups[0], rules=(EGRESS, SecurityRule("ingress", 4))), groups[1]))
        )
        assert passes(client, web) and refused(web, client)  # what the other sends needs a rule as well
        assert not read_set(NftSocket(), table("none", ()), "zones")


def test_networks_with_the_same_addresses_know_nothing_of_each_others_connections() -> None:
    if how_bridges_track() == "none":
        pytest.skip("bridges of this kernel track no connections: it has neither nf_conntrack_bridge nor br_netfilter")
    groups = group(ALL, EGRESS), group(WEB, UDP_80)
    first = port(1, ALL), port(2, WEB)
    second = tuple(
        replace(
            each,
            id=id_from_name("port", f"twin {each.name}"),
            name=f"twin-{each.name}",
            plug=NetnsPlug(f"twin-{each.name}"),
        )
        for each in first
    )
    twin = Network(
        TWIN,
        "twin",
        subnets=(replace(SUBNET, id=id_from_name("subnet", "t")),),
        ports={each.id: each for each in second},
    )
    wanted = intent(*first, groups=groups)
    guests = [Guest(each, [both[1 - at]]) for both in (first, second) for at, each in enumerate(both)]
    reconciler = Reconciler()
    assert reconciler.run(replace(wanted, networks={**wanted.networks, TWIN: twin})).right == {ID, TWIN}
    for guest in guests:
        guest.open()
    client, web, twin_client, twin_web = (
        guest.socket(number) for guest, number in zip(guests, (1000, 80, 1000, 80), strict=True)
    )
    assert passes(client, web) and passes(web, client)
    assert refused(twin_web, twin_client)
    assert passes(twin_client, twin_web) and passes(twin_web, twin_client)


TAMPERING: dict[str, Callable[[], None]] = {
    "the table deleted, as by flush ruleset": lambda: remove_table(NftSocket(), table("none", ())),
    "another in its place": lambda: remake(NftSocket(), table("none", ()), ()),
    "ports led to no rules": lambda: change_elements(
        NftSocket(), table("none", ()), (), read_set(NftSocket(), table("none", ()), "ingress")
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_what_somebody_does_to_the_rules_is_mended_and_told(what: str) -> None:
    ports = port(1, ALL), port(2, WEB)
    wanted = intent(*ports, groups=(group(ALL, EGRESS), group(WEB, UDP_80)))
    with two_guests(wanted) as (one, two, reconciler):
        client, web, other = one.socket(1000), two.socket(80), two.socket(81)
        assert passes(client, web)
        TAMPERING[what]()
        assert passes(client, other)
        (told,) = reconciler.run(wanted, scope={"rules"}).mended
        assert "security groups" in told.text
        assert refused(client, other) and passes(client, web)
        assert passes(web, client)
        assert not reconciler.run(wanted).planned_steps


def test_a_nodes_own_rules_nobody_else_changes_where_the_kernel_can_do_that() -> None:
    ports = port(1, ALL), port(2, WEB)
    wanted = intent(*ports, groups=(group(ALL, EGRESS), group(WEB, UDP_80)))
    with two_guests(wanted) as (one, two, first):
        client, web, other = one.socket(1000), two.socket(80), two.socket(81)
        first.close()
        node = Reconciler(own_rules=True)
        remove_table(NftSocket(), table("none", ()))
        assert node.run(wanted).right == {ID}
        assert passes(client, web) and passes(web, client) and refused(client, other)
        with suppress(KernelError):  # EPERM, since Linux 6.9
            remove_table(NftSocket(), table("none", ()))
        node.run(wanted, {"rules"})
        assert refused(client, other) and passes(client, web)
        udp_81 = replace(UDP_80, ports=(81, 81))
        assert node.run(intent(*ports, groups=(group(ALL, EGRESS), group(WEB, udp_81)))).right == {ID}
        assert passes(client, other) and refused(client, web)
        node.close()
        again = Reconciler(own_rules=True)
        assert not again.run(intent(*ports, groups=(group(ALL, EGRESS), group(WEB, udp_81)))).planned_steps
        assert again.run(wanted).right == {ID}
        assert passes(client, web) and refused(client, other)
        again.run(Intent())
        assert not tables()
        again.close()


def test_a_restart_finds_the_rules_and_makes_no_transaction() -> None:
    ports = port(1, ALL), port(2, WEB)
    wanted = intent(*ports, groups=(group(ALL, EGRESS), group(WEB, UDP_80)))
    with two_guests(wanted) as (one, two, _):
        client, web = one.socket(1000), two.socket(80)
        assert passes(client, web)
        zones = read_set(NftSocket(), table("none", ()), "zones")
        second = Reconciler()
        assert not second.run(wanted).planned_steps
        assert read_set(NftSocket(), table("none", ()), "zones") == zones
        assert passes(web, client)
        # one that finds other rules than it wants ends what they let begin
        third = Reconciler()
        third.run(intent(*ports, groups=(group(ALL, EGRESS), group(WEB))))
        assert refused(web, client) and refused(client, web)
        # and one that wants nothing leaves nothing
        Reconciler().run(Intent())
        assert not tables()


def test_a_port_that_is_deleted_passes_nothing_until_it_is_gone() -> None:
    ports = port(1, ALL), port(2, WEB)
    wanted = intent(*ports, groups=(group(ALL, EGRESS), group(WEB, UDP_80)))
    with two_guests(wanted) as (_, _, reconciler):
        device = tap_name(ports[1].id)
        led: list[bytes] = []

        def watch(moment: str, operation: str, target: str) -> None:
            with RouteSocket() as route:
                if links.find_link(route, device) is None:
                    return
            found = read_set(NftSocket(), table("none", ()), "ingress")
            led.extend(each.data for each in found if each.key.startswith(device.encode()))

        observe_changes(watch)
        try:
            assert reconciler.run(intent(ports[0], groups=tuple(wanted.security_groups.values()))).right == {ID}
        finally:
            observe_changes(None)
        assert b"closed" in led and led == sorted(led, reverse=True)
        found = read_set(NftSocket(), table("none", ()), "ingress")
        assert not any(each.key.startswith(device.encode()) for each in found)


def is_up(wanted: Port) -> bool | None:
    with RouteSocket() as route:
        found = links.find_link(route, tap_name(wanted.id))
    return None if found is None else found.up


def test_a_port_whose_rules_cannot_be_put_in_force_is_closed() -> None:
    def refuse(moment: str, operation: str, target: str) -> None:
        if operation == "set rules":
            raise KernelError(operation, target, errno.ENOMEM)

    ports = port(1, ALL), port(2, WEB)
    wanted = intent(*ports, groups=(group(ALL, EGRESS), group(WEB, UDP_80)))
    with two_guests(wanted) as (one, two, reconciler):
        client, other = one.socket(1000), two.socket(81)
        changed = intent(*ports, groups=(group(ALL, EGRESS), group(WEB)))
        observe_changes(refuse)
        try:
            reconciler.run(changed, scope={"rules"})
        finally:
            observe_changes(None)
        (reason,) = reconciler.resync.all()
        assert reason.port_id == ports[1].id and "security groups are not in force" in reason.text
        assert is_up(ports[0]) and is_up(ports[1]) is False  # the other's rules are as they were
        assert reconciler.run(changed).right == {ID} and is_up(ports[1])
        remove_table(NftSocket(), table("none", ()))
        observe_changes(refuse)
        try:
            reconciler.run(changed, scope={"rules"})
        finally:
            observe_changes(None)
        assert is_up(ports[0]) is False and is_up(ports[1]) is False
        assert reconciler.run(changed).right == {ID}
        assert refused(client, other)


def test_without_a_way_to_track_connections_ports_stay_closed_and_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on a kernel with neither module."""
    ports = port(1, ALL), port(2, WEB), replace(port(3), security_groups=None)
    groups = group(ALL, EGRESS), group(WEB, UDP_80, stateful=False)
    for each in ports:
        Guest(each, [])
    monkeypatch.setattr(group_firewall, "is_taken", lambda nft, table: False)
    monkeypatch.setattr(group_firewall, "_BR_NETFILTER", group_firewall._BR_NETFILTER / "not-there")
    reconciler = Reconciler()
    report = reconciler.run(intent(*ports, groups=groups))
    assert not report.defects
    (reason,) = reconciler.resync.all()
    assert reason.port_id == ports[0].id and reason.serves
    assert "modprobe nf_conntrack_bridge" in reason.text and "br_netfilter" in reason.text
    assert [is_up(each) for each in ports] == [None, True, True]
    monkeypatch.undo()
    if how_bridges_track() != "none":
        assert reconciler.run(intent(*ports, groups=groups)).right == {ID}
        assert is_up(ports[0])
    reconciler.close()


def test_without_groups_there_is_no_table_and_nothing_is_tracked() -> None:
    ports = replace(port(1), security_groups=None), replace(port(2), security_groups=None)
    for each in ports:
        Guest(each, [])
    reconciler = Reconciler()
    assert reconciler.run(intent(*ports, groups=(group(ALL, EGRESS),))).right == {ID}
    assert tables() == {b"netmend"}
    reconciler.close()
