"""Neutron's files for OVN's agents: what is taken from them, and what is said of mistakes."""

from pathlib import Path

import pytest

from netmend.node.intake.ovn import is_of_ovn
from netmend.sources.neutron import configuration as neutron
from netmend.sources.ovn.configuration import HONOURED, MOOT, ovn_configuration
from netmend.sources.problem import SourceError

DOCUMENT = Path(__file__).parents[4] / "docs" / "ovn.md"


def read(directory: Path, text: str) -> object:
    path = directory / "neutron_ovn_metadata_agent.ini"
    path.write_text(text)
    return ovn_configuration([path])


def test_the_southbound_database_and_nova(tmp_path: Path) -> None:
    path = tmp_path / "neutron_ovn_metadata_agent.ini"
    path.write_text(
        "[DEFAULT]\nnova_metadata_host = nova\nmetadata_proxy_shared_secret = s\nmetadata_workers = 4\n"
        "[ovn]\novn_sb_connection = ssl:a:6642, ssl:b:6642\novn_sb_private_key = k\novn_sb_certificate = c\n"
        "ovn_sb_ca_cert = ca\novsdb_probe_interval = 10\n[ovs]\novsdb_connection = tcp:127.0.0.1:6640\n"
        "[agent]\nroot_helper = sudo\n"
    )
    found = ovn_configuration([path])
    assert found.southbound.remotes == ("ssl:a:6642", "ssl:b:6642") and found.southbound.probe == 1.0
    assert found.metadata_proxy.endpoints == ("http://nova:8775",) and found.ovs is not None
    assert len(found.moot) == 2


def test_where_the_log_goes_is_not_said_to_have_no_effect(tmp_path: Path) -> None:
    path = tmp_path / "neutron_ovn_metadata_agent.ini"
    path.write_text("[DEFAULT]\nuse_syslog = true\nuse_journal = true\nsyslog_log_facility = LOG_DAEMON\n")
    assert ovn_configuration([path]).moot == ()


def test_the_document_has_every_option() -> None:
    text = DOCUMENT.read_text()
    for _, name in (*HONOURED, *MOOT):
        assert f"`{name}`" in text or f" {name}`" in text, name


def test_no_option_is_in_both_tables() -> None:
    assert not HONOURED.keys() & MOOT.keys()


def test_an_option_that_agents_of_both_kinds_read_does_the_same_for_both() -> None:
    """But for those that are about the switch, whose sockets' defaults differ, and sockets that only Neutron's have."""
    own = {("AGENT", "report_interval"), ("DEFAULT", "metadata_proxy_socket"), ("OVS", "ovsdb_connection")}
    own |= {("DEFAULT", "metadata_proxy_socket_mode"), ("DEFAULT", "metadata_proxy_user")}
    theirs = neutron.HONOURED | neutron.MOOT
    ours = HONOURED | MOOT
    assert {option for option in ours.keys() & theirs if ours[option] != theirs[option]} <= own
    logs = {option for option in neutron.HONOURED if "log" in option[1] or "syslog" in option[1]}
    assert logs - {("AGENT", "log_agent_heartbeats")} <= HONOURED.keys()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[ovn]\novn_sb_connection = ssl:a:6642\n", "needs ovn_sb_private_key"),
        ("[ovn]\novn_sb_connection = http://a\n", "none of tcp:, ssl: and unix:"),
        ("[ovn]\novn_sb_connection =\n", "it is empty"),
        ("[ovn]\novsdb_probe_interval = soon\n", "ovsdb_probe_interval"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("program", "file", "is_ovn"),
    [
        ("netmend", "neutron_ovn_metadata_agent.ini", True),
        ("netmend", "ovn_agent.ini", True),
        ("netmend", "ovn-metadata-agent.ini", True),
        ("neutron-ovn-metadata-agent", "neutron.conf", True),
        ("neutron-ovn-agent", "neutron.conf", True),
        ("netmend", "dhcp_agent.ini", False),
        ("neutron-dhcp-agent", "ml2_conf.ini", False),
    ],
)
def test_who_is_an_agent_of_ovn(program: str, file: str, is_ovn: bool) -> None:
    assert is_of_ovn(program, [Path("/etc/neutron/neutron.conf"), Path("/etc/neutron") / file]) == is_ovn
