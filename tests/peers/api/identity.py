"""As much of Keystone v3 as Tempest asks for before it tests networking: tokens, and a catalogue of one endpoint.

Tempest cannot do without an identity service. Whoever asks gets the token of the project that the request names.
Requests for networking pass through here on their way.
"""

import sys
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

_WHEN = {"issued_at": "2026-01-01T00:00:00.000000Z", "expires_at": "2036-01-01T00:00:00.000000Z"}
_PASSED_ON = ("x-auth-token", "content-type", "if-match")
_DOMAIN = {"id": "default", "name": "Default"}


def application(network: str, tokens: dict[str, str]) -> web.Application:
    """`network` is the endpoint's URL, `tokens` those of the API by project."""

    async def authenticate(request: web.Request) -> web.Response:
        asked: dict[str, Any] = (await request.json())["auth"]
        project = (
            asked.get("scope", {}).get("project", {}).get("name")
            or asked["identity"]["password"]["user"]["name"].split("-")[0]
        )
        if project not in tokens:
            return web.json_response({"error": {"code": 401, "message": f"no user {project}"}}, status=401)
        roles = ["admin", "member", "reader"] if project.startswith("admin") else ["member", "reader"]
        endpoints = [
            {
                "id": "e",
                "interface": interface,
                "region": "RegionOne",
                "region_id": "RegionOne",
                "url": f"http://{request.host}/network/",
            }
            for interface in ("public", "internal", "admin")
        ]
        token = {
            **_WHEN,
            "methods": ["password"],
            "user": {"id": f"user-{project}", "name": project, "domain": _DOMAIN},
            "project": {"id": project, "name": project, "domain": _DOMAIN},
            "roles": [{"id": role, "name": role} for role in roles],
            "catalog": [{"id": "c", "type": "network", "name": "neutron", "endpoints": endpoints}],
        }
        return web.json_response({"token": token}, status=201, headers={"X-Subject-Token": tokens[project]})

    async def versions(request: web.Request) -> web.Response:
        link = {"rel": "self", "href": f"http://{request.host}/v3/"}
        return web.json_response({"version": {"id": "v3.14", "status": "stable", "links": [link]}})

    async def pass_on(request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() in _PASSED_ON}
        async with (
            ClientSession() as session,
            session.request(
                request.method, network + str(request.rel_url)[8:], data=await request.read(), headers=headers
            ) as answer,
        ):
            kind = answer.headers.get("Content-Type", "application/json")
            return web.Response(status=answer.status, body=await answer.read(), headers={"Content-Type": kind})

    app = web.Application()
    app.router.add_route("*", "/network/{path:.*}", pass_on)
    app.router.add_post("/v3/auth/tokens", authenticate)
    app.router.add_get("/v3", versions)
    app.router.add_get("/v3/", versions)
    return app


if __name__ == "__main__":
    # PORT NETWORK-URL TOKENS-FILE
    lines = [line.split() for line in Path(sys.argv[3]).read_text().splitlines()]
    web.run_app(
        application(sys.argv[2], {project: token for token, project in lines}),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        print=None,
    )
