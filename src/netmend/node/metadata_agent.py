"""The process as neutron-metadata-agent alone: a Unix socket, the server that knows guests, and Nova.

No network is served here and no namespace entered, so nothing of the host's is needed; such a process may run beside
the node that has the networks.
"""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from netmend import __version__
from netmend.ground.log import get_logger
from netmend.kernel import descriptors
from netmend.node.guests.routed_metadata import RoutedServing
from netmend.node.http.counts import HttpCounts
from netmend.node.http.server import HttpServer
from netmend.node.intake.neutron.connection import ServerConnection
from netmend.node.lock import hold_lock
from netmend.node.log_writer import lines_lost
from netmend.node.sd_notify import Notifier
from netmend.node.settings import Settings
from netmend.node.views.health import WORDS, answer
from netmend.sources.neutron.configuration import Configuration
from netmend.sources.neutron.readiness import Readiness
from netmend.sources.neutron.routed_metadata import RoutedMetadata

NEEDED: Final[Mapping[str, str]] = {}
"""Capabilities that it cannot do without, as in netmend.node.privileges: none."""
log = get_logger()


class MetadataAgent:
    """`run` serves until SIGTERM or SIGINT."""

    def __init__(self, configuration: Configuration, settings: Settings) -> None:
        self._configuration, self._settings = configuration, settings
        self._started = time.time()
        self._connection = ServerConnection(configuration, None, Readiness(), lambda: None)
        routed = RoutedMetadata(configuration, self._connection.answering_server)
        self._serving = RoutedServing(routed, lambda: configuration.metadata_proxy)
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Serve; raises CannotStart."""
        loop = asyncio.get_running_loop()
        with hold_lock(self._settings.lock):
            descriptors.raise_open_files()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stopped.set)
            loop.add_signal_handler(signal.SIGHUP, lambda: None)  # every request asks the server anew
            self._connection.start()
            notifier = Notifier()
            server = HttpServer(self._settings.socket, None, [self._attach], HttpCounts())
            async with server.serving(), self._serving.serving(), notifier.alive(lambda: False):
                log.info("netmend serves as neutron-metadata-agent", version=__version__, **self._intent())
                notifier.ready("metadata of guests behind routers is answered")
                await self._stopped.wait()
                notifier.stopping()
            self._connection.stop()
            log.info("netmend ends")

    def _attach(self, application: web.Application) -> None:
        async def one(request: web.Request) -> web.Response:
            found = self.health(request.match_info["word"])
            return web.json_response(found, status=200 if found["ok"] else 503, headers={"Cache-Control": "no-store"})

        async def every(_: web.Request) -> web.Response:
            return web.json_response(self.status())

        application.add_routes([web.get(f"/health/{{word:{'|'.join(WORDS)}}}", one), web.get("/status", every)])

    def health(self, word: str) -> dict[str, Any]:
        """As netmend.node.views.health has it. A server that is away, and a Nova that does not answer, are wrong only
        where all is asked for: no start of ours would mend them."""
        routed, wrong = self._serving.status(), []
        if word != "live" and routed["problem"]:
            wrong.append(routed["problem"])
        if word == "whole" and routed["nova"]:
            wrong += [f"{one['url']}: {one['problem']}" for one in routed["nova"]["endpoints"] if one["problem"]]
            wrong += [routed["nova"]["problem"]] if routed["nova"]["problem"] else []
        return answer(word, wrong)

    def status(self) -> dict[str, Any]:
        """The shape of netmend.node.views.status, of a node without networks."""
        return {
            "node": {
                "version": __version__,
                "pid": os.getpid(),
                "started_at": self._started,
                "first_answer_after": None,
                "passes": 0,
                "log_lines_lost": lines_lost(),
                "healthy": self.health("ready")["ok"],
            },
            "intent": {**self._intent(), "loaded_at": self._started, "problem": None},
            "breaker": {"open": False},
            "pinning": {"ok": True},
            "mount_faults": [],
            "leases_problem": None,
            "routed_metadata": self._serving.status(),
            "networks": [],
            "reasons": [],
            "in_progress": [],
        }

    def _intent(self) -> dict[str, Any]:
        connection = self._connection
        return {
            "kind": "neutron-metadata",
            "host": self._configuration.policy.host,
            "files": [str(file) for file in self._configuration.files],
            "server": {
                "answered_at": connection.answered_at,
                "problem": connection.problem,
                "calls_seconds": round(connection.calls_seconds, 3),
            },
        }
