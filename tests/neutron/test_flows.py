"""What netmend makes of the flows that Neutron's own agent writes, with its firewall for Open vSwitch."""

import json
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.neutron.agents import NETMEND, is_running, start_neutrons, stop_neutrons
from tests.neutron.cloud import Cloud, Resource, call, wait_until
from tests.neutron.guests import Guest, run

from netmend.flows.comparison import differences
from netmend.flows.interpreter import follow
from netmend.flows.lookup import Packet
from netmend.flows.packet import packet_text, parse_packet
from netmend.flows.switch import Switch
from netmend.reconcile.flows.observe import DATABASE, ask_both, observe, switch_trace

RUN = "/run/openvswitch"
FIREWALL = Path("/etc/neutron/plugins/ml2/openvswitch_agent.ini")
STATES = [0x21, 0x22, 0x2A, 0x24, 0x30]
PACKETS = 400
BY_SERVER = ("--config-file", "/etc/neutron/neutron.conf")


@pytest.fixture(scope="module")
def firewall(_server: None) -> Iterator[None]:
    """Neutron's agent with its firewall, and again as it was."""
    before = FIREWALL.read_text()
    _restart_with(before.replace("enable_security_group = false", "").replace("= noop", "= openvswitch"))
    yield
    _restart_with(before)


def _restart_with(configuration: str) -> None:
    if is_running("ovs"):
        stop_neutrons("ovs")
    FIREWALL.write_text(configuration)
    start_neutrons("ovs")


