"""The networks on disk: as they were written, for the host that wrote them; a broken file is begun anew."""

from pathlib import Path

from tests.unit.sources.neutron import payloads

from netmend.sources.neutron.last_known import LastKnown


def test_what_was_written_is_read(tmp_path: Path) -> None:
    raw = payloads.network("plain")
    kept = LastKnown(tmp_path / "deep" / "file", "node1")
    kept.write({raw["id"]: raw, "gone": raw}, 12.5)
    kept.write({"gone": None}, None)
    kept.close()
    assert LastKnown(tmp_path / "deep" / "file", "node1").read() == ({raw["id"]: raw}, 12.5)
    assert (tmp_path / "deep" / "file").stat().st_mode & 0o777 == 0o600


def test_of_another_host_nothing(tmp_path: Path) -> None:
    kept = LastKnown(tmp_path / "file", "node1")
    kept.write({"n": {}}, 1.0)
    kept.close()
    assert LastKnown(tmp_path / "file", "node2").read() == ({}, None)


def test_a_broken_file_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no database, " * 1000)
    kept = LastKnown(tmp_path / "file", "node1")
    assert kept.problem is None
    kept.write({"n": {"id": "n"}}, 1.0)
    assert kept.read() == ({"n": {"id": "n"}}, 1.0)


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    kept = LastKnown(tmp_path / "file", "node1")
    assert kept.problem is not None
    kept.write({"n": {}}, 1.0)
    assert kept.read() == ({}, None)
