"""Coverage-guided fuzzing of what a Neutron server sends: recorded networks with values of any type put into them.

PYTHONPATH=. python tests/fuzz/fuzz_neutron.py [libFuzzer options, such as -max_total_time=60]

An input is the number of a recorded network, and a row of changes: octets that lead to a value of it, and the number of
what takes its place. Found are exceptions from the cache and from the making of intent: a server that speaks in riddles
costs the one network its news, and the node nothing.
"""

import copy
import json
from typing import Any

import atheris

with atheris.instrument_imports(include=["netmend.sources.neutron"]):
    from netmend.sources.neutron.cache import NetworkCache
    from netmend.sources.neutron.intents import IntentBuilder
    from netmend.sources.neutron.policy import Policy
    from netmend.sources.neutron.riddles import riddle_of_network, sorted_out

from tests.fuzz.campaign import run
from tests.unit.sources.neutron import payloads

from netmend.ground import log

NETWORKS = [payloads.network(name) for name in payloads.NAMES]
ODD: list[Any] = [
    None, True, 0, -1, 2**31, 2**64, 10**400, 1.5, float("inf"), float("nan"), "", "x", "\0", "\ud800", "0.0.0.0/0",
    "::/0", "10.0.0.1", "fe80::1", "ff:ff:ff:ff:ff:ff", "x" * 5000, [], [None], [[]], {}, {"id": None}, [{}], "1e999",
]  # fmt: skip


log.configure(lambda line: None)


def changed(value: Any, path: list[int], odd: Any) -> Any:
    """`value` with `odd` at the end of a path through it."""
    if not path or not isinstance(value, dict | list) or not value:
        return odd
    at = sorted(value)[path[0] % len(value)] if isinstance(value, dict) else path[0] % len(value)
    value[at] = changed(value[at], path[1:], odd)
    return value


def one_input(data: bytes) -> None:
    if len(data) < 2:
        return
    raw = copy.deepcopy(NETWORKS[data[0] % len(NETWORKS)])
    at = 1
    while at + 1 < len(data):
        size = 1 + data[at] % 5
        path, odd = list(data[at + 1 : at + 1 + size]), ODD[data[at] // 5 % len(ODD)]
        raw = changed(raw, path, copy.deepcopy(odd))
        at += 1 + size
    telling, riddles = sorted_out([NETWORKS[0], raw])
    assert NETWORKS[0]["id"] in telling or NETWORKS[0]["id"] in riddles
    builder = IntentBuilder(Policy(payloads.HOST), None)
    sound = NETWORKS[0]
    builder.put("sound", sound)
    if riddle_of_network(raw) is not None:
        return
    builder.put("n", raw)
    builder.put("n", NETWORKS[data[0] % len(NETWORKS)])
    builder.put("n", raw)
    assert builder.networks_of("sound")
    cache = NetworkCache()
    cache.fetch_begins("n")
    cache.fetched("n", raw)
    for port in raw["ports"]:
        cache.port_told(port, 1.0)
        cache.clashes(port)
    cache.counts()


def seeds() -> list[bytes]:
    """Changes of each recorded network, for the fuzzer to start from."""
    size = max(len(json.dumps(network)) for network in NETWORKS)
    return [bytes((number, *(step * 37 % 256 for step in range(min(size, 40))))) for number in range(len(NETWORKS))]


if __name__ == "__main__":
    run(one_input, seeds())
