"""States of the incident, with OVN's names: each ends with the guest served, or with the reason, and leaks nothing."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

from tests.neutron.nova import nova_metadata
from tests.ovn.agent import Agent, booted, get, get_soon, namespaces
from tests.ovn.central import Central, Guest, metadata_port, network_id
from tests.waiting import wait_for

from netmend.intent import Intent, Network, OvsWiring, Subnet
from netmend.intent.names import id_from_name
from netmend.kernel import links, netns, procfs
from netmend.kernel.addresses import add_address
from netmend.kernel.links import Found, VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.offload import compute_checksums
from netmend.reconcile.reconciler import Reconciler

GUEST = Guest(1, 5)
NAME = f"ovnmeta-{network_id(1)}"
PATH = Path("/run/netns") / NAME
STEM = f"tap{network_id(1)[:10]}"


@contextmanager
def cloud() -> Iterator[Central]:
    """A network with one port that no device bears yet."""
    with nova_metadata(), Central() as central:
        central.add_networks([1])
        central.add_ports(GUEST)
        PATH.parent.mkdir(exist_ok=True)
        yield central


def own_devices() -> set[str]:
    """Devices of the network's metadata port on the host."""
    with RouteSocket() as route:
        return {link.name for link in links.dump_links(route) if link.name in {f"{STEM}0", f"{STEM}1"}}


def test_a_plain_file_under_the_name_is_no_obstacle() -> None:
    with cloud() as central, Agent() as agent:
        PATH.touch()
        with booted(central, GUEST) as place:
            agent.wait_served(network_id(1))
            assert get_soon(place)["instance"] == GUEST.instance and netns.is_namespace(str(PATH))


def test_a_name_that_dies_under_netmend_is_mended_while_guests_are_served() -> None:
    with cloud() as central, Agent() as agent, booted(central, GUEST) as place:
        agent.wait_served(network_id(1))
        get_soon(place)
        subprocess.run(["umount", "--lazy", str(PATH)], check=True)
        wait_for(lambda: netns.is_namespace(str(PATH)), "the name leads to the namespace again", agent.text)
        assert get(place)[0] == 200
        agent.wait_served(network_id(1))


def test_killed_while_it_removes_a_network_the_next_start_finishes() -> None:
    with cloud() as central, Agent() as agent:
        with booted(central, GUEST):
            agent.wait_served(network_id(1))
        agent.end(signal.SIGKILL)
        agent.start()
        agent.wait_served()
        wait_for(
            lambda: namespaces() == set() and not own_devices(),
            "nothing is left",
            lambda: (namespaces(), own_devices()),
        )
        assert not central.switch.ports()


def test_a_directory_of_names_that_is_deleted_costs_no_guest_an_answer() -> None:
    with cloud() as central, Agent() as agent, booted(central, GUEST) as place:
        agent.wait_served(network_id(1))
        get_soon(place)
        subprocess.run(["umount", "--lazy", str(PATH)], check=False)
        shutil.rmtree(PATH.parent, ignore_errors=True)
        assert get_soon(place)["instance"] == GUEST.instance
        wait_for(lambda: netns.is_namespace(str(PATH)), "the name is there again", agent.text)


ALONE = "import time; time.sleep(600)"
MASTER = "import os, time; os.waitpid(pid, 0) if (pid := os.fork()) else time.sleep(600)"


@contextmanager
def of_neutrons_agent(
    central: Central, what: str = ALONE, *options: str, program: str = "haproxy"
) -> Iterator[subprocess.Popen[bytes]]:
    """What neutron-ovn-metadata-agent leaves for the network: a namespace by its name, the veth and its port, and a
    haproxy in it, for which a program by that name stands, with its arguments, that does `what`."""
    with Netns.create(NAME) as made:
        place = made.duplicate()
    netns.pin(place, str(PATH), "")
    with RouteSocket() as route:
        far = VethEnd(f"{STEM}1", 1400, 0, "fa:16:3f:00:00:01")
        near = links.create_veth(route, VethEnd(f"{STEM}0", 1400, 0), far, place)
    with place.entered(), RouteSocket() as inside:
        inner = Found(near.peer_index, f"{STEM}1")
        links.set_link(inside, links.LOOPBACK, up=True)
        links.set_link(inside, inner, up=True)
        for text in ("10.0.0.2/24", "169.254.169.254/32"):
            add_address(inside, inner, IPv4Interface(text))
        compute_checksums(f"{STEM}1")
        file = f"/var/lib/neutron/ovn-metadata-proxy/{network_id(1)}.conf"
        words = [program, "-c", what, *options, "-f", file]
        process = subprocess.Popen(words, executable=sys.executable)
    ids = f"external_ids:iface-id={metadata_port(1)}"
    central.switch.vsctl("add-port", "br-int", f"{STEM}0", "--", "set", "Interface", f"{STEM}0", ids)
    try:
        yield process
    finally:
        place.close()
        process.kill()
        process.wait()