class World:
    """A network with guests of one security group, one with an address pair, and one of no group."""

    def __init__(self, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.0.0.0/24")
        cloud.subnet(network, "2001:db8::/64", ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
        group = cloud._make("security_group", name="web")
        for rule in (
            {"protocol": "tcp", "port_range_min": 80, "port_range_max": 90},
            {"protocol": "icmp"},
            {"protocol": "udp", "port_range_min": 53, "port_range_max": 53, "remote_ip_prefix": "10.0.0.0/28"},
            {"protocol": "tcp", "port_range_min": 5000, "port_range_max": 6000, "remote_group_id": group["id"]},
        ):
            body = {"security_group_id": group["id"], "direction": "ingress", **rule}
            call("POST", "security-group-rules", {"security_group_rule": body})
        of_group = {"security_groups": [group["id"]]}
        self.ports = [
            cloud.port(network, **of_group),
            cloud.port(network, **of_group, allowed_address_pairs=[{"ip_address": "10.0.0.200/29"}]),
            cloud.port(network, security_groups=[]),
        ]

    @property
    def addresses(self) -> list[str]:
        return [fixed["ip_address"] for port in self.ports for fixed in port["fixed_ips"]]


def wait_until_filtered(port: Resource) -> None:
    """Neutron says ACTIVE before the last flows are there, so ask the switch for one that every filtered port has."""

    def has_flows() -> bool:
        shown = netmend("show", port["id"], "--json")
        flows = [flow for bridge in shown["bridges"] for flow in bridge["flows"]]
        return any((flow["table"], flow["priority"]) == (82, 40) for flow in flows)

    wait_until(has_flows, f"the firewall of {port['id']}")


def netmend(*words: str, code: int = 0) -> Any:
    done = subprocess.run([NETMEND, "flows", *words], capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{words}: {done.returncode}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout) if "--json" in words else done.stdout


def random_packet(chance: random.Random, world: World, source: Resource) -> str:
    macs = [port["mac_address"] for port in world.ports]
    own = source["mac_address"] if chance.random() < 0.8 else chance.choice(macs)
    others = [*macs, "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01", "fa:16:3e:99:99:99"]
    kind = chance.choice(["arp", "tcp", "udp", "icmp", "ip", "rarp", "tcp6", "udp6", "icmp6", "ipv6"])
    parts = [kind, f"dl_src={own}", f"dl_dst={chance.choice(others)}"]
    fourth = [one for one in world.addresses if ":" not in one] + ["10.0.0.201", "10.0.0.9", "8.8.8.8", "0.0.0.0"]
    sixth = [one for one in world.addresses if ":" in one] + ["fe80::1", "::", "ff02::1"]
    if kind == "arp":
        parts += [f"arp_spa={chance.choice(fourth)}", f"arp_tpa={chance.choice(fourth)}", "arp_op=1"]
    elif kind.endswith("6"):
        parts += [f"ipv6_src={chance.choice(sixth)}", f"ipv6_dst={chance.choice(sixth)}", "nw_ttl=64"]
    elif kind != "rarp":
        parts += [f"nw_src={chance.choice(fourth)}", f"nw_dst={chance.choice(fourth)}", "nw_ttl=64"]
    if kind[:3] in {"tcp", "udp"}:
        ports = [(67, 68), (68, 67), (546, 547), (547, 546), (9, 80), (9, 88), (9, 90), (9, 91), (9, 5500), (9, 53)]
        parts += [f"{name}={number}" for name, number in zip(("tp_src", "tp_dst"), chance.choice(ports), strict=True)]
    if kind == "icmp6":
        parts.append(f"icmp_type={chance.choice((128, 130, 133, 134, 135, 136))}")
    return ",".join(parts)


def test_a_packets_way_through_neutrons_flows_is_the_switchs_own(firewall: None, cloud: Cloud) -> None:
    world = World(cloud)
    first, second, third = world.ports
    with Guest(first), Guest(second), Guest(third):
        for port in world.ports:
            wait_until_filtered(port)
        switch = observe(DATABASE, RUN)
        number_of = {port.neutron_id: port.number for port in switch.bridges["br-int"].ports}
        chance = random.Random(17)
        delivered = 0
        for _ in range(PACKETS):
            source = chance.choice(world.ports)
            packet = parse_packet(random_packet(chance, world, source)) | {"in_port": number_of[source["id"]] or 0}
            tracked = [chance.choice(STATES) for _ in range(4)] if chance.random() < 0.6 else [0x21] * 4
            ours = follow(switch, "br-int", packet, tracked)
            found = differences(switch, ours, switch_trace(RUN, "br-int", packet, tracked))
            if found:  # guests speak, and the switch learns meanwhile
                switch, ours, found = ask_both(DATABASE, RUN, from_br_int(packet), tracked)
            assert not found and not ours.doubts, f"{packet_text(packet)} {tracked}: {found} {ours.doubts}"
            delivered += bool(ours.delivered)
        assert PACKETS // 10 < delivered < PACKETS * 9 // 10
        _say_why(world)


def from_br_int(packet: Packet) -> Callable[[Switch], tuple[str, Packet]]:
    return lambda _: ("br-int", packet)


def _say_why(world: World) -> None:
    """The verdicts of a person's questions, by the command."""
    first, second, _ = world.ports
    ends = f"dl_dst={second['mac_address']},nw_src={_fourth(first)},nw_dst={_fourth(second)}"
    for port, connection, delivered in ((80, "new", True), (90, "new", True), (91, "new", False), (91, "answer", True)):
        said = netmend("trace", first["id"], f"tcp,{ends},tp_dst={port}", "--connection", connection, "--json")
        assert (said["verdict"] == "delivered") is delivered and said["switch"]["agrees"], said
        names = {one["port"] for one in said["delivered"]}  # an answer is flooded where its MAC was not learned
        assert device(second) in names if delivered else not names
    said = netmend("trace", first["id"][:8], f"tcp,{ends},tp_dst=91")
    assert "no rule of the receiving port's security groups lets it in" in said
    assert "The switch itself says the same" in said
    said = netmend("trace", first["id"], f"arp,arp_spa={_fourth(second)}")
    assert "the port may not use these addresses" in said
    netmend("trace", "nowhere", "arp", code=2)


def _fourth(port: Resource) -> str:
    return next(str(fixed["ip_address"]) for fixed in port["fixed_ips"] if ":" not in fixed["ip_address"])


def test_what_was_broken_is_found(firewall: None, cloud: Cloud) -> None:
    """A switch that Neutron's agent wired has nothing wrong; what is then broken is said, each by itself."""
    world, other = World(cloud), cloud.network()
    cloud.subnet(other, "10.1.0.0/24")
    stranger = cloud.port(other, security_groups=[])
    first, second, _ = world.ports
    with Guest(first), Guest(second), Guest(stranger):
        for port in (first, second, stranger):
            wait_until_filtered(port)
        assert [one for one in audited(*BY_SERVER) if one["effect"] != "leftover"] == []  # of a run before
        stop_neutrons("ovs")  # or it mends what is broken now
        against_the_server(world)
        number, vlan = vsctl("get", "Interface", device(first), "ofport"), vsctl("get", "Port", device(first), "tag")
        for break_it, expected in (
            (["ovs-vsctl", "clear", "Port", device(first), "tag"], ("no-vlan", "leak", first["id"])),
            (["ovs-vsctl", "set", "Port", device(first), "tag=4095"], ("dead-vlan", "blocked", first["id"])),
            (["ovs-vsctl", "set", "Port", device(stranger), f"tag={vlan}"], ("shared-vlan", "leak", None)),
            (
                ["ovs-ofctl", "add-flow", "br-int", f"table=71,priority=99,in_port={number},actions=resubmit(,94)"],
                ("spoofing", "leak", first["id"]),
            ),
            (["ovs-ofctl", "del-flows", "br-int", f"table=60,in_port={number}"], ("unfiltered", "leak", first["id"])),
            (["ovs-ofctl", "add-flow", "br-int", "table=81,reg5=999,actions=drop"], ("leftover", "leftover", None)),
        ):
            tags = {port["id"]: vsctl("get", "Port", device(port), "tag") for port in (first, stranger)}
            run(*break_it)
            found = audited()
            assert expected in [(one["check"], one["effect"], one["id"]) for one in found], found
            for port in (first, stranger):
                vsctl("set", "Port", device(port), f"tag={tags[port['id']]}")


def audited(*words: str) -> list[dict[str, Any]]:
    command = [NETMEND, "flows", "audit", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    findings: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    assert done.returncode == (1 if findings else 0), done.stderr
    return findings


def against_the_server(world: World) -> None:
    """Rules and addresses that changed while the agent was away."""
    first, second, _ = world.ports
    rules = call("GET", f"security-group-rules?security_group_id={first['security_groups'][0]}")["security_group_rules"]
    (web,) = (rule["id"] for rule in rules if rule["port_range_max"] == 90)
    call("DELETE", f"security-group-rules/{web}")
    body = {"security_group_id": first["security_groups"][0], "direction": "ingress", "protocol": "tcp"}
    body |= {"port_range_min": 443, "port_range_max": 443, "remote_ip_prefix": "192.0.2.0/24"}
    call("POST", "security-group-rules", {"security_group_rule": body})
    call("PUT", f"ports/{second['id']}", {"port": {"allowed_address_pairs": [{"ip_address": "10.0.0.99"}]}})
    found = [one for one in audited(*BY_SERVER) if one["effect"] != "leftover"]
    seen = {(one["check"], one["effect"], one["id"], one["problem"]) for one in found}
    assert {one[:3] for one in seen} == {
        *(("rules", effect, port["id"]) for port in (first, second) for effect in ("leak", "blocked")),
        ("address", "blocked", second["id"]),
    }, seen
    assert any("it may not be sent TCP to port 443 from 192.0.2.1, which a rule allows" in one[3] for one in seen)
    assert any("it may be sent TCP to port 80 from 203.0.113.77, which no rule allows" in one[3] for one in seen), seen
    said = netmend("audit", *BY_SERVER, code=1)
    assert "it may not use its own address 10.0.0.99" in said


def vsctl(*words: str) -> str:
    return run("ovs-vsctl", *words).strip()


def device(port: Resource) -> str:
    return f"vm{port['id'][:11]}"
