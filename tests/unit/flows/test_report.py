"""What is said of flows and of a packet's way."""

from netmend.flows.interpreter import follow
from netmend.flows.packet import parse_packet
from netmend.flows.report import show_document, show_lines, trace_document, trace_lines
from netmend.flows.switch import Bridge, Switch
from netmend.ground.openflow.actions import Group, Output, Resubmit, SetField
from netmend.ground.openflow.fields import BY_NAME
from netmend.ground.openflow.flow import Flow, Match
from netmend.ground.openflow.switch import BridgePort

PORTS = (
    BridgePort("vm1", 5, tag=1, ids={"iface-id": "one", "attached-mac": "fa:16:3e:00:00:01"}),
    BridgePort("vm2", 6, tag=1, ids={"iface-id": "two"}),
)
FROM_VM1: Match = {"in_port": (5, 0xFFFFFFFF)}
TCP: Match = {"eth_type": (0x800, 0xFFFF), "nw_proto": (6, 0xFF), "reg5": (5, 0xFFFFFFFF)}


def switch(*flows: Flow) -> Switch:
    return Switch({"br-int": Bridge("br-int", PORTS, flows)})


def firewall() -> Switch:
    taken = SetField(BY_NAME["reg5"], 5, 0xFFFFFFFF)
    return switch(
        Flow(0, 100, FROM_VM1, (taken, Resubmit(72))),
        Flow(72, 77, {**TCP, "tp_dst": (80, 0xFFF8)}, (Output(6),)),
        Flow(72, 40, {"ct_state": (0, 2), "reg5": (5, 0xFFFFFFFF)}, (Resubmit(93),)),
        Flow(93, 0, {}, ()),
    )


def test_a_drop_says_what_it_means() -> None:
    world = firewall()
    trace = follow(world, "br-int", parse_packet("tcp,tp_dst=22") | {"in_port": 5})
    said = list(trace_lines(world, trace, []))
    assert said[-2] == (
        "It is dropped in br-int. Table 72 sent: rules: priority 40, anything, of no established connection: dropped. "
        "That means: no rule of the port's security groups lets it send this."
    )
    assert said[-1] == "The switch itself says the same (ofproto/trace)."


def test_a_delivery_names_the_port() -> None:
    world = firewall()
    trace = follow(world, "br-int", parse_packet("tcp,tp_dst=87") | {"in_port": 5})
    document = trace_document(world, PORTS[0], "", trace, None)
    assert (document["verdict"], document["delivered"]) == ("delivered", [{"port": "vm2", "vlan": None}])
    assert document["switch"] is None


def test_what_is_not_known_is_a_doubt_and_no_verdict_that_was_guessed() -> None:
    world = switch(Flow(0, 1, {}, (Group(7),)))
    trace = follow(world, "br-int", parse_packet("arp") | {"in_port": 5})
    assert trace.doubts == ["what group:7 does is not followed here"]
    unread = switch(Flow(0, 1, {}, (), unread=("0x8000:99",)))
    assert follow(unread, "br-int", {"in_port": 5}).doubts == ["a flow of table 0 matches on 0x8000:99"]


def test_resubmissions_in_a_circle_end() -> None:
    world = switch(Flow(0, 1, {}, (Resubmit(0),)))
    trace = follow(world, "br-int", {"in_port": 5})
    assert trace.steps[-1].text == "more resubmissions than the switch does: dropped"


def test_flows_are_shown_under_their_ports() -> None:
    lines = list(show_lines(firewall()))
    assert lines[0] == "br-int: integration bridge, 2 ports, 4 flows"
    assert "  port vm1, number 5, VLAN 1, one" in lines
    assert any("TCP to port 80 to 87: out through vm2" in line for line in lines)
    about_two = show_document(firewall(), PORTS[1])["bridges"][0]
    assert [flow["priority"] for flow in about_two["flows"]] == [77]
    assert [port["name"] for port in about_two["ports"]] == ["vm2"]
