"""Guests that ask all the time: for their addresses, for names, for metadata, and whether their DHCP port is there.

python -m tests.engine.image.asking SECONDS INTERVAL FILE

On the engine's host, as root. FILE has the guests, a JSON list of objects: `inside` (name of a guest's namespace),
`mac`, `address`, `server`, `name` (which is to be that address), `network` (id). Each asks the four questions again as
soon as INTERVAL seconds have passed since the answer. It prints JSON: by service, how many were `asked`; of these, how
many were answered only after they had been asked `again`; how many stayed without an answer within a client's own
patience (`lost`); and the `longest` time to an answer, in seconds.
"""

import errno
import heapq
import json
import secrets
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.message
from benchmarks.guests import dhcp_frame

from netmend.kernel.netns import Netns

_BINDTODEVICE = 25
_FRAME = 14 + 20 + 8  # headers before the message
PATIENCE = {
    "dhcp": (4.0, 8.0, 16.0, 32.0),  # RFC 2131 section 4.1
    "dns": (5.0, 5.0),  # resolv.conf(5): timeout:5, attempts:2
    "metadata": (10.0,) * 5,  # a second lies between two tries, as in cloud-init (url_helper.wait_for_url)
    "ping": (1.0,),
}
AGAIN_AFTER = 1.0  # seconds, where a connection was refused


@dataclass
class Count:
    """What came of the questions to one service."""

    asked: int = 0
    again: int = 0
    lost: int = 0
    longest: float = 0.0
    why: dict[str, int] = field(default_factory=dict)


class Asker:
    """One guest that asks one service. Subclasses say what a question is, and whether something is its answer."""

    service = ""
    events = selectors.EVENT_READ

    def __init__(self, guest: dict[str, Any], count: Count, selector: selectors.BaseSelector) -> None:
        self.guest, self.count, self.selector = guest, count, selector
        self.number, self.attempt, self.since, self.due = 0, 0, 0.0, 0.0
        self.socket: socket.socket | None = None

    def open(self) -> socket.socket:
        raise NotImplementedError

    def send(self) -> None:
        """Ask. Raises OSError when the question is refused."""
        raise NotImplementedError

    def answered(self) -> bool:
        """Whether what has come is the answer; False: go on waiting. Raises OSError when the question is refused."""
        raise NotImplementedError

    def act(self, now: float) -> None:
        """The time has come: ask, or ask again, or give up."""
        if self.events != selectors.EVENT_READ:
            self.close()  # a connection that has not been answered in time
        if self.since and self.attempt >= len(PATIENCE[self.service]):
            self._end(now, lost=True)
            return
        if not self.since:
            self.since, self.attempt = now, 0
            self.count.asked += 1
        self.due = now + PATIENCE[self.service][self.attempt]
        self.attempt += 1
        self._try(self._open_and_send, now)

    def hear(self, now: float) -> None:
        if self._try(self.answered, now) and self.since:
            self._end(now)

    def _open_and_send(self) -> bool:
        if self.socket is None:
            with Netns.open(f"/run/netns/{self.guest['inside']}") as namespace, namespace.entered():
                self.socket = self.open()
            self.socket.setblocking(False)
            self.selector.register(self.socket, self.events, self)
        self.send()
        return False

    def _try(self, what: Callable[[], bool], now: float) -> bool:
        try:
            return what()
        except BlockingIOError:
            return False
        except OSError as error:
            name = str(error.strerror) if error.errno == errno.EPROTO else errno.errorcode.get(error.errno or 0, "")
            self.count.why[name] = self.count.why.get(name, 0) + 1
            self.refused(now)
            return False

    def refused(self, now: float) -> None:
        """A resolver asks again at once (glibc, resolv/res_send.c)."""
        self.due = now

    def _end(self, now: float, *, lost: bool = False) -> None:
        self.count.lost += lost
        self.count.again += self.attempt > 1 and not lost
        self.count.longest = max(self.count.longest, now - self.since)
        self.since, self.due = 0.0, now + INTERVAL
        self.over()

    def over(self) -> None:
        """The question has been answered, or given up."""

    def close(self) -> None:
        if self.socket is not None:
            self.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None


