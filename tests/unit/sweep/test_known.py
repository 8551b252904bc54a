"""What the control plane knows: lines, Neutron's JSON, and files that say nothing."""

import json
from pathlib import Path

import pytest

from netmend.sweep.known import BadPortsFile, read_ports_file, read_ports_files

PORT, NETWORK = "11111111-aaaa-4111-8111-111111111111", "22222222-bbbb-4222-8222-222222222222"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "ports"
    path.write_text(text)
    return path


def test_lines_are_names_or_ids(tmp_path: Path) -> None:
    known = read_ports_file(write(tmp_path, f"# ports\nvnet3\n\n{PORT.upper()}  # the one\n"))
    assert all(known.knows(name) for name in ("vnet3", "tap11111111-aa", "qvo11111111-aa", f"qdhcp-{PORT}"))
    assert not any(known.knows(name) for name in ("vnet33", "tap11111111-ab", "xtap11111111-aab", f"qdhcp-{NETWORK}"))


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"ports": rows}])
def test_neutrons_own_json(tmp_path: Path, wrap: object) -> None:
    rows = [
        {"ID": PORT, "Name": "", "MAC Address": "fa:16:3e:00:00:01", "Status": "ACTIVE"},
        {"id": PORT, "network_id": NETWORK},
    ]
    known = read_ports_file(write(tmp_path, json.dumps(wrap(rows))))  # type: ignore[operator]
    assert known.knows("tap11111111-aa") and known.knows(f"qdhcp-{NETWORK}") and not known.knows("tap33333333-aa")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no port in it"),
        ("# nothing\n", "has no port in it"),
        ("tap1\ntap 2\n", ":2: one name or id a line"),
        ("[1", ":1: is not JSON"),
        ('[\n{"Name": "x"}]', "entry 0: a port needs a field"),
        ("[4]", "entry 0: a port needs a field"),
        ('{"networks": []}', "has no port in it"),
        ('{"servers": []}', ":1: expected a list of ports"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(BadPortsFile, match=why):
        read_ports_file(write(tmp_path, text))


@pytest.mark.parametrize(
    "name",
    [
        f"tap{NETWORK[:11]}",
        f"rfp-{NETWORK[:10]}",
        f"fpr-{NETWORK[:10]}",
        f"tap{NETWORK[:10]}0",
        f"tap{NETWORK[:10]}1",
        f"ovnmeta-{NETWORK}",
        f"qrouter-{NETWORK}",
    ],
)
@pytest.mark.parametrize("field", ["network_id", "device_id", "Network ID", "ID"])
def test_names_of_every_cut_are_compared(tmp_path: Path, name: str, field: str) -> None:
    """Neutron cuts names at 14 characters; OVN's metadata agent puts a digit for the end behind 10 of them."""
    known = read_ports_file(write(tmp_path, json.dumps([{"ID": PORT, field: NETWORK}])))
    assert known.knows(name)
    other = name.replace("2222", "2223")
    assert not known.knows(other) and not known.knows(f"tap{NETWORK[:10]}2"[: len(name)] + "x")


def test_an_eleventh_character_counts_but_for_ovns_pairs(tmp_path: Path) -> None:
    known = read_ports_file(write(tmp_path, NETWORK))
    assert not known.knows(f"tap{NETWORK[:10]}c") and not known.knows(f"qvo{NETWORK[:10]}0")


def test_several_files_are_taken_together(tmp_path: Path) -> None:
    ports, networks = tmp_path / "ports", tmp_path / "networks"
    ports.write_text(PORT)
    networks.write_text(json.dumps({"networks": [{"id": NETWORK, "name": "blue"}]}))
    known = read_ports_files([ports, networks])
    assert known.given and known.knows(f"tap{PORT[:11]}") and known.knows(f"qdhcp-{NETWORK}")
    assert not read_ports_files([]).given


@pytest.mark.parametrize(
    ("text", "about"),
    [
        (PORT, {"networks", "routers"}),
        (json.dumps([PORT]), {"networks", "routers"}),
        (json.dumps([{"ID": PORT, "MAC Address": "fa:16:3e:00:00:01"}]), set()),
        (json.dumps({"ports": [{"id": PORT, "network_id": NETWORK}]}), {"networks"}),
        (json.dumps({"ports": [{"id": PORT, "network_id": NETWORK, "device_id": ""}]}), {"networks", "routers"}),
        (json.dumps([{"ID": NETWORK, "Name": "blue", "Subnets": []}]), {"networks"}),
        (json.dumps([{"ID": NETWORK, "Name": "r", "State": True, "Distributed": False}]), {"routers"}),
    ],
)
def test_what_a_file_lists_is_told_by_its_fields(tmp_path: Path, text: str, about: set[str]) -> None:
    assert read_ports_file(write(tmp_path, text)).about == about


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(BadPortsFile, match="No such file"):
        read_ports_file(tmp_path / "none")
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadPortsFile, match="is not text"):
        read_ports_file(path)
