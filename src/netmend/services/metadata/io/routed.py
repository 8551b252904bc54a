"""Metadata of guests behind routers that netmend did not make: Neutron's L3 agent starts a haproxy in each router's
namespace, which passes guests' requests to a Unix socket and says in headers for which router, and which address asked
(neutron/agent/metadata/proxy_base.py). Which guest has that address is for the node to find out.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from aiohttp import web
from msgspec import Struct

from netmend.ground.log import get_logger
from netmend.intent import MetadataProxy
from netmend.services.metadata import Forward
from netmend.services.metadata.io.connection import closing, within
from netmend.services.metadata.io.limits import Limits
from netmend.services.metadata.io.loop_thread import LoopThread
from netmend.services.metadata.io.request_body import request_body
from netmend.services.metadata.io.to_nova import ToNova
from netmend.services.shared.rate_limit import RateLimit

_NETWORK, _ROUTER, _SOURCE = "X-Neutron-Network-ID", "X-Neutron-Router-ID", "X-Forwarded-For"
_SEARCHES = 8  # at once
_PRUNE_AT = 1024
_LEAST_ANSWER_TIME = 60.0  # seconds, as neutron-metadata-agent has it: haproxy has a limit of its own
_DEFAULT_LIMITS = Limits()

log = get_logger()


class Asker(Struct, frozen=True):
    """Who asks: an address on a network, or on any network of a router; one of the two is None."""

    network_id: str | None
    router_id: str | None
    address: IPv4Address | IPv6Address

    @property
    def by_way_of(self) -> str:
        return self.router_id or self.network_id or ""


Find = Callable[[str | None, str | None, IPv4Address | IPv6Address], tuple[str, str] | None]
"""Ids of the instance and of its project, by network, router and address; None: no instance, or more than one. Blocks.
Raises ConnectionError when it cannot be known now."""


class RoutedServer:
    """Answers proxies until closed. All methods may be called from any thread but its own."""

    def __init__(self, proxy: Callable[[], MetadataProxy | None], find: Find, limits: Limits = _DEFAULT_LIMITS) -> None:
        """`proxy` gives the settings in force."""
        self._find, self._limits = find, limits
        self._searches = ThreadPoolExecutor(_SEARCHES, "netmend-askers")
        self._rates = RateLimit(limits.guest_rate, limits.guest_burst)
        self._known: dict[Asker, tuple[float, tuple[str, str]]] = {}  # until when
        self._under_way: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._answered: Counter[int] = Counter()
        self._search_problem: str | None = None
        self._nova = ToNova(proxy, limits, _LEAST_ANSWER_TIME)
        self._thread = LoopThread("netmend-routed-metadata")
        self._loop = self._thread.loop
        self._server: web.Server = self._thread.result(self._make_server())
        self._listening: asyncio.Server | None = None

    def listen(self, listener: socket.socket) -> None:
        """Answer at this Unix socket, which listens and is owned here from now on, and at no other any more."""
        self._thread.result(self._listen(listener))

    def status(self) -> dict[str, Any]:
        """Answers by status code, why the last search could not be made, and how Nova is."""
        return {
            "search_problem": self._search_problem,
            "answers": {str(status): count for status, count in sorted(self._answered.items())},
            "nova": self._nova.status(),
        }

    def close(self) -> None:
        """End all connections and threads. Once closed, nothing else may be called."""
        self._thread.result(self._finish())
        self._thread.close()
        self._searches.shutdown(wait=False, cancel_futures=True)

    # --- the thread -----------------------------------------------------------------------------------------------

    async def _make_server(self) -> web.Server:
        return web.Server(self._handle, **within(self._limits))

    async def _listen(self, listener: socket.socket) -> None:
        before = self._listening
        self._listening = await self._loop.create_unix_server(self._server, sock=listener)
        if before is not None:
            before.close()

    async def _finish(self) -> None:
        if self._listening is not None:
            self._listening.close()
        await self._server.shutdown(1.0)
        await self._nova.close()
        await self._loop.shutdown_default_executor()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            answer = await self._answer(request)
        except (asyncio.CancelledError, ConnectionResetError):
            raise
        except Exception:  # a defect of ours costs its guest one answer
            log.exception("metadata by way of a router failed")
            answer = closing(500, b"A defect of the metadata service.\n")
        self._answered[answer.status] += 1
        return answer

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        asker = _asker(request)
        if asker is None:
            return closing(400, b"Metadata is asked for by way of a router, or of a network.\n")
        if not _may_exist(asker.by_way_of):
            return closing(404, b"There is no such router or network.\n")
        if not self._rates.allow((asker.by_way_of, asker.address), self._loop.time()):
            return closing(429, b"Too many requests. Please try again in a second.\n", retry_after=1)
        body = await request_body(request, self._limits)
        if isinstance(body, web.Response):
            return body
        semaphore = self._under_way.setdefault(asker.by_way_of, asyncio.Semaphore(self._limits.in_flight))
        try:
            async with asyncio.timeout(self._limits.wait):
                await semaphore.acquire()
        except TimeoutError:
            return closing(503, b"Too many requests by this way are waiting.\n", retry_after=5)
        try:
            return await self._ask(asker, request, body)
        finally:
            semaphore.release()

    async def _ask(self, asker: Asker, request: web.BaseRequest, body: bytes) -> web.Response:
        found = self._recall(asker) or await self._search(asker)
        if isinstance(found, web.Response):
            return found
        instance_id, project_id = found
        return await self._nova.pass_on(Forward(instance_id, project_id, str(asker.address)), request, body)

    def _recall(self, asker: Asker) -> tuple[str, str] | None:
        until, found = self._known.get(asker, (0.0, None))
        return found if self._loop.time() < until else None

    async def _search(self, asker: Asker) -> tuple[str, str] | web.Response:
        """Who it is, or what to answer where that is not known."""
        search = self._loop.run_in_executor(
            self._searches, self._find, asker.network_id, asker.router_id, asker.address
        )
        try:
            async with asyncio.timeout(self._limits.search_time):
                found = await search
        except (ConnectionError, TimeoutError) as error:
            self._search_failed(str(error) or f"it took more than {self._limits.search_time:.0f} s")
            return closing(503, b"It cannot be told now who asks. Please try again later.\n", retry_after=5)
        self._search_problem = None
        if found is None:
            return closing(404, b"No instance has this address here.\n")
        now = self._loop.time()
        if len(self._known) >= _PRUNE_AT:
            self._known = {one: known for one, known in self._known.items() if now < known[0]}
        self._known[asker] = now + self._limits.known_for, found
        return found

    def _search_failed(self, problem: str) -> None:
        if self._search_problem is None:
            log.warning("it cannot be told who asks for metadata by way of a router", problem=problem)
        self._search_problem = problem


def _may_exist(object_id: str) -> bool:
    """Whether an id has the form of Neutron's ids. One that has not needs no search, which could not be made while the
    server is away: OpenStack-Helm's liveness probe asks for such a router, and ends the agent at a 500 or more."""
    try:
        return str(UUID(object_id)) == object_id.lower()
    except ValueError:
        return False


def _asker(request: web.BaseRequest) -> Asker | None:
    """The identity that the headers give; None if they leave a doubt. A guest can send headers of these names
    too: haproxy replaces ids, and adds the address behind what is there."""
    networks, routers = request.headers.getall(_NETWORK, []), request.headers.getall(_ROUTER, [])
    if len(networks) + len(routers) != 1:
        return None
    sources = ",".join(request.headers.getall(_SOURCE, []))
    try:
        address = ip_address(sources.rpartition(",")[2].strip().partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return Asker(networks[0] if networks else None, routers[0] if routers else None, address)
