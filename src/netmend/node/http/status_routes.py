"""`GET /status` and `GET /status/<network id or name>` as JSON: what `netmend status` shows."""

from aiohttp import web

from netmend.node.state import NodeState
from netmend.node.views.shapes import find_network
from netmend.node.views.status import network_status, status


def attach(application: web.Application, node: NodeState) -> None:
    """Add the routes."""

    async def every(_: web.Request) -> web.Response:
        return web.json_response(status(node))

    async def one(request: web.Request) -> web.Response:
        text = request.match_info["network"]
        try:
            network = find_network(node, text)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=409)
        if network is None:
            return web.json_response({"error": f"no network {text} in the intent in force"}, status=404)
        return web.json_response(network_status(node, network))

    application.add_routes([web.get("/status", every), web.get("/status/{network}", one)])
