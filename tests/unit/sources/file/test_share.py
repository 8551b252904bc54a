"""Loading again keeps the objects that did not change, so that what differs can be found by identity."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from netmend.intent import Intent, Network
from netmend.sources.file import load
from netmend.sources.file.share import share

TEXT = """networks:
- name: blue
  subnets: [{name: s, cidr: 10.0.0.0/24}, {name: t, cidr: 10.0.1.0/24}]
  ports:
  - {name: a, fixed_ips: [10.0.0.10]}
  - {name: b, fixed_ips: [10.0.0.11]}
- name: green
  ports: [{name: a, mac: 'fa:16:3e:00:00:01'}]
"""


def again(tmp_path: Path, text: str) -> tuple[dict[str, Network], dict[str, Network], bool]:
    """The networks by name before and after the file changed from TEXT to `text`; whether the intent is the same."""
    path = tmp_path / "intent.yaml"
    path.write_text(TEXT)
    old = load(path)
    path.write_text(text)
    new = load(path, old)
    assert new == load(path)
    before, after = ({network.name: network for network in intent.networks.values()} for intent in (old, new))
    return before, after, new is old


@pytest.mark.parametrize("text", [TEXT, "# a comment\n" + TEXT, yaml.safe_dump(yaml.safe_load(TEXT))])
def test_a_file_that_says_the_same_gives_the_same_object(tmp_path: Path, text: str) -> None:
    assert again(tmp_path, text)[2]


def test_the_order_of_ports_and_networks_is_no_change(tmp_path: Path) -> None:
    document = yaml.safe_load(TEXT)
    document["networks"].reverse()
    document["networks"][1]["ports"].reverse()
    assert again(tmp_path, yaml.safe_dump(document))[2]


def test_one_port_more(tmp_path: Path) -> None:
    before, after, same = again(tmp_path, TEXT.replace("- name: green", "  - {name: c, fixed_ips: []}\n- name: green"))
    assert not same
    assert after["green"] is before["green"]
    assert after["blue"] is not before["blue"]
    assert [new is old for new, old in zip(after["blue"].subnets, before["blue"].subnets, strict=True)] == [True, True]
    assert all(after["blue"].ports[port_id] is port for port_id, port in before["blue"].ports.items())
    assert len(after["blue"].ports) == 3


def test_one_port_changed(tmp_path: Path) -> None:
    before, after, _ = again(tmp_path, TEXT.replace("10.0.0.11", "10.0.0.12"))
    kept = {port.name: port is before["blue"].ports[port.id] for port in after["blue"].ports.values()}
    assert kept == {"a": True, "b": False}


def test_one_subnet_changed(tmp_path: Path) -> None:
    before, after, _ = again(tmp_path, TEXT.replace("cidr: 10.0.1.0/24", "cidr: 10.0.1.0/24, lease_time: 60"))
    assert [new is old for new, old in zip(after["blue"].subnets, before["blue"].subnets, strict=True)] == [True, False]
    assert all(after["blue"].ports[port_id] is port for port_id, port in before["blue"].ports.items())


def test_a_network_taken_away(tmp_path: Path) -> None:
    before, after, _ = again(tmp_path, TEXT[: TEXT.index("- name: green")])
    assert list(after) == ["blue"]
    assert after["blue"] is before["blue"]


def test_a_field_of_the_network_changed(tmp_path: Path) -> None:
    before, after, _ = again(tmp_path, TEXT.replace("name: green", "name: green\n  mtu: 1400"))
    assert after["green"].mtu == 1400
    assert all(after["green"].ports[port_id] is port for port_id, port in before["green"].ports.items())
    assert after["blue"] is before["blue"]


networks = st.dictionaries(
    st.sampled_from("ab"), st.builds(Network, st.just("x"), st.sampled_from("nm"), st.sampled_from([1400, 1500]))
)


@given(networks, networks)
def test_what_is_shared_is_what_is_equal(new: dict[str, Network], old: dict[str, Network]) -> None:
    result = share(Intent(new), before := Intent(old))
    assert result == Intent(new)
    assert (result is before) == (new == old)
    for key, network in result.networks.items():
        assert (network is old.get(key)) == (network == old.get(key))
