"""What the control plane knows is asked of its API: that of a real node's store."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.kernel.store_node import SOCKET, make_network
from tests.kernel.sweep.host import has_tun
from tests.kernel.sweep.verb import run_verb
from tests.waiting import wait_for

from netmend.attach.client import Api, NoApi
from netmend.kernel import links
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.tap import Tap

UNKNOWN = "tap0a1b2c3d-4e"
LOG = Path("/run/node.log")


@pytest.fixture(autouse=True)
def needs_tun() -> None:
    if not has_tun():
        pytest.skip("needs /dev/net/tun")


@contextmanager
def node() -> Iterator[Api]:
    """A node whose API asks for no token, on its usual address."""
    with RouteSocket() as route:
        links.set_link(route, links.LOOPBACK, up=True)
    command = [sys.executable, "-m", "netmend.cli", "run", "--store", "--api-no-tokens", "--state-dir", "/run/state"]
    with LOG.open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    found = Api(SOCKET)
    try:

        def answers() -> bool:
            try:
                return bool(found.ask("GET", "/v2.0/agents")["agents"])
            except NoApi:
                assert process.poll() is None, LOG.read_text()
                return False

        wait_for(answers, "the node's API answers", LOG.read_text)
        yield found
    finally:
        process.terminate()
        process.wait(30)


def sweep(*arguments: str, code: int) -> dict[str, str]:
    """The reason for each object."""
    done = run_verb("--kind", "neutron", "--assume-all-seen", "--list", "--json", *arguments, code=code)
    return {one["name"]: one["reason"] for one in json.loads(done.stdout)["objects"]}


def test_what_the_api_knows_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_ENDPOINT", "http://127.0.0.1:9696")
    arguments = ("--min-age", "0", "--neutron-api", "env")
    with node() as api:
        network = make_network(api, "blue")["id"]
        port = api.ask("POST", "/v2.0/ports", {"port": {"network_id": network}})["port"]["id"]
        known = f"tap{port[:11]}"
        for name in (known, UNKNOWN):
            with Tap(name) as made:
                made.persist()
        found = sweep(*arguments, code=3)
        assert (found[known], found[UNKNOWN]) == ("known to the control plane", "tap that nobody uses")
        run_verb("--kind", "neutron", "--assume-all-seen", "--yes", *arguments, code=0)
        found = sweep(*arguments, code=0)
        assert found[known] == "known to the control plane" and UNKNOWN not in found
    assert sweep("--min-age", "0", code=3)[known] == "tap that nobody uses"


@pytest.mark.parametrize("arguments", [("--neutron-api", "env"), ("--neutron-api", "env", "--yes")])
def test_a_control_plane_that_does_not_answer_stops_all(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Tap(UNKNOWN) as made:
        made.persist()
    monkeypatch.setenv("OS_ENDPOINT", "http://127.0.0.1:9")
    done = run_verb("--kind", "neutron", "--min-age", "0", "--assume-all-seen", *arguments, code=2)
    assert "http://127.0.0.1:9/v2.0/agents" in done.stderr and "cannot be asked" in done.stderr
    assert UNKNOWN in sweep("--min-age", "0", code=3)
