"""Who may ask: bearers of a token, and whoever can open the unix socket."""

from aiohttp import web
from aiohttp.typedefs import Middleware

from netmend.sources.store.api.errors import Handler, json_response
from netmend.sources.store.api.token_file import Tokens

PROJECT = "netmend.project"  # of a request: the project its new objects belong to
_OPEN = frozenset({"/", "/openapi.json"})


def guard(tokens: Tokens | None) -> Middleware:
    """Middleware that lets in who may ask; `tokens` None: everybody."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if tokens is None or request.path in _OPEN or _by_unix_socket(request):
            return await handler(request)
        kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
        token = request.headers.get("X-Auth-Token") or (bearer.strip() if kind.lower() == "bearer" else "")
        project = tokens.project_of(token) if token else None
        if project is None:
            response = json_response(
                {
                    "error": {
                        "code": 401,
                        "title": "Unauthorized",
                        "message": "The request you have made requires authentication.",
                    }
                },
                401,
            )
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        request[PROJECT] = project
        return await handler(request)

    return check


def _by_unix_socket(request: web.Request) -> bool:
    transport = request.transport
    return transport is not None and isinstance(transport.get_extra_info("sockname"), str | bytes)
