# ruff: noqa: E501 - log lines are kept whole
"""Each signature: a log that must give it, one nearly alike that must not, and advice that netmend can follow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.forensics.failures import CRASHES, HAPPENS, NEARLY, Lines
from tests.unit.forensics.logs import Night, oslo, trace

from netmend.cli.main import VERBS, Verb
from netmend.forensics.matching import Verdict
from netmend.forensics.report import Outcome, Report, read
from netmend.forensics.signatures import load


def told(lines: list[Lines], directory: Path) -> Report:
    night = Night().healthy()
    for one in lines:
        one.happen(night)
    return read(night.write(directory))


@pytest.mark.parametrize(("signature", "lines"), HAPPENS, ids=[f"{s}-{i}" for i, (s, _) in enumerate(HAPPENS)])
def test_a_failure_among_healthy_logs_is_named_alone(signature: str, lines: list[Lines], tmp_path: Path) -> None:
    found = told(lines, tmp_path).verdicts
    assert [v.signature for v in found] == [signature]
    assert found[0].confidence >= 0.6
    assert found[0].because
    assert found[0].do


@pytest.mark.parametrize(("signature", "agent", "error"), CRASHES, ids=[c[0] for c in CRASHES])
def test_one_fatal_crash_is_enough(signature: str, agent: str, error: str, tmp_path: Path) -> None:
    night = Night()
    night.start(1, agent)
    Lines(agent, f"Unhandled error: {error}", level="CRITICAL", start=9).happen(night)
    found = read(night.write(tmp_path)).verdicts
    assert [v.signature for v in found] == [signature]
    assert found[0].confidence >= 0.6


PLAIN = """Traceback (most recent call last):
  File "/usr/bin/neutron-ovn-metadata-agent", line 10, in <module>
    sys.exit(main())
  File "/x/pyroute2/netns/__init__.py", line 278, in setns
    raise OSError(errno, "failed")
{error}
"""


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        (PLAIN.format(error="OSError: [Errno 22] failed to open netns"), "stale-namespace-name"),
        (PLAIN.format(error="OSError: [Errno 2] failed to open netns"), "namespace-name-not-seen"),
        ("2026-11-20 03:17:14.186 21 ERROR neutron OSError: [Errno 22] failed to open netns\n", "stale-namespace-name"),
        (PLAIN.format(error="OSError: [Errno 1] failed to open netns"), None),
        (PLAIN.replace("<module>", "run").format(error="OSError: [Errno 22] failed to open netns"), None),
    ],
)
def test_a_crash_without_its_record_is_enough(text: str, signature: str | None, tmp_path: Path) -> None:
    """As a program's standard error ends, or a file that was cut within the traceback begins."""
    (tmp_path / "0.log").write_text(text)
    report = read([str(tmp_path)])
    assert [v.signature for v in report.verdicts] == ([signature] if signature else [])
    assert [r.count for r in report.repeats if r.level == "ERROR"] == [1]


@pytest.mark.parametrize("error", ["KeyError: 'x'", "SystemExit: 1", "OSError: [Errno 1] failed to open netns"])
def test_a_crash_of_something_else_is_a_failure_without_a_name(error: str, tmp_path: Path) -> None:
    night = Night()
    night.start(1, "dhcp-agent")
    Lines("dhcp-agent", f"Unhandled error: {error}", level="CRITICAL", start=9).happen(night)
    report = read(night.write(tmp_path))
    assert (report.verdicts, report.outcome) == ((), Outcome.FAILED)


@pytest.mark.parametrize("lines", [lines for _, lines in NEARLY], ids=[name for name, _ in NEARLY])
def test_what_is_nearly_alike_gives_no_verdict(lines: list[Lines], tmp_path: Path) -> None:
    assert [v.signature for v in told(lines, tmp_path).verdicts] == []


def test_every_signature_has_a_log_that_gives_it() -> None:
    elsewhere = {"ovsdb-overload", "slow-start-scan", "bridge-full", "broker-away", "mac-not-set"}
    elsewhere.add("busy-namespace-leftover")  # test_signatures.py and below
    assert {s.id for s in load().signatures} == {s for s, _ in HAPPENS} | elsewhere


