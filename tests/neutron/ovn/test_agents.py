"""What the cloud's operators see of netmend: `openstack network agent list` has OVN's metadata agents alive."""

import functools

from tests.neutron.cloud import Cloud, Resource, call, wait_until
from tests.neutron.guests import run
from tests.neutron.ovn.chassis import Chassis

from netmend.sources.ovn.reports import METADATA_AGENT, agent_id

_KIND = "OVN Metadata agent"


def agents() -> dict[str, Resource]:
    """Metadata agents that the server knows, by host."""
    return {agent["host"]: agent for agent in call("GET", "agents")["agents"] if agent["agent_type"] == _KIND}


def alive() -> set[str]:
    return {host for host, agent in agents().items() if agent["alive"]}


def number(chassis: str, column: str) -> str:
    remote = "--db=unix:/run/ovn/ovnsb_db.sock"
    return run("ovn-sbctl", remote, "get", "Chassis_Private", chassis, column).strip().strip('"')


def follows(chassis: str) -> bool:
    """Whether the report says as high a number as the chassis itself."""
    asked = int(number(chassis, "nb_cfg"))
    return int(number(chassis, f'external_ids:"{METADATA_AGENT.number_key}"')) >= asked > 0


def listed() -> dict[str, str]:
    """What `openstack network agent list` shows of them: a smile or not, by host."""
    lines = (line.split("|") for line in run("openstack", "network", "agent", "list").splitlines())
    rows = ([cell.strip() for cell in line[1:-1]] for line in lines if len(line) > 7)
    return {row[2]: row[4] for row in rows if row[1] == _KIND}


def test_metadata_agents_are_alive_as_long_as_netmend_runs(cloud: Cloud, one: Chassis, two: Chassis) -> None:
    with one.netmend(), two.netmend() as second:
        wait_until(lambda: alive() == {"node1", "node2"}, "both agents to be alive", explain=agents)
        found = agents()
        for chassis in (one, two):
            agent = found[chassis.name]
            assert agent["id"] == agent_id(METADATA_AGENT, chassis.name)
            assert agent["binary"] == "neutron-ovn-metadata-agent"
        for name in ("node1", "node2"):
            wait_until(functools.partial(follows, name), "the report to follow nb_cfg")
        assert listed() == {"node1": ":-)", "node2": ":-)"}
        second.end()
        wait_until(lambda: alive() == {"node1"}, "the one that has ended to be down", explain=agents)
