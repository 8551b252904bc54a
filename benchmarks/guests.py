"""Guests on many networks at once: one packet socket that sends a DISCOVER to each server, and hears the OFFER.

A frame sent on the host's end of the DHCP port's veth comes out of the other, in the network's namespace, as one does
that a guest sent through the bridge. On the bridge itself the host has nothing to say: port security drops it. The
answer is broadcast, because the guest asks for that (RFC 2131 section 4.1), and is heard on the same device.
The transaction id says which network was asked; the address offered must be that network's.
"""

import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address

_ETHERTYPE_IPV4 = 0x0800
_ETH_P_ALL = 0x0003
_SOL_PACKET, _PACKET_IGNORE_OUTGOING = 263, 23  # linux/if_packet.h
_COOKIE = b"\x63\x82\x53\x63"
_BROADCAST_FLAG = 0x8000
_DISCOVER, _OFFER = 1, 2


def discover_frame(mac: str, xid: int) -> bytes:
    """An Ethernet frame with a DHCPDISCOVER that asks for a broadcast answer."""
    return dhcp_frame(mac, xid, _DISCOVER, bytes((55, 4, 1, 3, 6, 51)))


def dhcp_frame(mac: str, xid: int, kind: int, options: bytes = b"", client: bytes = bytes(4)) -> bytes:
    """An Ethernet frame to everybody with a message of a DHCP client (RFC 2131) that asks for a broadcast answer.

    `kind` is option 53, `options` are further ones as bytes, `client` is the address that it has (ciaddr).
    """
    hardware = bytes.fromhex(mac.replace(":", ""))
    bootp = struct.pack("!BBBBIHH4s12x16s64x128x", 1, 1, 6, 0, xid, 0, _BROADCAST_FLAG, client, hardware)
    payload = (bootp + _COOKIE + bytes((53, 1, kind)) + options + b"\xff").ljust(300, b"\0")
    udp = struct.pack("!HHHH", 68, 67, 8 + len(payload), 0)  # checksum 0: none (RFC 768)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, client, b"\xff" * 4)
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~(total + (total >> 16)) & 0xFFFF
    header = header[:10] + struct.pack("!H", checksum) + header[12:]
    return b"\xff" * 6 + hardware + b"\x08\x00" + header + udp + payload


def offer_in(frame: bytes, kind: int = _OFFER) -> tuple[int, str] | None:
    """Transaction id and address of the DHCPOFFER (or message of another `kind`) in an Ethernet frame, None when it is
    something else."""
    bootp = frame[14 + (frame[14] & 15) * 4 + 8 :] if len(frame) > 300 and frame[23] == 17 else b""
    if len(bootp) < 243 or bootp[0] != 2 or bootp[240:243] != bytes((53, 1, kind)):
        return None
    return struct.unpack_from("!I", bootp, 4)[0], str(IPv4Address(bootp[16:20]))


def packet_socket() -> socket.socket:
    """Hears what comes in on any device, before a bridge takes it (packet(7)). Raises OSError without CAP_NET_RAW."""
    heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    heard.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    return heard


class Guests:
    """One guest at each of `devices`; guest n has MAC `macs[n]` and must be offered `addresses[n]`."""

    _next_xid = 1  # of the process: a late answer to others must not be taken for one to these

    def __init__(self, devices: Sequence[str], macs: Sequence[str], addresses: Sequence[str]) -> None:
        """Raises OSError without CAP_NET_RAW."""
        self._devices, self._addresses = devices, addresses
        self._first_xid = Guests._next_xid
        Guests._next_xid += len(macs)
        self._frames = [discover_frame(mac, self._first_xid + number) for number, mac in enumerate(macs)]
        self._socket = packet_socket()
        with suppress(OSError):  # not in a user namespace
            self._socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE

    def close(self) -> None:
        self._socket.close()

    def send(self, number: int) -> bool:
        """Guest `number` asks; False when its device is not there or not up."""
        try:
            self._socket.sendto(self._frames[number], (self._devices[number], _ETHERTYPE_IPV4))
        except OSError:
            return False
        return True

    def hear(self, until: float) -> int | None:
        """The guest who gets an offer before `until` (time.monotonic()), None when nobody does.

        Raises AssertionError when the address is not that guest's.
        """
        while True:
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._socket.settimeout(left)
            try:
                found = offer_in(self._socket.recv(2048))
            except TimeoutError:
                return None
            if found is not None and 0 <= found[0] - self._first_xid < len(self._addresses):
                number, address = found[0] - self._first_xid, found[1]
                assert address == self._addresses[number], f"guest {number} was offered {address}"
                return number

    def until_answered(
        self, still_alive: Callable[[], None], *, window: int = 16, tick: float = 0.004, patience: float = 600.0
    ) -> list[float]:
        """Ask until every guest has had an offer; returns when each first had (time.monotonic()).

        At most `window` guests, the first of those that have none yet, are asking at a time, each again every `tick`
        seconds: few enough not to be felt, and each learns within milliseconds that it is served. `still_alive` is
        called now and then, to raise when there is no point in waiting. Raises TimeoutError after `patience` seconds.
        """
        answered: list[float | None] = [None] * len(self._devices)
        waiting = list(range(len(answered) - 1, -1, -1))  # the next one last
        asking: dict[int, None] = {}
        give_up = time.monotonic() + patience
        while waiting or asking:
            while waiting and len(asking) < window:
                asking[waiting.pop()] = None
            for number in asking:
                self.send(number)
            until = time.monotonic() + tick
            while asking and (number_heard := self.hear(until)) is not None:
                if answered[number_heard] is None:
                    answered[number_heard] = time.monotonic()
                    asking.pop(number_heard, None)
                    if waiting:
                        following = waiting.pop()
                        asking[following] = None
                        self.send(following)
            still_alive()
            if time.monotonic() > give_up:
                raise TimeoutError(f"{len(waiting) + len(asking)} of {len(answered)} guests had no offer")
        return [when for when in answered if when is not None]
