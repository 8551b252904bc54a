"""Whatever mistakes a file has, in whatever company: each of them is told, and nothing that is none."""

import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmend.sources.file import IntentError, load

GOOD: dict[str, Any] = {
    "metadata_proxy": {"endpoints": ["http://192.0.2.1:8775"], "shared_secret": "s"},
    "networks": [
        {
            "name": "blue",
            "mtu": 1500,
            "wiring": {"ovs": {"bridge": "br-int"}},
            "dns": {"domain": "blue.example"},
            "subnets": [
                {
                    "cidr": "10.0.0.0/24",
                    "gateway": "10.0.0.1",
                    "server_address": "10.0.0.2",
                    "pools": ["10.0.0.100 - 10.0.0.120"],
                    "dynamic": True,
                    "lease_time": 600,
                    "routes": [{"destination": "192.0.2.0/24", "nexthop": "10.0.0.9"}],
                },
                {
                    "cidr": "fd00::/64",
                    "server_address": "fd00::2",
                    "address_mode": "dhcpv6-stateful",
                    "routes": [{"destination": "fd01::/64", "nexthop": "fd00::2"}],
                },
            ],
            "ports": [
                {"name": "a", "mac": "02:00:00:00:00:01", "fixed_ips": ["10.0.0.11", "fd00::11"], "plug": {"pid": 7}},
                {"name": "b", "mac": "02:00:00:00:00:02", "fixed_ips": ["10.0.0.12"], "hostname": "b"},
                {"name": "c", "instance": {"hostname": "c", "user_data": "x"}, "boot": {"bootfile": "x"}},
            ],
        },
        {"name": "green", "metadata": "proxy", "subnets": [{"cidr": "10.0.0.0/24"}], "ports": []},
    ],
}
# Mistakes that have nothing to do with each other: place, value, and the field that is told.
BLUE, GREEN = ("networks", 0), ("networks", 1)
V4, V6 = (*BLUE, "subnets", 0), (*BLUE, "subnets", 1)
A, B, C = ((*BLUE, "ports", index) for index in range(3))
MISTAKES: list[tuple[tuple[Any, ...], Any, str]] = [
    (("metadata_proxy", "verify"), "yes", "metadata_proxy.verify"),
    (("metadata_proxy", "endpoints"), [7], "metadata_proxy.endpoints[0]"),
    (("other",), 1, "other"),
    ((*BLUE, "mtu"), "1500", "networks[blue].mtu"),
    ((*BLUE, "wiring", "ovs", "bridge"), "a/b", "networks[blue].wiring.ovs.bridge"),
    ((*BLUE, "wiring", "ovs", "veth"), 1, "networks[blue].wiring.ovs.veth"),
    ((*BLUE, "dns", "domain"), "-", "networks[blue].dns.domain"),
    ((*BLUE, "dns", "forward"), "no", "networks[blue].dns.forward"),
    ((*BLUE, "colour"), "red", "networks[blue].colour"),
    ((*V4, "gateway"), "10.0.1.1", "networks[blue].subnets[10.0.0.0/24].gateway"),
    ((*V4, "pools"), ["10.0.0.5 - 10.0.0.4"], "networks[blue].subnets[10.0.0.0/24].pools[0]"),
    ((*V4, "dynamic"), "yes", "networks[blue].subnets[10.0.0.0/24].dynamic"),
    ((*V4, "lease_time"), 1, "networks[blue].subnets[10.0.0.0/24].lease_time"),
    ((*V4, "routes", 0, "destination"), 7, "networks[blue].subnets[10.0.0.0/24].routes[0].destination"),
    ((*V4, "routes", 0, "nexthop"), "x", "networks[blue].subnets[10.0.0.0/24].routes[0].nexthop"),
    ((*V4, "ntp_servers"), "10.0.0.3", "networks[blue].subnets[10.0.0.0/24].ntp_servers"),
    ((*V6, "server_address"), 7, "networks[blue].subnets[fd00::/64].server_address"),
    ((*V6, "address_mode"), "salac", "networks[blue].subnets[fd00::/64].address_mode"),
    ((*V6, "domain"), "-", "networks[blue].subnets[fd00::/64].domain"),
    ((*A, "mac"), "x", "networks[blue].ports[a].mac"),
    ((*A, "fixed_ips", 0), 7, "networks[blue].ports[a].fixed_ips[0]"),
    ((*A, "plug", "pid"), "x", "networks[blue].ports[a].plug.pid"),
    ((*B, "fixed_ip"), "x", "networks[blue].ports[b].fixed_ip"),
    ((*B, "hostname"), "-", "networks[blue].ports[b].hostname"),
    ((*B, "dhcp_options"), {"nonsense": 1}, "networks[blue].ports[b].dhcp_options.nonsense"),
    ((*C, "instance", "tokens"), "maybe", "networks[blue].ports[c].instance.tokens"),
    ((*C, "instance", "hostname"), "-", "networks[blue].ports[c].instance.hostname"),
    ((*C, "boot", "bootfile"), 7, "networks[blue].ports[c].boot.bootfile"),
    ((*C, "duid"), "x", "networks[blue].ports[c].duid"),
    ((*GREEN, "metadata"), "proxi", "networks[green].metadata"),
    ((*GREEN, "subnets"), 7, "networks[green].subnets"),
    ((*GREEN, "ports"), [7], "networks[green].ports[0]"),
]


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def told(directory: Path, root: dict[str, Any]) -> list[str]:
    path = directory / "intent.json"
    path.write_text(json.dumps(root))
    try:
        load(path)
    except IntentError as error:
        return sorted(problem.field for problem in error.problems)
    return []


def test_without_a_mistake_nothing_is_told(directory: Path) -> None:
    assert told(directory, GOOD) == []


@given(st.sets(st.sampled_from(range(len(MISTAKES))), min_size=1))
def test_each_mistake_is_told_whatever_the_others(directory: Path, chosen: set[int]) -> None:
    root = copy.deepcopy(GOOD)
    for index in chosen:
        (*way, last), value, _ = MISTAKES[index]
        node: Any = root
        for step in way:
            node = node[step]
        node[last] = value
    assert told(directory, root) == sorted(MISTAKES[index][2] for index in chosen)
