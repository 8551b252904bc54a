"""What OpenStack-Helm's chart has beside the agent in whose place netmend is: a probe by the broker, and a cron job."""

import re
import subprocess
from pathlib import Path
from uuid import uuid4

from tests.neutron.agents import ETC, Netmend
from tests.neutron.cloud import Cloud
from tests.neutron.guests import Guest, run

CLEANUP = ["/opt/neutron/bin/neutron-netns-cleanup"]
CLEANUP += [
    word for name in ("neutron.conf", "dhcp_agent.ini", "l3_agent.ini") for word in ("--config-file", str(ETC / name))
]


PROBE = """
import socket, sys
import oslo_messaging
from oslo_config import cfg
oslo_messaging.set_transport_defaults(control_exchange="neutron")
cfg.CONF(["--config-file", sys.argv[1]], project="neutron")
target = oslo_messaging.Target(topic="dhcp_agent", server=socket.gethostname())
client = oslo_messaging.get_rpc_client(oslo_messaging.get_rpc_transport(cfg.CONF), target, timeout=60, retry=2)
try:
    client.call({}, "pod_health_probe_method_ignore_errors")
except oslo_messaging.RemoteError as error:
    print(error)
"""


def test_the_probe_is_told_that_its_method_is_not_known(netmend: Netmend) -> None:
    """The rule of the chart's health-probe.py: an agent that says so is alive, one that says nothing is not."""
    said = run("/opt/neutron/bin/python3", "-c", PROBE, str(ETC / "neutron.conf"))
    assert re.search(r"Endpoint does not support RPC (method|version)", said), said


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
