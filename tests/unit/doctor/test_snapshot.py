"""Snapshots, pages and the command line: what is written can be read again, and bad input is told in one line."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.doctor.texts import HOST, A, B

from netmend.cli.command import command
from netmend.cli.doctor import doctor
from netmend.doctor import snapshot
from netmend.doctor.containers import from_docker
from netmend.doctor.diagnose import diagnose
from netmend.doctor.page import page
from netmend.doctor.pasted import observe_copies

app = command(doctor)


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(words))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def copies(tmp_path: Path) -> list[str]:
    words = []
    for label, text in (("host", HOST), ("a", A), ("b", B)):
        (tmp_path / label).write_text(text)
        words += ["--mountinfo", f"{label}={tmp_path / label}"]
    return words


def test_json_has_the_documented_shape(copies: list[str]) -> None:
    code, out, _ = run("--json", *copies)
    report = json.loads(out)
    assert code == 1 and set(report) == {"findings", "looked_at", "parts", "unread"}
    for finding in report["findings"]:
        assert {"check", "severity", "summary", "evidence", "cause", "mend", "suffers", "culprits"} <= set(finding)
        assert finding["netns"] in ("t1", "t2") and finding["usable_in"] and finding["broken_in"]
    assert run("--json", *copies[:2], *copies[4:])[0] == 0


def test_text_tells_the_mend(copies: list[str]) -> None:
    code, out, _ = run(*copies)
    assert code == 1 and "t1 is a namespace in a, and a plain file in host and b" in out and "mend" in out


def test_a_snapshot_is_diagnosed_elsewhere(copies: list[str], tmp_path: Path) -> None:
    file = str(tmp_path / "snapshot.json")
    first = json.loads(run("--json", "--snapshot", file, *copies)[1])
    code, out, _ = run("--json", "--from", file)
    assert code == 1 and json.loads(out)["findings"] == first["findings"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "/nowhere"], "/nowhere: No such file or directory"),
        (["--mountinfo", "host"], "expected LABEL=FILE"),
        (["--mountinfo", "host=/nowhere"], "/nowhere: No such file or directory"),
        (["--mountinfo", "host=/dev/null"], "/dev/null:1: the file is empty"),
        (["--mountinfo", "h=/proc/self/status"], "/proc/self/status:1: "),
        (["--fix", "--from", "x"], "--fix mends this host"),
        (["--from", "x", "--mountinfo", "h=y"], "either"),
    ],
)
def test_bad_input_is_told_in_one_line(words: list[str], said: str) -> None:
    code, out, err = run(*words)
    assert code == 2 and said in err and err.count("\n") == 1 and out == ""


def test_the_page_needs_nothing_from_anywhere(copies: list[str], tmp_path: Path) -> None:
    run("--html", str(tmp_path / "page.html"), *copies)
    text = (tmp_path / "page.html").read_text()
    assert not re.search(r"(?:src|href)=|url\(|@import|https?://|<script", text)
    assert text.count("<svg") == 1 and "peer group 45" in text and 'class="link cut"' in text


def test_names_cannot_break_the_page() -> None:
    evil = "</title><script>x"
    copy = A.replace("/run/netns/t1", "/run/netns/" + evil.replace(" ", "\\040"))
    observation = observe_copies({"host": ("h", HOST.encode()), '"><b>': ("a", copy.encode())})
    text = page(observation, diagnose(observation))
    assert "<script" not in text and "<b>:" not in text and "&lt;script&gt;" in text


def test_a_container_keeps_no_secret() -> None:
    config = {
        "ID": "a" * 64,
        "Name": "/agent",
        "State": {"Running": True},
        "Config": {
            "Image": "i",
            "Env": ["PASSWORD=hunter2"],
            "Cmd": ["serve", "--token=hunter2"],
            "Labels": {"k": "hunter2"},
        },
        "MountPoints": {
            "/run/netns": {"Type": "bind", "Source": "/run/netns", "Destination": "/run/netns", "RW": True}
        },
    }
    container = from_docker(config, {"Binds": ["/run/netns:/run/netns"], "Privileged": True})
    assert container.has_environment and "hunter2" in " ".join(container.command)
    observation = observe_copies({"host": ("h", HOST.encode())})
    namespace = observation.namespaces[0]
    object.__setattr__(namespace, "container", container)
    text = snapshot.write(observation)
    assert "hunter2" not in text
    again = snapshot.read(text).namespaces[0].container
    assert again and again.binds == container.binds and "the command and its arguments" in again.lost


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"netmend_doctor_snapshot": 2}',
        b'{"netmend_doctor_snapshot": 1}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_snapshot(content: bytes) -> None:
    with pytest.raises(snapshot.BadSnapshot):
        snapshot.read(content)


@given(st.data())
def test_a_damaged_snapshot_is_refused_or_read(data: st.DataObject) -> None:
    text = snapshot.write(observe_copies({"host": ("h", HOST.encode()), "a": ("a", A.encode())}))
    document = json.loads(text)
    key = data.draw(st.sampled_from(sorted(document)))
    document[key] = data.draw(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
    try:
        diagnose(snapshot.read(json.dumps(document)))
    except snapshot.BadSnapshot as error:
        assert str(error)
