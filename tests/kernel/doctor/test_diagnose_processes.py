"""Helpers of Neutron's agents for real: those of a right host are no finding, and each kind of stray is one."""

import socket
import subprocess

import pytest
from tests.kernel.agents_helpers import DNSMASQ, Helpers
from tests.kernel.doctor.hosts import diagnosed, ip

from netmend.doctor import snapshot
from netmend.doctor.diagnose import diagnose
from netmend.ground.finding import Finding
from netmend.kernel.netns import Netns

pytestmark = pytest.mark.skipif(DNSMASQ is None, reason="needs dnsmasq")


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    assert finding.check == "stray-processes", finding
    return finding


def type_mend(finding: Finding) -> None:
    subprocess.run(["sh", "-ec", "netmend() { :; }; docker() { :; }\n" + finding.mend], check=True, capture_output=True)


def test_each_network_with_one_is_in_order() -> None:
    helpers = Helpers()
    for _ in range(3):
        helpers.serve(helpers.network(port=True))
    observation, findings = diagnosed()
    assert findings == [] and len(observation.helpers) == 3
    assert {helper.process.listens for helper in observation.helpers} == {("udp 67",)}


@pytest.mark.parametrize("named", [True, False])
def test_an_orphan_is_ended_by_its_mend(named: bool) -> None:
    helpers = Helpers()
    owner = helpers.network(port=False)
    pid = helpers.serve(owner)
    helpers.serve(helpers.network(port=True))
    if not named:
        ip("netns", "delete", f"qdhcp-{owner}")
    observation, findings = diagnosed()
    finding = only(findings)
    assert f"dnsmasq {pid}" in finding.summary and "its network is gone" in finding.summary
    assert [one.mend for one in diagnose(snapshot.read(snapshot.write(observation)))] == [finding.mend]
    type_mend(finding)
    assert helpers.started[0].wait(60) is not None
    assert diagnosed()[1] == []


def test_the_older_of_two_is_ended_by_its_mend() -> None:
    helpers = Helpers()
    owner = helpers.network(port=True)
    old, new = helpers.serve(owner), helpers.serve(owner)
    finding = only(diagnosed()[1])
    assert finding.evidence[0].startswith(f"dnsmasq {old}: ") and f"dnsmasq {new} serves" in finding.evidence[0]
    type_mend(finding)
    helpers.started[0].wait(60)
    assert diagnosed()[1] == [] and helpers.started[1].poll() is None


def test_one_in_an_old_namespace_while_the_name_leads_to_a_new_one() -> None:
    helpers = Helpers()
    owner = helpers.network(port=True)
    old = helpers.serve(owner)
    ip("netns", "delete", f"qdhcp-{owner}")
    assert [finding.check for finding in diagnosed()[1]] == ["nameless-namespace"], "it may serve guests"
    ip("netns", "add", f"qdhcp-{owner}")
    ip("-n", f"qdhcp-{owner}", "link", "set", "lo", "up")
    ip("-n", f"qdhcp-{owner}", "link", "add", "ns-1", "type", "bridge")
    ip("-n", f"qdhcp-{owner}", "link", "set", "ns-1", "up")
    helpers.serve(owner)
    finding = only(diagnosed()[1])
    assert finding.mend.startswith(f"# kill {old}  # their namespaces, and the devices in these, go along")


def test_one_beside_another_program() -> None:
    helpers = Helpers()
    owner = helpers.network(port=True)
    with Netns.open(f"/run/netns/qdhcp-{owner}") as namespace, namespace.entered():
        beside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with beside:
        beside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        beside.bind(("0.0.0.0", 67))
        pid = helpers.serve(owner)
        finding = only(diagnosed()[1])
        assert finding.evidence[0].startswith(f"dnsmasq {pid}: ")
        assert finding.evidence[0].endswith("has udp 67 open there too")
    assert diagnosed()[1] == []
