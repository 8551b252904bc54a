"""No verb prints a control or bidirectional character, whoever put it where: into names of files, logs, containers."""

import json
import os
import re
import subprocess
import sys
import unicodedata
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from netmend.cli import history, messages, status_text
from netmend.ground.located_yaml import parse
from netmend.sources.store.exchange.export import Export

HOSTILE = "a\x1b]0;owned\x07\x1b[2Jb\u202etxt\u2066c\x9b31md\x7fe\u200bf\ufeffg"
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def steering(text: str) -> set[str]:
    return {one for one in text if unicodedata.category(one) in STEERING and one not in "\n\t"}


def netmend(*words: str, stdin: str = "") -> str:
    """All that a verb prints, which is not terminal."""
    ran = subprocess.run(
        [sys.executable, "-m", "netmend.cli", *words],
        input=stdin.encode(errors="surrogateescape"),
        capture_output=True,
        check=False,
        timeout=120,
    )
    printed = (ran.stdout + ran.stderr).decode()
    assert "defect" not in printed
    assert steering(printed) == set()
    return printed


@pytest.fixture
def hostile_file(tmp_path: Path) -> Path:
    return tmp_path / HOSTILE


COMPOSE = json.dumps(
    {"services": {HOSTILE: {"image": "quay.io/x/neutron-dhcp-agent", "volumes": ["/run/netns:/run/netns"]}}}
)


def test_lint(hostile_file: Path) -> None:
    directory = hostile_file
    directory.mkdir()
    (directory / "compose.yaml").write_text(COMPOSE)
    (directory / f"{HOSTILE}.yaml").write_text("{" + HOSTILE)
    printed = netmend("lint", str(directory), str(directory / "compose.yaml"), str(directory / f"absent{HOSTILE}"))
    assert r"\x1b]0;owned" in printed
    netmend("lint", "--json", str(directory / "compose.yaml"))
    netmend("lint", "-", stdin=COMPOSE)


def test_timeline(hostile_file: Path, tmp_path: Path) -> None:
    line = f"2026-01-01 00:00:0{{}}.000 7 ERROR neutron.agent {HOSTILE}: failed\n"
    hostile_file.write_text("".join(line.format(second) for second in range(9)) + f"{HOSTILE}\n" * 9)
    printed = netmend("timeline", "--progress", str(hostile_file), "--html", str(tmp_path / "page.html"))
    assert r"\x1b[2J" in printed
    assert steering((tmp_path / "page.html").read_text()) == set()
    found = json.loads(netmend("timeline", "--json", str(hostile_file)))
    assert found["files"][0]["file"] == str(hostile_file)


def test_bad_input_is_named_and_not_obeyed(hostile_file: Path) -> None:
    hostile_file.write_text(f"networks: [{{name: '{HOSTILE}'}}]\n{HOSTILE}: 1\n")
    undecodable = os.fsdecode(b"\xff\xfe") + HOSTILE
    for words in (
        ("check", str(hostile_file)),
        ("check", undecodable),
        ("plan", "-c", str(hostile_file)),
        ("run", "-c", undecodable, "--runtime-dir", str(hostile_file.parent / "runtime")),
        ("sweep", "--kind", HOSTILE),
        ("sweep", "--restore", undecodable),
        ("doctor", "--mountinfo", f"{HOSTILE}={hostile_file}"),
        ("doctor", "--from", undecodable),
        ("explain", HOSTILE),
        ("export", "--state-dir", undecodable),
        ("history", "--state-dir", HOSTILE),
        ("import", "-c", undecodable),
        ("attach", HOSTILE, "--tap", "--runtime-dir", "/nonexistent"),
        ("status", "--runtime-dir", HOSTILE),
        (HOSTILE,),
        ("status", f"--{HOSTILE}"),
    ):
        assert netmend(*words), words


