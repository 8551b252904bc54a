"""Real packets from inside guests, to find out who hears them.

A probe that hears nothing proves nothing by itself, so each has its counterpart that must be heard.
"""

import selectors
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Self

from netmend.intent.eui64 import link_local_address
from netmend.kernel.netns import Netns
from netmend.lab.demo.guest import Guest

PORT: Final = 7007  # where guests say who they are, and the host listens
_QUESTION: Final = b"who are you?"
_ARP: Final = 0x0806
_IPV4: Final = 0x0800
_IPV6: Final = 0x86DD
_EXPERIMENTAL: Final = 253  # a protocol for experiments (RFC 3692): no service of a guest answers it
_BROADCAST: Final = b"\xff" * 6
_ARP_HEADER: Final = struct.pack("!HHBB", 1, _IPV4, 6, 4)  # RFC 826: Ethernet, IPv4
_ALL_NODES: Final = IPv6Address("ff02::1")
_REQUEST, _REPLY = 1, 2
_PATIENCE = 5.0  # seconds that what must be heard is waited for
_QUIET = 0.15  # seconds without anything to hear, after which nothing more is


def _experiment(mac: str, data: bytes) -> bytes:
    """A packet of no protocol, from the link-local address of `mac` to all nodes."""
    header = struct.pack("!IHBB", 6 << 28, len(data), _EXPERIMENTAL, 1)
    return header + link_local_address(mac).packed + _ALL_NODES.packed + data


def mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


