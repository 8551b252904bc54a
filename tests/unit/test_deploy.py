"""The files of deploy/: netmend's own lint finds nothing in them, and what reads such files takes them."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from netmend.cli.main import VERBS, Verb
from netmend.cli.options import RUNTIME_DIRECTORY
from netmend.lint.lint_file import lint
from netmend.node.privileges import LOOKS, NEEDED, TAKES_OVER

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT, DROP_IN = DEPLOY / "systemd" / "netmend.service", DEPLOY / "systemd" / "neutron-agents.conf"
QUADLET, KEEPER = DEPLOY / "quadlet" / "netmend.container", DEPLOY / "quadlet" / "netmend-keep.container"
COMPOSE = DEPLOY / "compose" / "compose.yaml"
SYSTEMD = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
MOUNT_NAMESPACE = re.compile(
    r"(?m)^(PrivateMounts|PrivateTmp|PrivateDevices|Protect(System|Home|Proc|KernelModules|KernelTunables|KernelLogs|"
    r"ControlGroups)|MountFlags|(ReadOnly|ReadWrite|Inaccessible|Exec|NoExec)Paths|Bind(ReadOnly)?Paths|"
    r"TemporaryFileSystem|ProcSubset|RootDirectory|RootImage|DynamicUser|LoadCredential|PrivateIPC|PrivateUsers)="
)


def value(text: str, name: str) -> str:
    """The last value of a setting."""
    return str(re.findall(rf"(?m)^{name}=(.*)$", text)[-1])


def check_command(words: list[str]) -> None:
    """Fail unless they call netmend with a verb and options that it has."""
    assert Path(words[0]).name == "netmend" and words[1] in VERBS
    known = {option for one in Verb(words[1], "").load().params for option in one.opts}
    assert {word for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize("path", [UNIT, QUADLET, KEEPER, COMPOSE], ids=lambda path: path.name)
def test_lint_finds_nothing(path: Path) -> None:
    assert lint(str(path), path.read_text()) == []


@pytest.mark.parametrize("path", [UNIT, DROP_IN], ids=lambda path: path.name)
def test_the_unit_gets_no_mount_namespace(path: Path) -> None:
    assert MOUNT_NAMESPACE.findall(path.read_text()) == []


def test_the_unit_keeps_the_capabilities_that_a_node_keeps() -> None:
    assert value(UNIT.read_text(), "CapabilityBoundingSet").split() == [*NEEDED, *LOOKS]
    assert value(DROP_IN.read_text(), "CapabilityBoundingSet").split() == list(TAKES_OVER)


def test_commands_are_netmends() -> None:
    for text in (UNIT.read_text(), DROP_IN.read_text()):
        check_command(shlex.split(value(text, "ExecStart")))
    quadlet = QUADLET.read_text()
    check_command(shlex.split(value(quadlet, "Exec")))
    check_command(shlex.split(value(quadlet, "HealthCmd")))
    service = yaml.safe_load(COMPOSE.read_text())["services"]["netmend"]
    check_command(service["command"])
    check_command(service["healthcheck"]["test"][1:])


def test_the_quadlet_is_a_unit() -> None:
    read = configparser.ConfigParser(interpolation=None, strict=False)
    read.read_string(QUADLET.read_text())
    assert read.sections() == ["Unit", "Container", "Service", "Install"]


@SYSTEMD
def test_systemd_takes_the_unit_with_and_without_its_drop_in(tmp_path: Path) -> None:
    """With a command that exists: systemd looks for it."""
    unit = tmp_path / "netmend.service"
    text = UNIT.read_text().replace("/usr/bin/netmend", shutil.which("true") or "")
    unit.write_text(text)
    check_verified(unit)
    (tmp_path / "netmend.service.d").mkdir()
    drop_in = DROP_IN.read_text().replace("/usr/bin/netmend", shutil.which("true") or "")
    (tmp_path / "netmend.service.d" / DROP_IN.name).write_text(drop_in)
    check_verified(unit)


def check_verified(unit: Path) -> None:
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    said = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, said) == (0, [])


@SYSTEMD
def test_the_exposure_that_the_document_names() -> None:
    command = ["systemd-analyze", "security", "--offline=yes", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    found = re.search(r"Overall exposure level for netmend.service: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    document = (DEPLOY.parent / "docs" / "running.md").read_text()
    named = re.search(r"deploy/systemd/netmend.service` gives it ([\d.]+);", document)
    assert named is not None and float(found[1]) <= float(named[1])


CHART: dict[str, Any] = {  # what the chart `neutron` of OpenStack-Helm has of it (values.yaml of 2026-08)
    "images": {"tags": {"neutron_dhcp": "", "neutron_metadata": ""}},
    "pod": {
        "security_context": {"neutron_dhcp_agent": {"pod": {"runAsUser": 42424}}},
        "mounts": {
            agent: {agent: {"volumeMounts": None, "volumes": None}}
            for agent in ("neutron_dhcp_agent", "neutron_metadata_agent")
        },
    },
}


def test_values_of_openstack_helm_are_the_charts_own() -> None:
    """A value by another name would be taken in silence, and do nothing."""

    def check(values: dict[str, Any], chart: dict[str, Any], where: str) -> None:
        for name, value in values.items():
            assert name in chart, f"{where}.{name}"
            if isinstance(chart[name], dict):
                check(value, chart[name], f"{where}.{name}")

    values = yaml.safe_load((DEPLOY / "openstack-helm" / "netmend.yaml").read_text())
    check(values, CHART, "")
    for agent in ("neutron_dhcp_agent", "neutron_metadata_agent"):
        mounts = values["pod"]["mounts"][agent][agent]
        assert [one["name"] for one in mounts["volumeMounts"]] == [one["name"] for one in mounts["volumes"]]
        assert [one["mountPath"] for one in mounts["volumeMounts"]] == [str(RUNTIME_DIRECTORY)]
