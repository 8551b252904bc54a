"""`GET /health/live`, `/health/ready`, `/health/whole`: 200 when it is so, 503 and why when it is not."""

from aiohttp import web

from netmend.node.state import NodeState
from netmend.node.views.health import WORDS, health


def attach(application: web.Application, node: NodeState) -> None:
    """Add the routes."""

    async def one(request: web.Request) -> web.Response:
        found = health(node, request.match_info["word"])
        return web.json_response(found, status=200 if found["ok"] else 503, headers={"Cache-Control": "no-store"})

    application.add_routes([web.get(f"/health/{{word:{'|'.join(WORDS)}}}", one)])
