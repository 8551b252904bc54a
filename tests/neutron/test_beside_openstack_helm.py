"""What OpenStack-Helm's chart has beside the agent in whose place netmend is: a probe by the broker, and a cron job."""

import socket
import subprocess
from pathlib import Path
from uuid import uuid4

import oslo_messaging
import pytest
from oslo_config import cfg
from tests.neutron.agents import ETC, Netmend
from tests.neutron.cloud import Cloud
from tests.neutron.guests import Guest, run

CLEANUP = ["/opt/neutron/bin/neutron-netns-cleanup"]
CLEANUP += [
    word for name in ("neutron.conf", "dhcp_agent.ini", "l3_agent.ini") for word in ("--config-file", str(ETC / name))
]


def test_the_probe_is_told_that_its_method_is_not_known(netmend: Netmend) -> None:
    """The rule of the chart's health-probe.py: an agent that says so is alive, one that says nothing is not."""
    oslo_messaging.set_transport_defaults(control_exchange="neutron")
    cfg.CONF(["--config-file", str(ETC / "neutron.conf")], project="neutron")
    transport = oslo_messaging.get_rpc_transport(cfg.CONF)
    try:
        target = oslo_messaging.Target(topic="dhcp_agent", server=socket.gethostname())
        client = oslo_messaging.get_rpc_client(transport, target, timeout=60, retry=2)
        with pytest.raises(oslo_messaging.RemoteError, match=r"Endpoint does not support RPC (method|version)"):
            client.call({}, "pod_health_probe_method_ignore_errors")
    finally:
        transport.cleanup()


def test_netns_cleanup_deletes_nothing_of_what_is_served(netmend: Netmend, cloud: Cloud) -> None:
    """Neutron's own program, as the chart's cron job calls it; of its own accord it takes away what is empty."""
    network = cloud.network()
    cloud.subnet(network, "10.57.0.0/24")
    port = cloud.port(network)
    gone = f"qdhcp-{uuid4()}"
    run("ip", "netns", "add", gone)
    with Guest(port) as guest:
        cloud.wait_until_active(port)
        assert guest.dhcp()
        name = f"qdhcp-{network['id']}"
        before = run("ip", "-n", name, "-o", "address"), Path(f"/run/netns/{name}").stat().st_ino
        done = subprocess.run(CLEANUP, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        assert (run("ip", "-n", name, "-o", "address"), Path(f"/run/netns/{name}").stat().st_ino) == before
        assert guest.dhcp(), "guests are served"
        assert gone not in run("ip", "netns"), "it was at work"