def in_namespace_of(path: Path) -> list[str]:
    """Command lines of the processes in the namespace."""
    inode = path.stat().st_ino
    return [" ".join(procfs.arguments(pid)) for pid in procfs.pids() if procfs.namespace_inode(pid, "net") == inode]


def test_a_haproxy_that_kollas_or_edpms_wrapper_started_in_a_container_is_ended_with_its_worker() -> None:
    """`haproxy -Ws` in a container beside the agent's: a master and a worker by one command line."""
    with (
        cloud() as central,
        booted(central, GUEST) as place,
        of_neutrons_agent(central, MASTER, "-Ws", program="/usr/sbin/haproxy") as master,
    ):
        wait_for(lambda: len(in_namespace_of(PATH)) == 2, "master and worker", lambda: in_namespace_of(PATH))
        with Agent() as agent:
            agent.wait_served(network_id(1))
            assert get_soon(place)["instance"] == GUEST.instance
            master.wait(30)
            wait_for(lambda: not in_namespace_of(PATH), "both are gone", lambda: in_namespace_of(PATH))


def test_what_neutrons_agent_made_is_taken_over_as_it_is_and_its_haproxy_ended() -> None:
    with cloud() as central, booted(central, GUEST) as place, of_neutrons_agent(central) as haproxy:
        with RouteSocket() as route:
            before = links.find_link(route, f"{STEM}0")
        inode = PATH.stat().st_ino
        with Agent() as agent:
            agent.wait_served(network_id(1))
            assert get_soon(place)["instance"] == GUEST.instance
            assert haproxy.wait(30) != 0 and PATH.stat().st_ino == inode
            with RouteSocket() as route:
                after = links.find_link(route, f"{STEM}0")
            assert before and after and before.index == after.index
            assert "taken over" in agent.text()


def test_a_name_that_is_busy_in_another_process_still_ends_with_the_network() -> None:
    with cloud() as central, Agent() as agent:
        with booted(central, GUEST):
            agent.wait_served(network_id(1))
            with Netns.open(str(PATH)) as held, held.entered():
                process = subprocess.Popen(["sleep", "600"])
        try:
            agent.wait_served()
            wait_for(lambda: namespaces() == set(), "the name is gone")
            assert not central.switch.ports()
        finally:
            process.kill()
            process.wait()


def test_down_removes_what_was_made_for_networks_of_ovn() -> None:
    with cloud() as central, Agent() as agent, booted(central, GUEST):
        agent.wait_served(network_id(1))
        agent.end(signal.SIGTERM)
        assert namespaces() == {NAME} and own_devices()
        file = Path("/run/empty.yaml")
        file.write_text("networks: []\n")
        command = [sys.executable, "-m", "netmend.cli", "down", "-c", str(file), "--runtime-dir", "/run/netmend"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and ", 0 left" in done.stdout, done
        assert not namespaces() and not own_devices() and f"{STEM}0" not in central.switch.ports()


def test_a_node_that_moved_from_open_vswitch_to_ovn_keeps_nothing_of_before() -> None:
    """One network is OVN's too, another's guests are gone."""
    with cloud() as central, booted(central, GUEST) as place:
        block = IPv4Network("10.0.0.0/24")
        subnet = Subnet(id_from_name("subnet", "1"), "s", block, block[1])
        wiring = OvsWiring("br-int", veth=False, datapath="netdev")
        ids = (network_id(1), network_id(2))
        before = [Network(one, "n", subnets=(subnet,), wiring=wiring) for one in ids]
        reconciler = Reconciler()
        assert not reconciler.run(Intent({one.id: one for one in before})).wrong
        reconciler.close()
        made = {f"qdhcp-{one}" for one in ids}
        assert set(os.listdir(PATH.parent)) >= made and len(central.switch.ports()) == 3
        with Agent() as agent:
            agent.wait_served(network_id(1))
            assert get_soon(place)["instance"] == GUEST.instance
            assert made.isdisjoint(os.listdir(PATH.parent)) and namespaces() == {NAME}
            assert set(central.switch.ports()) == {f"{STEM}0", GUEST.device}
