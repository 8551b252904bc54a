"""`source: neutron` in the file of `netmend run`."""

from pathlib import Path

import pytest

from netmend.sources.file.other_source import neutron_files
from netmend.sources.problem import IntentError


def test_neutrons_files_by_their_paths_or_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "netmend.yaml"
    file.write_text("source: neutron\nconfig_files: [/etc/neutron/neutron.conf, dhcp_agent.ini]\n")
    assert neutron_files(file) == [Path("/etc/neutron/neutron.conf"), tmp_path / "dhcp_agent.ini"]


@pytest.mark.parametrize("text", ["networks: []\n", "networks: [{name: source}]\n", "- source\n", "source: [\n"])
def test_an_intent_file_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "intent.yaml"
    file.write_text(text)
    assert neutron_files(file) is None
    assert neutron_files(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("source: nova\nconfig_files: [a]\n", "netmend.yaml:1: source: "),
        ("source: neutron\n\nconfig_files: a\n", "netmend.yaml:3: config_files: "),
        ("source: neutron\nconfig_files: [a]\nnetworks: []\n", "netmend.yaml:3: networks: "),
    ],
)
def test_what_is_wrong_has_its_line(tmp_path: Path, text: str, where: str) -> None:
    file = tmp_path / "netmend.yaml"
    file.write_text(text)
    with pytest.raises(IntentError) as caught:
        neutron_files(file)
    assert where in str(caught.value)