class Probes:
    """Sockets in each guest's namespace while entered; guests answer UDP datagrams with the id of their port."""

    def __init__(self, guests: Sequence[Guest]) -> None:
        self._guests = guests

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._selector = stack.enter_context(selectors.DefaultSelector())
            self._arp = {guest.port.id: stack.enter_context(_packet_socket(guest, _ARP)) for guest in self._guests}
            self._frames = {guest.port.id: stack.enter_context(_packet_socket(guest, _IPV6)) for guest in self._guests}
            self._ip = {guest.port.id: stack.enter_context(_packet_socket(guest, 0)) for guest in self._guests}
            for guest in self._guests:
                self._answer_with(stack.enter_context(_udp_socket(guest.namespace, guest.device)), guest.port.id)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _answer_with(self, udp: socket.socket, text: str) -> None:
        def answer() -> None:
            _, source = udp.recvfrom(64)
            udp.sendto(text.encode(), source)

        self._selector.register(udp, selectors.EVENT_READ, answer)

    def who_has(self, asker: Guest, address: IPv4Address, *, expected: bool) -> set[str]:
        """Ask by ARP for `address`; the MACs of all who say that they have it. If `expected`, wait for somebody to."""
        own = asker.lease.address.ip.packed if asker.lease else bytes(4)
        mac = mac_bytes(asker.port.mac)
        body = _ARP_HEADER + struct.pack("!H6s4s6s4s", _REQUEST, mac, own, bytes(6), address.packed)
        arp = self._arp[asker.port.id]
        macs: set[str] = set()

        def hear() -> None:
            frame = arp.recv(128)
            operation, sender, owner = struct.unpack_from("!H6s4s", frame, 20)
            if operation == _REPLY and owner == address.packed:
                macs.add(sender.hex(":"))

        arp.send(_BROADCAST + mac + struct.pack("!H", _ARP) + body)
        self._listen({arp: hear}, (lambda: bool(macs)) if expected else None)
        return macs

    def who_are_you(self, asker: Guest, address: IPv4Address) -> Guest | None:
        """Ask by UDP who is at `address`; None when there is no answer."""
        ids: list[str] = []
        with _udp_socket(asker.namespace, asker.device, port=0) as udp:
            try:
                udp.sendto(_QUESTION, (str(address), PORT))
            except OSError:  # no route: nobody can be reached there
                return None
            self._listen({udp: lambda: ids.append(udp.recv(64).decode())}, lambda: bool(ids))
        return next((guest for guest in self._guests if ids == [guest.port.id]), None)

    def who_hears(self) -> dict[str, set[str]]:
        """Each guest sends one frame to everybody, and one to each other guest's MAC, also on other networks, from the
        link-local address of its MAC, which port security lets it use.

        By port id: the ids of the ports whose frames for it, or for everybody, have arrived there.
        """
        heard: dict[str, set[str]] = {guest.port.id: set() for guest in self._guests}
        handlers: dict[socket.socket, Callable[[], None]] = {}
        for guest in self._guests:
            handlers[self._frames[guest.port.id]] = self._hearer(guest, heard[guest.port.id])
        for sender in self._guests:
            for receiver in (None, *self._guests):
                if receiver is not sender:
                    destination = mac_bytes(receiver.port.mac) if receiver else _BROADCAST
                    header = destination + mac_bytes(sender.port.mac) + struct.pack("!H", _IPV6)
                    self._frames[sender.port.id].send(header + _experiment(sender.port.mac, sender.port.id.encode()))
        due = {
            guest.port.id: {other.port.id for other in self._guests if other.network is guest.network} - {guest.port.id}
            for guest in self._guests
        }
        self._listen(handlers, lambda: all(due[key] <= heard[key] for key in due))
        return heard

    def _hearer(self, guest: Guest, heard: set[str]) -> Callable[[], None]:
        frames, own = self._frames[guest.port.id], mac_bytes(guest.port.mac)

        def hear() -> None:
            frame = frames.recv(128)
            # A bridge floods frames for MACs that it does not know.
            if frame[:6] in {_BROADCAST, own} and frame[20] == _EXPERIMENTAL:
                heard.add(frame[54:90].decode())

        return hear

    def send_datagram(self, sender: Guest, mac: str, address: IPv4Address, *, expected: bool) -> list[str]:
        """Send a UDP datagram for `address` in a frame for `mac`, past the guest's own routes; the ids of the ports
        that answer. If `expected`, wait for an answer."""
        source = sender.lease.address.ip if sender.lease else IPv4Address(0)
        ids: list[str] = []
        with _udp_socket(sender.namespace, sender.device, port=0) as udp:
            header = mac_bytes(mac) + mac_bytes(sender.port.mac) + struct.pack("!H", _IPV4)
            self._ip[sender.port.id].send(header + _datagram(source, udp.getsockname()[1], address))
            self._listen({udp: lambda: ids.append(udp.recv(64).decode())}, (lambda: bool(ids)) if expected else None)
        return ids

    def host_hears(self, udp: socket.socket) -> list[str]:
        """The addresses of those whose datagrams have arrived at `udp` of the host."""
        found = []
        while True:
            try:
                found.append(udp.recvfrom(64)[1][0])
            except BlockingIOError:
                return found

    def _listen(self, handlers: Mapping[socket.socket, Callable[[], None]], heard: Callable[[], bool] | None) -> None:
        """Call handlers, and let guests answer, until `heard` holds (for a while at most) and it is quiet."""
        for listening, handler in handlers.items():
            self._selector.register(listening, selectors.EVENT_READ, handler)
        try:
            latest = time.monotonic() + (_PATIENCE if heard else _QUIET)
            quiet = 0.0
            while (left := max(quiet, latest) - time.monotonic()) > 0:
                for key, _ in self._selector.select(left):
                    key.data()
                if heard and heard():
                    heard, latest = None, 0.0
                    quiet = time.monotonic() + _QUIET
        finally:
            for listening in handlers:
                self._selector.unregister(listening)


def host_socket() -> socket.socket:
    """A UDP socket on every address of the namespace we are in, non-blocking."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    udp.bind(("0.0.0.0", PORT))
    return udp


def _packet_socket(guest: Guest, protocol: int) -> socket.socket:
    with guest.namespace.entered():
        packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.htons(protocol))
        packet.bind((guest.device, protocol))
    return packet


def _udp_socket(namespace: Netns, device: str, port: int = PORT) -> socket.socket:
    with namespace.entered():
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        udp.bind(("0.0.0.0", port))
    return udp


def _datagram(source: IPv4Address, source_port: int, destination: IPv4Address) -> bytes:
    """An IPv4 packet with a UDP datagram for PORT that asks who is there (RFC 791, RFC 768; no UDP checksum)."""
    header = struct.pack("!BBHHHBBH", 0x45, 0, 28 + len(_QUESTION), 0, 0, 64, socket.IPPROTO_UDP, 0)
    header += source.packed + destination.packed
    checksum = 0xFFFF - sum(struct.unpack("!10H", header)) % 0xFFFF
    udp = struct.pack("!HHHH", source_port, PORT, 8 + len(_QUESTION), 0)
    return header[:10] + struct.pack("!H", checksum) + header[12:] + udp + _QUESTION
