# ruff: noqa: E501, PLR0917 - log lines are kept whole, and a case is a row
"""What collectors and tools put around a line, or before it; and formats whose stamps look otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from netmend.forensics.clocks import LineClock
from netmend.forensics.formats import Parser
from netmend.forensics.report import Report, read
from netmend.forensics.zones import parse_zone

MODIFIED = datetime(2026, 11, 24, 8, tzinfo=UTC).timestamp()
AT = datetime(2026, 11, 20, 3, 0, 14, tzinfo=UTC).timestamp()

OSLO = "2026-11-20 03:00:14.186 21 ERROR neutron.agent.dhcp.agent [-] boom"
CRI = "2026-11-20T03:00:14.190123456Z stderr F "
KUBECTL = "2026-11-20T03:00:14.190123456Z "

LINES = [
    (CRI + OSLO, "cri / oslo.log", AT, "ERROR", "dhcp-agent", "boom"),
    ("2026-11-20T04:00:14.190123456+01:00 stdout F " + OSLO, "cri / oslo.log", AT, "ERROR", "dhcp-agent", "boom"),
    (CRI + "E1120 03:00:14.186123       1 main.go:14] boom", "cri / klog", AT, "ERROR", "", "boom"),
    ('2026-11-20 03:00:14.000000000 +0000 kolla.neutron: {"Payload": "boom", "log_level": "ERROR", "programname": "neutron-dhcp-agent"}', "fluentd / json", AT, "ERROR", "dhcp-agent", "boom"),
    (CRI + "plain words", "cri", AT, "", "", "plain words"),
    (KUBECTL + OSLO, "timestamps / oslo.log", AT, "ERROR", "dhcp-agent", "boom"),
    (f"[pod/neutron-dhcp-agent-x7k2p/neutron-dhcp-agent] {KUBECTL}{OSLO}", "prefix / timestamps / oslo.log", AT, "ERROR", "dhcp-agent", "boom"),
    (f"[pod/ovn-abc/nb] {OSLO}", "prefix / oslo.log", AT, "ERROR", "dhcp-agent", "boom"),
    (f"neutron-l3-agent-0 agent {OSLO}", "prefix / oslo.log", AT, "ERROR", "l3-agent", "boom"),
    (f"openstack neutron-l3-agent-0 agent {KUBECTL}{OSLO}", "prefix / timestamps / oslo.log", AT, "ERROR", "l3-agent", "boom"),
    (f"openstack/neutron-l3-agent-0[agent]: {OSLO}", "prefix / oslo.log", AT, "ERROR", "l3-agent", "boom"),
    (f"neutron-l3-agent-1  | {OSLO}", "prefix / oslo.log", AT, "ERROR", "l3-agent", "boom"),
    (f"agents.1.k2j3@node1    | {KUBECTL}{OSLO}", "prefix / timestamps / oslo.log", AT, "ERROR", "dhcp-agent", "boom"),
    (f"/var/log/kolla/neutron/neutron-l3-agent.log.1:{OSLO}", "prefix / oslo.log", AT, "ERROR", "l3-agent", "boom"),
    (f"/var/log/kolla/neutron/a-long-way/down/to/the/file/neutron-l3-agent.log:812:{OSLO}", "prefix / oslo.log", AT, "ERROR", "l3-agent", "boom"),
    (f"812:{OSLO}", "prefix / oslo.log", AT, "ERROR", "dhcp-agent", "boom"),
    ("kern.log:Nov 20 03:00:14 node1 kernel: [7.000001] br0: full", "prefix / syslog", AT, "", "kernel", "br0: full"),
    (f'2026-11-20T03:00:14Z {{app="neutron", pod="neutron-l3-agent-x"}} {OSLO}', "loki / oslo.log", AT, "ERROR", "dhcp-agent", "boom"),
    (f"<11>1 2026-11-20T03:00:14.003Z node1 neutron-dhcp-agent 7 - - {OSLO}", "syslog rfc5424 / oslo.log", AT, "ERROR", "dhcp-agent", "boom"),
    ('<11>1 2026-11-20T03:00:14.003Z node1 dnsmasq 812 ID1 [x@1 a="b\\]"][y c="d"] \ufefffailed', "syslog rfc5424", AT, "ERROR", "dnsmasq", "failed"),
    ("<4>1 2026-11-20T04:00:14+01:00 node1 kernel - - - [5.000001] table full", "syslog rfc5424", AT, "WARNING", "kernel", "table full"),
    ("1 2026-11-20T03:00:14.003Z node1 dnsmasq 812 - - failed", "syslog rfc5424", AT, "", "dnsmasq", "failed"),
    ("61 <27>1 2026-11-20T03:00:14.003Z node1 dnsmasq 812 - - failed", "syslog rfc5424", AT, "ERROR", "dnsmasq", "failed"),
    ("<165>1 - - app - - - hi", "syslog rfc5424", None, "INFO", "app", "hi"),
    ("<27>Nov 20 03:00:14 node1 dnsmasq[9]: failed", "syslog", AT, "ERROR", "dnsmasq", "failed"),
    ("<27>2026-11-20T03:00:14.1+00:00 node1 dnsmasq[9]: failed", "journal short-iso", AT, "ERROR", "dnsmasq", "failed"),
    ("Fri 2026-11-20 03:00:14 UTC node1 neutron-dhcp-agent.service[9]: failed", "journal short-full", AT, "", "dhcp-agent", "failed"),
    ("Fri 2026-11-20 04:00:14.5 CET node1 user@1000.service/app.slice/x.service[9]: failed", "journal short-full", AT + 0.5, "", "user@1000.service/app.slice/x.service", "failed"),
    ("Fri 2026-11-20 00:00:14 -03 node1 x[9]: failed", "journal short-full", AT, "", "x", "failed"),
    ("Nov 20 03:00:14.123456 node1 x[9]: failed", "syslog", AT, "", "x", "failed"),
    ("2026-11-20T03:00:14.123456+0000 node1 init.scope[1]: failed", "journal short-iso", AT, "", "init.scope", "failed"),
    ("E1120 03:00:14.186123   12345 controller.go:114] boom", "klog", AT, "ERROR", "", "boom"),
    ("W20261120 03:00:14.186123   12345 thing.cc:114] boom", "klog", AT, "WARNING", "", "boom"),
    ("Fri Nov 20 03:00:14 2026: (VR_1) Entering MASTER STATE", "keepalived", AT, "", "keepalived", "(VR_1) Entering MASTER STATE"),
    ("=ERROR REPORT==== 20-Nov-2026::03:00:14 === closing it", "rabbitmq", AT, "ERROR", "rabbitmq", "closing it"),
    ("2026-11-20 03:00:14.186 [warning] <0.18843.7> closing it", "rabbitmq", AT, "WARNING", "rabbitmq", "closing it"),
    ("2026-11-20  3:00:14 12345 [Warning] Aborted connection", "mariadb", AT, "WARNING", "mariadb", "Aborted connection"),
    ("2026-11-20 03:00:14 0 [Note] InnoDB: ready", "mariadb", AT, "INFO", "mariadb", "InnoDB: ready"),
    ("[Fri Nov 20 03:00:14.123456 2026] [wsgi:error] [pid 1:tid 2] boom", "apache", AT, "ERROR", "", "boom"),
    ("2026/11/20 03:00:14 [error] 7#7: *1 boom", "structlog console", AT, "ERROR", "", "7#7: *1 boom"),
    ('10.0.0.7 - admin [20/Nov/2026:04:00:14 +0100] "GET / HTTP/1.1" 500 7', "access log", AT, "", "", '"GET / HTTP/1.1" 500 7'),
    ("kern  :warn  : [Fri Nov 20 03:00:14 2026] br0: full", "dmesg -T", AT, "WARNING", "kernel", "br0: full"),
    ("2026-11-20T03:00:14,000000+00:00 br0: full", "dmesg iso", AT, "", "kernel", "br0: full"),
    ("2m3s        Warning   FailedCreatePodSandBox   pod/web-0     it failed", "kubernetes event", MODIFIED - 123, "WARNING", "pod/web-0", "it failed"),
    ("  Normal  Pulled  5s (x7 over 2h)  kubelet, node1  all is well", "kubernetes event", MODIFIED - 5, "INFO", "kubelet", "node1  all is well"),
    ("Nov 20 03:00:14 kernel: br0: port 2 is full", "syslog", AT, "", "kernel", "br0: port 2 is full"),
    ("Nov 20 03:00:14 dnsmasq[8]: cannot: open", "syslog", AT, "", "dnsmasq", "cannot: open"),
    ("Nov 20 03:00:14 fe80::1 dnsmasq: cannot: open", "syslog", AT, "", "dnsmasq", "cannot: open"),
    ("2026-11-20T03:00:14+0000 dnsmasq[8]: cannot: open", "journal short-iso", AT, "", "dnsmasq", "cannot: open"),
    ("2026-11-20T03:00:14+0000 Error: cannot: open", "stamped", AT, "ERROR", "", "Error: cannot: open"),
    ("[Nov20 03:00] br0: full", "dmesg -H", AT - 14, "", "kernel", "br0: full"),
    ("[  +0.000123] br0: full", "dmesg -H", None, "", "kernel", "br0: full"),
    ("-- Subject: A start job has begun", "note of a tool", None, "", "", ""),
    ("INFO:__main__:Loading config", "python", None, "INFO", "", "Loading config"),
    ("-- Boot 5f0e --", "note of a tool", None, "", "", ""),
    ("==> neutron.log <==", "note of a tool", None, "", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("line", "kind", "when", "level", "service", "message"), LINES)
def test_line(line: str, kind: str, when: float | None, level: str, service: str, message: str) -> None:
    parsed = Parser(LineClock(modified=MODIFIED)).parse(line.encode())
    assert (parsed.format, parsed.level, parsed.service, parsed.message) == (kind, level, service, message)
    read_at = parsed.clock(line.encode()) if parsed.clock else None
    assert read_at == (None if when is None else pytest.approx(when, abs=0.3))
    assert not parsed.continuation


def test_an_abbreviation_of_several_zones_is_the_files_own() -> None:
    clock = LineClock(parse_zone("Asia/Shanghai"), modified=MODIFIED)
    line = b"Fri 2026-11-20 11:00:14 CST node1 x[9]: failed"
    parsed = Parser(clock).parse(line)
    assert parsed.clock is not None
    assert parsed.clock(line) == AT
    assert any("CST" in text for text in clock.assumed)


@pytest.mark.parametrize(
    "line",
    [
        "1 of 3 done",
        "alpha beta gamma delta",
        "note | a table's | cell",
        "12: a numbered line",
        "some/path: is a directory",
        "[alpha beta] in brackets",
        "<165>no syslog",
        "Mon is no stamp",
        "=REPORT====",
    ],
)
def test_words_that_only_look_like_a_prefix_are_unknown(line: str) -> None:
    parsed = Parser(LineClock(modified=MODIFIED)).parse(line.encode())
    assert (parsed.format, parsed.clock, parsed.unknown) == ("", None, True)


TRACE = [
    "{head}[-] Unable to enable dhcp for 0a.: OSError: boom",
    "{head}Traceback (most recent call last):",
    '{head}  File "/x.py", line 1, in a',
    "{head}    b()",
    "{head}OSError: boom",
]
PLAIN = [
    "{head}[-] Unable to enable dhcp for 0a.: OSError: boom",
    "Traceback (most recent call last):",
    '  File "/x.py", line 1, in a',
    "    b()",
    "OSError: boom",
]


def five_times(directory: Path, lines: list[str], before: str, name: str = "0.log") -> Report:
    path = directory / name
    out = []
    for minute in range(5):
        head = f"2026-11-20 03:0{minute}:14.186 21 ERROR neutron.agent.dhcp.agent "
        out += [before.format(minute=minute) + line.format(head=head) for line in lines]
    path.write_text("\n".join(out) + "\n")
    return read([str(path)])


@pytest.mark.parametrize("lines", [TRACE, PLAIN], ids=["prefixed", "plain"])
@pytest.mark.parametrize(
    "before",
    [
        "2026-11-20T03:0{minute}:14.190123456Z stderr F ",
        "2026-11-20T03:0{minute}:14.190123456Z ",
        "[pod/dhcp-x/agent] ",
        "[pod/dhcp-x/agent] 2026-11-20T03:0{minute}:14.190123456Z ",
        "dhcp-x agent ",
        "dhcp-1  | ",
        "<11>1 2026-11-20T03:0{minute}:14.19Z node1 app 7 - - ",
        "Fri 2026-11-20 03:0{minute}:14 UTC node1 app[7]: ",
        "x.log:",
    ],
)
def test_an_error_and_its_traceback_are_one_whatever_is_around(before: str, lines: list[str], tmp_path: Path) -> None:
    report = five_times(tmp_path, lines, before)
    errors = [r for r in report.repeats if r.level == "ERROR"]
    record = next(r for r in errors if r.message.startswith("Unable"))
    assert (record.count, record.actor) == (5, "dhcp-agent")
    assert report.files[0].unknown == 0
    assert report.files[0].first == pytest.approx(AT - 0, abs=0.3)
    assert len(errors) <= 2  # the exception of a traceback without a head of its own is listed by itself
