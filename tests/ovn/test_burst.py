"""Many bindings at once: few passes, all served; all gone at once."""

import json

from tests.ovn.agent import Agent, namespaces
from tests.ovn.central import CHASSIS, Central, Guest, network_id
from tests.waiting import wait_for

COUNT = 60


def passes(agent: Agent) -> int:
    lines = agent.log.read_text().splitlines()
    return sum(json.loads(line)["event"] == "pass" for line in lines if line.startswith("{"))


def test_a_burst_of_bindings_is_few_passes() -> None:
    guests = [Guest(number, 5) for number in range(1, COUNT + 1)]
    with Central(vswitchd=False, controller=False) as central:
        central.sbctl("chassis-add", CHASSIS, "geneve", "127.0.0.1")
        central.sbctl("create", "Chassis_Private", f"name={CHASSIS}")
        central.add_networks(range(1, COUNT + 1))
        central.add_ports(*guests)
        central.nbctl("--wait=sb", "sync")
        with Agent() as agent:
            agent.wait_served()
            bind = [word for guest in guests for word in ("--", "lsp-bind", guest.id, CHASSIS)]
            central.sbctl(*bind[1:])
            agent.wait_served(*(network_id(guest.network) for guest in guests))
            assert passes(agent) <= 5, agent.text()
            unbind = [word for guest in guests for word in ("--", "lsp-unbind", guest.id)]
            central.sbctl(*unbind[1:])
            wait_for(lambda: namespaces() == set(), "all are gone", lambda: len(namespaces()))
            agent.wait_served()
            assert not central.switch.ports() and passes(agent) <= 10, agent.text()
