"""No client without a token takes the node's descriptors: the hard limit is 1,024, and every listener is filled."""

import json
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.waiting import wait_for

from netmend.kernel import links
from netmend.kernel.netlink import RouteSocket
from netmend.node.http.status_client import NoNode, ask

SOCKET = Path("/run/netmend/netmend.sock")
API, PAGE = ("127.0.0.1", 9696), ("127.0.0.1", 9697)


def is_healthy() -> bool:
    try:
        return bool(ask(SOCKET)["node"]["healthy"])
    except NoNode:
        return False


def bridges() -> set[str]:
    with RouteSocket() as route:
        return {link.name for link in links.dump_links(route) if link.name.startswith("brq")}


def call(path: str, body: object = None) -> object:
    token = (Path("/run/state/api-tokens").read_text().split("\n")[-2]).split()[0]
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:9696{path}", data, {"X-Auth-Token": token})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def test_a_thousand_idle_connections_cost_nobody_anything() -> None:
    command = [
        "prlimit",
        "--nofile=1024:1024",
        sys.executable,
        "-m",
        "netmend.cli",
        "run",
        "--store",
        "--state-dir",
        "/run/state",
        "--listen",
    ]
    node = subprocess.Popen(
        [*command, "127.0.0.1:9697"],
        stderr=subprocess.DEVNULL,
    )
    idle: list[socket.socket] = []
    try:
        wait_for(is_healthy, "the node")
        wait_for(Path("/run/state/api-tokens").exists, "a token")
        network = call("/v2.0/networks", {"network": {"name": "blue"}})["network"]["id"]  # type: ignore[index]
        subnet = {"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24"}
        call("/v2.0/subnets", {"subnet": subnet})
        wait_for(bridges, "the network's bridge")
        for place in (API, PAGE):
            for _ in range(1_000):
                idle.append(socket.create_connection(place, timeout=60))
        for path in (SOCKET, Path("/run/netmend/api.sock")):
            for _ in range(200):
                one = socket.socket(socket.AF_UNIX)
                one.connect(str(path))
                idle.append(one)
        assert len(call("/v2.0/networks")["networks"]) == 1  # type: ignore[index]
        (bridge,) = bridges()
        with RouteSocket() as route:
            link = links.find_link(route, bridge)
            assert link is not None
            links.delete_link(route, link)
        wait_for(lambda: bridges() == {bridge}, "the bridge again")
        wait_for(is_healthy, "the node in health")
    finally:
        for one in idle:
            one.close()
        node.kill()
        node.wait()
