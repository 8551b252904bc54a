"""DNS over UDP on one address of a network."""

import socket
import time
from typing import Any

from netmend.services.dns.guests import OUTSIDE
from netmend.services.dns.io.limits import Limits
from netmend.services.dns.io.served import Served
from netmend.services.shared.io.datagrams import DatagramEndpoint, OnError
from netmend.services.shared.io.loop import Loop

_READ_SIZE = 1501  # one more than is looked at: no query is as long


class UdpEndpoint(DatagramEndpoint):
    """One bound socket."""

    __slots__ = ("_served",)

    def __init__(self, loop: Loop, served: Served, udp: socket.socket, *, on_error: OnError, limits: Limits) -> None:
        super().__init__(
            loop, served.network_id, udp, on_error=on_error, read_size=_READ_SIZE, turn=limits.turn
        )  # fmt: skip
        self._served = served

    def serve(self, datagram: bytes, source: Any) -> None:
        served, traffic, now = self._served, self._served.traffic, time.monotonic()
        responder, guest = served.responder, source[0]
        guests = responder.guests
        if guests.kind(guest) == OUTSIDE:
            traffic.outside += 1
            return
        if not guests.allows(guest, now):
            traffic.limited += 1
            return
        answer = responder.remembered(datagram, now)
        if answer is None:
            served.answer(datagram, guest, source, lambda late: self._send(late, source), tcp=False)
        else:
            traffic.received += 1
            self._send(answer, source)

    def _send(self, answer: bytes, source: Any) -> None:
        try:
            self.udp.sendto(answer, source)
        except OSError as error:
            if self.udp.fileno() >= 0:  # else the network has gone since it was asked
                self.failed("send", error)
        else:
            self._served.traffic.sent += 1
