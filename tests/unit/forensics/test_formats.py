# ruff: noqa: E501, PLR0917 - log lines are kept whole, and a case is a row
"""Each format of log line: what is read of it, and when it says it was written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.forensics.logs import START, at, docker_json, export, journal_json, logfmt, oslo, short, trace, vlog

from netmend.forensics.clocks import LineClock, inferred_zone
from netmend.forensics.formats import Parser
from netmend.forensics.report import read
from netmend.forensics.zones import BadRule, parse_zone, rule_for, split_rule

MODIFIED = datetime(2026, 11, 24, 8, tzinfo=UTC).timestamp()
HALF = START.timestamp() + 0.5
WHOLE = START.timestamp()

LINES = [
    (oslo(0.5, "dhcp-agent", "INFO", "Synchronizing state"), "oslo.log", HALF, "INFO", "dhcp-agent", "Synchronizing state"),
    (
        oslo(0.5, "l3-agent", "WARNING", "text", "req-2f1d-88 - - - - -"),
        "oslo.log",
        HALF,
        "WARNING",
        "l3-agent",
        "text",
    ),
    ("2026-11-23 16:10:00,500 INFO neutron.agent.dhcp.agent started", "oslo.log", HALF, "INFO", "dhcp-agent", "started"),
    ("2026-11-23T16:10:00.500+00:00 7 INFO neutron.agent.dhcp.agent [-] hi", "oslo.log", HALF, "INFO", "dhcp-agent", "hi"),
    ("2026-11-23 18:10:00.500+0200 7 INFO nova.virt [-] hi", "oslo.log", HALF, "INFO", "nova-compute", "hi"),
    (vlog(0.5, 42, "bridge", "ERR", "no such port"), "ovs", HALF, "ERROR", "", "no such port"),
    (logfmt(0.5, "error", 'said "no"', error="gone"), "logfmt", HALF, "ERROR", "", 'said "no" error=gone'),
    (
        docker_json(0.5, oslo(99, "dhcp-agent", "ERROR", "text")),
        "docker json-file / oslo.log",
        HALF + 789e-9,
        "ERROR",
        "dhcp-agent",
        "text",
    ),
    (journal_json(0.5, "dockerd", logfmt(9, "warning", "slow")), "journal json / logfmt", HALF, "WARNING", "dockerd", "slow"),
    (short(0.5, "systemd[1]", "Started."), "syslog", WHOLE, "", "systemd", "Started."),
    (short(0.5, "dockerd[8]", logfmt(0.5, "info", "hi")), "syslog / logfmt", HALF, "INFO", "dockerd", "hi"),
    (
        short(0, "kernel", "[  12.345678] device tap01 left promiscuous mode"),
        "syslog",
        WHOLE,
        "",
        "kernel",
        "device tap01 left promiscuous mode",
    ),
    (
        "2026-11-23T16:10:00+0000 node1 containerd[640]: hi",
        "journal short-iso",
        WHOLE,
        "",
        "containerd",
        "hi",
    ),
    ("2026-11-23T17:10:00.500000+01:00 node1 kernel: hi", "journal short-iso", HALF, "", "kernel", "hi"),
    (f"{HALF:.6f} node1 ovs-vswitchd[9]: ovs|00042|bridge|WARN|hi", "journal short-unix / ovs", HALF, "WARNING", "ovs-vswitchd", "hi"),
    ("[Mon Nov 23 16:10:00 2026] br0: port 4(veth0) entered blocking state", "dmesg -T", WHOLE, "", "kernel", "br0: port 4(veth0) entered blocking state"),
    ('{"event": "hi", "level": "error", "timestamp": "2026-11-23T16:10:00.500Z"}', "json", HALF, "ERROR", "", "hi"),
    (f'{{"message": "hi", "levelname": "INFO", "created": {HALF}, "name": "neutron.agent.l3.agent"}}', "json", HALF, "INFO", "l3-agent", "hi"),
    ('{"level":"warn","msg":"hi","time":"2026-11-23T16:10:00.5Z"}', "json", HALF, "WARNING", "", "hi"),
    ("2026-11-23T16:10:00.500Z [warning  ] breaker open   reason=propagation", "structlog console", HALF, "WARNING", "", "breaker open   reason=propagation"),
    ("timestamp='2026-11-23T16:10:00.500Z' level='error' event='hi there' a=1", "key=value", HALF, "ERROR", "", None),
    ("2026-11-23 16:10:00.500+00:00 [error] <0.1.0> closing AMQP connection", "rabbitmq", HALF, "ERROR", "rabbitmq", None),
    ("2026-11-23 16:10:00.500+0000: 812: error : virNetSocket:1 : hi", "stamped", HALF, "ERROR", "", None),
]  # fmt: skip


@pytest.mark.parametrize(("line", "kind", "when", "level", "service", "message"), LINES)
def test_line(line: str, kind: str, when: float, level: str, service: str, message: str | None) -> None:
    parsed = Parser(LineClock(modified=MODIFIED)).parse(line.encode())
    assert (parsed.format, parsed.level, parsed.service) == (kind, level, service)
    assert parsed.clock is not None
    # The quick way must agree with the first, which fills its cache.
    assert parsed.clock(line.encode()) == pytest.approx(when, abs=1e-3)
    assert parsed.clock(line.encode()) == pytest.approx(when, abs=1e-3)
    if message is not None:
        assert parsed.message == message


def test_a_stamp_within_the_text_is_not_the_lines() -> None:
    clock = LineClock()
    line = b'{"event": "since 2020-01-01 00:00:00", "level": "info", "timestamp": "2026-11-23T16:10:00Z"}'
    parsed = Parser(clock).parse(line)
    assert parsed.clock is not None
    assert parsed.clock(line) == WHOLE


def test_lines_of_a_traceback_are_part_of_their_record() -> None:
    parser = Parser(LineClock())
    for line in trace(1, "dhcp-agent", "Traceback (most recent call last):", '  File "x"', "OSError: no", "").split(
        "\n"
    ):
        parsed = parser.parse(line.encode())
        assert parsed.continuation
        assert parsed.clock is not None
    plain = parser.parse(b"ValueError: bad")
    assert (plain.continuation, plain.message) == (True, "ValueError: bad")


def test_a_file_without_request_ids_keeps_its_errors(tmp_path: Path) -> None:
    path = tmp_path / "neutron-dhcp-agent.log"
    head = "2026-11-23 16:10:00.500 7 ERROR neutron.agent.dhcp.agent"
    path.write_text(
        f"{head} Unable to sync network state.\n{head} Traceback (most recent call last):\n{head} OSError: x\n"
    )
    assert [r.message for r in read([str(path)]).repeats] == ["Unable to sync network state."]


def test_syslog_year_is_the_last_that_fits() -> None:
    clock = LineClock(modified=datetime(2026, 1, 2, tzinfo=UTC).timestamp())
    assert clock.syslog(b"Dec 31 23:59:59 node1 x: y") == datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    assert clock.syslog(b"Jan  1 00:00:01 node1 x: y") == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC).timestamp()
    assert clock.syslog(b"Feb 29 00:00:01 node1 x: y") == datetime(2024, 2, 29, 0, 0, 1, tzinfo=UTC).timestamp()


def test_zone_and_offset_apply_to_stamps_without_a_zone_only() -> None:
    clock = LineClock(parse_zone("Europe/Berlin"), offset=-2.0)
    assert clock.iso(b"2026-11-23 17:10:00") == WHOLE - 2
    assert clock.iso(b"2026-07-01 02:00:00") == datetime(2026, 7, 1, tzinfo=UTC).timestamp() - 2
    assert clock.iso(b"2026-11-23T16:10:00Z") == WHOLE - 2
    assert clock.iso(b"2026-11-23 16:10:61") is not None
    assert clock.iso(b"2026-13-40 16:10:00") is None


@pytest.mark.parametrize("zone", ["Mars/Phobos", "+99:00", "", "../etc/passwd"])
def test_bad_zone(zone: str) -> None:
    with pytest.raises(BadRule):
        parse_zone(zone)


def test_rules() -> None:
    rules = [split_rule("--tz", "*dhcp*=UTC"), split_rule("--tz", "*/node2/*=+02:00")]
    assert rule_for("/logs/node1/dhcp.log", rules) == "UTC"
    assert rule_for("/logs/node2/dhcp.log", rules) == "+02:00"
    assert rule_for("/logs/node1/other", rules) is None
    with pytest.raises(BadRule):
        split_rule("--tz", "UTC")


def test_the_zone_that_two_stamps_betray(tmp_path: Path) -> None:
    lines = [short(i, "dockerd[8]", logfmt(i, "info", "hi"), zone_hours=-5) for i in range(50)]
    zone = inferred_zone("\n".join(lines).encode())
    assert zone is not None
    assert zone.utcoffset(None) == timedelta(hours=-5)
    path = tmp_path / "messages"
    path.write_text("\n".join([*lines, short(60, "systemd[1]", "failed", zone_hours=-5)]) + "\n")
    report = read([str(path)])
    assert report.files[0].last == at(60).timestamp()
    assert any("-05:00" in text for text in report.files[0].assumed)
    assert inferred_zone(b"Nov 23 16:10:00 node1 x: y\n") is None


def test_ring_buffer_is_placed_by_the_files_last_change_or_the_offset(tmp_path: Path) -> None:
    path = tmp_path / "dmesg"
    path.write_text(
        "[    0.000000] Linux version 6.1.0\n[   10.500000] device tap0a1b2c3d-4e entered promiscuous mode\n"
    )
    report = read([str(path)])
    assert report.files[0].last == pytest.approx(path.stat().st_mtime)
    placed = read([str(path)], offsets=[f"dmesg={WHOLE:.0f}"])
    assert placed.files[0].last == WHOLE + 10.5
    assert placed.leak.created == 1


def test_a_journal_of_many_keeps_its_writers_apart(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    path.write_text(
        "\n".join(
            [
                short(1, "neutron-dhcp-agent[7]", oslo(1, "dhcp-agent", "ERROR", "bad")),
                short(2, "systemd[1]", "error: no unit"),
                short(3, "0e1fa2[7]", oslo(3, "l3-agent", "ERROR", "bad")),
                short(4, "dockerd[9]", logfmt(4, "error", "bad")),
            ]
        )
    )
    assert {r.actor for r in read([str(path)]).repeats} == {"dhcp-agent", "systemd", "l3-agent", "dockerd"}


def test_journal_export_with_binary_messages(tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_bytes(
        export(1, "dockerd", logfmt(1, "info", "Docker daemon"))
        + export(
            2,
            "neutron-dhcp-agent",
            f"{oslo(2, 'dhcp-agent', 'ERROR', 'bad')}\n\nTraceback (most recent call last):\n  x",
        )
        + export(3, "kernel", "device tap0a1b2c3d-4e entered promiscuous mode")
    )
    report = read([str(path)])
    first = report.repeats[0]
    assert (first.level, first.actor, first.message) == ("ERROR", "dhcp-agent", "bad")
    assert (report.leak.created, report.files[0].last) == (1, at(3).timestamp())
    assert report.files[0].unknown == 0


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from(["Z", "", "+01:00", "-0330"]),
    st.sampled_from(".,"),
)
def test_any_time_is_read_as_it_was_written(moment: datetime, zone: str, point: str) -> None:
    text = (
        moment.strftime("%Y-%m-%d %H:%M:%S") + f"{point}{moment.microsecond // 1000:03d}{zone} 7 INFO neutron.x [-] y"
    )
    shift = {"Z": 0, "": 0, "+01:00": 3600, "-0330": -12600}[zone]
    expected = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000).timestamp() - shift
    clock = LineClock()
    parsed = Parser(clock).parse(text.encode())
    assert parsed.clock is not None
    assert parsed.clock(text.encode()) == pytest.approx(expected, abs=1e-4)
    assert parsed.clock(text.encode()) == pytest.approx(expected, abs=1e-4)