def busy(night: Night, error: str, call: str) -> None:
    """As Neutron tells it since it removes namespaces by its privileged daemon: no line has both error and call."""
    for i in range(6):
        now = 1800 + i * 120.0
        night.add("dhcp-agent", oslo(now, "dhcp-agent", "ERROR", f"Unable to disable dhcp for 0a.: {error}"))
        night.add("dhcp-agent", trace(now, "dhcp-agent", "Traceback (most recent call last):", f"    {call}", error))


def test_an_error_whose_parts_stand_on_several_lines_is_one(tmp_path: Path) -> None:
    night = Night().healthy()
    busy(night, "OSError: [Errno 16] Device or resource busy", "privileged.remove_netns(namespace)")
    report = read(night.write(tmp_path))
    assert [v.signature for v in report.verdicts] == ["busy-namespace-leftover"]
    assert "SELinux" in report.verdicts[0].explains


@pytest.mark.parametrize(
    ("error", "call"),
    [
        ("OSError: [Errno 16] Device or resource busy", "os.rmdir(directory)"),
        ("OSError: [Errno 2] No such file or directory", "privileged.remove_netns(namespace)"),
    ],
)
def test_one_part_of_it_alone_is_not(error: str, call: str, tmp_path: Path) -> None:
    night = Night().healthy()
    busy(night, error, call)
    assert read(night.write(tmp_path)).verdicts == ()


def one(report: Report) -> Verdict:
    assert len(report.verdicts) == 1
    return report.verdicts[0]


def test_one_crash_is_less_sure_than_a_loop_and_two_are_surer(tmp_path: Path) -> None:
    crash = "Unhandled error: OSError: [Errno 22] failed to open netns"
    once = one(told([Lines("ovn-metadata-agent", crash, level="CRITICAL")], tmp_path))
    twice = one(told([Lines("ovn-metadata-agent", crash, 2, level="CRITICAL")], tmp_path))
    assert 0.6 <= once.confidence < twice.confidence
    assert any("can be removed" in text for text in once.do)


PROXY = "Encountered process execution error Exit code: 1; Cmd: ['haproxy']; Stdin: ; Stdout: ; Stderr: {} while starting process in namespace ovnmeta-1"


@pytest.mark.parametrize(("source", "text", "variant"), [
    ("ovn-metadata-agent", PROXY.format("[ALERT] cannot bind socket (Cannot assign requested address) [fe80::a9fe:a9fe:80]"), "address-missing"),
    ("ovn-metadata-agent", PROXY.format("[ALERT] cannot bind socket (Address already in use) [169.254.169.254:80]"), "address-taken"),
    ("ovn-metadata-agent", PROXY.format('exec of "haproxy" failed: No such file or directory'), "not-installed"),
    ("ovn-metadata-agent", PROXY.format("[ALERT] config: parsing failed"), None),
    ("ovn-controller", "stream_ssl|SSL_connect: error:0A000415:SSL routines::sslv3 alert certificate expired", "expired"),
    ("ovn-controller", "stream_ssl|SSL_connect: error:0A00010B:SSL routines::wrong version number", "no-tls"),
    ("ovn-controller", "stream_ssl|SSL_connect: error:0A000418:SSL routines::tlsv1 alert unknown ca", None),
])  # fmt: skip
def test_troubles_on_a_chassis_are_told_apart(source: str, text: str, variant: str | None, tmp_path: Path) -> None:
    assert one(told([Lines(source, text, 4)], tmp_path)).variant == variant


def test_a_crash_while_a_namespace_is_removed_names_it(tmp_path: Path) -> None:
    removal = Lines(
        "ovn-metadata-agent", "Cleaning up ovnmeta-{id} namespace which is not needed anymore", level="INFO"
    )
    crash = Lines(
        "ovn-metadata-agent", "Unhandled error: OSError: [Errno 22] failed to open netns", level="CRITICAL", start=1801
    )
    found = one(told([removal, crash], tmp_path))
    assert found.signature == "stale-namespace-name"
    assert any("the name in the line before" in str(reason) for reason in found.because)


