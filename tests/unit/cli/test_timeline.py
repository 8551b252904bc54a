"""`netmend timeline` as it is called."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.unit.forensics.logs import Night
from tests.unit.forensics.test_signatures import leaking_agent

from netmend.cli.command import command
from netmend.cli.timeline import Ticker, timeline
from netmend.forensics import report

app = command(timeline)


@pytest.fixture
def logs(tmp_path: Path) -> list[str]:
    night = Night().healthy()
    night.start(1790, "dhcp-agent")
    leaking_agent(night)
    (tmp_path / "logs").mkdir()
    return night.write(tmp_path / "logs")


def test_json_has_the_documented_shape(logs: list[str]) -> None:
    result = CliRunner().invoke(app, [*logs, "--json"])
    assert result.exit_code == 0
    shape = json.loads(result.stdout)
    assert set(shape) == {
        "outcome", "read", "first_failure", "events", "events_left_out", "repeats", "repeats_left_out", "leak",
        "verdict", "files", "event_resolution_seconds",
    }  # fmt: skip
    assert shape["first_failure"]["time"] == "2026-11-23T16:21:40.000Z"
    assert {"message", "count", "first", "last", "per_minute"} <= set(shape["repeats"][0])
    verdict = shape["verdict"][0]
    assert verdict["signature"] == "stale-namespace-name"
    assert verdict["variant"] == "creator-restarted"
    assert 0.5 <= verdict["confidence"] <= 1
    assert verdict["because"][0]["count"] >= 3
    assert verdict["do"]
    assert [e["time"] for e in shape["events"]] == sorted(e["time"] for e in shape["events"])


def test_text_is_not_cut_where_no_terminal_is(logs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = CliRunner().invoke(app, logs, env={"TERM": "dumb"}).stdout.splitlines()
    narrow = CliRunner().invoke(app, logs, env={"COLUMNS": "80", "TERM": "dumb"}).stdout.splitlines()
    assert max(len(line.rstrip()) for line in lines) > 80
    assert len(lines) < len(narrow)
    assert max(map(len, lines)) < 1_000  # no line is filled up


def test_text_fits_80_columns_and_is_plain(logs: list[str]) -> None:
    result = CliRunner().invoke(app, logs, env={"COLUMNS": "80", "TERM": "dumb"})
    assert result.exit_code == 0
    assert "Verdict: stale-namespace-name" in result.stdout
    assert "\x1b" not in result.stdout
    assert max(len(line.rstrip()) for line in result.stdout.split("\n")) <= 80


def test_page(logs: list[str], tmp_path: Path) -> None:
    page = tmp_path / "night.html"
    assert CliRunner().invoke(app, [*logs, "--html", str(page)]).exit_code == 0
    text = page.read_text()
    assert "stale-namespace-name" in text
    assert "<svg" in text
    assert "http" not in text.replace("http-equiv", "")
    wrong = CliRunner().invoke(app, [*logs, "--html", str(tmp_path / "no" / "such.html")])
    assert wrong.exit_code == 2


def test_what_logs_hold_is_text_in_the_page(tmp_path: Path) -> None:
    night = Night()
    night.record(1, "dhcp-agent", "ERROR", "<script>alert(1)</script> [bold]x[/bold]")
    paths = night.write(tmp_path)
    page = tmp_path / "night.html"
    result = CliRunner().invoke(app, [*paths, "--html", str(page)])
    assert result.exit_code == 0
    assert "[bold]x[/bold]" in result.stdout
    assert "<script>" not in page.read_text()


def test_hostile_bytes_reach_neither_terminal_nor_encoder(tmp_path: Path) -> None:
    """Escape sequences, lone surrogates spelled in JSON, and a file's name that is no UTF-8."""
    path = Path(os.fsdecode(bytes(tmp_path) + b"/\xff\x1b[31m.log"))
    path.write_text(
        '{"event": "set_netns failed \\ud800 \\u001b]0;owned\\u0007", "level": "error", '
        '"timestamp": "2026-11-23T16:10:00Z", "agent": "\\udfff"}\n'
        "2026-11-23 16:10:01.000 7 ERROR a.b [-] \x1b[2J\x9b31m\x00 \xff bad\n",
        "latin-1",
    )
    page = tmp_path / "night.html"
    for more in ([], ["--json"], ["--html", str(page)]):
        result = CliRunner().invoke(app, [str(path), *more])
        assert result.exit_code == 0, result.exception
        assert "\x1b" not in result.stdout
        assert "bad" in result.stdout
    assert "bad" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such.log"], "no-such.log"),
        (["LOG", "--tz", "*=Mars/Phobos"], "Mars/Phobos"),
        (["LOG", "--tz", "UTC"], "FILE_GLOB=VALUE"),
        (["LOG", "--tz", "*.lgo=UTC"], "no file matches '*.lgo'"),
        (["LOG", "--offset", "*=soon"], "soon"),
        (["LOG", "--offset", "*=nan"], "nan"),
        (["LOG", "--signatures", "/no/such/dir"], "/no/such/dir"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_exit_2(arguments: list[str], said: str, logs: list[str]) -> None:
    result = CliRunner().invoke(app, [logs[0] if a == "LOG" else a for a in arguments])
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().split("\n")) == 1
    assert "Traceback" not in result.output


def test_zone_and_offset(logs: list[str]) -> None:
    result = CliRunner().invoke(app, [*logs, "--json", "--tz", "*dhcp*=+02:00", "--offset", "*dhcp*=0.5"])
    assert json.loads(result.stdout)["first_failure"]["time"] == "2026-11-23T14:21:40.500Z"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_told_how_far_the_reading_is(logs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (Terminal(), io.StringIO()):
        ticker = Ticker(stream)
        ticker.pause = ticker.next = 0.0
        report.read(logs, on_progress=ticker)
        ticker.end()
        said = stream.getvalue()
        assert f"100 % read, file {len(logs)} of {len(logs)}: " in said
        if stream.isatty():
            assert said.endswith("\r")
            assert "\n" not in said
            assert said.split("\r")[-2].strip() == ""
        else:
            assert said.endswith("\n")
            assert "\r" not in said


def test_progress_is_for_terminals_and_where_it_is_asked_for(logs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netmend.cli.timeline.time.monotonic", iter(range(0, 10**6, 10)).__next__)
    assert "read, file" not in CliRunner().invoke(app, logs).stderr
    assert "read, file" not in CliRunner().invoke(app, [*logs, "--json"]).stderr
    asked = CliRunner().invoke(app, [*logs, "--json", "--progress"])
    assert "read, file" in asked.stderr
    json.loads(asked.stdout)
