"""What the control plane knows: lines, Neutron's JSON, and files that say nothing."""

import json
from pathlib import Path

import pytest

from netmend.sweep.known import BadPortsFile, read_ports_file

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
        ('{"networks": []}', ":1: expected a list of ports"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(BadPortsFile, match=why):
        read_ports_file(write(tmp_path, text))


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(BadPortsFile, match="No such file"):
        read_ports_file(tmp_path / "none")
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadPortsFile, match="is not text"):
        read_ports_file(path)
