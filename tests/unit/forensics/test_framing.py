# ruff: noqa: E501 - log lines are kept whole
"""Files that are no UTF-8, and files whose records span lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netmend.forensics import framing
from netmend.forensics.report import Report, read

AT = datetime(2026, 11, 20, 3, 0, 14, tzinfo=UTC).timestamp()
OSLO = "2026-11-20 03:00:14.186 21 ERROR neutron.agent.dhcp.agent [-] boom"


def of(directory: Path, data: str | bytes, name: str = "x.log") -> Report:
    path = directory / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read([str(path)])


def errors(report: Report) -> list[tuple[int, str, str]]:
    return [(r.count, r.actor, r.message) for r in report.repeats if r.level == "ERROR"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"])
def test_what_windows_and_its_shell_write(encoding: str, tmp_path: Path) -> None:
    report = of(tmp_path, f"{OSLO} für\r\n{OSLO} für\r\n".encode(encoding))
    assert errors(report) == [(2, "dhcp-agent", "boom für")]
    assert report.files[0].first == pytest.approx(AT, abs=0.3)


def test_utf_16_is_decoded_across_pieces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("netmend.forensics.reading.BLOCK", 333)
    assert errors(of(tmp_path, f"{OSLO} \U0001f600\n".encode("utf-16") + f"{OSLO} \U0001f600\n".encode("utf-16-le") * 49)) == [
        (50, "dhcp-agent", "boom \U0001f600")
    ]  # fmt: skip


def test_bytes_with_a_few_zeros_are_no_utf_16(tmp_path: Path) -> None:
    assert errors(of(tmp_path, OSLO.encode() + b" \0\0 a\0b\n")) != []


def cri(tag: str, text: str, stream: str = "stderr") -> str:
    return f"2026-11-20T03:00:14.190123456Z {stream} {tag} {text}\n"


def test_pieces_of_a_long_line_are_joined_by_stream(tmp_path: Path) -> None:
    """As containerd and CRI-O keep lines longer than 16 KiB, two streams at once."""
    data = (
        cri("P", OSLO[:30])
        + cri("P", "other ", "stdout")
        + cri("P", OSLO[30:60])
        + cri("F", OSLO[60:])
        + cri("F", "words", "stdout")
    )
    report = of(tmp_path, data)
    assert errors(report) == [(1, "dhcp-agent", "boom")]
    assert report.files[0].lines == 2
    assert any(r.message == "other words" for r in report.repeats)


def test_a_line_that_ends_within_its_pieces_is_kept(tmp_path: Path) -> None:
    assert errors(of(tmp_path, cri("F", OSLO) + cri("P", OSLO))) == [(2, "dhcp-agent", "boom")]


def test_dockers_pieces_are_joined(tmp_path: Path) -> None:
    def entry(log: str) -> str:
        return (
            json.dumps({"log": log, "stream": "stderr", "time": "2026-11-20T03:00:14.2Z"}, separators=(",", ":")) + "\n"
        )

    assert errors(of(tmp_path, entry(OSLO[:40]) + entry(OSLO[40:] + "\n") + entry(OSLO + "\n"))) == [
        (2, "dhcp-agent", "boom")
    ]


JOURNAL = {
    "__REALTIME_TIMESTAMP": f"{int(AT)}000000",
    "SYSLOG_IDENTIFIER": "dnsmasq",
    "PRIORITY": "3",
    "MESSAGE": "boom",
}


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(JOURNAL, indent="\t") + "\n" + json.dumps(JOURNAL, indent="\t") + "\n",
        json.dumps([JOURNAL, JOURNAL]),
        json.dumps([JOURNAL, JOURNAL], indent=2),
        "\x1e" + json.dumps(JOURNAL) + "\n\x1e" + json.dumps(JOURNAL) + "\n",
    ],
    ids=["json-pretty", "array", "pretty array", "json-seq"],
)
def test_json_over_several_lines(data: str, tmp_path: Path) -> None:
    report = of(tmp_path, data)
    assert errors(report) == [(2, "dnsmasq", "boom")]
    assert (report.files[0].lines, report.files[0].unknown) == (2, 0)


def test_answers_that_hold_many_entries(tmp_path: Path) -> None:
    stream = {"stream": {"app": "dhcp"}, "values": [[f"{int(AT) + i}000000000", OSLO] for i in range(3)]}
    loki = {"status": "success", "data": {"resultType": "streams", "result": [stream]}}
    assert errors(of(tmp_path, json.dumps(loki))) == [(3, "dhcp-agent", "boom")]
    hits = {
        "took": 3,
        "hits": {
            "total": 1,
            "hits": [{"_source": {"@timestamp": "2026-11-20T03:00:14Z", "Payload": "boom", "log_level": "ERROR"}}],
        },
    }
    assert [m for _, _, m in errors(of(tmp_path, json.dumps(hits, indent=1)))] == ["boom"]


def test_a_damaged_document_gives_what_stands_before_and_after(tmp_path: Path) -> None:
    data = json.dumps(JOURNAL, indent=1) + '\n{\n "MESSAGE": oops\n}\n' + json.dumps(JOURNAL, indent=1)
    report = of(tmp_path, data)
    assert errors(report) == [(2, "dnsmasq", "boom")]
    assert report.files[0].unknown > 0


def test_rabbitmqs_reports_before_and_since_3_7(tmp_path: Path) -> None:
    old = (
        "\n=ERROR REPORT==== 20-Nov-2026::03:00:14 ===\nclosing AMQP connection <0.7.0> (10.0.0.1:5 -> 10.0.0.2:5672):\nmissed heartbeats from client, timeout: 60s\n"
        "\n=INFO REPORT==== 20-Nov-2026::03:00:15 ===\naccepting AMQP connection <0.8.0>\n\n"
    )
    report = of(tmp_path, old, "rabbit@ctl1.log")
    text = "closing AMQP connection <<n>.<n>> (<ip>:<n> -> <ip>:<n>): missed heartbeats from client, timeout: <n>s"
    assert errors(report) == [(1, "rabbitmq", text)]
    assert (report.files[0].lines, report.files[0].unknown, report.files[0].first) == (2, 0, AT)

    head = "2026-11-20 03:00:14.186 [error] <0.7.0> closing AMQP connection <0.7.0> (10.0.0.1:5 -> 10.0.0.2:5672):\n"
    assert errors(of(tmp_path, head + "missed heartbeats from client, timeout: 60s\n", "rabbit@ctl1.log")) == [
        (1, "rabbitmq", text)
    ]
    second = "2026-11-20 03:00:14.186123+00:00 [error] <0.7.0> "
    newest = f"{second}closing AMQP connection <0.7.0> (10.0.0.1:5 -> 10.0.0.2:5672):\n{second}missed heartbeats from client, timeout: 60s\n"
    report = of(tmp_path, newest + newest.replace("03:00:14", "03:00:15"), "rabbit@ctl1.log")
    assert errors(report) == [(2, "rabbitmq", text)]


def test_what_was_added_to_a_brokers_log_is_not_the_brokers(tmp_path: Path) -> None:
    rabbit = "2026-11-20 03:00:14.186 [error] <0.7.0> closing it:\nhere is why\n"
    report = of(tmp_path, rabbit + f"{OSLO}\n" * 3 + rabbit)
    assert sorted(errors(report)) == [(2, "rabbitmq", "closing it: here is why"), (3, "dhcp-agent", "boom")]


def test_the_journals_verbose_form(tmp_path: Path) -> None:
    entry = (
        "Fri 2026-11-20 03:00:14.186123 UTC [s=0639;i=4f;b=88a8;m=7;t=5;x=1]\n    PRIORITY=3\n    SYSLOG_IDENTIFIER=dnsmasq\n"
        "    _HOSTNAME=node1\n    _PID=7\n    MESSAGE=boom\n    _UID=0\n"
    )
    report = of(tmp_path, entry * 3)
    assert errors(report) == [(3, "dnsmasq", "boom")]
    assert (report.files[0].lines, report.files[0].unknown) == (3, 0)
    assert report.files[0].first == pytest.approx(AT, abs=0.3)


@pytest.mark.parametrize(
    "head", [b"[ 12.5] kernel: x", b"[Mon Nov 23 16:10:00 2026] x", b'{"a": 1}\n{"a": 2}\n', b"", b"[]", b"{not"]
)
def test_other_heads_are_no_documents(head: bytes) -> None:
    assert not framing.is_document(head)


def test_lines_are_cut_where_they_are_too_long() -> None:
    pieces = [b"x" * framing.LONGEST_LINE, b"x", b"y\nz"]
    assert [len(block) for block in framing.line_blocks(pieces)] == [framing.LONGEST_LINE + 2, 2, 1]
