"""What `run` and `agent` have in common: what the HTTP servers answer, and where the API listens."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netmend.ground.listen import Listen, is_loopback

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler

    from netmend.node.http.server import AddRoutes
    from netmend.node.intake.store import ApiSettings
    from netmend.node.settings import Settings
    from netmend.node.state import NodeState
    from netmend.sources.store.api.application import Beside


def routes_of(
    node: "NodeState", other_root: "Handler | None" = None, *, guards_acts: bool = False
) -> "Sequence[AddRoutes]":
    """What one HTTP server answers beside status: metrics, and the page with its live data. Where the server does not
    see to it who acts (`guards_acts`), only the node's own user may, at the unix socket.

    Called in that server's thread, once guests have their first answers: loading all this takes a tenth of a second.
    """
    from netmend.node.http.guard import is_local_socket
    from netmend.node.views import metrics
    from netmend.node.views.read_models import Views
    from netmend.web import page

    def may_act(request: "web.Request") -> bool:
        return guards_acts or is_local_socket(request)

    views = Views(node)
    registry = metrics.registry_of(node, lambda: views.live.watchers)
    return (
        lambda application: metrics.attach(application, registry),
        lambda application: page.attach(application, views, other_root, may_act),
    )


def beside_api(node: "NodeState", listen: Listen, *, tokens: bool) -> "Callable[[], Sequence[Beside]]":
    """The routes of `routes_of` for the server of the store's API, which is at `listen`.

    Where the API asks for tokens, requests to the API may name any host.
    """

    def attach(application: "web.Application", versions: "Handler") -> None:
        from netmend.node.http.guard import counted, guarded

        hosts, url = listen.hosts, listen.url
        application.middlewares.insert(0, counted(node.http))
        application.middlewares.insert(1, guarded(hosts, url, lambda request: not (tokens and _of_api(request.path))))
        for add_routes in routes_of(node, versions, guards_acts=True):
            add_routes(application)

    return lambda: (attach,)


def _of_api(path: str) -> bool:
    return path.startswith("/v2.0") or path in {"/", "/openapi.json"}


def api_settings(
    settings: "Settings",
    listen: str,
    *,
    tokens: Path | None,
    no_tokens: bool,
    plain_http: bool,
    certificate: Path | None,
    key: Path | None,
) -> "ApiSettings":
    """Where the API of the store listens, and for whom, from the options of `netmend run`. Raises StoreError."""
    from netmend.node.intake.store import ApiSettings
    from netmend.sources.store import StoreError

    address: str | None = None
    port = 0
    if listen != "socket":
        host, colon, digits = listen.rpartition(":")
        if not colon or not digits.isdigit() or not 0 <= int(digits) <= 65_535 or not host:
            raise StoreError(f"--api-listen {listen}: give ADDRESS:PORT, such as 127.0.0.1:9696, or `socket`")
        address, port = host.strip("[]"), int(digits)
        if no_tokens and not is_loopback(address):
            raise StoreError(f"--api-no-tokens is for loopback alone, and {address} is not; make a file of tokens")
        if certificate is None and not (no_tokens or plain_http or is_loopback(address)):
            raise StoreError(
                f"--api-listen {listen}: tokens would cross the network unencrypted; give --api-certificate PEM, or "
                "--api-plain-http where what is in between encrypts them, or nobody else is"
            )
    for path in (certificate, key):
        if path is not None and not path.exists():
            raise StoreError(f"{path}: there is no such file")
    where = Listen(
        address,
        port,
        socket_path=settings.runtime / "api.sock",
        certificate=certificate,
        key=key,
        is_dual_stack=False,
    )
    return ApiSettings(where, tokens, require_tokens=not no_tokens)