@pytest.mark.parametrize(("text", "variant"), [
    ("Mnesia got {inconsistent_database, running_partitioned_network, 'rabbit@ctl2'}", "partitioned"),
    ("disk resource limit alarm set on node rabbit@ctl1.", "blocked"),
])  # fmt: skip
def test_the_brokers_troubles_are_told_apart(text: str, variant: str, tmp_path: Path) -> None:
    assert one(told([Lines("rabbit@ctl1", text)], tmp_path)).variant == variant


def test_an_effect_is_not_one_of_a_cause_of_long_ago(tmp_path: Path) -> None:
    stale = [Lines("dhcp-agent", "OSError: [Errno 22] failed to open netns", 5)]
    full = [Lines("ovs-agent", "adding tap1 to bridge br0 failed: Exchange full", 5, start=1800 + 3600)]
    near = {v.signature: v.caused_by for v in told(stale + full, tmp_path).verdicts}
    assert near == {"stale-namespace-name": None, "bridge-full": "stale-namespace-name"}
    full = [Lines("ovs-agent", "adding tap1 to bridge br0 failed: Exchange full", 5, start=1800 + 30 * 86400)]
    far = {v.signature: v.caused_by for v in told(stale + full, tmp_path).verdicts}
    assert far == {"stale-namespace-name": None, "bridge-full": None}


TROUBLE = [
    "watchdog: BUG: soft lockup - CPU#3 stuck for 23s! [handler7:812]",
    "INFO: task ip:812 blocked for more than 120 seconds.",
    "Out of memory: Killed process 812 (beam.smp)",
    "EXT4-fs error (device sda1): ext4_find_entry:1455",
    "NETDEV WATCHDOG: eth0 (ixgbe): transmit queue 4 timed out",
    "dnsmasq[812]: segfault at 0 ip 00007f sp 00007f error 4 in libc.so",
    "br0: received packet on vxlan7 with own address as source address",
]
FINE = [
    "IPv6: ADDRCONF(NETDEV_CHANGE): eth0: link becomes ready",
    "XFS (sda1): Mounting V5 Filesystem",
    "audit: type=1400",
]


@pytest.mark.parametrize("text", TROUBLE)
def test_bad_words_of_kernels_are_listed_though_no_signature_knows_them(text: str, tmp_path: Path) -> None:
    report = told([Lines("kernel", text)], tmp_path)
    assert report.verdicts == ()
    assert report.outcome is Outcome.FAILED
    assert any(r.level == "ERROR" and r.actor == "kernel" for r in report.repeats)


@pytest.mark.parametrize("text", FINE)
def test_a_kernels_good_words_are_not(text: str, tmp_path: Path) -> None:
    night = Night()
    Lines("kernel", text, 5).happen(night)
    report = read(night.write(tmp_path))
    assert (report.outcome, report.first_failure) == (Outcome.CALM, None)


def test_signatures_lead_to_signatures() -> None:
    known = {s.id for s in load().signatures}
    for signature in load().signatures:
        assert set(signature.leads_to) <= known - {signature.id}


def test_a_chain_of_causes_is_told_in_order(tmp_path: Path) -> None:
    sick = Lines("rabbit@ctl1", "Mnesia got {inconsistent_database, running_partitioned_network, 'rabbit@ctl2'}")
    late = Lines("dhcp-agent", "MessagingTimeout: Timed out waiting for a reply to message ID {id}", 9, start=1900)
    night = Night()
    sick.happen(night)
    late.happen(night)
    found = read(night.write(tmp_path)).verdicts
    assert [(v.signature, v.caused_by) for v in found] == [("broker-sick", None), ("rpc-timeouts", "broker-sick")]


def test_no_signature_advises_what_netmend_cannot_do() -> None:
    """Each `netmend VERB --option` in what to do is a verb with that option."""
    said = [text for s in load().signatures for text in (*s.do, *(t for v in s.variants for t in v.do))]
    advised = [match for text in said for match in re.finditer(r"netmend (\w+)((?: --[\w-]+(?: \w+)?)*)", text)]
    assert advised
    for match in advised:
        assert match[1] in VERBS, match[0]
        known = {name for parameter in Verb(match[1], "").load().params for name in parameter.opts}
        assert set(re.findall(r"--[\w-]+", match[2])) <= known, match[0]
    assert not any("--yes" in text for text in said)
