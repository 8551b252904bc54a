"""The diff with Open vSwitch, against a model of host and switch: passes over whatever is there end with what intent
says, and nothing of ours is left that it does not ask for."""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.unit.reconcile.model import Host, link
from tests.unit.reconcile.test_diff import NETWORK, guests_of, port, subnet

from netmend.intent import BridgeWiring, NetnsPlug, Network, NoPlug, OvsWiring, TapPlug
from netmend.intent.names import Mark, dhcp_port_id, tap_name
from netmend.kernel.ovsdb.ports import Port
from netmend.reconcile.diff_switch import ports_to_add_ahead, without_device
from netmend.reconcile.observe import Snapshot
from netmend.reconcile.steps import AddPort, DeleteInner, DeletePort, MendPort, MoveDevice, Step
from netmend.reconcile.switch import SwitchSeen, mark_of, port_ids
from netmend.wiring import wanted_devices

DHCP = tap_name(dhcp_port_id(NETWORK))
TAG = 77


@dataclass
class SwitchHost(Host):
    """A host with the switch's rows; with `alive`, ovs-vswitchd makes and deletes devices as the rows say."""

    rows: dict[str, Port] = field(default_factory=dict)
    bridges: dict[str, str] = field(default_factory=lambda: {"br-int": "netdev"})
    alive: bool = True
    lost: set[str] = field(default_factory=set)
    problem: str | None = None

    def snapshot(self) -> Snapshot:
        network_of = {name: mark.network_id for name, row in self.rows.items() if (mark := mark_of(row))}
        seen = SwitchSeen(dict(self.rows), self.bridges, None, {NETWORK: TAG}, frozenset(self.lost), network_of)
        return replace(super().snapshot(), switch=SwitchSeen(problem=self.problem) if self.problem else seen)

    def run(self, network: Network, passes: int = 8) -> None:
        """Passes until nothing is left to do, as a reconciler makes them."""
        for _ in range(passes):
            plan = self.plan(network)
            if not plan.steps and not plan.blocked:
                return
            self.perform(plan)
            present = without_device(wanted_devices(network), self.links, self.inner, self.snapshot().switch)
            self.lost = {name for name, is_missing in present.items() if is_missing} if self.alive else set()
        raise AssertionError((plan.steps, plan.blocked))

    def _perform(self, step: Step) -> None:
        match step:
            case AddPort(_, device, tag):
                assert device.switch and device.name not in self.rows, "constraint violation"
                kind = "internal" if device.kind == "internal" else ""
                mtu = device.mtu if kind else None
                self.rows[device.name] = Port(
                    f"uuid-{device.name}", device.name, kind, dict(device.switch.ids), port_ids(device, tag),
                    tag if isinstance(tag, int) else 4095 if tag is None else None, tag is None, mtu, 1, None,
                )  # fmt: skip
                if kind and self.alive:
                    assert device.name not in self.links, "the switch cannot make a device that is there"
                    self._device_of_switch(device.name)
            case DeletePort(_, row, _, _):
                del self.rows[row.name]
                if row.type == "internal" and self.alive:
                    self.links.pop(row.name, None)
                    inner = self.inner.get(row.name)
                    if inner is not None and inner.carrier:  # else it is dead, and nobody's
                        del self.inner[row.name]
            case MendPort(_, device, was, differs, tag):
                assert device.switch
                changes = {
                    "ids": ("ids", {**was.ids, **dict(device.switch.ids)}),
                    "port ids": ("port_ids", {**was.port_ids, **port_ids(device, tag)}),
                    "mtu": ("mtu", device.mtu),
                    "tag": ("tag", tag),
                }
                values = dict(changes[name] for name in differs)
                self.rows[was.name] = structs.replace(was, dead=was.dead and "tag" not in differs, **values)
            case MoveDevice(_, device):
                assert device.far and self.namespace == "usable" and device.far.name not in self.inner
                moved = self.links.pop(device.name)
                self.inner[device.far.name] = replace(moved, up=True, mac=device.far.mac, mtu=device.mtu, carrier=True)
                self.addresses[moved.index] = set(device.far.addresses)
            case DeleteInner(_, dead, _):
                del self.inner[dead.name]
            case _:
                super()._perform(step)

    def _device_of_switch(self, name: str) -> None:
        self.next_index += 1
        self.links[name] = link(self.next_index, name, "tun", up=False, group=0)


plugs = st.sampled_from([NoPlug(), TapPlug(0), NetnsPlug("guest"), NetnsPlug("guest", "eth1")])
wirings = st.sampled_from(
    [BridgeWiring(), OvsWiring(), OvsWiring(veth=True), OvsWiring(own_tags=True), OvsWiring(veth=True, own_tags=True)]
)
networks = st.builds(
    lambda mtu, wiring, subnets, found: Network(
        NETWORK, "n", mtu, wiring, subnets=tuple(map(subnet, sorted(subnets))), ports={p.id: p for p in found}
    ),
    st.sampled_from([1400, 1500]),
    wirings,
    st.sets(st.integers(0, 2), max_size=2),
    st.lists(st.builds(port, st.integers(1, 4), plugs), max_size=4, unique_by=lambda p: p.id),
)
switched = networks.filter(lambda network: isinstance(network.wiring, OvsWiring))