class AskDhcp(Asker):
    """DISCOVER, OFFER, REQUEST, ACK."""

    service = "dhcp"

    def open(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        made.setsockopt(socket.SOL_SOCKET, _BINDTODEVICE, b"eth0\0")
        made.bind(("0.0.0.0", 68))
        return made

    def send(self) -> None:
        self.xid, self.wanted = secrets.randbits(32), 2
        self._say(1, b"")

    def _say(self, kind: int, options: bytes) -> None:
        assert self.socket is not None
        self.socket.sendto(dhcp_frame(self.guest["mac"], self.xid, kind, options)[_FRAME:], ("255.255.255.255", 67))

    def answered(self) -> bool:
        assert self.socket is not None
        said = self.socket.recv(4096)
        if struct.unpack_from("!I", said, 4)[0] != self.xid or said[240:243] != bytes((53, 1, self.wanted)):
            return False
        assert socket.inet_ntoa(said[16:20]) == self.guest["address"], said
        if self.wanted == 5:
            return True
        self.wanted = 5
        server = socket.inet_aton(self.guest["server"])
        self._say(3, bytes((54, 4)) + server + bytes((50, 4)) + said[16:20])
        return False


class AskDns(Asker):
    service = "dns"

    def open(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.connect((self.guest["server"], 53))
        return made

    def send(self) -> None:
        assert self.socket is not None
        query = dns.message.make_query(self.guest["name"], "A")
        self.id = query.id
        self.socket.send(query.to_wire())

    def answered(self) -> bool:
        assert self.socket is not None
        said = dns.message.from_wire(self.socket.recv(4096))
        if said.id != self.id:
            return False
        found = [str(one) for one in said.answer[0]] if said.answer else []
        assert found == [self.guest["address"]], said
        return True


class AskMetadata(Asker):
    """A connection each time, as a guest's first question is."""

    service = "metadata"
    events = selectors.EVENT_READ | selectors.EVENT_WRITE

    def open(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        made.connect_ex(("169.254.169.254", 80))
        return made

    def send(self) -> None:
        self.said, self.connected = b"", False

    def answered(self) -> bool:
        assert self.socket is not None
        if not self.connected:
            if code := self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(code, "connect")
            self.connected = True
            self.selector.modify(self.socket, selectors.EVENT_READ, self)
            self.socket.send(b"GET /openstack/latest/meta_data.json HTTP/1.0\r\nHost: 169.254.169.254\r\n\r\n")
            return False
        more = self.socket.recv(65536)
        self.said += more
        if more:
            return False
        status, _, body = self.said.partition(b"\r\n\r\n")
        if b" 200 " not in status.split(b"\r\n")[0] + b" ":
            raise ConnectionResetError(errno.EPROTO, status[:60].decode(errors="replace") or "closed")
        assert body.decode() == f"{self.guest['network']} {self.guest['address']}", self.said
        return True

    def refused(self, now: float) -> None:
        self.close()
        self.due = now + AGAIN_AFTER

    def over(self) -> None:
        self.close()


class AskPing(Asker):
    service = "ping"

    def open(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        made.connect((self.guest["server"], 0))
        return made

    def send(self) -> None:
        assert self.socket is not None
        self.token = secrets.token_bytes(8)
        message = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + self.token
        total = sum(struct.unpack(f"!{len(message) // 2}H", message))
        total = (total & 0xFFFF) + (total >> 16)
        checksum = ~(total + (total >> 16)) & 0xFFFF
        self.socket.send(message[:2] + struct.pack("!H", checksum) + message[4:])

    def answered(self) -> bool:
        assert self.socket is not None
        said = self.socket.recv(4096)
        return said[20] == 0 and said.endswith(self.token)


def run(guests: list[dict[str, Any]], seconds: float) -> dict[str, Count]:
    """Ask for so many seconds; then nothing new, and what is under way is waited for."""
    selector = selectors.DefaultSelector()
    counts = {service: Count() for service in PATIENCE}
    kinds: tuple[type[Asker], ...] = (AskDhcp, AskDns, AskMetadata, AskPing)
    askers = [kind(guest, counts[kind.service], selector) for guest in guests for kind in kinds]
    start = time.monotonic()
    queue: list[tuple[float, int]] = []

    def wait(number: int) -> None:
        heapq.heappush(queue, (askers[number].due, number))

    for number, asker in enumerate(askers):
        asker.number, asker.due = number, start + INTERVAL * number / len(askers)
        wait(number)
    while queue:
        due, number = heapq.heappop(queue)
        asker = askers[number]
        if due != asker.due or (not asker.since and due >= start + seconds):
            continue  # it has another time by now, or is done
        while (now := time.monotonic()) < due:
            for key, _ in selector.select(due - now):
                heard: Asker = key.data
                before = heard.due
                heard.hear(time.monotonic())
                if heard.due != before:
                    wait(heard.number)
            if queue and queue[0][0] < due:
                break
        if due != asker.due:
            continue
        if (now := time.monotonic()) < due:
            wait(number)  # another one is due before it
            continue
        asker.act(now)
        wait(number)
    return counts


INTERVAL = float(sys.argv[2]) if __name__ == "__main__" else 1.0
if __name__ == "__main__":
    counts = run(json.loads(Path(sys.argv[3]).read_text()), float(sys.argv[1]))
    print(json.dumps({name: vars(count) for name, count in counts.items()}))
