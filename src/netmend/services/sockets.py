"""The sockets of the services, all of them, and the one thread that serves them.

How it works: an epoll instance watches one UDP socket a network, in whatever namespace that was made. A socket that has
something to read gets a turn: at most `Limits.turn` datagrams, then the next. The kernel hands out ready sockets in
rotation, so a flooded network costs the others one turn's time (a fraction of a millisecond) and no more; what it does
not get read in time, its own receive buffer drops. Before anything is parsed, a datagram must pass the bucket of its
MAC, or, where no port has that MAC, the one bucket of its network's strangers.

Nothing here blocks: sockets do not, sends that would are dropped and counted (DHCP clients ask again), and replies that
rest on a new lease go through `lease_commits`. An error on one network is counted, reported, and keeps that network
out of the rotation for a moment; it never ends the thread.

The namespace, the device and the binding of the sockets are their maker's business. From `add` on they are owned, and
closed, here.
"""

import errno
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from select import EPOLLIN, epoll
from threading import Event, Thread, current_thread
from typing import Protocol

import structlog

from netmend.services.dhcp4 import Dhcp4Responder, Reply, wire
from netmend.services.frames import BROADCAST_MAC, udp_frame
from netmend.services.lease_commits import LeaseCommits
from netmend.services.lease_store import LeaseStore, LeaseStoreError
from netmend.services.rate_limit import RateLimit

_MAC = slice(28, 34)  # chaddr, as far as Ethernet uses it
_READ_SIZE = wire.DATAGRAM_LIMIT + 1  # one more than is looked at, so that what is longer is seen to be
_RECEIVE_BUFFER = 512 << 10  # octets; the kernel doubles it, and some 800 requests of guests that boot at once can wait
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h; the socket module does not have it
# Each system call lets go of the interpreter's lock, and while another thread computes, getting it back takes this
# long, some three times a request. Python's 5 ms would be felt in every answer.
_SWITCH_INTERVAL = 0.0002
_EVENTS = 256  # ready sockets asked for at once
_REST = 0.25  # seconds that a socket is left alone after an error in reading
_REPORT_AGAIN = 10.0  # seconds before the same error of a network is reported again

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a guest may ask. Rates are datagrams a second; a burst is what may come at once.

    A DHCP client sends some ten datagrams when it boots and is silent for hours then.
    """

    port_rate: float = 50.0
    port_burst: int = 100
    strangers_rate: float = 200.0  # all MACs of a network that are no port's, together
    strangers_burst: int = 400
    turn: int = 16  # datagrams read from a socket before the next has its turn


@dataclass(slots=True)
class SocketCounters:
    """What happened to one network's datagrams outside its responder."""

    received: int = 0
    sent: int = 0
    limited_ports: int = 0
    limited_strangers: int = 0
    exceptions: int = 0
    errors: dict[str, int] = field(default_factory=dict)  # by operation and errno: "send ENETDOWN"


class OnError(Protocol):
    """Told of a network's socket errors, the same one at most every ten seconds; called in the sockets' thread."""

    def __call__(self, network_id: str, operation: str, error: OSError) -> None: ...


class _Endpoint:
    """One network's sockets and responder."""

    __slots__ = (
        "counters", "device_mac", "fd", "network_id", "packet", "ports", "reported", "responder", "strangers", "udp"
    )  # fmt: skip

    def __init__(
        self,
        network_id: str,
        responder: Dhcp4Responder,
        udp: socket.socket,
        packet: socket.socket | None,
        device_mac: bytes,
        *,
        limits: Limits,
    ) -> None:
        self.network_id, self.responder = network_id, responder
        self.udp, self.packet, self.device_mac = udp, packet, device_mac
        self.fd = udp.fileno()
        self.ports = RateLimit(limits.port_rate, limits.port_burst)
        self.strangers = RateLimit(limits.strangers_rate, limits.strangers_burst)
        self.counters = SocketCounters()
        self.reported: dict[str, float] = {}

    def allows(self, datagram: bytes, now: float) -> bool:
        """Whether the datagram's sender may be heard now."""
        mac = datagram[_MAC]
        if self.responder.knows(mac):
            if self.ports.allow(mac, now):
                return True
            self.counters.limited_ports += 1
        else:
            if self.strangers.allow(None, now):
                return True
            self.counters.limited_strangers += 1
        return False

    def send(self, reply: Reply) -> None:
        """Raises OSError."""
        address, port = reply.destination
        broadcast = address == wire.BROADCAST_TEXT
        if self.packet is None or (reply.mac is None and not broadcast):
            self.udp.sendto(reply.payload, reply.destination)
        else:
            # A broadcast goes this way too: by UDP it would carry the device's first address as its source, which
            # need not be the address of the server that the reply names.
            frame = udp_frame(
                self.device_mac,
                reply.mac or BROADCAST_MAC,
                (reply.server, wire.SERVER_PORT),
                (socket.inet_aton(address), port),
                reply.payload,
            )
            self.packet.send(frame)
        self.counters.sent += 1

    def close(self) -> None:
        self.udp.close()
        if self.packet is not None:
            self.packet.close()


