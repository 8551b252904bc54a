"""Taking over from the real neutron-ovn-metadata-agent, and giving back to it."""

import signal
from http.client import HTTPConnection

import pytest
from tests.ovn.agent import Agent
from tests.ovn.central import CHASSIS, Central, Guest, network_id
from tests.ovn.real_agent import LOG, NOVA, real_agent
from tests.waiting import wait_for

from netmend.kernel import links, procfs
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns

NAMES = [network_id(1), network_id(2)]


def haproxies() -> list[int]:
    return [pid for pid in procfs.pids() if any("haproxy" in word for word in procfs.arguments(pid)[:1])]


def answers(network: str) -> bool:
    """Whether a request in the network's namespace has an answer, whatever it says."""
    try:
        with Netns.open(f"/run/netns/ovnmeta-{network}") as place, place.entered():
            connection = HTTPConnection("169.254.169.254", 80, 3)
            connection.connect()
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
    except (KernelError, OSError):
        return False
    return True


def devices() -> dict[str, int]:
    with RouteSocket() as route:
        return {link.name: link.index for link in links.dump_links(route) if link.name.startswith("tap")}


@pytest.mark.timeout(900)
def test_over_and_back() -> None:
    if not (NOVA / "releases").exists():
        pytest.fail("not there: Neutron's agent; run tools/nova", pytrace=False)
    guests = [Guest(number, 5, ("10.0.0.5",)) for number in (1, 2)]
    with Central(controller=False) as central:
        central.sbctl("chassis-add", CHASSIS, "geneve", "127.0.0.1")
        central.sbctl("create", "Chassis_Private", f"name={CHASSIS}")
        # Of a bridge of the userspace datapath it would have iptables compute checksums.
        central.switch.vsctl("--no-wait", "set", "Bridge", "br-int", "datapath_type=system")
        central.add_networks([1, 2])
        central.add_ports(*guests)
        central.nbctl("--wait=sb", "sync")
        for guest in guests:
            central.sbctl("lsp-bind", guest.id, CHASSIS)
        with real_agent():
            wait_for(lambda: all(map(answers, NAMES)), "Neutron's agent serves", LOG.read_text, seconds=240, every=0.5)
        made, ids = devices(), central.report()
        assert len(made) == 2 and len(haproxies()) == 2
        with Agent() as agent:
            agent.wait_served(*NAMES)
            assert all(map(answers, NAMES)) and devices() == made and not haproxies(), agent.text()
            assert central.report()["neutron:ovn-metadata-id"] == ids["neutron:ovn-metadata-id"]
            agent.end(signal.SIGTERM)
            assert devices() == made
        with real_agent():
            wait_for(
                lambda: all(map(answers, NAMES)), "Neutron's agent serves again", LOG.read_text, seconds=240, every=0.5
            )
            assert devices() == made
