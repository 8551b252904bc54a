"""A packet's way by netmend's model of the flows is its way by the switch's own, through random flows."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.kernel.vswitch import RUN, VSwitch

from netmend.flows.comparison import differences
from netmend.flows.interpreter import Trace, follow
from netmend.flows.packet import packet_text, parse_packet
from netmend.flows.switch import Switch
from netmend.kernel.errors import KernelError
from netmend.kernel.vswitchd import control_socket, trace
from netmend.reconcile.flows.observe import observe, switch_trace

MACS = [f"fa:16:3e:00:00:0{number}" for number in range(1, 6)] + ["ff:ff:ff:ff:ff:ff", "01:80:c2:00:00:01"]
ADDRESSES = [f"10.0.0.{number}" for number in range(1, 6)]
STATES = [0x21, 0x22, 0x2A, 0x24, 0x30]
WORLDS = int(os.environ.get("FLOW_WORLDS", "5"))  # sets of random flows; more, for longer
PACKETS = 100  # through each
CHANGES = [
    *(
        "load:2->NXM_NX_REG5[]",
        "set_field:3->reg5",
        "load:0x3->NXM_NX_REG5[0..1]",
        "push_vlan:0x8100,pop_vlan",
        "ct_clear",
    ),
    *("move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]", "set_field:fa:16:3e:00:00:02->eth_dst", "set_field:7->xxreg1"),
    *("push_vlan:0x8100,set_field:4099->vlan_vid", "push_vlan:0x8100,pop_vlan", "load:1->OXM_OF_PKT_REG2[32..39]"),
]
TUNNEL = ["priority=0,actions=NORMAL", "priority=1,arp,in_port=9,actions=resubmit(,20)", "table=20,actions=output:1"]
# Access ports in two VLANs, a trunk, a port with a native VLAN, and a second bridge behind patch ports.
PORTS = """
add-port br-int a -- set Interface a type=internal ofport_request=1 -- set Port a tag=1
add-port br-int b -- set Interface b type=internal ofport_request=2 -- set Port b tag=1
add-port br-int c -- set Interface c type=internal ofport_request=3 -- set Port c tag=2
add-port br-int d -- set Interface d type=internal ofport_request=4
add-port br-int e -- set Interface e type=internal ofport_request=5 -- set Port e trunks=[1,3]
add-port br-int f -- set Interface f type=internal ofport_request=6 -- set Port f tag=2 vlan_mode=native-untagged
add-port br-int to-tun -- set Interface to-tun type=patch options:peer=to-int ofport_request=9
add-port br-tun to-int -- set Interface to-int type=patch options:peer=to-tun ofport_request=9
add-port br-tun t -- set Interface t type=internal ofport_request=1
"""


@contextmanager
def switch_with(flows: dict[str, list[str]]) -> Iterator[VSwitch]:
    with VSwitch() as switch:
        switch.add_bridge("br-tun")
        for line in PORTS.strip().splitlines():
            switch.vsctl(*line.split())
        for bridge, lines in flows.items():
            given = Path(f"/run/{bridge}.flows")
            given.write_text("\n".join(lines))
            switch._run("ovs-ofctl", "-O", "OpenFlow14", "del-flows", bridge)
            switch._run("ovs-ofctl", "-O", "OpenFlow14", "add-flows", bridge, str(given))
        yield switch


def random_match(chance: random.Random) -> str:
    parts = [f"in_port={chance.randrange(1, 7)}"] if chance.random() < 0.4 else []
    parts += [f"reg5={chance.randrange(1, 7)}"] if chance.random() < 0.2 else []
    parts += [f"dl_src={chance.choice(MACS[:5])}"] if chance.random() < 0.2 else []
    parts += [f"dl_dst={chance.choice(MACS)}"] if chance.random() < 0.2 else []
    parts += [f"dl_vlan={chance.choice((1, 2, 3))}"] if chance.random() < 0.1 else []
    kind = chance.choice(["", "", "arp", "ip", "tcp", "udp", "icmp"])
    if kind:
        parts.append(kind)
    if kind in {"ip", "tcp", "udp"} and chance.random() < 0.4:
        parts.append(f"nw_src={chance.choice(ADDRESSES)}/{chance.choice((30, 31, 32))}")
    if kind == "arp" and chance.random() < 0.5:
        parts.append(f"arp_spa={chance.choice(ADDRESSES)}")
    if kind in {"tcp", "udp"} and chance.random() < 0.5:
        parts.append(f"tp_dst={chance.choice(('80', '0x50/0xfff0', '22'))}")
    if kind in {"ip", "tcp"} and chance.random() < 0.4:
        parts.append(f"ct_state={chance.choice(('+trk+new', '-trk', '+est-rel-rpl', '+inv+trk'))}")
    return ",".join(parts)


def random_actions(chance: random.Random, table: int) -> str:
    """They lead to later tables alone, so that each packet comes to an end."""
    later = [number for number in (0, 10, 20, 30) if number > table]
    found = []
    if chance.random() < 0.4:
        found.append(chance.choice(CHANGES))
    choices = ["NORMAL", "drop", "output:3", "in_port", "output:NXM_NX_REG5[]", "output:9", "ALL", "output:5"]
    if later:
        choices += [f"resubmit(,{number})" for number in later] + [f"goto_table:{later[0]}"] * 8
    last = chance.choice(choices)
    if last == "drop":
        return ",".join(found) or "drop"
    return ",".join((*found, last))


def random_flows(chance: random.Random) -> list[str]:
    flows: dict[str, str] = {}
    for table in (0, 10, 20, 30):
        for _ in range(12):
            match = random_match(chance)
            priority = 2 + len(flows)  # no two are of one: which of them a packet meets is nobody's to say
            actions = random_actions(chance, table)
            if table < 30 and ("ip" in match or "tcp" in match or "udp" in match) and chance.random() < 0.3:
                actions = f"ct(table={table + 10},zone={chance.choice(('5', 'NXM_NX_REG5[0..15]'))})"
            flows[f"table={table},priority={priority},{match}"] = actions
        for clause in range(4):  # two conjunctions of two clauses
            fields = f"nw_src={ADDRESSES[clause]}/31" if clause % 2 else f"tcp,tp_dst={chance.choice((80, 22))}"
            match = fields if fields.startswith("tcp") else f"ip,{fields}"
            flows[f"table={table},priority=60,{match}"] = f"conjunction({clause // 2 + 1},{clause % 2 + 1}/2)"
        flows[f"table={table},priority=50,ip,conj_id=1"] = random_actions(chance, table)
        flows[f"table={table},priority=51,ip,conj_id=2"] = random_actions(chance, table)
        flows[f"table={table},priority=1"] = f"goto_table:{table + 10}" if table < 30 else "NORMAL"
    return [f"{match},actions={actions}" for match, actions in flows.items()]


def random_packet(chance: random.Random) -> str:
    kind = chance.choice(["arp", "ip", "tcp", "udp", "icmp"])
    parts = [kind, f"dl_src={chance.choice(MACS[:5])}", f"dl_dst={chance.choice(MACS)}"]
    parts += [f"dl_vlan={chance.choice((1, 2, 3))}"] if chance.random() < 0.2 else []
    names = ("arp_spa", "arp_tpa") if kind == "arp" else ("nw_src", "nw_dst")
    parts += [f"{name}={chance.choice(ADDRESSES)}" for name in names]
    if kind in {"tcp", "udp"}:
        parts += [f"tp_src={chance.choice((1, 80))}", f"tp_dst={chance.choice((22, 80, 85))}"]
    return ",".join(parts)


def compared(switch: Switch, chance: random.Random) -> Trace:
    """One random packet, whose ways must be the same."""
    packet = parse_packet(random_packet(chance)) | {"in_port": chance.randrange(1, 7)}
    if packet["eth_type"] == 0x800:
        packet["nw_ttl"] = 64
    tracked = [chance.choice(STATES) for _ in range(8)]
    ours = follow(switch, "br-int", packet, tracked)
    found = differences(switch, ours, switch_trace(str(RUN), "br-int", packet, tracked))
    if found or ours.doubts:
        said = trace(control_socket(str(RUN)), "br-int", packet_text(packet), [])
        pytest.fail(f"{packet_text(packet)}: {found} {ours.doubts}\n{said}")
    return ours


def test_a_packets_way_is_the_same_by_the_model_and_by_the_switch() -> None:
    traces: list[Trace] = []
    for seed in range(WORLDS):
        chance = random.Random(seed)
        with switch_with({"br-int": random_flows(chance), "br-tun": TUNNEL}):
            switch = observe(f"unix:{RUN}/db.sock", str(RUN))
            traces += [compared(switch, chance) for _ in range(PACKETS)]
    assert any(trace.delivered for trace in traces) and not all(trace.delivered for trace in traces)
    assert max(len(trace.met) for trace in traces) >= 4
    flows = [step.flow for trace in traces for step in trace.steps if step.flow is not None]
    assert any("conj_id" in flow.match for flow in flows)
    assert any(step.kind == "resume" for trace in traces for step in trace.steps)


def test_what_the_switch_learned_decides_where_a_frame_goes() -> None:
    with switch_with({"br-int": ["actions=NORMAL"], "br-tun": ["actions=NORMAL"]}) as vswitch:
        vswitch._run("ovs-appctl", "-t", f"{RUN}/ovs-vswitchd.ctl", "fdb/add", "br-int", "b", "1", MACS[0])
        switch = observe(f"unix:{RUN}/db.sock", str(RUN))
        packet = parse_packet(f"ip,dl_src={MACS[1]},dl_dst={MACS[0]},nw_ttl=64") | {"in_port": 1}
        ours = follow(switch, "br-int", packet)
        assert ours.delivered == [("b", 0)]
        assert not differences(switch, ours, switch_trace(str(RUN), "br-int", packet, []))


def test_a_switch_that_does_not_answer_is_said() -> None:
    with VSwitch() as vswitch:
        vswitch.kill("ovs-vswitchd")
        with pytest.raises(KernelError) as caught:
            observe(f"unix:{RUN}/db.sock", str(RUN))
        assert "is ovs-vswitchd running?" in str(caught.value)
        vswitch.kill("ovsdb-server")
        with pytest.raises(KernelError) as caught:
            observe(f"unix:{RUN}/db.sock", str(RUN))
        assert "start ovsdb-server" in str(caught.value)
