"""What netmend writes is its owner's alone; what it finds wider is narrowed, and what is others' is left as it is."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netmend.ground.private_files import make_private_directory, narrow, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct, autouse=True)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_a_directory_is_born_private(tmp_path: Path) -> None:
    make_private_directory(tmp_path / "var" / "netmend")
    assert mode(tmp_path / "var" / "netmend") == 0o700


def test_a_directory_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private_directory(tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_file_is_born_private_and_replaces_a_wider_one(tmp_path: Path) -> None:
    file = tmp_path / "export.yaml"
    write_private(file, "one")
    assert (mode(file), file.read_text()) == (0o600, "one")
    file.chmod(0o644)
    write_private(file, "two")
    assert (mode(file), file.read_text()) == (0o600, "two")
    assert [path.name for path in tmp_path.iterdir()] == ["export.yaml"]


def test_a_link_is_followed_and_a_device_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_private(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (mode(tmp_path / "file"), (tmp_path / "file").read_text()) == (0o600, "text")
    write_private(Path("/dev/null"), "text")


def test_a_file_that_cannot_be_written_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_private(tmp_path / "taken", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_what_is_wider_is_narrowed_and_told(tmp_path: Path) -> None:
    room = tmp_path / "netmend"
    (room / "sweep").mkdir(parents=True)
    for file, wide in ((room / "store.sqlite", 0o644), (room / "sweep" / "seen", 0o666), (room / "api-tokens", 0o600)):
        file.touch()
        file.chmod(wide)
    (room / "sweep").chmod(0o755)
    room.chmod(0o755)
    said = narrow(room, ("*.sqlite", "api-tokens", "sweep"))
    assert said == [
        f"{room}: was 0755, is 0700",
        f"{room}/store.sqlite: was 0644, is 0600",
        f"{room}/sweep: was 0755, is 0700",
        f"{room}/sweep/seen: was 0666, is 0600",
    ]
    assert narrow(room, ("*.sqlite", "api-tokens", "sweep")) == []


def test_a_directory_with_things_of_others_keeps_its_mode(tmp_path: Path) -> None:
    """It may be /run, or a volume that several programs share."""
    for name in ("store.sqlite", "somebody.else"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    tmp_path.chmod(0o755)
    assert narrow(tmp_path, ("*.sqlite",)) == [f"{tmp_path}/store.sqlite: was 0644, is 0600"]
    assert mode(tmp_path) == 0o755
    assert mode(tmp_path / "somebody.else") == 0o644


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.touch()
    outside.chmod(0o644)
    room = tmp_path / "netmend"
    make_private_directory(room)
    (room / "store.sqlite").symlink_to(outside)
    assert narrow(room, ("*.sqlite",)) == []
    assert mode(outside) == 0o644


def test_no_directory_is_nothing_to_narrow(tmp_path: Path) -> None:
    assert narrow(tmp_path / "none", ("*",)) == []


def test_a_database_that_is_open_keeps_its_log(tmp_path: Path) -> None:
    """Locks of a process end with any descriptor of the file that it closes (fcntl(2)); a reader that finds none takes
    the log for left behind, and what is committed from then on is lost."""
    path = tmp_path / "store.sqlite"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE one (value)")
    path.chmod(0o644)
    assert narrow(tmp_path, ("store.sqlite*",))
    assert path.stat().st_mode & 0o777 == 0o600
    read = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM one').fetchone()[0])"

    def rows() -> str:
        command = [sys.executable, "-c", read, str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()

    assert rows() == "0"
    writer.execute("INSERT INTO one VALUES (1)")
    assert path.with_name("store.sqlite-wal").exists()
    assert rows() == "1"
    writer.close()
