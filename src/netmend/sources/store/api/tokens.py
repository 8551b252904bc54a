"""Access: bearers of a token may ask, and processes that can open the unix socket."""

from aiohttp import web
from aiohttp.typedefs import Middleware

from netmend.ground.bounded_http import read_body
from netmend.sources.store.api.errors import Handler, error_response, json_response
from netmend.sources.store.api.token_file import Tokens

PROJECT = web.RequestKey("project", str)  # of a request: the project its new objects belong to
COOKIE = "netmend-token"
_OPEN = frozenset({"/", "/openapi.json", "/view/session"})
_TOKEN_MAX = 4096  # octets
_FILES = "/page/"  # of the page: the same for everybody
_READ_BY_COOKIE = ("/view/", "/metrics")  # a browser cannot be made to write by what it sends unasked


def guard(tokens: Tokens | None) -> Middleware:
    """Middleware that refuses clients without a token; with `tokens` None, it refuses none."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if tokens is None or _is_open(request.path) or _by_unix_socket(request):
            return await handler(request)
        kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
        token = request.headers.get("X-Auth-Token") or (bearer.strip() if kind.lower() == "bearer" else "")
        if not token and request.method == "GET" and request.path.startswith(_READ_BY_COOKIE):
            token = request.cookies.get(COOKIE, "")
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


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith(_FILES)


def add_session(router: web.UrlDispatcher, tokens: Tokens) -> None:
    """`POST /view/session` with a token as its body: the browser keeps it, as a cookie that no script can read."""

    async def begin(request: web.Request) -> web.Response:
        token = (await read_body(request, _TOKEN_MAX)).decode(errors="replace").strip()
        if tokens.project_of(token) is None:
            return error_response(401, "Unauthorized", "No such token; they are in the file of tokens.")
        response = web.Response(status=204)
        response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=request.secure, path="/")
        return response

    router.add_post("/view/session", begin)


def _by_unix_socket(request: web.Request) -> bool:
    transport = request.transport
    return transport is not None and isinstance(transport.get_extra_info("sockname"), str | bytes)