def test_doctor_of_copies(hostile_file: Path, tmp_path: Path) -> None:
    hostile_file.write_text("21 1 0:20 / / rw shared:1 - tmpfs none rw\n22 21 0:21 / /run/netns rw - tmpfs x rw\n")
    other = tmp_path / "other"
    other.write_text(
        f"41 1 0:20 / / rw - tmpfs {HOSTILE.replace(' ', '')} rw\n42 41 0:21 / /run/netns rw - tmpfs x rw\n"
    )
    page = tmp_path / "page.html"
    words = ["--mountinfo", f"host={hostile_file}", "--mountinfo", f"{HOSTILE}={other}", "--html", str(page)]
    netmend("doctor", *words)
    netmend("doctor", "--json", *words)
    assert steering(page.read_text()) == set()


def answer() -> dict[str, Any]:
    """A node's status in which every text is hostile."""
    diagnosis = {"summary": HOSTILE, "evidence": [HOSTILE], "cause": HOSTILE, "mend": HOSTILE}
    reason = {"network": "n", "name": HOSTILE, "port": None, "reason": HOSTILE, "for_seconds": 1, "failures": 1}
    return {
        "intent": {"problem": f"{HOSTILE}\n{HOSTILE}"},
        "breaker": {"open": True, "fault": HOSTILE, "next_try_in": 1, **diagnosis},
        "mount_faults": [diagnosis],
        "pinning": {"ok": False, "meaning": HOSTILE, "problem": HOSTILE},
        "leases_problem": HOSTILE,
        "routed_metadata": {"problem": HOSTILE},
        "networks": [{"id": "n", "name": HOSTILE, "state": "served", "ports_count": 1, "served_since": None}],
        "routers": [{"id": "r", "name": HOSTILE, "state": "served", "networks": [HOSTILE], "uplink": HOSTILE}],
        "reasons": [{**reason, "next_try_in": 1.0}],
        "in_progress": [{"network": "n", "name": HOSTILE, "steps": [HOSTILE]}],
    }


def test_status() -> None:
    printed = StringIO()
    status_text.show_node(Console(file=printed, width=10_000, force_terminal=False), messages.shown(answer()))
    assert printed.getvalue().count(r"\x1b[2J") > 10
    assert steering(printed.getvalue()) == set()


def test_history(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "since": 0.0,
        "resolved": None,
        "summary": HOSTILE,
        "network": HOSTILE,
        "port": None,
        "reason": f"x\n{HOSTILE}",
    }
    found = {"findings": [row], "reasons": [{**row, "failures": 1}]}
    monkeypatch.setattr(history, "open_reader", lambda path: StringIO())
    monkeypatch.setattr(history, "read_records", lambda *_: found)
    history.history()
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == 2
    assert steering(printed) == set()


def test_an_export_is_lossless_and_steers_nothing() -> None:
    root = {"networks": [{"name": HOSTILE, HOSTILE: "plain", "text": f"two\nlines {HOSTILE} " * 9, "on": "on"}]}
    for text in (Export(root).text(), messages.as_ascii_json(root, indent=1)):
        assert steering(text) == set()
        assert parse(text).root == root


def test_pages_show_what_they_escape() -> None:
    from netmend.ground.printable_html import escape

    class Reader(HTMLParser):
        text = ""

        def handle_data(self, data: str) -> None:
            self.text += data

    reader = Reader()
    reader.feed(f'<p title="{escape(HOSTILE)}">{escape("<b>" + HOSTILE)}</p>')
    assert reader.text.startswith(r"<b>a\x1b]0;owned")
    assert steering(reader.text) == set()


def test_no_verb_has_another_way_to_a_terminal() -> None:
    """What `messages` does not print is a version, and an export, which escapes by itself."""
    ways = {
        (path.name, line.strip())
        for path in Path(messages.__file__).parent.glob("*.py")
        for line in path.read_text().splitlines()
        if re.match(r"\s*(click\.echo|print|sys\.stdout\.write)\(", line) and path.name != "messages.py"
    }
    assert {name for name, _ in ways} == {"export.py", "main.py"}, ways
