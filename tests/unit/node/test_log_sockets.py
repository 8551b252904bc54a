"""What the journal and syslog are sent: over sockets as theirs."""

import logging
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netmend.ground.log import Line
from netmend.node.log_sockets import journal_output, syslog_output
from netmend.node.log_writer import Output

EVENT = {"level": "warning", "event": "resync reason", "network": "n1", "logger": "netmend.node"}


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(path))
        one.settimeout(60)
        yield one


def send(output: Output, event: Line) -> None:
    output.write(event)


def test_the_journal_has_fields(tmp_path: Path) -> None:
    with listening(tmp_path / "socket") as journal:
        output = journal_output("neutron-dhcp-agent", tmp_path / "socket")
        send(output, dict(EVENT, event="two\nlines"))
        fields = dict(line.split("=", 1) for line in journal.recv(4096).decode().splitlines())
        output.writer.close()
    assert fields["MESSAGE"] == "two\\nlines network='n1'"
    assert (fields["PRIORITY"], fields["LOGGER_LEVEL"], fields["LOGGER_NAME"]) == ("4", "WARNING", "netmend.node")
    assert fields["SYSLOG_IDENTIFIER"] == "neutron-dhcp-agent"


def test_syslog_has_priority_and_program(tmp_path: Path) -> None:
    with listening(tmp_path / "log") as syslog:
        output = syslog_output("neutron-dhcp-agent", "LOG_LOCAL0", tmp_path / "log")
        send(output, dict(EVENT))
        line = syslog.recv(4096).decode()
        output.writer.write("printed by a library")
        other = syslog.recv(4096).decode()
        output.writer.close()
    begins = r"<132>neutron-dhcp-agent\[\d+\]: [\d-]+ [\d:.]+ \d+"
    assert re.fullmatch(rf"{begins} WARNING netmend\.node \[-\] resync reason network='n1'\n", line)
    assert other == "<132>neutron-dhcp-agent: printed by a library\n"


def test_a_facility_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="syslog_log_facility LOG_NONE: there is no such facility"):
        syslog_output("netmend", "LOG_NONE")


def test_one_that_is_started_anew_is_spoken_with_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with listening(path) as syslog:
        output = syslog_output("netmend", path=path)
        send(output, dict(EVENT))
        assert syslog.recv(4096)
    path.unlink()
    with listening(path) as syslog:
        send(output, dict(EVENT, event="again"))
        assert "again" in syslog.recv(4096).decode()
    output.writer.close()
    assert output.writer.lost == 0


def test_nobody_there_is_counted(tmp_path: Path) -> None:
    output = journal_output("netmend", tmp_path / "none")
    send(output, dict(EVENT))
    output.writer.close(60)
    assert output.writer.lost == 1


PROGRAM = """
import sys
from pathlib import Path
from netmend.node.log_sockets import syslog_output
from netmend.node.log_writer import close_log, file_output, lines_lost, log_to
from netmend.ground.log import get_logger
log_to(file_output(Path(sys.argv[1])), syslog_output("netmend", path=Path(sys.argv[2])))
get_logger().info("said once", network="n1")
close_log()
"""


def test_a_line_goes_to_each_place(tmp_path: Path) -> None:
    with listening(tmp_path / "log") as syslog:
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "file.log"), str(tmp_path / "log")]
        subprocess.run(command, timeout=60, check=True)
        assert "INFO netmend [-] said once network='n1'" in syslog.recv(4096).decode()
    assert "INFO netmend [-] said once network='n1'" in (tmp_path / "file.log").read_text()
    assert (tmp_path / "file.log").stat().st_mode & 0o777 == 0o644
    assert logging.getLogger().level == logging.WARNING
