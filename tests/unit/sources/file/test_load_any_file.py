"""Whatever a file holds: an intent that keeps every promise of its values, or an IntentError; nothing else."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from pydantic import ValidationError

from netmend.intent import Intent, NetnsPlug, PidPlug
from netmend.intent.names import host_device_names
from netmend.sources.file import IntentError, load
from netmend.sources.file.misfits import model_of
from netmend.sources.file.shape import FileShape, check_shape
from netmend.sources.problem import Complaints


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def check_promises(intent: Intent) -> None:
    """What the docstrings of `netmend.intent` promise."""
    devices: list[str] = []
    ends: list[tuple[str | int, str]] = []
    for network_id, network in intent.networks.items():
        assert network_id == network.id == str(UUID(network.id))
        assert 68 <= network.mtu <= 65_535
        devices += [*host_device_names(network)]
        assert len(host_device_names(network)) == 2 + len(network.ports)
        fixed = [address for port in network.ports.values() for address in port.fixed_ips]
        assert len(set(fixed)) == len(fixed)
        macs = [port.mac for port in network.ports.values()]
        assert len(set(macs)) == len(macs)
        for index, subnet in enumerate(network.subnets):
            assert not any(subnet.cidr.overlaps(other.cidr) for other in network.subnets[:index])
            taken = {subnet.server_address, subnet.gateway, subnet.cidr.network_address, subnet.cidr.broadcast_address}
            assert subnet.server_address in subnet.cidr
            assert subnet.server_address not in (
                subnet.gateway,
                subnet.cidr.network_address,
                subnet.cidr.broadcast_address,
            )
            assert subnet.gateway is None or subnet.gateway in subnet.cidr
            for pool in subnet.pools:
                assert pool.first in subnet.cidr and pool.last in subnet.cidr and pool.first <= pool.last
                assert not any(address in pool for address in taken if address)
            assert len(subnet.pools) < 2 or all(
                a.last < b.first or b.last < a.first for a in subnet.pools for b in subnet.pools if a is not b
            )
            assert subnet.pools or not subnet.dynamic
            held = [address for address in fixed if address in subnet.cidr]
            per_port = [[a for a in port.fixed_ips if a in subnet.cidr] for port in network.ports.values()]
            assert all(len(addresses) <= 1 for addresses in per_port)
            assert not set(held) & taken
        assert all(any(address in subnet.cidr for subnet in network.subnets) for address in fixed)
        for port_id, port in network.ports.items():
            assert port_id == port.id == str(UUID(port.id))
            assert port.mac == port.mac.lower() and bytes.fromhex(port.mac.replace(":", ""))[0] & 1 == 0
            assert len({code for code, _ in port.dhcp_options}) == len(port.dhcp_options)
            if isinstance(port.plug, NetnsPlug):
                ends.append((port.plug.netns, port.plug.device))
            elif isinstance(port.plug, PidPlug):
                ends.append((port.plug.pid, port.plug.device))
    assert len(set(devices)) == len(devices)
    assert all(len(device.encode()) <= 15 for device in devices)
    assert len(set(ends)) == len(ends)


def load_any(directory: Path, content: bytes, suffix: str = ".yaml") -> Intent | None:
    path = directory / f"intent{suffix}"
    path.write_bytes(content)
    try:
        intent = load(path)
    except IntentError as error:
        assert error.problems
        assert len(str(error).splitlines()) == len(error.problems) + bool(error.omitted)
        lines = content.count(b"\n") + content.count(b"\r") + 2
        assert all(1 <= problem.line <= lines for problem in error.problems)
        assert [problem.line for problem in error.problems] == sorted(problem.line for problem in error.problems)
        return None
    check_promises(intent)
    return intent


# Few values, near each other, so that good files and every kind of conflict both come up.
addresses = st.integers(0, 7).map(lambda number: f"10.0.0.{number}")
names = st.sampled_from(["a", "b", "web"])
ids = st.sampled_from(["00000000-0000-4000-8000-00000000000" + digit for digit in "12"]) | st.just(
    "10000000-0000-4000-8000-000000000001"
)
plugs: st.SearchStrategy[Any] = st.one_of(
    st.just("none"),
    st.builds(lambda owner: {"tap": {"owner": owner}}, st.integers(0, 9)),
    st.builds(lambda netns, device: {"netns": netns, "device": device}, names, names),
    st.builds(lambda pid: {"pid": pid}, st.integers(1, 2)),
)
routes = st.fixed_dictionaries({"destination": st.just("10.9.0.0/16"), "nexthop": addresses})
boots = st.fixed_dictionaries({}, optional={"tftp_server": addresses, "bootfile": names})
subnets = st.fixed_dictionaries(
    {"cidr": st.sampled_from(["10.0.0.0/29", "10.0.0.0/30", "10.0.0.4/30", "10.1.0.0/24"])},
    optional={
        "name": names,
        "id": ids,
        "gateway": addresses,
        "server_address": addresses,
        "pools": st.lists(st.tuples(addresses, addresses).map(" - ".join), max_size=2),
        "dynamic": st.booleans(),
        "dns_servers": st.lists(addresses, max_size=2),
        "routes": st.lists(routes, max_size=1),
        "lease_time": st.integers(4, 100),
        "boot": boots,
    },
)
ports = st.fixed_dictionaries(
    {"name": names | st.integers(0, 99).map(str)},
    optional={
        "id": ids,
        "mac": st.integers(0, 3).map(lambda number: f"fa:16:3e:00:00:0{number}"),
        "fixed_ips": st.lists(addresses, max_size=2),
        "hostname": names,
        "dhcp_options": st.dictionaries(
            st.sampled_from(["mtu", "26", "42"]), st.sampled_from([1400, "10.0.0.1", None])
        ),
        "boot": boots,
        "plug": plugs,
    },
)
network_shapes = st.fixed_dictionaries(
    {"name": names},
    optional={
        "id": ids,
        "mtu": st.integers(68, 9000),
        "subnets": st.lists(subnets, max_size=2),
        "ports": st.lists(ports, max_size=3),
    },
)
files = st.builds(lambda networks: {"networks": networks}, st.lists(network_shapes, min_size=1, max_size=2))


@given(files)
def test_well_shaped_files(directory: Path, root: dict[str, Any]) -> None:
    intent = load_any(directory, json.dumps(root).encode())
    event("good" if intent else "refused")
    if intent is not None:
        assert load_any(directory, json.dumps(root, indent=1).encode(), ".json") == intent
        assert len(intent.networks) == len(root["networks"])


fields = st.sampled_from(
    sorted({"bootfile", "tap", "owner", "netns", "pid", "device", "ports", "mac", "plug", "name", "cidr"})
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | addresses,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields | st.text(), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def spoilt_files(draw: st.DrawFn) -> Any:
    """A well-shaped file in which something, somewhere, is replaced by anything."""
    root = draw(files)
    node: Any = root
    for _ in range(draw(st.integers(1, 6))):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = draw(st.sampled_from(keys)) if keys else draw(fields)
        if keys and isinstance(node[key], dict | list) and draw(st.booleans()):
            node = node[key]
            continue
        if isinstance(node, dict) or keys:
            node[key] = draw(anything)
        break
    return root


@given(spoilt_files() | anything, st.sampled_from([".yaml", ".json"]), st.booleans())
def test_spoilt_files(directory: Path, root: Any, suffix: str, ascii_only: bool) -> None:
    text = json.dumps(root, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    event("good" if load_any(directory, text, suffix) else "refused")


@given(spoilt_files() | anything)
def test_a_shape_and_its_model_refuse_the_same(root: Any) -> None:
    """msgspec decides, and pydantic explains: neither refuses what the other takes, but for text that is none."""
    if not isinstance(root, dict):
        return
    complaints = Complaints()
    shape = check_shape(root, complaints)
    try:
        model_of(FileShape).model_validate(root)
    except ValidationError as error:
        assert shape is None or {each["type"] for each in error.errors()} == {"string_unicode"}
    else:
        assert shape is not None, complaints.found


@given(files, st.data())
def test_damaged_files(directory: Path, root: Any, data: st.DataObject) -> None:
    text = bytearray(json.dumps(root, indent=1).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        text[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=4))
    load_any(directory, bytes(text), data.draw(st.sampled_from([".yaml", ".json"])))


@given(st.binary())
def test_any_bytes(directory: Path, content: bytes) -> None:
    load_any(directory, content)
    load_any(directory, content, ".json")


def test_the_reference_shows_every_field() -> None:
    reference = (Path(__file__).parents[4] / "examples" / "reference.yaml").read_text()
    schema = model_of(FileShape).model_json_schema()["$defs"]
    assert {
        field for shape in schema.values() for field in shape["properties"] if f"{field}:" not in reference
    } == set()
