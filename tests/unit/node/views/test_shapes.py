"""What status and the page say of one thing has one shape, but for how moments are written."""

import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from netmend.ground.diagnosis import Diagnosis
from netmend.intent import Intent, Network, Port, Subnet
from netmend.node.guests.serving import Serving
from netmend.node.intake.file import FileSource
from netmend.node.settings import Settings
from netmend.node.state import IntentState, NodeState
from netmend.node.views.listing import Page, Ports, network_detail
from netmend.node.views.overview import overview
from netmend.node.views.shapes import Clock, find_network
from netmend.node.views.status import network_status, status
from netmend.reconcile.reconciler import Reconciler
from netmend.reconcile.resync import Problem

SUBNET = Subnet("s", "four", IPv4Network("10.0.0.0/24"), IPv4Address("10.0.0.2"))
PORT = Port("11111111-2222-4333-8444-555555555555", "web", "fa:16:3e:00:00:01", (IPv4Address("10.0.0.9"),))
NETWORK = Network("99999999-2222-4333-8444-555555555555", "blue", subnets=(SUBNET,), ports={PORT.id: PORT})
SPANS, MOMENTS = {"for_seconds", "next_try_in"}, {"since", "next_try"}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeState]:
    settings = Settings(state=tmp_path, runtime=tmp_path)
    serving = Serving(settings, lambda network_id: None, lambda: None)
    reconciler = Reconciler(str(tmp_path))
    intent = IntentState(Intent({NETWORK.id: NETWORK}), time.time())
    yield NodeState(FileSource(tmp_path / "intent.yaml"), settings, time.time(), intent, reconciler, serving)
    reconciler.close()
    serving.close()


def without(found: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in names}


def test_a_name_that_several_networks_have_is_refused_with_their_ids(node: NodeState) -> None:
    other = replace(NETWORK, id="88888888-2222-4333-8444-555555555555", ports={})
    node.intent = IntentState(Intent({NETWORK.id: NETWORK, other.id: other}), time.time())
    with pytest.raises(ValueError, match=f"2 networks have the name blue; .*{other.id}, {NETWORK.id}"):
        find_network(node, "blue")
    assert find_network(node, other.id) == other
    assert find_network(node, "red") is None


def test_a_reason(node: NodeState) -> None:
    node.reconciler.resync.report(NETWORK.id, [Problem(PORT.id, "why", serves=True)], time.monotonic())
    (told,), (shown,) = status(node)["reasons"], overview(node, Clock())["reasons"]
    assert without(told, *SPANS) == without(shown, *MOMENTS)
    assert told.keys() >= SPANS and shown.keys() >= MOMENTS
    assert (told["name"], told["port"], told["serves"]) == ("blue", PORT.id, True)
    assert network_status(node, NETWORK)["reasons"][0].keys() == told.keys()


def test_the_breaker_and_its_diagnosis(node: NodeState) -> None:
    diagnosis = Diagnosis("broken", ("seen",), "cause", "mend")
    node.reconciler.breaker.open(diagnosis, time.monotonic(), NETWORK.id)
    node.mount_faults = [diagnosis]
    told, shown = status(node), overview(node, Clock())
    assert without(told["breaker"], "open", "fault", *SPANS) == without(shown["breaker"], *MOMENTS)
    assert told["breaker"]["open"] and told["breaker"]["fault"] == "broken"
    assert told["mount_faults"] == shown["mount_faults"] == [diagnosis.as_json()]
    assert diagnosis.as_json().items() <= shown["breaker"].items()


def test_subnets_and_ports(node: NodeState) -> None:
    told = network_status(node, NETWORK)
    assert told["subnets"] == network_detail(node, NETWORK, Clock())["subnets"]
    assert told["ports"] == Ports(node).page(Page())["rows"]
    assert told["ports"][0]["network_name"] == "blue"
