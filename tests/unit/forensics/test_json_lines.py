# ruff: noqa: E501, PLR0917 - log lines are kept whole, and a case is a row
"""JSON by its keys: level, stamp, text and source, whoever writes them and under whatever name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netmend.forensics.clocks import LineClock
from netmend.forensics.formats import Parser
from netmend.forensics.report import read

AT = datetime(2026, 11, 20, 3, 0, 14, tzinfo=UTC).timestamp()
INNER = "2026-11-20 02:00:00.123 7 ERROR neutron.agent.l3.agent [-] boom"
ISO = "2026-11-20T03:00:14.000Z"

ENTRIES: list[tuple[str, dict[str, object], str, str, str, str]] = [
    ("kolla", {"@timestamp": ISO, "Hostname": "ctl1", "programname": "neutron-dhcp-agent", "log_level": "ERROR", "python_module": "neutron.agent.dhcp.agent", "Payload": "boom"}, "json", "ERROR", "dhcp-agent", "boom"),
    ("fluent-bit", {"date": AT, "stream": "stderr", "log": INNER}, "json / oslo.log", "ERROR", "l3-agent", "boom"),
    ("fluent-bit kubernetes", {"date": ISO, "log": INNER, "kubernetes": {"pod_name": "x-1", "container_name": "neutron-dhcp-agent"}}, "json / oslo.log", "ERROR", "dhcp-agent", "boom"),
    ("logcli jsonl", {"labels": {"app": "neutron"}, "timestamp": "2026-11-20T03:00:14Z", "line": INNER}, "json / oslo.log", "ERROR", "l3-agent", "boom"),
    ("loki nanoseconds", {"timestamp": f"{int(AT)}000000000", "line": INNER, "labels": {"filename": "/var/log/neutron-l3-agent.log"}}, "json / oslo.log", "ERROR", "l3-agent", "boom"),
    ("gcp text", {"timestamp": ISO, "severity": "ERROR", "textPayload": "boom", "resource": {"labels": {"container_name": "kubelet"}}}, "json", "ERROR", "kubelet", "boom"),
    ("gcp json", {"timestamp": ISO, "severity": "NOTICE", "jsonPayload": {"message": "boom"}}, "json", "INFO", "", "boom"),
    ("vector", {"timestamp": ISO, "host": "ctl1", "message": INNER, "file": "/var/log/neutron/l3-agent.log", "source_type": "file"}, "json / oslo.log", "ERROR", "l3-agent", "boom"),
    ("filebeat", {"@timestamp": ISO, "message": INNER, "log": {"file": {"path": "/var/log/x.log"}, "offset": 7}, "agent": {"type": "filebeat"}}, "json / oslo.log", "ERROR", "l3-agent", "boom"),
    ("zap", {"level": "error", "ts": AT, "logger": "x", "msg": "boom"}, "json", "ERROR", "", "boom"),
    ("klog json", {"ts": AT * 1000, "v": 0, "msg": "boom", "err": "no"}, "json", "", "", "boom: no"),
    ("pino", {"level": 50, "time": int(AT * 1000), "pid": 1, "hostname": "h", "msg": "boom"}, "json", "ERROR", "", "boom"),
    ("bunyan warn", {"name": "x", "level": 40, "time": ISO, "msg": "boom", "v": 0}, "json", "WARNING", "", "boom"),
    ("gelf", {"version": "1.1", "host": "h", "timestamp": AT, "level": 3, "short_message": "boom"}, "json", "ERROR", "", "boom"),
    ("ecs", {"@timestamp": ISO, "log.level": "warn", "message": "boom", "service.name": "neutron-server"}, "json", "WARNING", "neutron-server", "boom"),
    ("ecs nested", {"@timestamp": ISO, "log": {"level": "warn", "logger": "x"}, "message": "boom"}, "json", "WARNING", "", "boom"),
    ("opentelemetry", {"timeUnixNano": f"{int(AT)}000000000", "severityNumber": 17, "body": {"stringValue": "boom"}}, "json", "ERROR", "", "boom"),
    ("search engine", {"_index": "i", "_source": {"@timestamp": ISO, "Payload": "boom", "log_level": "WARNING"}}, "json", "WARNING", "", "boom"),
    ("rabbitmq", {"time": "2026-11-20 03:00:14.000000+00:00", "level": "error", "msg": "boom", "pid": "<0.1.0>"}, "json", "ERROR", "", "boom"),
    ("oslo with a traceback", {"asctime": "2026-11-20 03:00:14", "levelname": "ERROR", "name": "neutron.agent.l3.agent", "message": "failed", "traceback": ["Traceback (most recent call last):", "OSError: boom"]}, "json", "ERROR", "l3-agent", "failed: OSError: boom"),
    ("python levelno", {"created": AT, "levelno": 40, "message": "boom"}, "json", "ERROR", "", "boom"),
    ("kernel in the journal", {"__REALTIME_TIMESTAMP": f"{int(AT)}000000", "_TRANSPORT": "kernel", "PRIORITY": "4", "MESSAGE": "boom"}, "journal json", "WARNING", "kernel", "boom"),
    ("several lines", {"timestamp": ISO, "level": "error", "message": "failed\nTraceback (most recent call last):\n  x\nOSError: boom"}, "json", "ERROR", "", "failed: OSError: boom"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "kind", "level", "service", "message"), [e[1:] for e in ENTRIES], ids=[e[0] for e in ENTRIES])  # fmt: skip
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,", " : ")], ids=["tight", "spaced", "wide"])
def test_entry(
    entry: dict[str, object], kind: str, level: str, service: str, message: str, separators: tuple[str, str]
) -> None:
    line = json.dumps(entry, separators=separators).encode()
    parsed = Parser(LineClock()).parse(line)
    assert (parsed.format, parsed.level, parsed.message) == (kind, level, message)
    assert parsed.service == service or not service
    assert parsed.clock is not None
    assert parsed.clock(line) == pytest.approx(AT, abs=0.3)


def test_the_stamp_is_that_of_its_own_member_not_of_one_of_the_same_name_before() -> None:
    line = json.dumps({"labels": {"time": "2020-01-01T00:00:00Z"}, "time": ISO, "level": "error", "msg": "x"}).encode()
    parsed = Parser(LineClock()).parse(line)
    assert parsed.clock is not None
    assert parsed.clock(line) == AT


@pytest.mark.parametrize("line", ["{}", '{"a": 1}', '{"a": {"msg": 2}}', "{not json", "[1]", '{"level": true}'])
def test_what_is_no_entry_is_unknown(line: str) -> None:
    assert Parser(LineClock()).parse(line.encode()).unknown


def test_three_collectors_give_their_errors(tmp_path: Path) -> None:
    for name, entry in (
        ("kolla.json", ENTRIES[0][1]),
        ("fluentbit.json", ENTRIES[1][1]),
        ("logcli.jsonl", ENTRIES[3][1]),
    ):
        (tmp_path / name).write_text((json.dumps(entry) + "\n") * 5)
    report = read([str(tmp_path)])
    assert [(r.count, r.level, r.message) for r in report.repeats if r.actor == "dhcp-agent"] == [(5, "ERROR", "boom")]
    assert sum(r.count for r in report.repeats if r.level == "ERROR") == 15
    assert [f.unknown for f in report.files] == [0, 0, 0]
    assert not any(f.notes for f in report.files)
