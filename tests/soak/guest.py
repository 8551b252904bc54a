"""Guests of a network that is churned: one with a port of its own, and strangers by the dozen, in one namespace.

They speak in the test's own process: a client program for each exchange would measure how fast programs start.
"""

import http.client
import random
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import dns.message
import dns.rdatatype
from benchmarks.guests import dhcp_frame, offer_in

from netmend.kernel import addresses, links
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.routes import add_route

_DISCOVER, _REQUEST, _RELEASE = 1, 3, 7
_PATIENCE = 1.0  # seconds; what a killed node does not answer is no failure
_METADATA = "169.254.169.254"


class Guest:
    """The guest in `namespace`: its port is eth0, and eth1 is a port without port security, for strangers."""

    def __init__(self, namespace: Netns, source: random.Random) -> None:
        self._namespace, self._random = namespace, source
        self._bound: dict[bytes, bytes] = {}  # MACs of strangers, and the addresses that they have

    def is_plugged(self) -> bool:
        with self._namespace.entered(), RouteSocket() as route:
            found = [links.find_link(route, name) for name in ("eth0", "eth1")]
        return all(link is not None and link.up for link in found)

    def forget(self) -> None:
        """The network is another one now."""
        self._bound.clear()

    def take_address(self, address: str) -> None:
        """Have the port's fixed IP, and a route to the metadata address; raises OSError."""
        with self._namespace.entered(), RouteSocket() as route:
            link = links.find_link(route, "eth0")
            if link is None:
                raise OSError("eth0 has gone")
            with suppress(OSError):  # it has it already
                addresses.add_address(route, link, IPv4Interface(f"{address}/24"))
            with suppress(OSError):
                add_route(route, link, IPv4Network(f"{_METADATA}/32"), None)

    def lease(self, mac: str) -> bool:
        """The port's own exchange on eth0; whether it was acknowledged."""
        with self._packets("eth0") as packets:
            return self._exchange(packets, bytes.fromhex(mac.replace(":", ""))) is not None

    def strangers(self, count: int) -> int:
        """So many strangers ask for leases, and a third of those that have one release it; how many were answered."""
        answered = 0
        with self._packets("eth1") as packets:
            for _ in range(count):
                mac = b"\x02" + self._random.randbytes(5)
                if (address := self._exchange(packets, mac)) is None:
                    continue
                answered += 1
                self._bound[mac] = address
                if len(self._bound) > 20:
                    leaving, has = self._bound.popitem() if self._random.random() < 0.5 else (mac, address)
                    self._bound.pop(leaving, None)
                    packets.send(dhcp_frame(leaving.hex(":"), 1, _RELEASE, client=has))
        return answered

    def names(self, server: str, names: list[str]) -> int:
        """Ask for names over UDP; how many were answered."""
        answered = 0
        with self._udp() as udp:
            for name in names:
                query = dns.message.make_query(name, dns.rdatatype.A)
                with suppress(OSError):
                    udp.sendto(query.to_wire(), (server, 53))
                    answered += udp.recv(4096)[:2] == struct.pack("!H", query.id)
        return answered

    def metadata(self, paths: list[str]) -> int:
        """Ask for documents, each on a connection of its own; how many were answered."""
        answered = 0
        for path in paths:
            with self._namespace.entered():
                tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
            tcp.settimeout(_PATIENCE)
            asking = http.client.HTTPConnection(_METADATA)
            asking.sock = tcp
            with suppress(OSError, http.client.HTTPException):
                tcp.connect((_METADATA, 80))
                asking.request("GET", path)
                answered += asking.getresponse().read() is not None
            tcp.close()
        return answered

    def _exchange(self, packets: socket.socket, mac: bytes) -> bytes | None:
        xid = self._random.randrange(1 << 32)
        offer = self._ask(packets, dhcp_frame(mac.hex(":"), xid, _DISCOVER), xid, 2)
        if offer is None:
            return None
        options = bytes((50, 4)) + offer[0] + bytes((54, 4)) + offer[1]
        return (
            acknowledged[0]
            if (acknowledged := self._ask(packets, dhcp_frame(mac.hex(":"), xid, _REQUEST, options), xid, 5))
            else None
        )

    def _ask(self, packets: socket.socket, frame: bytes, xid: int, kind: int) -> tuple[bytes, bytes] | None:
        with suppress(OSError):
            packets.send(frame)
            while True:
                heard = packets.recv(2048)
                found = offer_in(heard, kind)
                if found is not None and found[0] == xid:
                    return IPv4Address(found[1]).packed, heard[26:30]
        return None

    @contextmanager
    def _packets(self, device: str) -> Iterator[socket.socket]:
        with self._namespace.entered():
            packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.htons(0x0800))
        with packets:
            packets.settimeout(_PATIENCE)
            with self._namespace.entered():
                packets.bind((device, 0x0800))
            yield packets

    @contextmanager
    def _udp(self) -> Iterator[socket.socket]:
        with self._namespace.entered():
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        with udp:
            udp.settimeout(_PATIENCE)
            yield udp
