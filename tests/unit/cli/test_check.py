"""`netmend check`: exit code, one line for a good file, one line a problem for a bad one, and the same as JSON."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from netmend.cli.check import check
from netmend.cli.command import command

EXAMPLES = Path(__file__).parents[3] / "examples"
app = command(check)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text("networks:\n- name: n\n  mtu: 1\n  ports: [{name: p, mac: x}]\n")
    return path


def test_a_good_file() -> None:
    result = CliRunner().invoke(app, ["-c", str(EXAMPLES / "two-networks.yaml")])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "2 networks, 4 subnets, 4 ports\n", "")


def test_one_of_each(tmp_path: Path) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text("networks: [{name: n, subnets: [{cidr: 10.0.0.0/24}]}]")
    assert CliRunner().invoke(app, ["--config", str(path)]).stdout == "1 network, 1 subnet, 0 ports\n"


def test_a_good_file_as_json() -> None:
    result = CliRunner().invoke(app, ["-c", str(EXAMPLES / "reference.yaml"), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "ok": True,
        "problems": [],
        "networks": 2,
        "subnets": 5,
        "ports": 7,
        "security_groups": 2,
        "address_groups": 1,
    }


def test_a_bad_file(bad: Path) -> None:
    result = CliRunner().invoke(app, ["-c", str(bad)])
    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first.startswith(f"netmend: {bad}:3: networks[n].mtu: 1 is no MTU")
    assert second.startswith(f"netmend: {bad}:4: networks[n].ports[p].mac: 'x' is no MAC address")


def test_a_bad_file_as_json(bad: Path) -> None:
    result = CliRunner().invoke(app, ["-c", str(bad), "--json"])
    assert (result.exit_code, result.stderr) == (2, "")
    report = json.loads(result.stdout)
    assert (report["ok"], report["networks"], report["subnets"], report["ports"]) == (False, 0, 0, 0)
    assert [sorted(problem) for problem in report["problems"]] == [["field", "file", "line", "why"]] * 2
    assert (report["problems"][0]["line"], report["problems"][0]["field"]) == (3, "networks[n].mtu")


def test_no_file(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["-c", str(tmp_path / "missing")])
    assert (result.exit_code, result.stderr) == (2, f"netmend: {tmp_path / 'missing'}: there is no such file\n")
