"""A socket of one network in a Loop: datagrams in, in turns; what goes wrong is counted and costs no other network.

Nothing here blocks: sockets do not, and sends that would are dropped and counted (clients ask again).
"""

import errno
import socket
import time
from typing import Any, Protocol

from netmend.ground.log import get_logger
from netmend.services.shared.counters import SocketCounters
from netmend.services.shared.io.loop import Loop
from netmend.services.shared.sender_limits import TURN

_RECEIVE_BUFFER = 512 << 10  # octets; the kernel doubles it, and some 800 requests of guests that boot at once can wait
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h; the socket module does not have it
_REST = 0.25  # seconds that a socket is left alone after an error in reading
_REPORT_AGAIN = 10.0  # seconds before the same error of a network is reported again

log = get_logger()


class OnError(Protocol):
    """Takes a network's socket errors, the same one at most every ten seconds; called in the loop's thread."""

    def __call__(self, network_id: str, operation: str, error: OSError) -> None: ...


class DatagramEndpoint:
    """Reads `udp`; a subclass says what a datagram is answered (`serve`).

    The namespace, the device and the binding of the socket are its maker's business. From `join` on it is owned, and
    closed, here.
    """

    __slots__ = ("_loop", "_on_error", "_read_size", "_reported", "_turn_size", "counters", "fd", "network_id", "udp")

    def __init__(
        self,
        loop: Loop,
        network_id: str,
        udp: socket.socket,
        *,
        on_error: OnError,
        read_size: int,
        turn: int = TURN,
    ) -> None:
        """`read_size` is one octet more than is ever looked at, so that what is longer is seen to be."""
        self._loop, self._on_error = loop, on_error
        self._read_size, self._turn_size = read_size, turn
        self._reported: dict[str, float] = {}
        self.network_id, self.udp, self.fd = network_id, udp, udp.fileno()
        self.counters = SocketCounters()

    def join(self) -> None:
        """Be served from now on; raises OSError when the kernel cannot watch more."""
        if self.udp.getblocking():
            self.udp.setblocking(False)
        _enlarge_receive_buffer(self.udp)
        self._loop.add(self.fd, self.turn)

    def leave(self) -> None:
        """Be served no more and close the sockets; returns when that is done."""
        self._loop.remove(self.fd, self.close)

    def read_no_more(self) -> None:
        """Leave in the sockets what comes from now on; sending goes on."""
        self._loop.ignore(self.fd)

    def close(self) -> None:
        self.udp.close()

    def receive(self, size: int) -> tuple[bytes, Any]:
        """A datagram and its source; raises OSError, and BlockingIOError when there is none."""
        return self.udp.recvfrom(size)

    def serve(self, datagram: bytes, source: Any) -> None:
        """Answer one datagram from `source`, as `receive` gives it. Errors in sending are for `failed`."""
        raise NotImplementedError

    def turn(self) -> None:
        """Read some datagrams; in the loop's thread."""
        receive, serve, counters = self.receive, self.serve, self.counters
        for _ in range(self._turn_size):
            try:
                datagram, source = receive(self._read_size)
            except BlockingIOError:
                return
            except OSError as error:
                self.failed("receive", error)
                self._loop.rest(self.fd, _REST)
                return
            counters.received += 1
            try:
                serve(datagram, source)
            except Exception:  # a defect of ours must cost its own network one datagram, not everybody the service
                if not counters.exceptions:
                    log.exception("responder failed", network=self.network_id, datagram=datagram.hex())
                counters.exceptions += 1

    def failed(self, operation: str, error: OSError) -> None:
        """Count an error of the socket, and report it unless that was done just now."""
        key = f"{operation} {errno.errorcode.get(error.errno or 0, str(error.errno))}"
        errors = self.counters.errors
        errors[key] = errors.get(key, 0) + 1
        now = time.monotonic()
        if now - self._reported.get(key, -_REPORT_AGAIN) < _REPORT_AGAIN:
            return
        self._reported[key] = now
        log.warning("socket error", network=self.network_id, operation=operation, error=str(error))
        try:
            self._on_error(self.network_id, operation, error)
        except Exception:
            log.exception("callback failed")


def _enlarge_receive_buffer(udp: socket.socket) -> None:
    """Past the limit of net.core.rmem_max where CAP_NET_ADMIN allows it, else up to that (socket(7))."""
    try:
        udp.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
