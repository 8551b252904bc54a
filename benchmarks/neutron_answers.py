"""From `POST /ports` to the first DHCP offer for that port."""

import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from threading import Thread
from typing import Any

from tests.neutron.cloud import Cloud, Resource, call
from tests.neutron.guests import Guest
from tests.waiting import wait_for

from netmend.kernel.netns import Netns


def discover(source: bytes, mac: bytes) -> bytes:
    """A DHCPDISCOVER of client `mac`, with the broadcast flag; the frame is from `source`, as the switch wants it."""
    xid = int.from_bytes(mac[2:], "big")
    bootp = struct.pack("!4BIHH16x6s10x192x4s", 1, 1, 6, 0, xid, 0, 0x8000, mac, b"\x63\x82\x53\x63")
    payload = bootp + bytes((53, 1, 1, 255))
    udp = struct.pack("!4H", 68, 67, 8 + len(payload), 0)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    words = sum(struct.unpack("!10H", header))
    words = (words & 0xFFFF) + (words >> 16)
    header = header[:10] + struct.pack("!H", ~words & 0xFFFF) + header[12:]
    return b"\xff" * 6 + source + b"\x08\x00" + header + udp + payload


class Prober:
    """Asks, from a guest's device, for ports that come to be, and notes when each is first offered an address."""

    def __init__(self, guest: Guest) -> None:
        with Netns.open(f"/run/netns/{guest.name}") as namespace, namespace.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self._socket.bind((guest.device, 0x0800))
        self._socket.settimeout(0.005)
        self._source = bytes.fromhex(guest.port["mac_address"].replace(":", ""))
        self._wanted: dict[bytes, bytes] = {}
        self.offered: dict[bytes, float] = {}
        self._ended = False
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def want(self, mac: str) -> bytes:
        packed = bytes.fromhex(mac.replace(":", ""))
        self._wanted[packed] = discover(self._source, packed)
        return packed

    def _run(self) -> None:
        asked = 0.0
        while not self._ended:
            if time.monotonic() - asked >= 0.01:
                asked = time.monotonic()
                for mac, frame in list(self._wanted.items()):
                    if mac not in self.offered:
                        self._socket.send(frame)
            try:
                frame = self._socket.recv(2048)
            except TimeoutError:
                continue
            if frame[23:24] == b"\x11" and frame[36:38] == b"\x00\x44" and len(frame) > 76:
                mac = frame[70:76]
                if mac in self._wanted:
                    self.offered.setdefault(mac, time.monotonic())

    def close(self) -> None:
        self._ended = True
        self._thread.join()
        self._socket.close()


@contextmanager
def prober(cloud: Cloud, network: Resource) -> Iterator[Prober]:
    port = cloud.port(network)
    with Guest(port) as guest:
        cloud.wait_until_active(port, seconds=60)
        wait_for(lambda: guest.dhcp(tries=3), "the probe's own lease", seconds=60)
        made = Prober(guest)
        try:
            yield made
        finally:
            made.close()


def measure_answers(cloud: Cloud, network: Resource, *, alone: int, together: int) -> dict[str, Any]:
    with prober(cloud, network) as probe:
        singles, api, later = [], [], []
        for number in range(alone):
            mac = f"fa:16:3e:a0:{os.getpid() & 0xFF:02x}:{number:02x}"
            packed, began = probe.want(mac), time.monotonic()
            port = call("POST", "ports", {"port": {"network_id": network["id"], "mac_address": mac}})["port"]
            api.append(time.monotonic() - began)
            wait_for(partial(probe.offered.get, packed), "an offer", seconds=120, every=0.002)
            singles.append(probe.offered[packed] - began)
            later.append(max(0.0, singles[-1] - api[-1]))
            call("DELETE", f"ports/{port['id']}")
        macs = [f"fa:16:3e:b0:{os.getpid() & 0xFF:02x}:{number:02x}" for number in range(together)]
        wanted, began = [probe.want(mac) for mac in macs], time.monotonic()
        body = [{"network_id": network["id"], "mac_address": mac} for mac in macs]
        ports = call("POST", "ports", {"ports": body})["ports"]
        answered = time.monotonic()
        wait_for(lambda: all(mac in probe.offered for mac in wanted), "all offers", seconds=300, every=0.01)
        crowd = [max(0.0, probe.offered[mac] - answered) for mac in wanted]
        for port in ports:
            call("DELETE", f"ports/{port['id']}")
    return {
        "answer_alone_s": median(singles),
        "answer_alone_api_s": median(api),
        "answer_alone_after_api_s": median(later),
        "answer_last_of_crowd_s": max(crowd),
        "api_for_crowd_s": answered - began,
    }
