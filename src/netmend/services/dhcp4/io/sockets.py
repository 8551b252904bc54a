"""The sockets of DHCPv4, served by one thread (`loop`), and how its replies are sent.

Before anything is parsed, a datagram must pass the bucket of its MAC, or, where no port has that MAC, the one bucket of
its network's strangers. Replies that rest on a new lease go through `lease_commits`.
"""

import socket
import time
from collections.abc import Callable, Sequence

import structlog

from netmend.services.dhcp4 import Dhcp4Responder, Reply, wire
from netmend.services.dhcp4.frames import BROADCAST_MAC, udp_frame
from netmend.services.leases.io.commits import LeaseCommits
from netmend.services.leases.io.store import LeaseStore, LeaseStoreError
from netmend.services.shared.counters import SocketCounters
from netmend.services.shared.io.datagrams import DatagramEndpoint, OnError
from netmend.services.shared.io.loop import Loop
from netmend.services.shared.sender_limits import Limits, SenderLimits

_MAC = slice(28, 34)  # chaddr, as far as Ethernet uses it
_READ_SIZE = wire.DATAGRAM_LIMIT + 1
_LIMITS = Limits()

log = structlog.get_logger(__name__)


class _Endpoint(DatagramEndpoint):
    """One network's sockets and responder."""

    __slots__ = ("_commits", "_limits", "device_mac", "packet", "responder")

    def __init__(
        self,
        loop: Loop,
        network_id: str,
        responder: Dhcp4Responder,
        sockets: tuple[socket.socket, socket.socket | None],
        *,
        device_mac: bytes,
        on_error: OnError,
        limits: Limits,
        commits: "LeaseCommits[tuple[_Endpoint, Reply]] | None",
    ) -> None:
        super().__init__(loop, network_id, sockets[0], on_error=on_error, read_size=_READ_SIZE, turn=limits.turn)
        self.responder, self.packet, self.device_mac = responder, sockets[1], device_mac
        self._limits = SenderLimits(limits, self._knows, self.counters)
        self._commits = commits

    def _knows(self, mac: bytes) -> bool:
        return self.responder.knows(mac)

    def serve(self, datagram: bytes, source: tuple[str, int]) -> None:
        if not self._limits.allow(datagram[_MAC], time.monotonic()):
            return
        responder = self.responder
        reply = responder.handle(datagram, source, time.time())
        if (changes := responder.take_changes()) and self._commits is not None:
            self._commits.submit(self.network_id, changes, None if reply is None else (self, reply))
        elif reply is not None:
            self.send(reply)

    def send(self, reply: Reply) -> None:
        try:
            self._transmit(reply)
        except OSError as error:
            self.failed("send", error)
        else:
            self.counters.sent += 1

    def _transmit(self, reply: Reply) -> None:
        address, port = reply.destination
        broadcast = address == wire.BROADCAST_TEXT
        if self.packet is None or (reply.mac is None and not broadcast):
            self.udp.sendto(reply.payload, reply.destination)
            return
        # A broadcast goes this way too: by UDP it would carry the device's first address as its source, which need not
        # be the address of the server that the reply names.
        frame = udp_frame(
            self.device_mac,
            reply.mac or BROADCAST_MAC,
            (reply.server, wire.SERVER_PORT),
            (socket.inet_aton(address), port),
            reply.payload,
        )
        self.packet.send(frame)

    def close(self) -> None:
        super().close()
        if self.packet is not None:
            self.packet.close()


class ServiceSockets:
    """Serves networks until closed. All methods but `close` may be called from any thread."""

    def __init__(
        self,
        on_error: OnError,
        store: LeaseStore | None = None,
        on_store_error: Callable[[LeaseStoreError], None] | None = None,
        limits: Limits = _LIMITS,
    ) -> None:
        """Without a `store`, dynamic leases are forgotten with the process. `on_store_error` is called in another
        thread."""
        self._on_error, self._on_store_error = on_error, on_store_error
        self._limits = limits
        self._endpoints: dict[str, _Endpoint] = {}
        self._loop = Loop("netmend-dhcp4")
        self._commits: LeaseCommits[tuple[_Endpoint, Reply]] | None = None
        if store is not None:
            self._commits = LeaseCommits(store, self._stored, self._not_stored)

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
        if packet is not None:
            packet.setblocking(False)
        endpoint = _Endpoint(
            self._loop,
            network_id,
            responder,
            (udp, packet),
            device_mac=device_mac,
            on_error=self._on_error,
            limits=self._limits,
            commits=self._commits,
        )
        endpoint.join()
        self._endpoints[network_id] = endpoint

    def replace(self, network_id: str, responder: Dhcp4Responder) -> None:
        """Serve a network by another responder. Raises KeyError when it is not served."""
        self._endpoints[network_id].responder = responder

    def remove(self, network_id: str) -> None:
        """Stop serving a network and close its sockets; returns when that is done. No error when it is not served."""
        endpoint = self._endpoints.pop(network_id, None)
        if endpoint is not None:
            endpoint.leave()

    def counters(self, network_id: str) -> SocketCounters | None:
        """A network's counters, which go on counting; None when it is not served."""
        endpoint = self._endpoints.get(network_id)
        return None if endpoint is None else endpoint.counters

    def close(self) -> None:
        """Store what is left to store, end the threads, close every socket. Once closed, nothing else may be called."""
        if self._commits is not None:
            self._commits.close()
            self._loop.call_and_wait(lambda: None)  # what may go now that it is stored, goes
        self._loop.close()
        for endpoint in self._endpoints.values():
            endpoint.close()

    # --- the thread of the commits --------------------------------------------------------------------------------

    def _stored(self, replies: Sequence[tuple[_Endpoint, Reply]]) -> None:
        def send() -> None:
            for endpoint, reply in replies:
                if self._endpoints.get(endpoint.network_id) is endpoint:
                    endpoint.send(reply)

        self._loop.call(send)

    def _not_stored(self, error: LeaseStoreError) -> None:
        log.error("leases not stored, their clients get no answer", error=str(error))
        if (tell := self._on_store_error) is not None:
            try:
                tell(error)
            except Exception:
                log.exception("callback failed")
