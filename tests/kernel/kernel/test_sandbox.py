"""The sandbox: root inside, nobody outside; all that was started in it ends with it."""

import os
import signal
import time
from pathlib import Path

import pytest

from netmend.kernel.sandbox import run


def test_inside_we_are_the_first_process_and_root() -> None:
    assert run(lambda: 7 if (os.getpid(), os.getuid()) == (1, 0) else 1) == 7


def test_run_is_empty_and_mounts_stay_inside() -> None:
    Path("/run/outside").touch()
    assert run(lambda: len(list(Path("/run").iterdir()))) == 0

    def touch() -> int:
        Path("/run/inside").touch()
        return 0

    assert run(touch) == 0
    assert not Path("/run/inside").exists()


def test_a_signal_is_told_as_a_shell_would() -> None:
    def end() -> int:
        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert run(end) == signal.SIGKILL


def test_what_was_started_inside_ends_with_it() -> None:
    read, write = os.pipe()

    def leave_one_behind() -> int:
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
        return 0

    assert run(leave_one_behind) == 0
    os.close(write)
    assert os.read(read, 1) == b""  # the pipe's other end is closed: whoever had it is gone
    os.close(read)


def test_an_exception_inside_is_a_code_outside(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise ValueError("inside")

    assert run(fail) == 70
    assert "inside" in capfd.readouterr().err
