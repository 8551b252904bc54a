"""The store as a node's source of intent, with the API that writes it.

The API has a thread of its own, and the store another. The intent of each commit goes to the node's loop before the
client hears of success; where several come before the loop looks, it takes the last.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from netmend import __version__
from netmend.ground.diagnosis import Diagnosis
from netmend.ground.listen import CannotListen, Listen, Listeners, is_loopback
from netmend.ground.log import get_logger
from netmend.ground.private_files import make_private_directory
from netmend.intent.network import Intent
from netmend.node.intake.source import Source
from netmend.node.state import NodeState
from netmend.sources.store import Store, StoreError, agents
from netmend.sources.store.api.token_file import Tokens, read_tokens
from netmend.sources.store.records import ReasonRecord, record

if TYPE_CHECKING:
    from netmend.sources.store.api.application import Beside
    from netmend.sources.store.api.server import ApiServer

TOKENS = "api-tokens"
DATABASE = "store.sqlite"
_ANOTHER_PLACE = "give another place with --api-listen ADDRESS:PORT, or `--api-listen socket`"
_BETWEEN_RECORDS = 2.0  # seconds
Wrong = tuple[tuple[ReasonRecord, ...], tuple[Diagnosis, ...]]
log = get_logger()


class ApiSettings(Struct, frozen=True):
    """Where the API listens, and for which clients."""

    listen: Listen
    tokens: Path | None = None  # the file of tokens; None: that in the state directory, made when absent
    require_tokens: bool = True  # False: every client that reaches the address; only on loopback
    page_max: int = 0  # rows of a page at most; 0: no limit


class StoreSource(Source):
    """Follows the store in the directory `state`."""

    def __init__(self, state: Path, api: ApiSettings | None) -> None:
        """`api` None: only this process writes."""
        self._state, self._settings = state, api
        self._store: Store | None = None
        self._api: ApiServer | None = None
        self._served: frozenset[str] = frozenset()
        self._lock = Lock()
        self._host = socket.gethostname()
        self._listeners: Listeners | None = None
        self._tokens: Tokens | None = None
        self._beside: Callable[[], Sequence[Beside]] = lambda: ()
        self._look: Callable[[], Wrong] = lambda: ((), ())

    def serve_beside(self, make: "Callable[[], Sequence[Beside]]") -> None:
        """Let the API's server answer more than the API; `make` is called in its thread. Call it before `follow`."""
        self._beside = make

    def keep_records(self, look: "Callable[[], Wrong]") -> None:
        """Keep in the store what `look` says is wrong, every now and then. Call it before `follow`."""
        self._look = look

    def first(self) -> Intent:
        try:
            make_private_directory(self._state)
        except OSError as error:
            raise StoreError(
                f"cannot make {self._state}: {error.strerror}; run as root, or give --state-dir"
            ) from error
        if self._settings is not None:
            self._admit(self._settings)
        self._store = Store(self._state / DATABASE)
        return self._store.intent

    async def follow(self, take: Callable[[Intent], None], problem: Callable[[str | None], None]) -> None:
        store = self.store
        loop = asyncio.get_running_loop()
        pending: list[Intent] = []

        def hand_over() -> None:
            intent = pending[-1]
            pending.clear()
            take(intent)

        def committed(intent: Intent) -> None:  # in the writer's thread
            with self._lock:
                pending.append(intent)
                if len(pending) == 1:
                    loop.call_soon_threadsafe(hand_over)

        store.listen(committed)
        try:
            if self._settings is not None:
                self._api = await asyncio.to_thread(self._start_api, store, self._settings)
            take(store.intent)
            await self._keep_records(store, problem)
        finally:
            await asyncio.shield(asyncio.to_thread(self.close))

    async def _keep_records(self, store: Store, problem: Callable[[str | None], None]) -> None:
        kept: Wrong | None = None
        while True:
            if (looking := store.look()) is not None:
                with contextlib.suppress(StoreError):
                    await asyncio.wrap_future(looking)
            problem(f"changes cannot be stored: {store.problem}" if store.problem is not None else None)
            wrong = self._look()
            if wrong != kept:
                try:
                    await asyncio.wrap_future(store.write(lambda tx, wrong=wrong: record(tx, *wrong)))  # type: ignore[misc]
                    kept = wrong
                except StoreError as error:
                    log.error("what is wrong could not be recorded", problem=str(error))
            await asyncio.sleep(_BETWEEN_RECORDS)

    @property
    def store(self) -> Store:
        """Open from `first` on."""
        assert self._store is not None
        return self._store

    @property
    def served_networks(self) -> frozenset[str]:
        """Ids of the networks whose guests are answered."""
        return self._served

    def close(self) -> None:
        """Answer the requests that are under way, and close the file."""
        if self._api is not None:
            self._api.close()
        elif self._listeners is not None:
            self._listeners.close()
        if self._store is not None:
            self._store.close()

    def reload(self) -> None:
        """Nothing: each commit is heard of."""

    def status(self) -> dict[str, Any]:
        listen = self._settings.listen if self._settings else None
        return {
            "kind": "store",
            "file": str(self._state / DATABASE),
            "api": self._url(),
            "socket": str(listen.socket_path) if listen and listen.socket_path else None,
        }

    def _url(self) -> str | None:
        """Where the API answers; None: at no address."""
        if self._settings is None or self._settings.listen.address is None:
            return None
        listen, listeners = self._settings.listen, self._listeners
        if listeners is not None and listeners.port is not None:
            listen = replace(listen, port=listeners.port)
        return f"{listen.url}v2.0"

    def served(self, network_id: str) -> None:
        if network_id not in self._served:
            with self._lock:
                self._served |= {network_id}

    def gone(self, network_id: str) -> None:
        with self._lock:
            self._served -= {network_id}

    def _admit(self, settings: ApiSettings) -> None:
        """Read the tokens of the API, and open its sockets. Raises StoreError."""
        listen = settings.listen
        if settings.require_tokens:
            self._tokens = read_tokens(settings.tokens or self._state / TOKENS)
        elif listen.address is not None and not is_loopback(listen.address):
            raise StoreError(f"API: without tokens it is for loopback alone, not for {listen.address}")
        try:
            self._listeners = listen.open(_ANOTHER_PLACE)
        except CannotListen as error:
            raise StoreError(f"API: {error}") from error

    def _start_api(self, store: Store, settings: ApiSettings) -> "ApiServer":
        from netmend.sources.store.api.application import application  # half a second of HTTP, after the first answers
        from netmend.sources.store.api.context import Context
        from netmend.sources.store.api.server import ApiServer

        assert self._listeners is not None
        store.write(lambda tx: agents.register(tx, self._host, {"version": __version__})).result()
        context = Context(
            store, self._host, lambda: self._served, lambda: {"networks": len(self._served), "at": time.time()},
            settings.page_max,
        )  # fmt: skip
        server = ApiServer(lambda: application(context, self._tokens, self._beside()), self._listeners)
        server.start()
        return server


def wrong_now(node: NodeState) -> Wrong:
    """What the store is to keep of a node: its resync reasons, and the faults of its host: the breaker's, and those of
    mounts."""
    ago = time.time() - time.monotonic()
    reasons = tuple(
        ReasonRecord(reason.network_id, reason.port_id, reason.text, ago + reason.since, reason.failures)
        for reason in node.reconciler.resync.all()
    )
    breaker = node.reconciler.breaker.state
    faults = [*node.mount_faults, *([breaker.diagnosis] if breaker else [])]
    return reasons, tuple(faults)