class ServiceSockets:
    """Serves networks until closed. All methods but `close` may be called from any thread."""

    def __init__(
        self,
        on_error: OnError,
        store: LeaseStore | None = None,
        on_store_error: Callable[[LeaseStoreError], None] | None = None,
        limits: Limits = Limits(),
    ) -> None:
        """Without a `store`, dynamic leases are forgotten with the process. `on_store_error` is called in another
        thread. The interpreter's switch interval is lowered for the whole process."""
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_INTERVAL))
        self._on_error, self._on_store_error = on_error, on_store_error
        self._limits = limits
        self._endpoints: dict[str, _Endpoint] = {}
        self._by_fd: dict[int, _Endpoint] = {}
        self._resting: list[tuple[float, int, _Endpoint]] = []  # heap of (until, fd, endpoint)
        self._commands: deque[Callable[[], None]] = deque()
        self._stopping = False
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._epoll = epoll()
        self._epoll.register(self._wake, EPOLLIN)
        self._commits: LeaseCommits[tuple[_Endpoint, Reply]] | None = None
        if store is not None:
            self._commits = LeaseCommits(store, self._stored, self._not_stored)
        self._thread = Thread(target=self._run, name="netmend-sockets", daemon=True)
        self._thread.start()

    def add(
        self,
        network_id: str,
        responder: Dhcp4Responder,
        udp: socket.socket,
        packet: socket.socket | None,
        device_mac: bytes,
    ) -> None:
        """Serve a network from now on; one that is served already gets these sockets instead.

        `udp` is bound to port 67 on the network's device; `packet` is an AF_PACKET socket bound to the same device,
        for replies to guests that have no address yet, or None, and they get UDP. `device_mac` is 6 octets. Raises
        OSError, and leaves the sockets to the caller, when the kernel cannot watch more.
        """
        if network_id in self._endpoints:
            self.remove(network_id)
        udp.setblocking(False)
        _enlarge_receive_buffer(udp)
        if packet is not None:
            packet.setblocking(False)
        endpoint = _Endpoint(network_id, responder, udp, packet, device_mac, limits=self._limits)
        self._epoll.register(endpoint.fd, EPOLLIN)
        self._endpoints[network_id] = endpoint
        self._by_fd[endpoint.fd] = endpoint

    def replace(self, network_id: str, responder: Dhcp4Responder) -> None:
        """Serve a network by another responder. Raises KeyError when it is not served."""
        self._endpoints[network_id].responder = responder

    def remove(self, network_id: str) -> None:
        """Stop serving a network and close its sockets; returns when that is done. No error when it is not served."""
        endpoint = self._endpoints.pop(network_id, None)
        if endpoint is not None:
            self._in_thread(lambda: self._drop(endpoint))

    def counters(self, network_id: str) -> SocketCounters | None:
        """A network's counters, which go on counting; None when it is not served."""
        endpoint = self._endpoints.get(network_id)
        return None if endpoint is None else endpoint.counters

    def close(self) -> None:
        """Store what is left to store, end the threads, close every socket. Once closed, nothing else may be called."""
        if self._commits is not None:
            self._commits.close()
        self._stopping = True
        self._notify()
        self._thread.join()
        for endpoint in self._endpoints.values():
            endpoint.close()
        self._epoll.close()
        os.close(self._wake)

    # --- other threads --------------------------------------------------------------------------------------------

    def _notify(self) -> None:
        os.eventfd_write(self._wake, 1)

    def _in_thread(self, command: Callable[[], None]) -> None:
        if current_thread() is self._thread:
            command()
            return
        done = Event()

        def run() -> None:
            try:
                command()
            finally:
                done.set()

        self._commands.append(run)
        self._notify()
        done.wait()

    def _stored(self, replies: Sequence[tuple[_Endpoint, Reply]]) -> None:
        def send() -> None:
            for endpoint, reply in replies:
                if self._by_fd.get(endpoint.fd) is endpoint:
                    self._send(endpoint, reply)

        self._commands.append(send)
        self._notify()

    def _not_stored(self, error: LeaseStoreError) -> None:
        log.error("leases not stored, their clients get no answer", error=str(error))
        if (tell := self._on_store_error) is not None:
            self._guarded(lambda: tell(error))

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            for fd, _ in self._epoll.poll(self._until_next_wake(), _EVENTS):
                if fd == self._wake:
                    os.eventfd_read(self._wake)
                    while self._commands:
                        self._guarded(self._commands.popleft())
                elif endpoint := self._by_fd.get(fd):
                    self._turn(endpoint)
            self._end_rests()

    def _turn(self, endpoint: _Endpoint) -> None:
        counters, receive = endpoint.counters, endpoint.udp.recvfrom
        for _ in range(self._limits.turn):
            try:
                datagram, source = receive(_READ_SIZE)
            except BlockingIOError:
                return
            except OSError as error:
                self._failed(endpoint, "receive", error)
                self._rest(endpoint)
                return
            counters.received += 1
            if not endpoint.allows(datagram, time.monotonic()):
                continue
            try:
                self._serve(endpoint, datagram, source)
            except Exception:  # a defect of ours must cost its own network one datagram, not everybody the service
                if not counters.exceptions:
                    log.exception("responder failed", network=endpoint.network_id, datagram=datagram.hex())
                counters.exceptions += 1

    def _serve(self, endpoint: _Endpoint, datagram: bytes, source: tuple[str, int]) -> None:
        responder = endpoint.responder
        reply = responder.handle(datagram, source, time.time())
        if (changes := responder.take_changes()) and self._commits is not None:
            self._commits.submit(endpoint.network_id, changes, None if reply is None else (endpoint, reply))
        elif reply is not None:
            self._send(endpoint, reply)

    def _send(self, endpoint: _Endpoint, reply: Reply) -> None:
        try:
            endpoint.send(reply)
        except OSError as error:
            self._failed(endpoint, "send", error)

    def _failed(self, endpoint: _Endpoint, operation: str, error: OSError) -> None:
        key = f"{operation} {errno.errorcode.get(error.errno or 0, str(error.errno))}"
        errors = endpoint.counters.errors
        errors[key] = errors.get(key, 0) + 1
        now = time.monotonic()
        if now - endpoint.reported.get(key, -_REPORT_AGAIN) >= _REPORT_AGAIN:
            endpoint.reported[key] = now
            log.warning("socket error", network=endpoint.network_id, operation=operation, error=str(error))
            self._guarded(lambda: self._on_error(endpoint.network_id, operation, error))

    def _guarded(self, call: Callable[[], None]) -> None:
        """Call what others have handed in; its defects do not end the thread."""
        try:
            call()
        except Exception:
            log.exception("callback failed")

    def _drop(self, endpoint: _Endpoint) -> None:
        if self._by_fd.get(endpoint.fd) is endpoint:
            del self._by_fd[endpoint.fd]
        self._resting = [entry for entry in self._resting if entry[2] is not endpoint]
        endpoint.close()  # which takes it out of the epoll set

    def _rest(self, endpoint: _Endpoint) -> None:
        """A socket with a lasting error would be ready for ever, and the loop busy with it."""
        self._epoll.unregister(endpoint.fd)
        heappush(self._resting, (time.monotonic() + _REST, endpoint.fd, endpoint))

    def _end_rests(self) -> None:
        while self._resting and self._resting[0][0] <= time.monotonic():
            _, fd, endpoint = heappop(self._resting)
            if self._by_fd.get(fd) is endpoint:
                self._epoll.register(fd, EPOLLIN)

    def _until_next_wake(self) -> float | None:
        return max(0.0, self._resting[0][0] - time.monotonic()) if self._resting else None


def _enlarge_receive_buffer(udp: socket.socket) -> None:
    """Past the limit of net.core.rmem_max where CAP_NET_ADMIN allows it, else up to that (socket(7))."""
    try:
        udp.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
