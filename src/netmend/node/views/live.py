"""Sends changes of the node to the readers that follow it; looks a few times a second while there are any."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from netmend.node.state import NodeState
from netmend.node.views.listing import Row, network_detail, network_rows
from netmend.node.views.overview import overview
from netmend.node.views.shapes import Clock, event_json

EVERY: Final = 0.25  # seconds
_AT_REST: Final = 1.0  # seconds between looks at all of it while nothing shows that anything changed
_BEHIND: Final = 400  # messages that a slow watcher may lag behind
_AT_ONCE: Final = 200  # rows of one message; more have changed: ask for the list again
WATCHERS: Final = 64
Message = tuple[str, Any]


class TooManyWatchers(RuntimeError):
    """One more reader is refused: there are as many as can be served."""


class _Watcher:
    def __init__(self, network_id: str | None) -> None:
        self.network_id = network_id
        self.detail: str | None = None
        self.queue: asyncio.Queue[Message] = asyncio.Queue(_BEHIND)
        self.lost = False

    def put(self, message: Message) -> None:
        if not self.lost:
            try:
                self.queue.put_nowait(message)
            except asyncio.QueueFull:
                self.lost = True


class Live:
    """The changes of one node. For the node's loop only.

    Messages: `overview` (changed), `networks` (`changed`: rows, `gone`: ids, or `all`: ask again), `devices` (the
    sample of a second), `event` (of the journal), `network` (the detail of the watched one), and `lost` once the reader
    was too slow: it should come again.
    """

    def __init__(self, node: NodeState, clock: Clock) -> None:
        self._node, self._clock = node, clock
        self._watchers: set[_Watcher] = set()
        self._task: asyncio.Task[None] | None = None
        self._rows: dict[str, Row] = {}
        self._overview: dict[str, Any] = {}
        self._event = 0
        self._sampled = 0.0

    @property
    def watchers(self) -> int:
        return len(self._watchers)

    async def follow(self, network_id: str | None) -> AsyncIterator[Message]:
        """Messages from now on, the overview first; raises TooManyWatchers."""
        if len(self._watchers) >= WATCHERS:
            raise TooManyWatchers(f"{WATCHERS} watch already")
        watcher = _Watcher(network_id)
        if not self._watchers:
            self._begin()
        self._watchers.add(watcher)
        try:
            yield "overview", self._overview
            while not watcher.lost or not watcher.queue.empty():
                yield await watcher.queue.get()
            yield "lost", None
        finally:
            self._watchers.discard(watcher)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _begin(self) -> None:
        self._overview = overview(self._node, self._clock)
        self._rows = {row["id"]: row for row in network_rows(self._node)}
        self._event = self._node.journal.number
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        looked, seen = 0.0, self._fingerprint()
        while self._watchers:
            await asyncio.sleep(EVERY)
            fingerprint, now = self._fingerprint(), time.monotonic()
            if fingerprint != seen or now - looked >= _AT_REST:
                looked, seen = now, fingerprint
                self._look()
            self._send_events()
            for watcher in self._watchers:
                self._detail(watcher)

    def _fingerprint(self) -> tuple[object, ...]:
        """A value that changes with all that a reader should see at once; a look at 1,000 networks would take 20 ms."""
        node, reconciler = self._node, self._node.reconciler
        intent = id(node.intent.intent), node.intent.problem
        return (*intent, node.passes, node.journal.number, reconciler.breaker.state, *list(reconciler.in_progress))

    def _look(self) -> None:
        now = overview(self._node, self._clock)
        sample, now["devices"] = now["devices"], self._overview.get("devices")
        if now != self._overview:
            now["devices"] = sample
            self._send("overview", now)
            self._overview = now
        if sample is not None and sample["at"] != self._sampled:
            self._sampled = sample["at"]
            self._send("devices", sample)
        self._compare_rows()

    def _send_events(self) -> None:
        for event in self._node.journal.since(self._event):
            self._event = event.number
            self._send("event", event_json(self._node, event))

    def _compare_rows(self) -> None:
        rows = {row["id"]: row for row in network_rows(self._node)}
        changed = [row for network_id, row in rows.items() if self._rows.get(network_id) != row]
        gone = [network_id for network_id in self._rows if network_id not in rows]
        if len(changed) + len(gone) > _AT_ONCE:
            self._send("networks", {"all": True})
        elif changed or gone:
            self._send("networks", {"changed": changed, "gone": gone})
        self._rows = rows

    def _detail(self, watcher: _Watcher) -> None:
        if watcher.network_id is None:
            return
        network = self._node.intent.intent.networks.get(watcher.network_id)
        detail = network_detail(self._node, network, self._clock) if network else None
        text = json.dumps(detail)
        if text != watcher.detail:
            watcher.detail = text
            watcher.put(("network", detail))

    def _send(self, kind: str, data: Any) -> None:
        for watcher in self._watchers:
            watcher.put((kind, data))
