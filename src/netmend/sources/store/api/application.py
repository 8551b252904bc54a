"""The API as an aiohttp application, without a listener."""

from collections.abc import Callable, Sequence

from aiohttp import web

from netmend.sources.store.api import (
    availability,
    bindings,
    extensions,
    port_forwardings,
    quotas,
    routers,
    scheduling,
    security_groups,
    tags,
    versions,
)
from netmend.sources.store.api.agents import AGENTS
from netmend.sources.store.api.body import MANY_MAX
from netmend.sources.store.api.context import KEY, Context
from netmend.sources.store.api.errors import Handler, json_response, refusals
from netmend.sources.store.api.networks import NETWORKS
from netmend.sources.store.api.ports import PORTS
from netmend.sources.store.api.routers import FLOATING_IPS, ROUTERS
from netmend.sources.store.api.security_groups import ADDRESS_GROUPS, SECURITY_GROUP_RULES, SECURITY_GROUPS
from netmend.sources.store.api.subnets import SUBNETS
from netmend.sources.store.api.token_file import Tokens
from netmend.sources.store.api.tokens import add_session, guard

RESOURCES = (
    NETWORKS,
    SUBNETS,
    PORTS,
    AGENTS,
    ROUTERS,
    FLOATING_IPS,
    SECURITY_GROUPS,
    SECURITY_GROUP_RULES,
    ADDRESS_GROUPS,
)
Beside = Callable[[web.Application, Handler], None]


def application(context: Context, tokens: Tokens | None, beside: Sequence[Beside] = ()) -> web.Application:
    """Serves `context`; over TCP for bearers of one of `tokens`, or (None) for all. What is served `beside` the API has
    `/` to itself: each is given the application, and what answers `/` to clients of the API."""
    app = web.Application(client_max_size=MANY_MAX, middlewares=[refusals, guard(tokens)])
    app[KEY] = context
    for attach in beside:
        attach(app, versions.versions)
    if beside and tokens is not None:
        add_session(app.router, tokens)
    if not beside:
        app.router.add_get("/", versions.versions)
    app.router.add_get("/openapi.json", _openapi)
    app.router.add_get("/v2.0/openapi.json", _openapi)
    for resource in RESOURCES:
        resource.add_to(app.router)
    for part in (versions, quotas, tags, extensions, bindings, availability, scheduling, routers, port_forwardings,
                 security_groups):  # fmt: skip
        part.add_to(app.router)
    return app


async def _openapi(_: web.Request) -> web.Response:
    from netmend.sources.store.api.openapi import document

    return json_response(document())
