"""What a node's HTTP servers answer beside status and the API: the page and its live data, and metrics."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler

    from netmend.node.http.listen import Listen
    from netmend.node.http.server import Part
    from netmend.node.state import NodeState
    from netmend.sources.store.api.application import Beside


def parts_of(node: "NodeState", other_root: "Handler | None" = None) -> "Sequence[Part]":
    """For one server, in whose thread it is called: when guests have their first answers, since to load all this takes
    a tenth of a second."""
    from netmend.node.views import metrics
    from netmend.node.views.read_models import Views
    from netmend.web import page

    views = Views(node)
    registry = metrics.registry_of(node, lambda: views.live.watchers)
    return (
        lambda application: metrics.attach(application, registry),
        lambda application: page.attach(application, views, other_root),
    )


def beside_api(node: "NodeState", listen: "Listen", *, tokens: bool) -> "Callable[[], Sequence[Beside]]":
    """The same for the server of the store's API, at `listen`. The API itself may be called by any name where it asks
    for tokens."""

    def attach(application: "web.Application", versions: "Handler") -> None:
        from netmend.node.http.guard import counted, guarded

        hosts, url = listen.hosts, listen.url
        application.middlewares.insert(0, counted(node.http))
        application.middlewares.insert(1, guarded(hosts, url, lambda request: not (tokens and _of_api(request.path))))
        for part in parts_of(node, versions):
            part(application)

    return lambda: (attach,)


def _of_api(path: str) -> bool:
    return path.startswith("/v2.0") or path in {"/", "/openapi.json"}
