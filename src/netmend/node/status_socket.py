"""Status over a unix socket, as HTTP: `GET /status` and `GET /status/<network id or name>` give JSON."""

import os

from aiohttp import web

from netmend.node.state import NodeState
from netmend.node.status import find_network, network_status, status


class StatusSocket:
    """Listens while entered; only the node's own user may connect."""

    def __init__(self, node: NodeState) -> None:
        self._node = node
        application = web.Application()
        application.add_routes([web.get("/status", self._all), web.get("/status/{network}", self._one)])
        self._runner = web.AppRunner(application, access_log=None)

    async def __aenter__(self) -> "StatusSocket":
        path = self._node.settings.socket
        path.unlink(missing_ok=True)  # left by a node that was killed; the lock says that nobody listens
        await self._runner.setup()
        before = os.umask(0o177)
        try:
            await web.UnixSite(self._runner, str(path)).start()
        finally:
            os.umask(before)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        self._node.settings.socket.unlink(missing_ok=True)

    async def _all(self, _: web.Request) -> web.Response:
        return web.json_response(status(self._node))

    async def _one(self, request: web.Request) -> web.Response:
        text = request.match_info["network"]
        network = find_network(self._node, text)
        if network is None:
            return web.json_response({"error": f"no network {text} in the intent in force"}, status=404)
        return web.json_response(network_status(self._node, network))
