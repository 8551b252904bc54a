"""What a report says as a whole: green only when nothing failed, and how much of the logs that rests on."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from tests.unit.forensics.logs import Night, at, oslo, short, some_id, tap, trace

from netmend.forensics.console import judgement, share
from netmend.forensics.page import render
from netmend.forensics.report import Outcome, Report, read
from netmend.forensics.report_json import to_json


def of(directory: Path, text: str, name: str = "neutron-dhcp-agent.log") -> Report:
    path = directory / name
    path.write_text(text)
    return read([str(path)])


FINE = oslo(1, "dhcp-agent", "INFO", "Synchronizing state") + "\n"
BAD = oslo(2, "dhcp-agent", "ERROR", "boom") + "\n"

OUTCOMES = [
    (FINE, Outcome.CALM),
    (FINE + oslo(2, "dhcp-agent", "WARNING", "slow") + "\n", Outcome.CALM),
    (FINE + BAD, Outcome.FAILED),
    (FINE * 20 + "who knows\n", Outcome.CALM),
    (FINE + "who knows\n" * 3, Outcome.UNCLEAR),
    ("who knows\n" * 3, Outcome.UNCLEAR),
    ("INFO:root:no stamp\n" * 3, Outcome.UNCLEAR),
    ("", Outcome.UNCLEAR),
    (short(1, "app[7]", "connection to 10.0.0.1 refused") + "\n", Outcome.UNCLEAR),
    (short(1, "app[7]", "connected to 10.0.0.1") + "\n", Outcome.CALM),
    (short(1, "kernel", "nf_conntrack: expectation table full") + "\n", Outcome.UNCLEAR),
    (
        short(1, "kernel", "openvswitch: ovs-system: deferred action limit reached, drop recirc action") + "\n",
        Outcome.UNCLEAR,
    ),
    (short(1, "kernel", "rcu: INFO: tasks are stalled") + "\n", Outcome.UNCLEAR),
    (short(1, "kernel", "eth0: Link is Up - 1000Mbps/Full - flow control rx/tx") + "\n", Outcome.CALM),
    (FINE * 99 + "Segmentation fault\n", Outcome.UNCLEAR),
    (FINE * 99 + "all is well\n", Outcome.CALM),
    (FINE + "panic: runtime error: x\n\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:5 +0x2d\n", Outcome.FAILED),
    (FINE + "Traceback (most recent call last):\n  File x\nOSError: boom\n", Outcome.FAILED),
]


@pytest.mark.parametrize(("text", "outcome"), OUTCOMES)
def test_outcome(text: str, outcome: Outcome, tmp_path: Path) -> None:
    report = of(tmp_path, text)
    assert report.outcome is outcome
    assert to_json(report)["outcome"] == outcome.value
    assert ("card fine" in render(report)) == (outcome is Outcome.CALM)
    assert ("nothing failed" in judgement(report)) == (outcome is Outcome.CALM)


def test_how_much_was_understood_and_dated_is_said(tmp_path: Path) -> None:
    report = of(tmp_path, FINE * 2 + "who knows\n")
    assert share(report) == "Read: 3 lines in 1 file; 66 % understood, 66 % dated."
    assert to_json(report)["read"] == {
        "files": 1, "unread_files": 0, "lines": 3, "understood_lines": 2, "dated_lines": 2,
    }  # fmt: skip
    (tmp_path / "more.zip").write_bytes(b"PK\x03\x04")
    report = read([str(tmp_path)])
    assert share(report) == "Read: 3 lines in 2 files, 1 of which could not be read; 66 % understood, 66 % dated."


@pytest.mark.parametrize("around", ["", "2026-11-23T16:10:03.1Z stderr F "])
def test_a_file_that_begins_within_a_traceback_keeps_its_error(around: str, tmp_path: Path) -> None:
    rest = trace(1, "dhcp-agent", "    b()", "OSError: [Errno 16] Device or resource busy").split("\n")
    lines = [*rest, *(FINE * 3).split("\n")]
    report = of(tmp_path, "".join(f"{around}{line}\n" for line in lines if line))
    errors = [(r.count, r.message) for r in report.repeats if r.level == "ERROR"]
    assert errors == [(1, "OSError: [Errno 16] Device or resource busy")]
    assert report.first_failure is not None
    assert report.outcome is Outcome.FAILED


def test_a_traceback_with_its_head_is_counted_once(tmp_path: Path) -> None:
    head = oslo(1, "dhcp-agent", "ERROR", "Unable to enable dhcp for 0a.: OSError: boom")
    report = of(tmp_path, f"{head}\nTraceback (most recent call last):\n  File x\nOSError: boom\n" * 4)
    assert [(r.count, r.level) for r in report.repeats] == [(4, "ERROR")]


def test_years_are_shown_where_they_matter(tmp_path: Path) -> None:
    assert not of(tmp_path, FINE + BAD).years
    report = of(tmp_path, BAD.replace("2026-", "2025-") + BAD)
    assert report.years
    assert "2025-11-23" in render(report)


def test_the_axis_names_the_year_once_it_changes(tmp_path: Path) -> None:
    error = "Unable to enable dhcp for 0a1b2c3d-0000-4000-8000-000000000001."
    lines = [oslo(i * 86400 * 40, "dhcp-agent", "ERROR", error) for i in range(9)]
    page = render(of(tmp_path, "\n".join(lines) + "\n"))
    assert ">2026-12-" in page
    assert ">2027-0" in page


@pytest.mark.parametrize("days", [1, 20, 200, 323, 340, 364, 700, 4000])
def test_the_axis_always_has_ticks(days: int, tmp_path: Path) -> None:
    error = "Unable to enable dhcp for 0a1b2c3d-0000-4000-8000-000000000001."
    lines = [oslo(i * 86400 * days, "dhcp-agent", "ERROR", error) for i in range(2)]
    ticks = re.findall(r"text-anchor=middle>([^<]+)", render(of(tmp_path, "\n".join(lines) + "\n")))
    assert len(ticks) >= 2
    assert len(set(ticks)) == len(ticks)


def made(night: Night, number: int, seconds: float) -> None:
    night.add("kern", short(seconds, "kernel", f"[1.000000] {tap(number)}: entered promiscuous mode"))


def test_a_start_of_many_containers_is_no_leak(tmp_path: Path) -> None:
    night = Night()
    night.add("kern", short(0, "kernel", "[0.000000] Linux version 6.8.0"))
    for i in range(120):
        made(night, i, 60 + i * 2)
    for i in range(20):
        night.record(90 + i, "l3-agent", "ERROR", "Something else failed")
    report = read(night.write(tmp_path))
    assert (report.leak.leaking, report.leak.remaining) == (False, 120)


def test_devices_beside_failures_are_a_leak(tmp_path: Path) -> None:
    night = Night()
    for i in range(60):
        made(night, i, i * 30)
        night.record(i * 30, "dhcp-agent", "ERROR", f"Unable to enable dhcp for {some_id(3)}.: OSError: boom")
    leak = read(night.write(tmp_path)).leak
    assert leak.leaking
    assert "something failed" in leak.because


def test_devices_made_on_and_on_are_a_leak_and_a_start_that_slows_down_is_none(tmp_path: Path) -> None:
    steady, slowing = Night(), Night()
    for i in range(100):
        made(steady, i, i * 120)
        made(slowing, i, i * 10 if i < 90 else i * 120)
    assert read(steady.write(tmp_path)).leak.leaking
    assert not read(slowing.write(tmp_path)).leak.leaking


def test_messages_without_a_level_that_repeat_are_shown(tmp_path: Path) -> None:
    lines = [short(i, "systemd[1]", "Started Session 7 of User root.") for i in range(5)]
    page = render(of(tmp_path, "\n".join(lines) + "\n", "messages"))
    assert "Without a level" in page
    assert "Started Session" in page


def test_a_message_that_rsyslog_has_reduced_counts_in_full(tmp_path: Path) -> None:
    text = "[5000.000001] nf_conntrack: nf_conntrack: table full, dropping packet"
    again = [short(9 + i, "kernel", f"message repeated {n} times: [ {text}]") for i, n in enumerate((37, 4))]
    report = of(tmp_path, "\n".join([short(1, "kernel", text), *again]) + "\n", "kern.log")
    assert [(r.count, r.message) for r in report.repeats] == [(42, text.partition("] ")[2])]
    assert (report.lines, report.files[0].formats) == (3, {"syslog": 3})


def test_stamps_of_any_shuffled_mix_are_in_order(tmp_path: Path) -> None:
    lines = [oslo(i * 60, "dhcp-agent", "ERROR", f"Unable to enable dhcp for {some_id(i)}.") for i in range(30)]
    random.Random(3).shuffle(lines)
    report = of(tmp_path, "\n".join(lines) + "\n")
    assert report.files[0].first == at(0).timestamp()
    assert report.first_failure is not None
    assert report.first_failure.first == at(0).timestamp()
