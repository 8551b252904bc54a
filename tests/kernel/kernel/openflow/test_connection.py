"""What is read of a real switch's flows is what ovs-ofctl reads; what is written is what it wrote."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.kernel.vswitch import VSwitch

from netmend.ground.openflow.actions import LOCAL, Output, Unknown
from netmend.ground.openflow.flow import Flow
from netmend.ground.openflow.text import flow_text
from netmend.kernel.errors import KernelError
from netmend.kernel.openflow import Bridge, management_socket

VM, OTHER = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02"
# Of each form that Neutron's pipelines have, and of the forms of matches and actions beside them.
FLOWS = f"""
table=0,priority=0,actions=resubmit(,60)
table=0,priority=2,in_port=1,actions=drop
table=0,priority=3,in_port=1,vlan_tci=0x0000/0x1fff,actions=mod_vlan_vid:5,resubmit(,60)
table=0,priority=3,in_port=1,dl_vlan=101,actions=mod_vlan_vid:5,resubmit(,58)
table=0,priority=65535,dl_vlan=4095,actions=drop
table=0,priority=10,icmp6,in_port=7,icmp_type=136,actions=resubmit(,24)
table=0,priority=9,in_port=7,actions=resubmit(,25)
table=0,priority=5,in_port=2,dl_dst={VM},actions=resubmit(,3)
table=23,priority=0,actions=drop
table=24,priority=2,icmp6,in_port=7,icmp_type=136,nd_target=fe80::f816:3eff:fe00:1,actions=resubmit(,60)
table=24,priority=2,arp,in_port=7,arp_spa=10.0.0.4,actions=resubmit(,25)
table=25,priority=2,in_port=7,dl_src={VM},actions=resubmit(,60)
table=60,priority=100,in_port=7,actions=load:0x7->NXM_NX_REG5[],load:0x1->NXM_NX_REG6[],resubmit(,71)
table=60,priority=90,dl_vlan=1,dl_dst={VM},actions=load:0x7->NXM_NX_REG5[],load:0x1->NXM_NX_REG6[],strip_vlan,resubmit(,81)
table=60,priority=3,actions=NORMAL
table=71,priority=110,ct_state=+trk,actions=ct_clear,resubmit(,71)
table=71,priority=95,icmp6,reg5=0x7,in_port=7,dl_src={VM},ipv6_src=fe80::/64,icmp_type=130,actions=resubmit(,94)
table=71,priority=95,icmp6,reg5=0x7,in_port=7,icmp_type=135,nd_target=::,nd_sll={VM},actions=resubmit(,94)
table=71,priority=95,arp,reg5=0x7,in_port=7,dl_src={VM},arp_spa=10.0.0.4,actions=resubmit(,94)
table=71,priority=95,arp,reg5=0x7,arp_op=2,arp_sha={VM},arp_tha={OTHER},arp_tpa=10.0.0.0/24,actions=drop
table=71,priority=80,udp,reg5=0x7,in_port=7,dl_src={VM},tp_src=68,tp_dst=67,actions=resubmit(,73)
table=71,priority=80,udp6,reg5=0x7,in_port=7,tp_src=546,tp_dst=547,actions=resubmit(,73)
table=71,priority=70,udp,reg5=0x7,in_port=7,tp_src=67,tp_dst=68,actions=resubmit(,93)
table=71,priority=65,ip,reg5=0x7,in_port=7,dl_src={VM},nw_src=10.0.0.4,actions=ct(table=72,zone=NXM_NX_REG6[0..15])
table=71,priority=65,ipv6,reg5=0x7,in_port=7,dl_src={VM},ipv6_src=2001:db8::4,actions=ct(table=72,zone=NXM_NX_REG6[0..15])
table=71,priority=10,reg5=0x7,in_port=7,actions=ct_clear,resubmit(,93)
table=72,priority=77,tcp,ct_state=+est-rel-rpl,reg5=0x7,tp_dst=0x1f90/0xfff0,actions=resubmit(,73)
table=72,priority=77,tcp,ct_state=+new-est,reg5=0x7,tp_dst=80,actions=resubmit(,73)
table=72,priority=73,ip,ct_state=+est-rel-rpl,reg6=0x1,nw_src=10.0.0.9,actions=conjunction(16,1/2)
table=72,priority=73,ip,ct_state=+new-est,reg5=0x7,actions=conjunction(17,2/2),conjunction(19,1/2)
table=72,priority=70,ip,conj_id=16,reg5=0x7,actions=load:0x10->NXM_NX_REG7[],resubmit(,82)
table=72,priority=74,icmp,ct_state=+new-est,reg5=0x7,icmp_type=8,icmp_code=0,actions=resubmit(,73)
table=72,priority=50,ct_state=+inv+trk,actions=resubmit(,93)
table=72,priority=50,ct_mark=0x1,reg5=0x7,actions=resubmit(,93)
table=72,priority=50,ct_state=+est-rel+rpl,ct_zone=1,ct_mark=0,reg5=0x7,actions=resubmit(,94)
table=72,priority=40,ip,ct_state=+est,reg5=0x7,actions=ct(commit,zone=NXM_NX_REG6[0..15],exec(load:0x1->NXM_NX_CT_MARK[]))
table=72,priority=0,actions=drop
table=73,priority=100,reg6=0x1,dl_dst={VM},actions=load:0x7->NXM_NX_REG5[],resubmit(,81)
table=73,priority=90,ip,ct_state=+new-est,reg5=0x7,actions=ct(commit,zone=NXM_NX_REG6[0..15]),resubmit(,91)
table=81,priority=90,ip,ct_state=-trk,reg5=0x7,actions=ct(table=82,zone=NXM_NX_REG6[0..15])
table=82,priority=71,ct_state=+new-est,ip,reg6=0x1,reg5=0x7,nw_src=10.0.0.0/255.0.255.0,actions=ct(commit,force,zone=7),output:7
table=94,priority=12,reg6=0x1,dl_dst={VM},actions=push_vlan:0x8100,set_field:4097->vlan_vid,output:2
table=94,priority=10,reg6=0x1,dl_src={VM},dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=mod_vlan_vid:1,output:2
table=94,priority=1,actions=NORMAL
table=4,priority=1,tun_id=0x3e9,actions=mod_vlan_vid:1,resubmit(,10)
table=10,priority=1,actions=learn(table=20,hard_timeout=300,priority=1,cookie=0xabc,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:0->NXM_OF_VLAN_TCI[],load:NXM_NX_TUN_ID[]->NXM_NX_TUN_ID[],output:NXM_OF_IN_PORT[]),output:2
table=20,priority=2,dl_vlan=1,dl_dst={OTHER},actions=strip_vlan,load:0x3e9->NXM_NX_TUN_ID[],output:3
table=21,priority=1,arp,dl_vlan=1,arp_tpa=10.0.0.9,actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],mod_dl_src:{OTHER},load:0x2->NXM_OF_ARP_OP[],move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],load:0xfa163e000002->NXM_NX_ARP_SHA[],load:0xa000009->NXM_OF_ARP_SPA[],IN_PORT
table=22,priority=1,dl_vlan=1,actions=strip_vlan,set_field:0x3e9->tun_id,output:3,output:4
table=30,ip,nw_tos=32,nw_ecn=1,nw_ttl=64,nw_frag=later,actions=dec_ttl,LOCAL
table=30,ipv6,nw_proto=59,ipv6_label=0x12345,ipv6_dst=ff00::/8,actions=group:1
table=30,ipv6,ipv6_src=2001:db8::1:0/ffff:ffff:ffff:ffff::,actions=exit
table=30,tcp,tcp_flags=+syn-ack,actions=set_queue:2,pop_queue,FLOOD
table=30,tcp6,tp_src=1,tp_dst=2,actions=set_field:80->tcp_dst,set_field:2001:db8::9->ipv6_dst,output:NXM_NX_REG1[0..15]
table=30,sctp,tp_src=9,actions=note:61.62.63.00.00.00
table=30,dl_type=0x88cc,dl_vlan=7,dl_vlan_pcp=3,actions=CONTROLLER:65535
table=30,dl_vlan_pcp=2,reg0=0x1/0xff,metadata=0x5/0xf,actions=in_port,ALL
table=30,pkt_mark=0x1/0x3,reg15=0x7,tun_src=10.0.0.0/8,tun_dst=10.99.0.1,actions=output:9
table=30,ct_label=0x5/0xf,ct_state=-new+est-rel+rpl-inv+trk,actions=resubmit(3,40),resubmit:4
table=30,tcp,ct_state=+trk,tp_dst=5,actions=ct(commit,nat(src=10.0.0.1-10.0.0.9:1000-2000))
table=30,tcp,tp_dst=1,actions=ct(nat,table=31,zone=5),ct(commit,nat(dst=10.0.0.1:80,random)),ct(commit,nat(src=10.0.0.7,persistent),alg=ftp)
table=30,udp6,tp_dst=1,actions=ct(commit,nat(dst=2001:db8::1-2001:db8::9)),ct(commit,nat(dst=[2001:db8::1]:80))
table=30,priority=7,idle_timeout=60,hard_timeout=600,cookie=0x123456789abcdef0,reg1=0x5,actions=write_metadata:0x5/0xf,goto_table:31
table=30,reg1=0x6,actions=write_actions(output:3),goto_table:31
table=30,reg1=0x7,actions=set_field:0x5/0xff->reg3,load:0x3->NXM_NX_REG3[4..7],move:NXM_NX_REG3[0..3]->NXM_NX_REG4[8..11],clear_actions
table=30,ip,reg1=0x8,actions=set_field:7->metadata,ct(commit,exec(set_field:0x1/0x1->ct_mark))
table=30,recirc_id=0,reg1=0x9,actions=drop
table=30,rarp,actions=drop
table=30,vlan_tci=0x1000/0x1000,actions=drop
"""


def ofctl(switch: VSwitch, *arguments: str) -> str:
    return switch._run("ovs-ofctl", "-O", "OpenFlow14", *arguments)


def by_ofctl(switch: VSwitch) -> list[str]:
    lines = ofctl(switch, "dump-flows", "--no-names", "--no-stats", "br-int").splitlines()
    return sorted(line.strip() for line in lines if "actions=" in line)


@contextmanager
def prepared() -> Iterator[tuple[VSwitch, Bridge]]:
    with VSwitch() as switch:
        switch.vsctl("set", "Bridge", "br-int", "protocols=OpenFlow10,OpenFlow13,OpenFlow14")
        ofctl(switch, "del-flows", "br-int")
        with Bridge(management_socket("br-int")) as bridge:
            yield switch, bridge


def add_flows(switch: VSwitch) -> None:
    given = Path("/run/flows.txt")
    given.write_text(FLOWS.strip())
    ofctl(switch, "add-group", "br-int", "group_id=1,type=all,bucket=output:1")
    ofctl(switch, "add-flows", "br-int", str(given))


def test_flows_are_read_as_ovs_ofctl_reads_them() -> None:
    with prepared() as (switch, bridge):
        add_flows(switch)
        expected = by_ofctl(switch)
        assert len(expected) == len(FLOWS.strip().splitlines())
        found = list(map(spelled, bridge.flows()))
        assert sorted(set(found) - set(expected)) == sorted(set(expected) - set(found))


def spelled(flow: Flow) -> str:
    assert not flow.unread
    return flow_text(flow)


def test_flows_that_are_written_are_those_that_were_read() -> None:
    """What ovs-ofctl wrote is read, taken away, and written again in one bundle."""
    with prepared() as (switch, bridge):
        add_flows(switch)
        expected = by_ofctl(switch)
        flows = bridge.flows()
        bridge.change([("delete", flow) for flow in flows])
        assert by_ofctl(switch) == []
        bridge.change([("add", flow) for flow in flows])
        assert by_ofctl(switch) == expected


def test_a_bundle_with_one_bad_flow_changes_nothing() -> None:
    with prepared() as (_, bridge):
        good = Flow(0, 5, {"in_port": (7, 0xFFFFFFFF)}, (Output(1),), cookie=7)
        bridge.change([("add", good)])
        bad = Flow(0, 6, {"nw_src": (1, 0xFFFFFFFF)}, ())  # a field without the eth_type that it requires
        with pytest.raises(KernelError) as caught:
            bridge.change([("delete", good), ("add", bad)])
        assert "a match without what it requires" in str(caught.value)
        with pytest.raises(KernelError) as caught:
            bridge.change([("delete", good), ("add", Flow(0, 6, {}, (Unknown(0, 99, b""),)))])
        assert caught.value.code == errno.EINVAL
        assert list(bridge.flows()) == [good]


def test_flows_are_chosen_by_cookie_and_by_table() -> None:
    with prepared() as (_, bridge):
        made = [Flow(table, 5, {}, (), cookie=cookie) for table in (0, 24) for cookie in (0x17, 0x27)]
        others = [Flow(table, 6, {}, (), cookie=0x18) for table in (0, 24)]
        bridge.change([("add", flow) for flow in (*made[::2], *others)])
        assert {flow.cookie for flow in bridge.flows(0x17, 0xFFFF)} == {0x17}
        assert {flow.table for flow in bridge.flows(table=24)} == {24}
        everything = Flow(0xFF, 0, {}, (), cookie=0x10)
        bridge.change([("delete all that match", everything)], cookie_mask=0xF8)  # 0x17 is, 0x18 is not
        assert {flow.cookie for flow in bridge.flows()} == {0x18}


def test_ports_are_those_of_the_bridge() -> None:
    with prepared() as (switch, bridge):
        switch.vsctl(
            "add-port", "br-int", "tap1", "--", "set", "Interface", "tap1", "type=internal", "ofport_request=7"
        )
        bridge.barrier()
        ports = {port.name: port for port in bridge.ports()}
        assert ports["tap1"].number == 7 and ports["br-int"].number == LOCAL
        assert ports["tap1"].mac == switch.get("Interface", "tap1", "mac_in_use").strip('"')
        assert ports["tap1"].down


def test_a_bridge_of_openflow_1_3_is_read_and_not_changed() -> None:
    with prepared() as (switch, _):
        add_flows(switch)
        expected = by_ofctl(switch)
        switch.vsctl("set", "Bridge", "br-int", "protocols=OpenFlow13")
        with Bridge(management_socket("br-int")) as bridge:
            assert sorted(map(spelled, bridge.flows())) == expected
            assert [port.name for port in bridge.ports()] == ["br-int"]
            with pytest.raises(KernelError) as caught:
                bridge.change([])
            assert caught.value.code == errno.ENOTSUP
        switch.vsctl("set", "Bridge", "br-int", "protocols=OpenFlow10")
        with pytest.raises(KernelError) as caught:
            Bridge(management_socket("br-int"))
        assert "ovs-vsctl add bridge br-int protocols OpenFlow14" in str(caught.value)


def test_no_bridge_and_a_switch_that_dies_are_said() -> None:
    with prepared() as (switch, bridge):
        with pytest.raises(KernelError) as caught:
            Bridge(management_socket("br-none"))
        assert caught.value.code == errno.ENOENT and "no bridge of that name" in str(caught.value)
        switch.kill("ovs-vswitchd")
        with pytest.raises(KernelError):
            bridge.flows()
        with pytest.raises(KernelError) as caught:
            Bridge(management_socket("br-int"))
        assert caught.value.code == errno.ECONNREFUSED and "is ovs-vswitchd running?" in str(caught.value)
