"""The API's knowledge beside the store: its node."""

import socket
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from netmend.sources.store.store import Store


@dataclass(frozen=True, slots=True)
class Context:
    """Handed to every handler. `host` is this node's name; `served` gives the ids of networks that are answered;
    `health` what the node says of itself, for its agent."""

    store: Store
    host: str = field(default_factory=socket.gethostname)
    served: Callable[[], Collection[str]] = lambda: ()
    health: Callable[[], dict[str, Any]] = dict
    page_max: int = 0
    readers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "netmend-api-read"))


KEY = web.AppKey("context", Context)
