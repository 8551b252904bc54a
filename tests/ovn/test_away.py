"""The southbound database goes away and comes back: guests are served by what was last known, and status says so."""

import signal
from pathlib import Path

from tests.neutron.nova import nova_metadata
from tests.ovn.agent import Agent, booted, get_soon, namespaces
from tests.ovn.central import CHASSIS, Central, Guest, network_id
from tests.waiting import wait_for

from netmend.sources.ovn.reports import BRIDGE, METADATA_AGENT, agent_id


def test_guests_are_served_while_the_database_is_away_also_over_a_restart() -> None:
    guest, other = Guest(1, 5), Guest(2, 6)
    with nova_metadata(), Central() as central, Agent() as agent:
        central.add_networks([1, 2])
        central.add_ports(guest, other)
        with booted(central, guest) as place:
            agent.wait_served(network_id(1))
            get_soon(place)
            central.kill("sb")
            status = agent.wait(lambda found: "nobody listens there" in str(found["intent"]["problem"]), "it notices")
            assert not status["intent"]["from_disk"]
            assert get_soon(place)["instance"] == guest.instance
            agent.end(signal.SIGKILL)
            agent.start()
            status = agent.wait_served(network_id(1))
            assert status["intent"]["from_disk"] and status["intent"]["age_seconds"] > 0
            assert (
                "what is served is as it was at"
                in agent.wait(lambda found: found["intent"]["problem"])["intent"]["problem"]
            )
            assert get_soon(place)["instance"] == guest.instance
            central.start_southbound()
            status = agent.wait(
                lambda found: found["intent"]["synced"] and not found["intent"]["problem"], "it is back"
            )
            assert status["intent"]["age_seconds"] == 0 and not status["intent"]["from_disk"]
            with booted(central, other):
                agent.wait_served(network_id(1), network_id(2))


def test_nothing_is_taken_away_while_ovn_controller_is_started_anew() -> None:
    """It deletes the chassis's row as it ends, and with it the bindings, which come back later than the row."""
    guest, path = Guest(1, 5), Path(f"/run/netns/ovnmeta-{network_id(1)}")
    with nova_metadata(), Central() as central, Agent() as agent:
        central.add_networks([1])
        central.add_ports(guest)
        with booted(central, guest) as place:
            agent.wait_served(network_id(1))
            get_soon(place)
            inode = path.stat().st_ino
            central.kill("ovn-controller", signal.SIGTERM)
            central.sbctl("--if-exists", "chassis-del", CHASSIS)
            status = agent.wait(lambda found: found["intent"]["problem"], "it notices")
            assert f"no chassis {CHASSIS}" in status["intent"]["problem"]
            agent.wait_served(network_id(1))
            central.start_controller()
            agent.wait(lambda found: not found["intent"]["problem"], "the chassis is back")
            assert get_soon(place)["instance"] == guest.instance
            assert namespaces() == {path.name} and path.stat().st_ino == inode


def test_reports_follow_nb_cfg() -> None:
    with Central() as central, Agent() as agent:
        agent.wait_served()
        wanted = {METADATA_AGENT.id_key: agent_id(METADATA_AGENT, CHASSIS), BRIDGE: "br-int"}
        wait_for(lambda: wanted.items() <= central.report().items(), "it is registered", central.report)
        central.nbctl("--wait=sb", "sync")
        number = central.sbctl("--bare", "--columns=nb_cfg", "list", "SB_Global").strip()
        wait_for(lambda: central.report()[METADATA_AGENT.number_key] == number != "0", "it follows", central.report)
        central.sbctl("clear", "Chassis_Private", CHASSIS, "external_ids")
        wait_for(lambda: wanted.items() <= central.report().items(), "it is registered again", central.report)
