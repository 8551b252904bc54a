"""The metadata service of all networks: one thread, one event loop, one aiohttp server.

A network costs two listening sockets and their place in epoll; all else is made when a guest connects. Connections are
taken a few at a time from each socket, and only from guests that have not had their share: others learn that in a
write, without a request being read, and where they keep coming, their network is not heard for a moment, so that it is
the kernel that turns them away. Nothing blocks the loop: passwords are stored by another thread, Nova is asked by the
same loop.

The namespace and the binding of the sockets are their maker's business. From `serve` on they are owned, and closed,
here.
"""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, ip_address
from typing import Any

from aiohttp import web

from netmend.ground.log import get_logger
from netmend.intent import MetadataProxy, Network
from netmend.services.metadata import MetadataResponder
from netmend.services.metadata.io.answering import Answering
from netmend.services.metadata.io.connection import REFUSALS, Connection, within
from netmend.services.metadata.io.endpoint import Endpoint, Tally
from netmend.services.metadata.io.limits import RECEIVE_BUFFER, Limits
from netmend.services.metadata.io.loop_thread import LoopThread
from netmend.services.metadata.io.store import MetadataStore

_ACCEPT_REST = 0.25  # seconds that a socket is left alone after an error
_DEFAULT_LIMITS = Limits()

log = get_logger()