def assert_right(host: SwitchHost, network: Network) -> None:
    wanted = {device.name: device for device in wanted_devices(network)}
    assert set(host.links) == {name for name, device in wanted.items() if device.kind != "internal"}
    assert set(host.rows) == {name for name, device in wanted.items() if device.switch}
    for name, row in host.rows.items():
        device = wanted[name]
        assert device.switch
        own = device.switch.own_tag
        assert row.type == ("internal" if device.kind == "internal" else "")
        assert dict(device.switch.ids).items() <= row.ids.items()
        assert row.port_ids.items() >= port_ids(device, TAG if own else None).items()
        assert (row.tag, row.dead) == ((TAG, False) if own else (4095, True))
    assert (host.namespace == "usable" and host.pinned) == network.is_served
    far = next((device.far for device in wanted.values() if device.mark.role == "dhcp"), None)
    assert set(host.inner) == ({far.name} if far else set())
    for inner in host.inner.values():
        assert inner.up and inner.carrier and inner.mtu == network.mtu


@given(networks, networks)
def test_from_one_intent_to_another(before: Network, after: Network) -> None:
    host = SwitchHost(guests=guests_of(before))
    host.run(before)
    assert_right(host, before)
    host.guests = guests_of(after)
    host.run(after)
    assert_right(host, after)


damages = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from(
            ["delete row", "ids", "mark", "tag", "type", "bridge", "mtu", "delete link", "restart", "inner"]
        ),
    ),
    max_size=5,
)


@given(switched, damages)
def test_from_any_damage(network: Network, found: list[tuple[int, str]]) -> None:
    host = SwitchHost(guests=guests_of(network))
    host.run(network)
    for number, damage in found:
        if host.rows:
            _damage(host, sorted(host.rows)[number % len(host.rows)], damage)
    host.run(network)
    assert_right(host, network)


def _damage(host: SwitchHost, name: str, damage: str) -> None:
    row = host.rows[name]
    match damage:
        case "delete row":
            del host.rows[name]
            if row.type == "internal":
                host.inner.pop(name, None)
                host.links.pop(name, None)
        case "ids":
            host.rows[name] = structs.replace(
                row, ids={key: "x" if key == "iface-id" else row.ids[key] for key in row.ids}
            )
        case "mark":
            host.rows[name] = structs.replace(row, port_ids={})
        case "tag":
            host.rows[name] = structs.replace(row, tag=5, dead=False) if row.tag == TAG else row
        case "type" if row.type == "":
            host.rows[name] = structs.replace(row, type="patch")
        case "bridge":
            ids = {**row.ids, "netmend-bridge": "br-other"}
            host.rows[name] = structs.replace(row, ids=ids)
        case "mtu" if row.mtu:
            host.rows[name] = structs.replace(row, mtu=68)
        case "delete link":
            host.links.pop(name, None)
            if name == DHCP and row.type == "":
                host.inner = {}
        case "restart" if row.type == "internal":
            host.inner = {inner: replace(found, carrier=False) for inner, found in host.inner.items()}
            if name not in host.links:
                host._device_of_switch(name)
        case "inner" if row.type == "internal":
            host.inner.pop(name, None)


@given(networks)
def test_removal_leaves_nothing(network: Network) -> None:
    host = SwitchHost(guests=guests_of(network))
    host.run(network)
    host.perform(host.plan_removal(NETWORK))
    assert host.links == {} and host.rows == {} and host.namespace == "absent" and host.inner == {}


@given(switched)
def test_a_switch_that_is_out_of_reach_stops_its_networks_and_serves_on(network: Network) -> None:
    host = SwitchHost(guests=guests_of(network))
    host.run(network)
    host.problem = "nobody listens"
    before = dict(host.links)
    plan = host.plan(network)
    assert not plan.steps
    (problem,) = plan.blocked
    assert problem.text == "nobody listens" and problem.serves == network.is_served
    host.namespace, host.inner = "absent", {}
    plan = host.plan(network)
    assert not plan.steps and not plan.blocked[0].serves and host.links == before


def _network(wiring: OvsWiring) -> Network:
    return Network(NETWORK, "n", 1500, wiring, subnets=(subnet(0),))


def test_what_is_wrong_with_the_switch_is_said() -> None:
    host = SwitchHost(bridges={})
    (problem,) = host.plan(_network(OvsWiring())).blocked
    assert "no bridge br-int" in problem.text and "ovs-vsctl add-br br-int" in problem.text
    host = SwitchHost()
    (problem,) = host.plan(_network(OvsWiring(datapath="system"))).blocked
    assert "datapath_type netdev" in problem.text


def test_a_device_that_does_not_come_is_waited_for_and_then_asked_for_anew() -> None:
    network = _network(OvsWiring())
    host = SwitchHost()
    host.run(network)
    host.alive, host.inner = False, {}
    plan = host.plan(network)
    assert not plan.steps and "waiting for Open vSwitch to make device" in plan.blocked[0].text
    host.alive, host.lost = True, {DHCP}
    plan = host.plan(network)
    assert [type(step) for step in plan.steps] == [DeletePort, AddPort, MoveDevice]
    host.lost, host.rows[DHCP] = (
        {DHCP},
        structs.replace(host.rows[DHCP], error="could not open network device (File exists)"),
    )
    plan = host.plan(network)
    assert not plan.steps and "cannot make device" in plan.blocked[0].text and "File exists" in plan.blocked[0].text


def test_only_new_internal_ports_are_added_together() -> None:
    network = structs.replace(_network(OvsWiring()), ports={p.id: p for p in [port(1, TapPlug(0))]})
    host = SwitchHost()
    assert [step.device.name for step in ports_to_add_ahead(host.plan(network))] == [DHCP]
    host.run(network)
    host.inner, host.lost = {}, {DHCP}
    assert ports_to_add_ahead(host.plan(network)) == []


def test_a_foreign_device_of_the_ports_name_is_left_alone() -> None:
    host = SwitchHost()
    host.links[DHCP] = link(5, DHCP, "tun", group=0)
    plan = host.plan(_network(OvsWiring()))
    assert not plan.steps and "taken by another" in plan.blocked[0].text
    assert Mark.parse(host.links[DHCP].alias) is None
