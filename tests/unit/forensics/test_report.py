"""The whole reading: repeats, leak, first failure, any bytes, any order of files, packed files, bounded memory."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import json
import lzma
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.unit.forensics.logs import Night, docker_json, export, logfmt, oslo, plug_trace, short, some_id, tap, vlog
from tests.unit.forensics.test_signatures import EINVAL, leaking_agent, switch_overloaded

from netmend.forensics import gathered as gathered_module
from netmend.forensics.framing import LONGEST_LINE
from netmend.forensics.gathered import Gathered, Names, Occurrences, Repeats, Tally
from netmend.forensics.page import render
from netmend.forensics.reading import ZSTD, UnreadableLog, no_log, not_lines
from netmend.forensics.report import Report, read
from netmend.forensics.report_json import to_json
from netmend.forensics.templates import coarser, fingerprint, template


def without_files(report: Report) -> dict[str, object]:
    shape = to_json(report)
    shape.pop("files")
    return shape


def test_ten_thousand_tracebacks_are_one_line_with_count_and_rate(tmp_path: Path) -> None:
    night = Night()
    for i in range(10_000):
        now = i * 0.3
        night.record(now, "dhcp-agent", "ERROR", f"Unable to enable dhcp for {some_id(i)}.: {EINVAL}")
        night.add("dhcp-agent", plug_trace(now, "dhcp-agent", EINVAL))
    report = read(night.write(tmp_path))
    assert len(report.repeats) == 1
    repeat = report.repeats[0]
    assert repeat.message == f"Unable to enable dhcp for <uuid>.: {EINVAL}"
    assert (repeat.count, repeat.level, repeat.actor) == (10_000, "ERROR", "dhcp-agent")
    assert repeat.per_minute == pytest.approx(200, rel=0.01)
    assert report.first_failure is not None
    assert report.first_failure.message.startswith(f"Unable to enable dhcp for {some_id(0)}")


def test_error_numbers_keep_messages_apart(tmp_path: Path) -> None:
    night = Night()
    for i, number in enumerate([22, 2, 22, 13, 22]):
        night.record(i, "dhcp-agent", "ERROR", f"Unable to enable dhcp for {some_id(i)}.: OSError: [Errno {number}] no")
    counts = {r.message[-15:]: r.count for r in read(night.write(tmp_path)).repeats}
    assert counts == {": [Errno 22] no": 3, "r: [Errno 2] no": 1, ": [Errno 13] no": 1}


def test_leak_is_measured_from_creations_and_deletions(tmp_path: Path) -> None:
    night = Night()
    for i in range(100):
        night.add(
            "ovs-vswitchd", vlog(i * 6, i, "bridge", "INFO", f"bridge br-int: added interface {tap(i)} on port {i}")
        )
        # The kernel and the agent speak of the same devices: they are not counted twice.
        night.add("kern", short(i * 6, "kernel", f"device {tap(i)} entered promiscuous mode"))
        night.record(
            i * 6,
            "dhcp-agent",
            "DEBUG",
            f"Running txn n=1 command(idx=0): AddPortCommand(bridge=br-int, port={tap(i)}, may_exist=True)",
        )
        night.record(
            i * 6,
            "dhcp-agent",
            "DEBUG",
            f"DHCP port dhcp1-{some_id(7)} on network {some_id(i % 2)} does not yet exist. Creating new one.",
        )
    for i in range(40):
        night.add(
            "ovs-vswitchd", vlog(700, i, "bridge", "INFO", f"bridge br-int: deleted interface {tap(i)} on port {i}")
        )
    leak = read(night.write(tmp_path)).leak
    assert (leak.created, leak.deleted, leak.remaining, leak.ports_asked) == (100, 40, 60, 100)
    assert leak.per_minute == pytest.approx(10, rel=0.02)
    assert leak.leaking
    assert {n.network: n.ports_asked for n in leak.networks} == {some_id(0): 50, some_id(1): 50}
    assert leak.curve[-1][1] == 60


def test_healthy_devices_are_no_leak(tmp_path: Path) -> None:
    leak = read(Night().healthy().write(tmp_path)).leak
    assert leak.created > 0
    assert not leak.leaking


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [(".1", bytes), (".2.gz", gzip.compress), (".3.bz2", bz2.compress), (".4.xz", lzma.compress)],
)
def test_packed_and_rotated_files(suffix: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    night = Night().healthy()
    leaking_agent(night)
    plain = without_files(read(night.write(tmp_path)))
    path = tmp_path / "neutron-dhcp-agent.log"
    packed = path.with_name(path.name + suffix)
    packed.write_bytes(pack(path.read_bytes()))
    path.unlink()
    again = without_files(read([str(tmp_path)]))
    assert json.dumps(again).replace(packed.name, path.name) == json.dumps(plain)


def test_a_damaged_archive_is_read_up_to_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "neutron-dhcp-agent.log.gz"
    night = Night()
    for i in range(5000):
        night.record(i, "dhcp-agent", "ERROR", f"bad {random.Random(i).random()}")
    path.write_bytes(gzip.compress("\n".join(night.lines["dhcp-agent"]).encode())[:-3000])
    report = read([str(path)])
    assert 0 < report.files[0].lines < 5000
    assert "ends before its end" in report.files[0].notes[0]


def test_missing_and_empty(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLog, match="no-such"):
        read([str(tmp_path / "no-such.log")])
    with pytest.raises(UnreadableLog, match="holds no file"):
        read([str(tmp_path)])
    (tmp_path / "empty.log").touch()
    report = read([str(tmp_path)])
    assert (report.verdicts, report.first_failure, report.files[0].lines) == ((), None, 0)
    (tmp_path / "some.zst").write_bytes(b"\x28\xb5\x2f\xfd" + b"x" * 50)
    try:
        read([str(tmp_path)])
    except UnreadableLog as error:
        assert "zstd" in str(error)


def test_unknown_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "neutron-dhcp-agent.log"
    path.write_text(oslo(0, "dhcp-agent", "ERROR", "bad") + "\nwho knows\n  File x\nwho else\n")
    facts = read([str(path)]).files[0]
    assert (facts.lines, facts.unknown, facts.formats) == (4, 2, {"oslo.log": 1})


def test_nodes_are_told_apart_by_directory(tmp_path: Path) -> None:
    for node in ("node1", "node2"):
        (tmp_path / node).mkdir()
        night = Night()
        night.record(1, "dhcp-agent", "ERROR", f"bad {node}")
        night.write(tmp_path / node)
    assert {r.actor for r in read([str(tmp_path)]).repeats} == {"dhcp-agent@node1", "dhcp-agent@node2"}


MIXED = [
    oslo(1, "dhcp-agent", "ERROR", f"Unable to enable dhcp for {some_id(1)}.: {EINVAL}"),
    plug_trace(1, "dhcp-agent", EINVAL),
    vlog(2, 1, "bridge", "INFO", f"bridge br-int: added interface {tap(1)} on port 7"),
    logfmt(3, "error", "adding interface veth0a1b to bridge docker0 failed: exchange full"),
    docker_json(4, oslo(4, "l3-agent", "ERROR", "no")),
    short(5, "kernel", "[   1.000000] device tap0a1b2c3d-4e entered promiscuous mode"),
    export(6, "dockerd", "a\nb").decode("latin-1"),
    "2026-11-23T16:10:00.190123456Z stderr P 2026-11-23 16:10:00.186 7 ERROR neutron.agent.dhcp.agent [-] cut",
    '<11>1 2026-11-23T16:10:00.003Z node1 app 7 ID [x@1 a="b"] said',
    "E1123 16:10:00.186123   7 main.go:14] bad",
    "[pod/a/b] 2026-11-23T16:10:00Z Fri 2026-11-20 03:00:14 CST node1 x[9]: said",
    "=ERROR REPORT==== 23-Nov-2026::16:10:00 ===\nclosing it\n",
    '{\n\t"__REALTIME_TIMESTAMP" : "1795450200000000",\n\t"MESSAGE" : [98, 97]\n}',
    '{"status":"success","data":{"result":[{"stream":{},"values":[["1795450200000000000","bad"]]}]}}',
    "Mon 2026-11-23 16:10:00 UTC [s=0639;i=4f;b=88a8]\n    PRIORITY=3\n    MESSAGE=bad",
    "2m3s  Warning  Failed  pod/x  it failed",
    '{"event": "device created", "device": "tap0a1b2c3d-4e", "network": "n", "timestamp": "2026-11-23T16:10:07Z"}',
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Real lines with pieces cut out, put in and doubled, among any bytes."""
    pieces = []
    for _ in range(draw(st.integers(0, 12))):
        line = draw(st.sampled_from(MIXED)).encode("latin-1")
        cut, length = draw(st.integers(0, len(line))), draw(st.integers(0, 20))
        pieces.append(line[:cut] + draw(st.binary(max_size=8)) + line[cut + length :])
        pieces.append(draw(st.sampled_from([b"\n", b"\n\n", b"\r\n", b"", b"\0"])))
        pieces.append(draw(st.binary(max_size=30)))
    return b"".join(pieces)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(damaged(), st.binary(max_size=400)))