class MetadataServer:
    """Serves networks until closed. All methods may be called from any thread but its own."""

    def __init__(
        self,
        store: MetadataStore,
        proxy: Callable[[], MetadataProxy | None],
        on_error: Callable[[str], None],
        limits: Limits = _DEFAULT_LIMITS,
        lease_holder: Callable[[str, IPv4Address], str | None] | None = None,
    ) -> None:
        """`proxy` gives the settings in force, and is called often; `on_error` is called, in the server's thread, for a
        network with failing sockets, and for each network when the problem of the store has changed; `lease_holder`
        gives the MAC that DHCP has leased a network's address to."""
        self._store, self._on_error = store, on_error
        self._limits, self._lease_holder = limits, lease_holder
        self._endpoints: dict[str, Endpoint] = {}
        self._tally = Tally()
        self._answering = Answering(store, proxy, limits)
        self._thread = LoopThread("netmend-metadata")
        self._loop = self._thread.loop
        self._server: web.Server = self._thread.result(self._make_server())
        self._watching = asyncio.run_coroutine_threadsafe(self._answering.watch_store(self._look_again), self._loop)

    def serve(self, network: Network, listeners: Sequence[socket.socket]) -> None:
        """Serve a network from now on; one that is served already gets these sockets instead. They listen."""
        for listener in listeners:
            if listener.getblocking():
                listener.setblocking(False)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1000 * self._limits.taking_time))
        before = self._endpoints.get(network.id)
        if before is not None:
            responder = before.responder
            self.update(network)
            self.remove(network.id)
        else:
            responder = MetadataResponder(
                network, self._store.key, os.urandom, self._store.passwords, self._holder_on(network.id)
            )
        endpoint = Endpoint(network.id, responder, tuple(listeners), self._limits, self._tally)
        self._endpoints[network.id] = endpoint
        self._loop.call_soon_threadsafe(self._listen, endpoint)

    def _holder_on(self, network_id: str) -> Callable[[IPv4Address], str | None] | None:
        holder = self._lease_holder
        return (lambda address: holder(network_id, address)) if holder else None

    def update(self, network: Network) -> None:
        """Answer by a new version of a network that is served."""
        endpoint = self._endpoints.get(network.id)
        if endpoint is not None and endpoint.responder.network is not network:
            endpoint.responder.update(network)

    def remove(self, network_id: str) -> None:
        """Stop serving a network, end its connections, close its sockets; returns when that is done."""
        endpoint = self._endpoints.pop(network_id, None)
        if endpoint is not None:
            self._in_loop(lambda: self._drop(endpoint))

    def status(self, network_id: str) -> dict[str, Any] | None:
        """A network's counters; None when it is not served."""
        endpoint = self._endpoints.get(network_id)
        if endpoint is None:
            return None
        found: dict[str, Any] = {
            "mode": endpoint.responder.network.metadata,
            **endpoint.responder.counters.as_dict(),
            "refused": {
                "too_often": endpoint.refused.too_often,
                "too_many_open": endpoint.refused.too_many_open,
                "not_http": endpoint.refused.not_http,
            },
            "connections": endpoint.total,
            "errors": dict(endpoint.refused.errors),
        }
        if endpoint.responder.network.metadata == "proxy":
            found["nova"] = self._answering.nova_status()
        return found

    def close(self) -> None:
        """End all connections and the threads, close every socket. Once closed, nothing else may be called."""
        for network_id in list(self._endpoints):
            self.remove(network_id)
        self._thread.result(self._finish())
        self._thread.close()

    # --- the thread -----------------------------------------------------------------------------------------------

    def _in_loop(self, call: Callable[[], None]) -> None:
        async def run() -> None:
            call()

        self._thread.result(run())

    async def _make_server(self) -> web.Server:
        return web.Server(self._answering.handle)

    async def _finish(self) -> None:
        self._watching.cancel()
        await self._server.shutdown(1.0)
        await self._answering.close()
        await self._loop.shutdown_default_executor()

    def _look_again(self) -> None:
        """Have every network looked at, as the database has a problem now, or has none any more."""
        for network_id in list(self._endpoints):
            self._on_error(network_id)

    def _listen(self, endpoint: Endpoint) -> None:
        if endpoint.closed:
            return
        try:
            for listener in endpoint.listeners:
                self._loop.add_reader(listener.fileno(), self._accept, endpoint, listener)
        except OSError as error:  # the kernel cannot watch more
            log.warning("socket error", network=endpoint.network_id, operation="watch", error=str(error))
            self._on_error(endpoint.network_id)

    def _deafen(self, endpoint: Endpoint) -> None:
        for listener in endpoint.listeners:
            self._loop.remove_reader(listener.fileno())

    def _rest(self, endpoint: Endpoint, seconds: float) -> None:
        """Leave connections to the kernel's queue, and those beyond it to their senders' patience."""
        self._deafen(endpoint)
        self._loop.call_later(seconds, self._listen, endpoint)

    def _drop(self, endpoint: Endpoint) -> None:
        self._deafen(endpoint)
        endpoint.closed = True
        for listener in endpoint.listeners:
            listener.close()
        for connection in self._server.connections:
            if isinstance(connection, Connection) and connection.endpoint is endpoint:
                connection.abort()

    def _accept(self, endpoint: Endpoint, listener: socket.socket) -> None:
        for _ in range(self._limits.accepts):
            try:
                accepted, peer = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                self._failed(endpoint, "accept", error)
                return
            now = self._loop.time()
            source = ip_address(peer[0].partition("%")[0])
            guest, status = endpoint.admits(source, now)
            if status:
                _refuse(accepted, status)
                if not endpoint.may_refuse(now):
                    self._rest(endpoint, self._limits.rest)
                    return
                continue
            accepted.setblocking(False)
            endpoint.connected(guest)
            connection = Connection(
                self._server,
                endpoint,
                guest,
                source,
                loop=self._loop,
                tcp_keepalive=False,
                **within(self._limits),
            )
            self._loop.create_task(self._connect(connection, accepted))

    async def _connect(self, connection: Connection, accepted: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: connection, accepted)
        except OSError as error:
            accepted.close()
            connection.endpoint.disconnected(connection.guest)
            self._failed(connection.endpoint, "accept", error)

    def _failed(self, endpoint: Endpoint, operation: str, error: OSError) -> None:
        key = f"{operation} {errno.errorcode.get(error.errno or 0, str(error.errno))}"
        errors = endpoint.refused.errors
        errors[key] = errors.get(key, 0) + 1
        if errors[key] == 1:
            log.warning("socket error", network=endpoint.network_id, operation=operation, error=str(error))
        self._rest(endpoint, _ACCEPT_REST)
        if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
            self._on_error(endpoint.network_id)


def _refuse(accepted: socket.socket, status: int) -> None:
    """Tell a guest no without hearing what it wants, and be done with it."""
    with contextlib.suppress(OSError):
        accepted.setblocking(False)
        accepted.send(REFUSALS[status])
        accepted.shutdown(socket.SHUT_WR)
    accepted.close()
