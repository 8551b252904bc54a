"""Kolla's wrappers: each dnsmasq and haproxy is a container of its own that outlives the agent's; netmend takes over
from them, and nobody waits longer than a client does anyhow.

NETMEND_SIBLINGS is the number of networks, two containers each: `make test-siblings` has 60.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.engine.conftest import Engine
from tests.engine.image import siblings as world
from tests.engine.image.conftest import Kolla
from tests.engine.image.siblings import HOST, Network, make_network, siblings, start_asking
from tests.engine.image.test_kolla import scripts
from tests.figures import note
from tests.waiting import wait_for

from netmend.sources.neutron.last_known import LastKnown

NETWORKS = int(os.environ.get("NETMEND_SIBLINGS", "3"))
SECONDS = max(15.0, NETWORKS / 2)  # in which guests begin to ask anew
EVERY = max(0.1, NETWORKS / 50)
SWEEP = "from netmend.cli.command import command; from netmend.cli.sweep import sweep; command(sweep)()"
pytestmark = pytest.mark.timeout(0)  # the first test that asks for the image builds it


@pytest.fixture(scope="session")
def kollas(built: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An image as Kolla's of the agent."""
    world.build_kollas(built, tmp_path_factory.mktemp("of-kolla"), scripts())


@contextmanager
def left(kolla: Kolla, number: int) -> Iterator[list[Network]]:
    """Networks that Neutron's agent has left to siblings, on a node that the server has told of them."""
    engine = kolla.engine
    engine.docker("volume", "create", "neutron_metadata_socket")
    volume = Path(engine.docker("volume", "inspect", "-f", "{{.Mountpoint}}", "neutron_metadata_socket"))
    networks = [make_network(n) for n in range(number)]
    world.start_metadata_agent(engine)
    world.leave(engine, volume, networks)

    def running() -> list[int]:
        programs = ("dnsmasq -k", "haproxy -Ws")
        found = [engine.host("pgrep", "-cf", f"^/usr/sbin/{program}", check=False).stdout for program in programs]
        return [int(count) for count in found]

    # a haproxy has a worker
    wait_for(lambda: running() == [number, 2 * number], "dnsmasqs and haproxies", lambda: str(running()), every=0.5)
    known = LastKnown(volume / "netmend" / "neutron.sqlite", HOST)
    known.write({network.id: network.raw for network in networks}, time.time())
    known.close()
    for name, line in (("neutron.conf", f"host = {HOST}"), ("dhcp_agent.ini", "interface_driver = linuxbridge")):
        path = kolla.etc / "neutron-dhcp-agent" / name
        path.write_text(path.read_text().replace("[DEFAULT]\n", f"[DEFAULT]\n{line}\n", 1))
    yield networks


def remake(engine: Engine, network: Network) -> None:
    """Delete the namespace's name, and make another of that name with a port in it."""
    name, device = f"qdhcp-{network.id}", f"ns-{network.port('network:dhcp')['id'][:11]}"
    engine.host(
        "bash", "-ec", f"ip netns delete {name}; ip netns add {name}; ip -n {name} link set lo up; "
        f"ip -n {name} link add {device} type bridge; ip -n {name} link set {device} up; "
        f"ip -n {name} address add {network.cidr[2]}/24 dev {device}; "
        f"ip -n {name} address add 169.254.169.254/32 dev {device}",
    )  # fmt: skip


def sweep(engine: Engine, *options: str) -> dict[str, str]:
    words = ["--kind", "neutron", "--min-age", "0", "--assume-all-seen", "--json", "--list", *options]
    done = engine.host(sys.executable, "-c", SWEEP, *words, check=False)
    assert done.returncode in (0, 3), done.stderr
    document = json.loads(done.stdout)
    return {one["name"]: one["reason"] for one in document["objects"] if one["what"] == "process"}


@pytest.mark.usefixtures("kollas")
def test_networks_are_taken_over_from_sibling_containers(kolla: Kolla, tmp_path: Path) -> None:
    engine = kolla.engine
    with left(kolla, NETWORKS) as networks:
        assert len(siblings(engine)) == 2 * NETWORKS
        code, document = engine.doctor()
        assert code == 0, document["findings"]
        asking = start_asking(engine, networks, SECONDS, EVERY, tmp_path / "guests.json")
        time.sleep(SECONDS / 5)  # they ask the siblings
        agent = kolla.start("neutron-dhcp-agent")

        def log() -> str:
            path = "/var/log/kolla/neutron/neutron-dhcp-agent.log"
            return engine.in_container(agent, "cat", path, check=False).stdout

        wait_for(lambda: not siblings(engine), "each sibling is ended and removed", log, seconds=600, every=0.5)
        assert log().count("] ended ") >= 2 * NETWORKS, log()
        found = json.loads(asking.communicate()[0])
        note("Kolla-Ansible with wrappers", f"{NETWORKS} networks taken over", found)
        for service, count in found.items():
            assert count["asked"] >= 2 * NETWORKS and count["lost"] == 0, (service, found)
        status = json.loads(engine.in_container(agent, "netmend", "status", "--json", check=False).stdout)
        assert {one["state"] for one in status["networks"]} == {"served"}, status["reasons"]
        code, document = engine.doctor()
        assert code == 0, document["findings"]


@pytest.mark.usefixtures("kollas")
def test_orphans_and_doubles_among_siblings(kolla: Kolla) -> None:
    """The wrappers end none whose network is gone, and none in a namespace whose name leads to another by now."""
    engine = kolla.engine
    with left(kolla, 3) as networks:
        assert len(siblings(engine)) == 6
        assert set(sweep(engine).values()) == {"serves its network"}
        twice, gone = networks[0], networks[1]
        remake(engine, twice)
        world.as_agent(engine, world.commands_of_agent(twice), "neutron_dhcp_agent_new")
        engine.host("ip", "-n", f"qdhcp-{gone.id}", "link", "delete", f"ns-{gone.port('network:dhcp')['id'][:11]}")

        def strays() -> list[dict[str, Any]] | None:
            """What the doctor says, once it is of strays alone: a haproxy takes a while until it serves."""
            findings = engine.doctor()[1]["findings"]
            return findings if [one["check"] for one in findings] == 2 * ["stray-processes"] else None

        found = wait_for(strays, "two findings", lambda: str(engine.doctor()), every=1)
        doubles, orphans = sorted(found, key=lambda one: str(one["severity"]))
        old, orphaned = (
            {f"neutron_dhcp_agent_{program}_qdhcp-{network.id}" for program in ("dnsmasq", "haproxy")}
            for network in (twice, gone)
        )
        assert set(doubles["culprits"]) == old and doubles["mend"].startswith("# docker stop neutron_dhcp_agent_")
        assert set(orphans["culprits"]) == orphaned and orphans["mend"].startswith("docker stop neutron_dhcp_agent_")
        reasons = sweep(engine)
        assert sorted(set(reasons.values())) == [
            "another process serves the same network",
            "serves a namespace with nothing in it",
            "serves its network",
        ], reasons
        engine.type(orphans["mend"])
        wait_for(lambda: not orphaned & set(siblings(engine)), "the mend ends the orphans")
        assert len(siblings(engine)) == 6
        sweep(engine, "--yes")
        wait_for(lambda: len(siblings(engine)) == 4, "sweep ends the doubles", lambda: str(siblings(engine)))
        assert engine.doctor()[0] == 0
