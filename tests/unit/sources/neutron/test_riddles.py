"""One network or port that makes no sense is left aside, whatever it is, and the others are taken."""

import copy
from typing import Any

import pytest
from tests.unit.sources.neutron import payloads

from netmend.sources.neutron.intents import IntentBuilder
from netmend.sources.neutron.policy import Policy
from netmend.sources.neutron.riddles import riddle_of_network, riddle_of_port, sorted_out


@pytest.mark.parametrize("name", payloads.NAMES)
def test_recorded_networks_are_none(name: str) -> None:
    assert riddle_of_network(payloads.network(name)) is None


@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, {"id": None}, {"id": 7}])
def test_what_is_no_network(odd: Any) -> None:
    assert riddle_of_network(odd) is not None
    sound = payloads.network("plain")
    assert set(sorted_out([odd, sound, odd])[0]) == {sound["id"]}


@pytest.mark.parametrize(
    ("field", "odd"),
    [
        ("ports", None), ("ports", [None]), ("ports", [{}]), ("subnets", {}), ("subnets", [{"id": 1}]),
        ("non_local_subnets", 7), ("segments", "x"),
    ],
)  # fmt: skip
def test_a_network_that_is_told_and_what_is_wrong_with_it(field: str, odd: Any) -> None:
    raw = copy.deepcopy(payloads.network("plain"))
    raw[field] = odd
    told, riddles = sorted_out([raw])
    assert told == {}
    assert "makes no sense" in riddles[raw["id"]]


@pytest.mark.parametrize(
    ("field", "odd"),
    [
        ("id", 7), ("network_id", None), ("device_owner", ["x"]), ("fixed_ips", None), ("fixed_ips", [{}]),
        ("fixed_ips", [{"subnet_id": "s", "ip_address": 7}]), ("revision_number", float("inf")), ("status", {}),
    ],
)  # fmt: skip
def test_what_is_no_port(field: str, odd: Any) -> None:
    port = {**payloads.network("plain")["ports"][0], field: odd}
    assert riddle_of_port(port) is not None


@pytest.mark.parametrize("odd", [float("inf"), float("nan"), "1e999", [1], {"a": 1}])
def test_a_number_that_is_none_leaves_what_was_right(odd: Any) -> None:
    """int() of infinity is an OverflowError."""
    builder = IntentBuilder(Policy(payloads.HOST), None)
    raw = copy.deepcopy(payloads.network("plain"))
    builder.put(raw["id"], raw)
    before = builder.networks_of(raw["id"])
    builder.put(raw["id"], {**raw, "mtu": odd})
    assert builder.networks_of(raw["id"]) == before
    assert raw["id"] in builder.problems
