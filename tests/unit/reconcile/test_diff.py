"""The diff, against a model of the host: whatever is there, performing the plan makes it what intent says."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.unit.reconcile.model import GUEST_NETNSID, KERNEL_KIND, Host, link

from netmend.intent import NetnsPlug, Network, NoPlug, Port, Subnet, TapPlug
from netmend.intent.names import DEVICE_GROUP, bridge_name, dhcp_port_id, id_from_name, tap_name
from netmend.reconcile.observe import FarSeen
from netmend.reconcile.steps import (
    DeleteDevice,
    MakeDevice,
    MakeNamespace,
    MendDevice,
    MendInner,
    PinNamespace,
    SetRoutes,
)
from netmend.wiring import wanted_devices

NETWORK = id_from_name("network", "n")


def subnet(number: int) -> Subnet:
    cidr = IPv4Network(f"10.0.{number}.0/24")
    return Subnet(id_from_name("subnet", str(number)), str(number), cidr, cidr[2], gateway=cidr[1] if number else None)


def port(number: int, plug: NoPlug | TapPlug | NetnsPlug) -> Port:
    return Port(id_from_name("port", str(number)), f"p{number}", f"fa:16:3e:00:00:{number:02x}", (), plug=plug)


plugs = st.sampled_from([NoPlug(), TapPlug(0), TapPlug(1000), NetnsPlug("guest"), NetnsPlug("guest", "eth1")])
networks = st.builds(
    lambda mtu, subnets, found: Network(
        NETWORK, "n", mtu, subnets=tuple(map(subnet, sorted(subnets))), ports={p.id: p for p in found}
    ),
    st.sampled_from([1400, 1500, 9000]),
    st.sets(st.integers(0, 3), max_size=3),
    st.lists(st.builds(port, st.integers(1, 5), plugs), max_size=5, unique_by=lambda p: p.id),
)


def guests_of(network: Network) -> dict[str, FarSeen]:
    return {device.name: FarSeen(GUEST_NETNSID) for device in wanted_devices(network) if device.far}


def assert_right(host: Host, network: Network) -> None:
    wanted = {device.name: device for device in wanted_devices(network)}
    assert set(host.links) == set(wanted)
    for name, device in wanted.items():
        found = host.links[name]
        assert found.kind == KERNEL_KIND[device.kind] and found.mtu == device.mtu and found.up
        assert found.group == DEVICE_GROUP and found.alias == str(device.mark)
        assert found.master == (host.links[device.master].index if device.master else 0)
    assert (host.namespace == "usable" and host.pinned) == bool(network.subnets)
    if network.subnets:
        (inner,) = host.inner.values()
        assert inner.up and inner.mtu == network.mtu
        assert host.addresses[inner.index] == {IPv4Interface((s.server_address, 24)) for s in network.subnets}
        gateways = [s.gateway for s in network.subnets if s.gateway]
        assert host.routes.get(inner.index, set()) == {(IPv4Network("0.0.0.0/0"), gateway) for gateway in gateways[:1]}


@given(networks)
def test_from_nothing(network: Network) -> None:
    host = Host(guests=guests_of(network))
    host.perform(host.plan(network))
    assert_right(host, network)
    assert host.plan(network).units == ()


@given(networks, networks)
def test_from_one_intent_to_another_never_with_more_devices_than_either(before: Network, after: Network) -> None:
    host = Host(guests=guests_of(before))
    host.perform(host.plan(before))
    host.guests = guests_of(after)
    host.most_devices = len(host.links)
    host.perform(host.plan(after))
    assert_right(host, after)
    assert host.plan(after).units == ()
    assert host.most_devices <= max(len(wanted_devices(before)), len(wanted_devices(after)))


damages = st.lists(
    st.tuples(
        st.integers(0, 10),
        st.sampled_from(["delete", "down", "mtu", "master", "alias", "no alias", "group", "kind", "peer"]),
    ),
    max_size=6,
)
namespace_damages = st.sets(
    st.sampled_from(["gone", "plain", "unpinned", "inner gone", "address", "inner down", "mtu"])
)


@given(networks, damages, namespace_damages)
def test_from_any_damage(network: Network, found: list[tuple[int, str]], inside: set[str]) -> None:
    host = Host(guests=guests_of(network))
    host.perform(host.plan(network))
    for number, damage in found:
        if host.links:
            damage_link(host, sorted(host.links)[number % len(host.links)], damage)
    damage_namespace(host, inside)
    host.perform(host.plan(network))
    assert_right(host, network)
    assert host.plan(network).units == ()


def damage_link(host: Host, name: str, damage: str) -> None:
    was = host.links[name]
    match damage:
        case "delete":
            del host.links[name]
        case "down":
            host.links[name] = replace(was, up=False)
        case "mtu":
            host.links[name] = replace(was, mtu=68)
        case "master":
            host.links[name] = replace(was, master=0 if was.kind == "bridge" else 999)
        case "alias":
            host.links[name] = replace(was, alias="netmend:odd:" + NETWORK, group=DEVICE_GROUP)
        case "no alias" if was.group:
            host.links[name] = replace(was, alias=None)
        case "group" if was.alias:
            host.links[name] = replace(was, group=0)
        case "kind":
            host.links[name] = replace(was, kind="dummy")
        case "peer":
            host.links[name] = replace(was, peer_netnsid=99)


def damage_namespace(host: Host, damages: set[str]) -> None:
    if "gone" in damages or "plain" in damages:
        host.namespace, host.pinned = "plain" if "plain" in damages else "absent", False
        host.inner, host.addresses = {}, {}
        dhcp = tap_name(dhcp_port_id(NETWORK))
        host.links.pop(dhcp, None)  # a namespace takes its end of the veth with it, and so the other
    if "unpinned" in damages:
        host.pinned = False
    if "inner gone" in damages:
        host.inner = {}
    for name in host.inner:
        if "inner down" in damages:
            host.inner[name] = replace(host.inner[name], up=False)
        if "mtu" in damages:
            host.inner[name] = replace(host.inner[name], mtu=1280)
        if "address" in damages:
            host.addresses[host.inner[name].index] = {IPv4Interface("192.0.2.1/24")}


@given(networks)
def test_removal_leaves_nothing_and_bridges_go_last(network: Network) -> None:
    host = Host(guests=guests_of(network))
    host.perform(host.plan(network))
    plan = host.plan_removal(NETWORK)
    kinds = [step.link.kind for step in plan.steps if isinstance(step, DeleteDevice)]
    assert kinds == sorted(kinds, key=lambda kind: kind == "bridge")
    host.perform(plan)
    assert host.links == {} and host.namespace == "absent"


@given(networks)
def test_foreign_devices_under_our_names_are_never_touched(network: Network) -> None:
    bridge = bridge_name(NETWORK)
    host = Host({bridge: link(5, bridge, "bridge", group=0)}, guests=guests_of(network))
    plan = host.plan(network)
    assert plan.units == ()
    assert "taken" in plan.blocked[0].text and not plan.blocked[0].serves


def test_a_foreign_guest_device_blocks_its_port_only() -> None:
    network = Network(
        NETWORK, "n", subnets=(subnet(0),), ports={p.id: p for p in [port(1, TapPlug(0)), port(2, TapPlug(0))]}
    )
    first, second = network.ports.values()
    foreign = link(5, tap_name(first.id), "tun", group=0)
    host = Host({foreign.name: foreign})
    plan = host.plan(network)
    assert [problem.port_id for problem in plan.blocked] == [first.id] and plan.blocked[0].serves
    host.perform(plan)
    assert host.links[foreign.name] == foreign
    assert tap_name(second.id) in host.links and host.namespace == "usable"


def test_a_guest_whose_namespace_is_not_there_waits_and_the_rest_is_made() -> None:
    network = Network(NETWORK, "n", subnets=(subnet(0),), ports={p.id: p for p in [port(1, NetnsPlug("guest"))]})
    (guest,) = network.ports.values()
    host = Host(guests={tap_name(guest.id): FarSeen(problem="no such name yet")})
    plan = host.plan(network)
    assert [(problem.port_id, problem.text) for problem in plan.blocked] == [(guest.id, "no such name yet")]
    made = [step.device.name for step in plan.steps if isinstance(step, MakeDevice)]
    assert made == [bridge_name(NETWORK), tap_name(dhcp_port_id(NETWORK))]


def test_each_port_is_a_unit_of_its_own() -> None:
    network = Network(
        NETWORK, "n", subnets=(subnet(0),), ports={p.id: p for p in [port(1, TapPlug(0)), port(2, TapPlug(0))]}
    )
    plan = Host().plan(network)
    assert [unit.port_id for unit in plan.units] == [None, *network.ports]
    assert [type(step) for step in plan.units[0].steps] == [MakeDevice, MakeNamespace, PinNamespace, MakeDevice]


def test_only_what_differs_is_set() -> None:
    network = Network(NETWORK, "n", subnets=(subnet(0),))
    host = Host()
    host.perform(host.plan(network))
    step, routes = host.plan(structs.replace(network, subnets=(subnet(1),))).steps
    assert isinstance(routes, SetRoutes)
    assert (routes.add, routes.remove) == (((IPv4Network("0.0.0.0/0"), IPv4Address("10.0.1.1")),), ())
    assert isinstance(step, MendInner) and step.differs == ()
    assert (step.add, step.remove) == ((IPv4Interface("10.0.1.2/24"),), (IPv4Interface("10.0.0.2/24"),))
    steps = host.plan(structs.replace(network, mtu=1400)).steps
    assert {type(step) for step in steps} == {MendDevice, MendInner}
    assert all(step.differs == ("mtu",) for step in steps if isinstance(step, MendDevice | MendInner))
