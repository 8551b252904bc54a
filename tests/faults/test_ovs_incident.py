"""The incident with a port of Open vSwitch: the name is a file here, and the namespace with the switch's device in it
lives on where nobody here can go. What the old agent answered with 10,000 ports must cost none."""

from msgspec.structs import replace
from tests.faults.ovs_world import rows, with_internal
from tests.faults.test_incident import NAME, another_container, end, without_sight_of_others
from tests.faults.world import DHCP_TAP, DIRECTORY, NETWORK_ID
from tests.kernel.vswitch import VSwitch

from netmend.intent import Intent, NoPlug
from netmend.kernel import nsdir
from netmend.reconcile.reconciler import Reconciler


def intent() -> Intent:
    (network,) = with_internal().networks.values()
    ports = {port.id: replace(port, plug=NoPlug()) for port in network.ports.values()}
    return Intent({NETWORK_ID: replace(network, ports=ports)})


def test_the_line_stops_and_no_port_is_made_anew() -> None:
    nsdir.prepare()
    with VSwitch(), another_container(intent):
        before = {row["name"]: row["_uuid"] for row in rows("Interface")}

        def rounds() -> None:
            now = [0.0]
            reconciler = Reconciler(clock=lambda: now[0])
            for _ in range(20):
                now[0] += 1_000.0
                assert reconciler.run(intent()).planned_steps == 0
                state = reconciler.breaker.state
                assert state is not None and NAME in state.diagnosis.summary
                assert any(DHCP_TAP in line and "netnsid" in line for line in state.diagnosis.evidence)
                assert f"-v {DIRECTORY}:{DIRECTORY}:shared" in state.diagnosis.mend

        assert without_sight_of_others(rounds) == 0
        assert {row["name"]: row["_uuid"] for row in rows("Interface")} == before


def test_once_the_other_is_gone_the_network_is_made_whole() -> None:
    nsdir.prepare()
    with VSwitch() as switch, another_container(intent) as holder:
        end(holder)
        reconciler = Reconciler()
        for _ in range(100):
            switch.vsctl("set", "Open_vSwitch", ".", "external_ids:settled=yes")
            report = reconciler.run(intent())
            if not report.wrong and not report.planned_steps:
                break
        assert report.right == {NETWORK_ID}, [reason.text for reason in reconciler.resync.all()]
        assert {row["name"] for row in rows("Interface")} == {"br-int", DHCP_TAP}
