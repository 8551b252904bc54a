"""Sweeping up dead devices, beside the ways there are to ask the kernel for it.

python -m benchmarks sweep [--quick]
"""

import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.confined import confined
from benchmarks.record import Figure, Record, Sample, ratio_at_most

from netmend.kernel import links
from netmend.kernel.links import IFLA_GROUP, IFLA_NET_NS_FD, RTM_DELLINK, RTM_NEWLINK, VethEnd
from netmend.kernel.netlink import NLM_F_ACK, NLM_F_REQUEST, RouteSocket, u32
from netmend.kernel.netns import Netns
from netmend.kernel.tap import Tap

TITLE = "Sweep: dead devices deleted"
FLOOR = "the bare kernel: all moved into a device group, which is deleted by one message; nothing looked at or recorded"
IP_BATCH = "ip -batch, of which a part is run among as many devices and scaled"
_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_GROUP = 4_711
_AT_ONCE = 64  # messages in one send, whose answers fit into the receive buffer


def _message(kind: int, body: bytes) -> bytes:
    return _HEADER.pack(16 + len(body), kind, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body


def _send(route: socket.socket, messages: Sequence[bytes]) -> None:
    for start in range(0, len(messages), _AT_ONCE):
        part = messages[start : start + _AT_ONCE]
        route.send(b"".join(part))
        answered = 0
        while answered < len(part):
            data = route.recv(65_536)
            position = 0
            while position < len(data):
                length = struct.unpack_from("=I", data, position)[0]
                code = struct.unpack_from("=i", data, position + 16)[0]
                if code:
                    raise OSError(-code, os.strerror(-code))
                position += (length + 3) & ~3
                answered += 1


def make(kind: str, count: int) -> list[int]:
    """`count` dead taps, or veth pairs with both ends here and down; returns the indexes of the taps or near ends."""
    if kind == "taps":
        for number in range(count):
            with Tap(f"tap{number:08x}-00") as tap:
                tap.persist()
    else:
        with RouteSocket() as route, Netns.current() as here:
            for number in range(count):
                ends = [VethEnd(f"{which}{number:08x}-00", 1500, 0) for which in ("tap", "ns-")]
                near = links.create_veth(route, ends[0], ends[1], here)
                links.set_link(route, near, up=False)
    with RouteSocket() as route:
        return [link.index for link in links.dump_links(route) if link.name.startswith("tap")]


def _moved_into(group: int, indexes: Sequence[int]) -> list[bytes]:
    return [_message(RTM_NEWLINK, _LINK.pack(0, 0, index, 0, 0) + u32(IFLA_GROUP, group)) for index in indexes]


def floor(kind: str, count: int) -> float:
    """Seconds for all, by one message that deletes a group."""
    indexes = make(kind, count)
    moves = _moved_into(_GROUP, indexes)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as route:
        start = time.perf_counter()
        _send(route, moves)
        _send(route, [_message(RTM_DELLINK, _LINK.pack(0, 0, 0, 0, 0) + u32(IFLA_GROUP, _GROUP))])
        took = time.perf_counter() - start
    _nothing_left()
    return took


def ours(kind: str, count: int) -> dict[str, float]:
    """Seconds of `netmend sweep --yes` for all: of the whole process, and of its deleting (with looks and journal)."""
    make(kind, count)
    command = [sys.executable, "-m", "netmend.cli", "sweep", "--kind", "neutron", "--min-age", "1"]
    command += ["--assume-all-seen", "--state-dir", "/run/state", "--json"]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # the first look; exit code 0 or 3
    time.sleep(1)
    start = time.perf_counter()
    done = subprocess.run([*command, "--yes"], check=True, capture_output=True, text=True)
    took = time.perf_counter() - start
    _nothing_left()
    return {"process": took, "deleting": json.loads(done.stdout)["seconds"]}


def _nothing_left() -> None:
    with RouteSocket() as route:
        left = [link.name for link in links.dump_links(route) if link.name != "lo"]
    assert not left, left[:5]


def other_ways(kind: str, count: int, part: int) -> dict[str, float]:
    """Seconds a device, of `part` devices among `count`, for each of the other ways."""
    indexes = make(kind, count)
    taken = iter(range(len(indexes)))

    def some() -> list[int]:
        return [indexes[next(taken)] for _ in range(part)]

    def timed(start: float) -> float:
        return (time.perf_counter() - start) / part

    found: dict[str, float] = {}
    with RouteSocket() as names:
        name_of = {link.index: link.name for link in links.dump_links(names)}
    chosen = some()
    start = time.perf_counter()
    for index in chosen:
        subprocess.run(["ip", "link", "del", name_of[index]], check=True)
    found["ip link del, one by one"] = timed(start)
    text = "".join(f"link del {name_of[index]}\n" for index in some())
    start = time.perf_counter()
    subprocess.run(["ip", "-batch", "-"], input=text, text=True, check=True)
    found["ip -batch"] = timed(start)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as route:
        messages = [_message(RTM_DELLINK, _LINK.pack(0, 0, index, 0, 0)) for index in some()]
        start = time.perf_counter()
        for message in messages:
            _send(route, [message])
        found["RTM_DELLINK, one a send"] = timed(start)
        messages = [_message(RTM_DELLINK, _LINK.pack(0, 0, index, 0, 0)) for index in some()]
        start = time.perf_counter()
        _send(route, messages)
        found[f"RTM_DELLINK, {min(part, _AT_ONCE)} a send"] = timed(start)
        with Netns.create("thrown away") as away:
            pass
        with away:
            to = u32(IFLA_NET_NS_FD, away.fileno())
            messages = [_message(RTM_NEWLINK, _LINK.pack(0, 0, index, 0, 0) + to) for index in some()]
            start = time.perf_counter()
            _send(route, messages)
            found["moving into a namespace to be thrown away"] = timed(start)
    return found


def batches(kind: str, count: int, size: int) -> dict[str, float]:
    """Seconds for all in groups of `size`, and the longest that one message took (rtnl is held for most of it)."""
    indexes = make(kind, count)
    longest = 0.0
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as route:
        start = time.perf_counter()
        for first in range(0, count, size):
            _send(route, _moved_into(_GROUP, indexes[first : first + size]))
            begun = time.perf_counter()
            _send(route, [_message(RTM_DELLINK, _LINK.pack(0, 0, 0, 0, 0) + u32(IFLA_GROUP, _GROUP))])
            longest = max(longest, time.perf_counter() - begun)
        took = time.perf_counter() - start
    return {"all": took, "longest": longest}


def thrown_away(kind: str, count: int) -> float:
    """Seconds until a namespace that was made with all devices in it has been taken apart: one device of a pair stays
    outside to tell."""
    with RouteSocket() as outside:
        with Netns.create("thrown away") as away:
            make(kind, count)
        links.create_veth(outside, VethEnd("tell", 1500, 0), VethEnd("far", 1500, 0), away)
        start = time.perf_counter()
        away.close()
        while links.find_link(outside, "tell") is not None:
            time.sleep(0.005)
        return time.perf_counter() - start


def measure(*, quick: bool) -> Record:
    count, part, rounds = (1_000, 10, 1) if quick else (10_000, 100, 3)
    record = Record(f"{TITLE}: {count:,} taps, and {count:,} veth pairs")
    for kind in ("taps", "veth pairs"):
        found: list[dict[str, Any]] = []
        for _ in range(rounds):
            run: dict[str, Any] = {"floor": confined(floor, kind, count)}
            run |= confined(ours, kind, count)
            run["ways"] = confined(other_ways, kind, count, part)
            found.append(run)
        deleting = Sample.of([run["deleting"] for run in found])
        bottom = Sample.of([run["floor"] for run in found])
        by_batch = Sample.of([run["ways"]["ip -batch"] * count for run in found])
        record.figures += [
            Figure(f"{kind}: looks, journal and deletion", "s", deleting, bottom, FLOOR, ratio_at_most(1.1)),
            Figure(
                f"{kind}: the whole command",
                "s",
                Sample.of([run["process"] for run in found]),
                by_batch,
                IP_BATCH,
                ratio_at_most(0.2),
            ),
        ]
        for way in found[0]["ways"]:
            runs = [run["ways"][way] * 1000 for run in found]
            record.figures.append(Figure(f"{kind}: {way}, each", "ms", Sample.of(runs)))
        destroyed = confined(thrown_away, kind, count)
        record.figures.append(Figure(f"{kind}: a namespace with all of them destroyed", "s", Sample.of([destroyed])))
        for size in (250, 500, 1_000, 2_000, count):
            if size <= count:
                run = confined(batches, kind, count, size)
                note = f"{kind} in groups of {size:,}: {run['all']:.2f} s, one message at most {run['longest']:.3f} s"
                record.notes.append(note)
        record.details[kind] = found
    return record
