"""The metadata service of all networks: one thread, one event loop, one aiohttp server.

A network costs two listening sockets and their place in epoll; all else is made when a guest connects. Connections are
taken a few at a time from each socket, and only from guests that have not had their share: others are told so in a
write, without a request being read, and where they keep coming, their network is not heard for a moment, so that it is
the kernel that turns them away. Nothing blocks the loop: passwords are stored by another thread, Nova is asked by the
same loop.

The namespace and the binding of the sockets are their maker's business. From `serve` on they are owned, and closed,
here.
"""

import asyncio
import contextlib
import errno
import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, ip_address
from threading import Thread
from typing import Any

import structlog
from aiohttp import web

from netmend.intent import MetadataProxy, Network
from netmend.services.metadata import Forward, KeepPassword, MetadataResponder, Request, Response
from netmend.services.metadata_http.connection import Connection, closing, response
from netmend.services.metadata_http.endpoint import Endpoint, Tally
from netmend.services.metadata_http.limits import BACKLOG_TIMEOUT, RECEIVE_BUFFER, Limits
from netmend.services.metadata_http.nova import NovaProxy, ProxyError, tls_of
from netmend.services.metadata_http.store import MetadataStore, MetadataStoreError

_ACCEPT_REST = 0.25  # seconds that a socket is left alone after an error
_REFUSALS = {
    status: f"HTTP/1.1 {status} {phrase}\r\nServer: netmend\r\nRetry-After: 1\r\nConnection: close\r\n"
    "Content-Length: 0\r\n\r\n".encode()
    for status, phrase in ((429, "Too Many Requests"), (503, "Service Unavailable"))
}
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT"))
_DEFAULT_LIMITS = Limits()
_UNHEARD = logging.getLogger("netmend.metadata.aiohttp")  # what aiohttp would say of guests' mistakes
_UNHEARD.disabled = True