def test_any_bytes_are_read(data: bytes, tmp_path: Path) -> None:
    assume(not (data.startswith(ZSTD) or not_lines(data) or no_log(data, "x")))  # left out with a sentence
    path = tmp_path / "x.log"
    path.write_bytes(data)
    report = read([str(path)])
    json.dumps(to_json(report))
    assert render(report).startswith("<!doctype html>")
    assert report.files[0].size == len(data) or report.files[0].notes


@pytest.mark.parametrize(
    "text", ["9999-12-31 23:59:59.999 7 ERROR a.b [-] x", "0001-01-01 00:00:00.000 7 ERROR a.b [-] x"]
)
def test_stamps_at_the_ends_of_time(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(text + "\n")
    report = read([str(path)], zones=["*=-12:00"])
    assert json.dumps(to_json(report))
    assert render(report)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), small=st.booleans())
def test_the_order_of_files_does_not_matter(
    seed: int, small: bool, tmp_path: Path, choose_caps: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when nothing fits and all collections become coarser."""
    choose_caps(small)
    night = Night().healthy(600)
    leaking_agent(night)
    switch_overloaded(night)
    rng = random.Random(seed)
    shares: list[list[str]] = [[] for _ in range(4)]
    for service in night.lines.values():
        for line in "\n".join(service).split("\n"):
            rng.choice(shares).append(line)
    paths = [str(tmp_path / f"{name}.log") for name in "abcd"]
    for path, share in zip(paths, shares, strict=True):
        Path(path).write_text("\n".join(share) + "\n")
    results = []
    for order in (paths, rng.sample(paths, 4)):
        # Paths are read in the order of their names, whatever the order of arguments: hand over another.
        monkeypatch.setattr("netmend.forensics.reading.expand", lambda _, order=order: order)
        results.append(without_files(read(paths)))
    assert results[0] == results[1]


@pytest.fixture
def choose_caps(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    original = Gathered.__init__

    def narrow(self: Gathered) -> None:
        original(self)
        self.repeats, self.chatter, self.occurrences = Repeats(8), Repeats(8), Occurrences(20)
        self.devices.cap = self.ports.cap = self.keyed.cap = 4

    def choose(small: bool) -> None:
        monkeypatch.setattr(gathered_module.Gathered, "__init__", narrow if small else original)

    return choose


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 10**9), st.integers(1, 5)), max_size=200), st.randoms()
)
def test_occurrences_stay_bounded_and_do_not_depend_on_order(
    items: list[tuple[str, int, int]], rng: random.Random
) -> None:
    kept = []
    for _ in range(2):
        held = Occurrences(cap=10)
        for event, when, count in items:
            for _ in range(count):
                held.add(event, "actor", float(when), f"text {when}", "file")
        assert len(held.buckets) <= 10
        assert sum(t.count for t in held.buckets.values()) == sum(c for _, _, c in items)
        kept.append((held.width, {k: dataclasses.astuple(t) for k, t in held.buckets.items()}))
        rng.shuffle(items)
    assert kept[0] == kept[1]


@given(st.lists(st.text("ab <>", max_size=30), max_size=120), st.randoms())
def test_repeats_stay_bounded_and_do_not_depend_on_order(texts: list[str], rng: random.Random) -> None:
    kept = []
    for _ in range(2):
        held = Repeats(cap=6)
        for text in texts:
            held.add("ERROR", "actor", text, Tally(1, 1.0, 1.0, text, "file"))
        assert len(held.tallies) <= 6
        assert sum(t.count for t in held.tallies.values()) == len(texts)
        kept.append({k: dataclasses.astuple(t) for k, t in held.tallies.items()})
        rng.shuffle(texts)
    assert kept[0] == kept[1]


def test_chatter_does_not_blur_errors() -> None:
    held = Gathered()
    held.chatter.cap = 5
    held.repeated("ERROR", "a", "one two three four", Tally(1, 1.0, 1.0, "x", "f"))
    for i in range(50):
        held.repeated("INFO", "a", f"{chr(65 + i)} two three four", Tally(1, 1.0, 1.0, "x", "f"))
    assert list(held.repeats.tallies) == [("ERROR", "a", "one two three four")]
    assert len(held.chatter.tallies) <= 5


@given(st.sets(st.text(max_size=8), max_size=300))
def test_names_are_a_bounded_sample_that_depends_on_names_alone(names: set[str]) -> None:
    kept = []
    for order in (sorted(names), sorted(names, reverse=True)):
        held: Names[int] = Names(16)
        for name in order:
            if held.wants(name):
                held.put(name, 1)
        assert len(held.kept) <= 16
        kept.append((held.scale, set(held.kept)))
    assert kept[0] == kept[1]


@given(st.binary(max_size=60), st.binary(max_size=20), st.binary(max_size=60))
def test_a_texts_fingerprint_is_in_the_fingerprint_of_each_line_that_holds_it(a: bytes, text: bytes, b: bytes) -> None:
    assert fingerprint(text) in fingerprint(a + text + b)


@given(st.text(max_size=80), st.integers(0, 6), st.integers(0, 6))
def test_coarser_twice_is_coarser_once(text: str, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert coarser(coarser(text, low), high) == coarser(text, high)


def test_templates() -> None:
    assert template(f"Port {some_id(1)} on {tap(2)} with fa:16:3e:00:11:22, 10.0.0.7/24 and 0x2f") == (
        "Port <uuid> on <device> with <mac>, <ip> and <hex>"
    )
    assert template(f"Ports ['{some_id(1)}', '{some_id(2)}', '{some_id(3)}'] removed") == "Ports ['<uuid>', …] removed"
    assert template("NetlinkError: (22, 'Invalid argument') after 17 tries") == (
        "NetlinkError: (22, 'Invalid argument') after <n> tries"
    )


def test_a_program_that_renames_itself_is_one_source_after_a_while(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    lines = [
        {"event": "bad", "level": "error", "timestamp": "2026-11-23T16:10:00Z", "agent": f"agent{chr(0x4E00 + i)}"}
        for i in range(400)
    ]
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n")
    assert len({r.actor for r in read([str(path)]).repeats}) <= 201


def test_memory_is_bounded(
    tmp_path: Path, choose_caps: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times the input, each line different, beside a file without line ends: no more memory at the peak."""
    choose_caps(True)
    monkeypatch.setattr("netmend.forensics.scan.ENTRIES", 500)
    monkeypatch.setattr("netmend.forensics.reading.BLOCK", 1 << 16)
    rng = random.Random(4)
    read([])

    def peak(lines: int) -> int:
        path = tmp_path / "neutron-dhcp-agent.log"
        with path.open("w") as out:
            for i in range(lines):
                words = "".join(rng.choices("ghijklmnopqrstuvwxyz ", k=40))
                out.write(oslo(i / 10, "dhcp-agent", "ERROR", f"{words} {some_id(i)} {tap(i)}") + "\n")
        (tmp_path / "one-line").write_bytes(b"x" * (LONGEST_LINE * 4))
        tracemalloc.start()
        read([str(tmp_path)])
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(20_000) < peak(5_000) * 1.3
