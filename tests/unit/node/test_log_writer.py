"""A log that nobody reads, or that cannot be written, neither blocks nor ends whoever writes it."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.waiting import wait_for

from netmend.node.log_writer import LogWriter

LINES = 20_000


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def read_all(descriptor: int) -> list[str]:
    with open(descriptor, encoding="utf-8", closefd=False) as file:
        return file.read().splitlines()


def test_all_lines_in_order(pipe: tuple[int, int]) -> None:
    read, write = pipe
    writer = LogWriter(write)
    for number in range(100):
        writer.write(f"line {number}\n")
    writer.close(60)
    os.close(write)
    assert read_all(read) == [f"line {number}" for number in range(100)]
    assert writer.lost == 0


def test_a_pipe_that_nobody_reads_takes_no_time_and_bounded_memory(pipe: tuple[int, int]) -> None:
    read, write = pipe
    writer = LogWriter(write, most_lines=100)
    for number in range(LINES):
        writer.write(f"{number:6} " + 60 * "x")  # returns: a test that hangs has failed
    assert writer.lost > 0
    writer.close(0.01)  # as does the end, though the thread still waits for a reader
    kept = 0
    while kept < LINES - writer.lost:
        kept += os.read(read, 1 << 16).count(b"\n")
    assert kept + writer.lost == LINES


def test_bytes_are_bounded_too(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1], most_bytes=1 << 20)
    for _ in range(100):
        writer.write(100_000 * "x")
    assert writer.lost >= 88  # a MiB waits, and what one write and the pipe hold is on its way
    os.close(pipe[0])
    writer.close(60)


def test_a_reader_that_is_gone_costs_lines_alone(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.close(read)
    writer = LogWriter(write)
    writer.write("one")
    writer.write("two")
    writer.close(60)
    assert writer.lost == 2


def test_a_full_disk_costs_lines_alone() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        writer = LogWriter(full.fileno())
        writer.write("one")
        writer.close(60)
    assert writer.lost == 1


def test_a_descriptor_that_does_not_block_loses_nothing(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.set_blocking(write, False)
    writer = LogWriter(write)
    for number in range(5_000):
        writer.write(f"{number:40}")
    kept = 0
    while kept < 5_000:
        kept += os.read(read, 1 << 16).count(b"\n")
    assert writer.lost == 0


def test_a_file_is_opened_anew_when_it_is_rotated(tmp_path: Path) -> None:
    path, old = tmp_path / "agent.log", tmp_path / "agent.log.1"
    path.write_text("before\n")
    writer = LogWriter(path)
    writer.write("one")
    wait_for(lambda: path.read_text() == "before\none\n", "it appends")
    path.rename(old)
    writer.write("two")
    wait_for(lambda: path.exists() and path.read_text() == "two\n", "a new file by the name")
    assert old.read_text() == "before\none\n"
    os.truncate(path, 0)  # logrotate's copytruncate
    writer.write("three")
    wait_for(lambda: path.read_text() == "three\n", "it appends to what is there")
    writer.close()


def test_a_file_that_cannot_be_made_anew_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    path = tmp_path / "logs" / "agent.log"
    writer = LogWriter(path)
    moved = (tmp_path / "logs").rename(tmp_path / "moved")
    writer.write("one")
    wait_for(lambda: (moved / "agent.log").read_text() == "one\n", "it writes to the file that it has")
    writer.close()
    assert writer.lost == 0


PROGRAM = """
import logging, sys, threading, warnings
from netmend.node.log_writer import close_log, log_to_stderr
from netmend.ground.log import get_logger
log_to_stderr()
get_logger().error("guest", name="evil\\x1b[2J\\u202e")
logging.getLogger("library").warning("said %s", "this")
print("half a line, ", end="", file=sys.stderr)
print("and the rest", file=sys.stderr)
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
close_log()
"""


def test_whatever_a_process_says_goes_through_it() -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    lines = done.stderr.splitlines()
    first, second = (json.loads(line) for line in lines[:2])
    assert (first["event"], first["name"]) == ("guest", "evil\\x1b[2J\\u202e")
    assert (second["event"], second["logger"], second["level"]) == ("said this", "library", "warning")
    assert lines[2] == "half a line, and the rest"
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert done.stdout == ""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_missing_standard_stream_is_none_of_a_files(tmp_path: Path, closed: str) -> None:
    """What a process opens next would be its standard error else, and log lines go into a database."""
    command = f"exec {sys.executable} -m netmend.cli check -c {tmp_path}/none.yaml {closed}"
    assert subprocess.run(["bash", "-c", command], check=False, timeout=60, capture_output=True).returncode == 2


def test_a_full_disk_for_standard_output_is_a_sentence() -> None:
    command = [sys.executable, "-m", "netmend.cli", "--help"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (
        2,
        "netmend: standard output: cannot be written: No space left on device; the output is cut\n",
    )