log = structlog.get_logger(__name__)


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
        """`proxy` gives the settings in force, and is asked often; `on_error` is told, in the server's thread, of a
        network whose sockets fail; `lease_holder` gives the MAC that DHCP has leased a network's address to."""
        self._store, self._wanted_proxy, self._on_error = store, proxy, on_error
        self._limits, self._lease_holder = limits, lease_holder
        self._endpoints: dict[str, Endpoint] = {}
        self._tally = Tally()
        self._proxy: NovaProxy | None = None
        self._proxy_settings: MetadataProxy | None = None
        self.proxy_problem: str | None = None
        self._proxy_lock = asyncio.Lock()
        self._writer = ThreadPoolExecutor(1, "netmend-passwords")
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name="netmend-metadata", daemon=True)
        self._thread.start()
        self._server: web.Server = asyncio.run_coroutine_threadsafe(self._make_server(), self._loop).result()

    def serve(self, network: Network, listeners: Sequence[socket.socket]) -> None:
        """Serve a network from now on; one that is served already gets these sockets instead. They listen."""
        for listener in listeners:
            listener.setblocking(False)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, BACKLOG_TIMEOUT)
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
        self._in_loop(lambda: self._listen(endpoint))

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
            proxy = self._proxy
            found["nova"] = {"problem": self.proxy_problem, "endpoints": proxy.status() if proxy else []}
        return found

    def close(self) -> None:
        """End all connections and the threads, close every socket. Once closed, nothing else may be called."""
        for network_id in list(self._endpoints):
            self.remove(network_id)
        asyncio.run_coroutine_threadsafe(self._finish(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._writer.shutdown()

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _in_loop(self, call: Callable[[], None]) -> None:
        async def run() -> None:
            call()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    async def _make_server(self) -> web.Server:
        return web.Server(self._handle)

    async def _finish(self) -> None:
        await self._server.shutdown(1.0)
        if self._proxy is not None:
            await self._proxy.close()
        await self._loop.shutdown_default_executor()

    def _listen(self, endpoint: Endpoint) -> None:
        if not endpoint.closed:
            for listener in endpoint.listeners:
                self._loop.add_reader(listener.fileno(), self._accept, endpoint, listener)

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
                access_log=None,
                logger=_UNHEARD,
                keepalive_timeout=self._limits.request_time,
                lingering_time=0.0,
                tcp_keepalive=False,
                max_line_size=self._limits.line,
                max_field_size=self._limits.line,
                max_headers=self._limits.headers,
                auto_decompress=False,
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

    # --- requests -------------------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, Connection)
        endpoint = connection.endpoint
        try:
            answer = await self._answer(endpoint, connection, request)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:  # a defect of ours costs its guest one answer
            log.exception("metadata failed", network=endpoint.network_id)
            answer = closing(500, b"A defect of the metadata service.\n")
        endpoint.responder.counters.answered(answer.status)
        return answer

    async def _answer(self, endpoint: Endpoint, connection: Connection, request: web.BaseRequest) -> web.Response:
        if not endpoint.admits_request(connection.guest, self._loop.time()):
            return closing(429, b"Too many requests. Please try again in a second.\n", retry_after=1)
        if request.method not in _METHODS:
            return closing(405, b"This method is not understood.\n")
        body = b""
        if request.body_exists:
            if (request.content_length or 0) > self._limits.body:
                return closing(413, b"The request is too large.\n")
            try:
                async with asyncio.timeout(self._limits.request_time):
                    body = await _read_body(request, self._limits.body)
            except TimeoutError:
                return closing(408, b"The request did not end in time.\n")
            if len(body) > self._limits.body:
                return closing(413, b"The request is too large.\n")
        asked = Request(request.method, request.path, request.headers, body)
        outcome = endpoint.responder.handle(connection.source, asked, time.time())
        match outcome:
            case Response():
                connection.limit_hops(outcome.hop_limit)
                return response(outcome.status, outcome.body, outcome.content_type, outcome.headers)
            case KeepPassword():
                return await self._keep(endpoint, outcome)
            case Forward():
                return await self._forward(endpoint, outcome, request, body)

    async def _keep(self, endpoint: Endpoint, outcome: KeepPassword) -> web.Response:
        try:
            kept = await self._loop.run_in_executor(
                self._writer, self._store.keep, endpoint.network_id, outcome.instance_id, outcome.password
            )
        except MetadataStoreError as error:
            log.error("password not stored", network=endpoint.network_id, error=str(error))
            return response(500, b"The password could not be stored.\n")
        return response(200, b"") if kept else response(409, b"The password is set already, and is set once.\n")

    async def _forward(
        self, endpoint: Endpoint, forward: Forward, request: web.BaseRequest, body: bytes
    ) -> web.Response:
        if ".." in request.path.split("/"):  # an endpoint may have a path of its own, which is not to be left
            return closing(400, b"A path without `..`, please.\n")
        proxy = await self._current_proxy()
        if proxy is None:
            return response(503, b"The metadata service is not set up to ask Nova.\n")
        semaphore = endpoint.semaphore()
        try:
            async with asyncio.timeout(self._limits.wait):
                await semaphore.acquire()
        except TimeoutError:
            endpoint.refused.too_many_open += 1
            return closing(503, b"Too many requests of this network wait for Nova.\n", retry_after=5)
        try:
            answer = await proxy.ask(forward, request.method, request.rel_url.raw_path_qs, body)
        finally:
            semaphore.release()
        headers = (("Retry-After", str(answer.retry_after)),) if answer.retry_after is not None else ()
        return response(answer.status, answer.body, answer.content_type, headers)

    async def _current_proxy(self) -> NovaProxy | None:
        """The proxy by the settings in force; None where there is none, or they cannot be used."""
        if self._wanted_proxy() is self._proxy_settings:
            return self._proxy
        async with self._proxy_lock:
            wanted = self._wanted_proxy()
            if wanted is not self._proxy_settings:
                await self._change_proxy(wanted)
        return self._proxy

    async def _change_proxy(self, wanted: MetadataProxy | None) -> None:
        made, problem = None, None
        if wanted is not None:
            try:
                tls = await self._loop.run_in_executor(None, tls_of, wanted)
                made = NovaProxy(wanted, tls, self._limits.nova_connections)
            except ProxyError as error:
                problem = str(error)
                log.error("metadata cannot be proxied", problem=problem)
        old = self._proxy
        self._proxy, self._proxy_settings, self.proxy_problem = made, wanted, problem
        if old is not None:  # once what it was asked is answered
            self._loop.call_later(self._limits.connection_time, lambda: self._loop.create_task(old.close()))


async def _read_body(request: web.BaseRequest, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)


def _refuse(accepted: socket.socket, status: int) -> None:
    """Tell a guest no without hearing what it wants, and be done with it."""
    with contextlib.suppress(OSError):
        accepted.setblocking(False)
        accepted.send(_REFUSALS[status])
        accepted.shutdown(socket.SHUT_WR)
    accepted.close()
