"""Files as they lie there: packed, damaged, unreadable, no lines at all."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from netmend.forensics.reading import UnreadableLog, expand, raw_blocks
from netmend.forensics.report import Outcome, read

OSLO = "2026-11-20 03:00:14.186 21 ERROR neutron.agent.dhcp.agent [-] boom\n"
CAN_UNPACK = shutil.which("zstd") is not None


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-cq"], input=data, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.skipif(not CAN_UNPACK, reason="needs the program zstd to make the file")
def test_zstd_is_unpacked_without_pythons_own_module(tmp_path: Path) -> None:
    (tmp_path / "a.log.zst").write_bytes(zstd(OSLO.encode() * 50_000))
    report = read([str(tmp_path)])
    assert (report.repeats[0].count, report.files[0].lines, report.files[0].notes) == (50_000, 50_000, [])


@pytest.mark.skipif(not CAN_UNPACK, reason="needs the program zstd to make the file")
def test_damaged_zstd_leaves_a_note_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(OSLO)
    (tmp_path / "old.log.zst").write_bytes(zstd(OSLO.encode() * 9000)[:-9])
    report = read([str(tmp_path)])
    assert any(r.count >= 1 for r in report.repeats)
    assert "damaged" in report.files[1].notes[0] or "ends before" in report.files[1].notes[0]


@pytest.mark.skipif(not CAN_UNPACK, reason="needs the program zstd to make the file")
def test_a_reader_that_stops_early_leaves_no_program_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.log.zst"
    path.write_bytes(zstd(OSLO.encode() * 200_000))
    pieces = raw_blocks(str(path), [])
    assert next(pieces).startswith(b"2026")
    pieces.close()  # type: ignore[attr-defined] # waits for program and threads


@pytest.mark.skipif(importlib.util.find_spec("backports") is not None, reason="a module that reads zstd is there")
def test_without_a_reader_of_zstd_the_rest_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.log").write_text(OSLO)
    packed = tmp_path / "old.log.zst"
    packed.write_bytes(b"\x28\xb5\x2f\xfd0000")
    report = read([str(tmp_path)])
    assert [r.count for r in report.repeats] == [1]
    assert "install zstd" in report.files[1].notes[0]
    with pytest.raises(UnreadableLog, match="install zstd"):
        read([str(packed)])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"LPKSHHRH" + bytes(200), "journalctl --file x.bin -o export"),
        (bytes(257) + b"ustar\x0000" + bytes(200), "tar -xf x.bin"),
        (b"PK\x03\x04" + bytes(99), "unzip x.bin"),
    ],
)
def test_what_holds_no_lines_is_named_and_left_out(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(OSLO)
    (tmp_path / "x.bin").write_bytes(data)
    report = read([str(tmp_path)])
    assert said in report.files[1].notes[0]
    assert (report.files[1].lines, report.repeats[0].count) == (0, 1)
    with pytest.raises(UnreadableLog):
        read([str(tmp_path / "x.bin")])


@pytest.mark.parametrize(
    ("name", "data"), [("x.db", b"SQLite format 3\x00" + bytes(99)), ("wtmp", bytes(384)), ("btmp.1", bytes(384))]
)
def test_what_is_no_log_is_left_out_and_changes_nothing(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(OSLO.replace("ERROR", "INFO"))
    (tmp_path / name).write_bytes(data)
    report = read([str(tmp_path)])
    assert [f.lines for f in report.files if f.path.endswith(name)] == [0]
    assert report.outcome is Outcome.CALM


def test_zeros_before_a_log_that_was_truncated_while_written_are_no_end(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(bytes(3 << 20) + b"\n" + OSLO.encode())
    assert read([str(tmp_path)]).repeats[0].message == "boom"


def test_a_file_of_a_directory_that_cannot_be_opened_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.log").write_text(OSLO)
    gone = tmp_path / "b.log"
    gone.write_text(OSLO)
    files = expand([str(tmp_path)])
    monkeypatch.setattr("netmend.forensics.reading.expand", lambda _: files)
    gone.unlink()
    report = read([str(tmp_path)])
    assert report.repeats[0].count == 1
    assert "cannot be read: No such file" in report.files[1].notes[0]
