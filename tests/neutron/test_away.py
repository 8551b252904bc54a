"""The broker and the server go and come back: guests are served all the time, and nothing that happened is missed."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from tests.neutron.agents import Netmend, start_neutrons, stop_neutrons
from tests.neutron.cloud import Cloud, wait_until
from tests.neutron.guests import Guest

from netmend.node.http.status_client import ask_health

CALL = 60  # seconds that a call waits for its answer (rpc_response_timeout)


def inside(*command: str) -> None:
    subprocess.run(command, check=True)


@pytest.fixture
def broker() -> Iterator[None]:
    """It is there again when the test ends, whatever became of it."""
    yield
    inside("session-kill", "broker")
    inside("broker-up")
    inside("broker-wait")
    restart_the_switch_agent()


@pytest.fixture
def server() -> Iterator[None]:
    yield
    bring_the_server_back()


def bring_the_server_back() -> None:
    inside("server-up")
    restart_the_switch_agent()


def restart_the_switch_agent() -> None:
    """Neutron's agent for the switch waits for minutes after a call that nobody answered."""
    stop_neutrons("ovs")
    start_neutrons("ovs")


def test_the_broker_is_killed_and_comes_back(cloud: Cloud, broker: None) -> None:
    network = cloud.network()
    subnet = cloud.subnet(network, "10.41.0.0/24")
    port = cloud.port(network)
    with Netmend() as netmend, Guest(port) as guest:
        cloud.wait_until_active(port)
        assert guest.dhcp()
        inside("session-kill", "broker")
        assert guest.dhcp()["ip"] == port["fixed_ips"][0]["ip_address"]
        status = netmend.wait_until(
            "it to notice", lambda status: status["intent"]["server"]["problem"]
        )  # fmt: skip
        assert status["intent"]["age_seconds"] is not None
        assert not status["node"]["healthy"]
        for word in ("live", "ready"):
            assert ask_health(netmend.home / "runtime" / "netmend.sock", word)["ok"], "a probe does not end it for that"
        # Something happens that nobody can tell us: the API answers, and its notification is lost with the broker.
        inside("broker-up")
        inside("broker-wait")
        netmend.wait_until("the server to be there", lambda status: not status["intent"]["server"]["problem"], 120)
        fixed = [{"subnet_id": subnet["id"], "ip_address": "10.41.0.77"}]
        wait_until(lambda: cloud.update("port", port, fixed_ips=fixed), "the API")
        wait_until(lambda: guest.dhcp(tries=3).get("ip") == "10.41.0.77", "the new address")
        later = cloud.port(network)
        with Guest(later) as another:
            cloud.wait_until_active(later)
            assert another.dhcp()["ip"] == later["fixed_ips"][0]["ip_address"]


def test_the_server_is_away_and_netmend_restarted_meanwhile(cloud: Cloud, server: None) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.41.1.0/24")
    port = cloud.port(network)
    with Guest(port) as guest, Netmend(as_run=True) as netmend:
        cloud.wait_until_active(port)
        assert guest.dhcp()
        inside("session-kill", "server-rpc")
        before = (netmend.status() or {})["intent"]["syncs"]
        os.kill(netmend.pid, signal.SIGHUP)
        netmend.wait_until("a call that nobody answers", lambda status: status["intent"]["syncs"] > before)
        asked_to_end = time.monotonic()
        netmend.end()
        assert time.monotonic() - asked_to_end < CALL / 2, "it does not wait for the answer"
        netmend.start(wait=False)
        netmend.wait_until_served(network["id"])
        status = netmend.wait_until("what is known to be old", lambda status: status["intent"]["from_disk"])
        assert guest.dhcp()["ip"] == port["fixed_ips"][0]["ip_address"]
        assert status["intent"]["age_seconds"] > 0
        bring_the_server_back()
        netmend.wait_until("it to be in step again", lambda status: status["intent"]["synced"])
        later = cloud.port(network)
        with Guest(later) as another:
            cloud.wait_until_active(later)
            assert another.dhcp()["ip"] == later["fixed_ips"][0]["ip_address"]


def test_of_two_brokers_one_is_dead(cloud: Cloud) -> None:
    both = "transport_url = rabbit://guest:guest@127.0.0.1:5679,guest:guest@127.0.0.1:5672/"
    network = cloud.network()
    cloud.subnet(network, "10.41.2.0/24")
    with Netmend(both, name="brokers") as netmend:
        netmend.wait_until_served(network["id"])
        port = cloud.port(network)
        with Guest(port) as guest:
            cloud.wait_until_active(port)
            assert guest.dhcp()
