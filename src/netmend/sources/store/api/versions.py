"""`/` and `/v2.0`: which versions and resources there are. Nobody needs a token to ask for the first."""

from aiohttp import web

from netmend.sources.store.api.errors import json_response

RESOURCES = ("network", "subnet", "port", "agent", "quota", "extension")


def add_to(router: web.UrlDispatcher) -> None:
    router.add_get("/v2.0", _resources)
    router.add_get("/v2.0/", _resources)


def version(request: web.Request) -> dict[str, object]:
    return {
        "id": "v2.0",
        "status": "CURRENT",
        "links": [{"rel": "self", "href": f"{request.scheme}://{request.host}/v2.0/"}],
    }


async def versions(request: web.Request) -> web.Response:
    """The answer to `/`."""
    return json_response({"versions": [version(request)]})


async def _resources(request: web.Request) -> web.Response:
    base = f"{request.scheme}://{request.host}/v2.0"
    found = [
        {"name": name, "collection": f"{name}s", "links": [{"rel": "self", "href": f"{base}/{name}s"}]}
        for name in RESOURCES
    ]
    return json_response({"resources": found, "version": version(request)})
