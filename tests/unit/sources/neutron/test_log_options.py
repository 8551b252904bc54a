"""Where Neutron's files send the log."""

from pathlib import Path

import pytest

from netmend.sources.neutron.log_options import LogOptions, log_options
from netmend.sources.problem import SourceError


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", None),
        ("log_file = /var/log/a.log", "/var/log/a.log"),
        ("log_dir = /var/log/kolla/neutron", "/var/log/kolla/neutron/neutron-dhcp-agent.log"),
        ("log_dir = /var/log/kolla/neutron\nlog_file = a.log", "/var/log/kolla/neutron/a.log"),
        ("logdir = /var/log/old", "/var/log/old/neutron-dhcp-agent.log"),
    ],
)
def test_the_file(tmp_path: Path, text: str, path: str | None) -> None:
    (tmp_path / "a.conf").write_text(f"[DEFAULT]\n{text}\n")
    found = log_options([tmp_path / "a.conf"]).path("neutron-dhcp-agent")
    assert found == (Path(path) if path else None)


def test_later_files_win(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("[DEFAULT]\ndebug = true\nuse_json = true\nlog_file = /a\n")
    (tmp_path / "b.conf").write_text("[DEFAULT]\ndebug = false\n")
    assert log_options([tmp_path / "a.conf", tmp_path / "b.conf"]) == LogOptions(
        "/a", None, True, False, kept=Path("/var/lib/neutron")
    )


def test_what_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("nothing like it")
    with pytest.raises(SourceError, match=r"a\.conf"):
        log_options([tmp_path / "a.conf"])


def test_the_journal_and_syslog(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text(
        "[DEFAULT]\nuse_journal = true\nuse_syslog = true\nsyslog_log_facility = LOG_LOCAL0\n"
    )
    found = log_options([tmp_path / "a.conf"])
    assert (found.use_journal, found.use_syslog, found.facility) == (True, True, "LOG_LOCAL0")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("state_path = /var/lib/neutron/kolla", "/var/lib/neutron/kolla"),
        ("metadata_proxy_socket = /var/lib/neutron/openstack-helm/metadata_proxy", "/var/lib/neutron/openstack-helm"),
    ],
)
def test_where_state_outlives_a_container(tmp_path: Path, text: str, kept: str) -> None:
    (tmp_path / "a.conf").write_text(f"[DEFAULT]\n{text}\n")
    assert log_options([tmp_path / "a.conf"]).kept == Path(kept)
