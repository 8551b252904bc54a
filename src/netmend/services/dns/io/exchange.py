"""One question to one server, over UDP or TCP, in the host's namespace.

A UDP socket is made for each question and connected to the server: the kernel chooses its port at random, and takes
datagrams from nowhere else.
"""

import errno
import socket
from collections.abc import Callable
from select import EPOLLIN, EPOLLOUT

from netmend.intent import DnsServer
from netmend.services.dns import Asked, wire
from netmend.services.shared.io.loop import Loop

_READ_SIZE = wire.MESSAGE_MAX
_CONNECTING = frozenset((0, errno.EINPROGRESS))
_LENGTH = 2  # octets before each message over TCP (RFC 1035 section 4.2.2)


class Exchange:
    """A question under way. `heard` takes each message that comes, `failed` the socket's error, once; both in
    the loop's thread."""

    def __init__(
        self,
        loop: Loop,
        server: DnsServer,
        asked: Asked,
        *,
        heard: Callable[["Exchange", bytes], None],
        failed: Callable[["Exchange", OSError], None],
    ) -> None:
        self.server, self.asked = server, asked
        self.wrong = 0  # messages that were no answer
        self._loop, self._heard, self._failed = loop, heard, failed
        self._socket: socket.socket | None = None

    @property
    def tcp(self) -> bool:
        return False

    def start(self) -> None:
        """Send the question; raises OSError."""
        opened = socket.socket(_family(self.server), socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            opened.connect((str(self.server.address), self.server.port))
            opened.send(self.asked.message)
            self._loop.add(opened.fileno(), self._turn)
        except BaseException:
            opened.close()
            raise
        self._socket = opened

    def _turn(self) -> None:
        opened = self._socket
        while opened is not None and opened is self._socket:
            try:
                message = opened.recv(_READ_SIZE)
            except BlockingIOError:
                return
            except OSError as error:
                self.close()
                self._failed(self, error)
                return
            self._heard(self, message)

    def close(self) -> None:
        opened, self._socket = self._socket, None
        if opened is not None:
            self._loop.remove(opened.fileno(), opened.close)


class TcpExchange(Exchange):
    """A question over a connection of its own (RFC 7766)."""

    @property
    def tcp(self) -> bool:
        return True

    def start(self) -> None:
        opened = socket.socket(_family(self.server), socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            error = opened.connect_ex((str(self.server.address), self.server.port))
            if error not in _CONNECTING:
                raise OSError(error, "connect")
            self._loop.add(opened.fileno(), self._turn, EPOLLOUT)
        except BaseException:
            opened.close()
            raise
        self._socket = opened
        self._unsent = len(self.asked.message).to_bytes(_LENGTH, "big") + self.asked.message
        self._received = bytearray()

    def _turn(self) -> None:
        opened = self._socket
        if opened is None:
            return
        try:
            if self._unsent:
                self._unsent = self._unsent[opened.send(self._unsent) :]
                if not self._unsent:
                    self._loop.wait_for(opened.fileno(), EPOLLIN)
                return
            octets = opened.recv(_READ_SIZE)
            if not octets:
                raise ConnectionResetError("the server closed the connection")
        except BlockingIOError:
            return
        except OSError as error:
            self.close()
            self._failed(self, error)
            return
        self._received += octets
        size = int.from_bytes(self._received[:_LENGTH], "big")
        if len(self._received) >= _LENGTH + size:
            message = bytes(self._received[_LENGTH : _LENGTH + size])
            self._heard(self, message)
            if self._socket is not None:  # there is one answer to one question
                self.close()
                self._failed(self, ConnectionResetError("no answer to the question"))


def _family(server: DnsServer) -> socket.AddressFamily:
    return socket.AF_INET if server.address.version == 4 else socket.AF_INET6
