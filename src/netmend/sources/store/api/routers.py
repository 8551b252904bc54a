"""`/v2.0/routers` and `/v2.0/floatingips`."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from netmend.sources.store import floatingips, routers
from netmend.sources.store.api.body import checked, read_json, the_object
from netmend.sources.store.api.context import KEY, Context
from netmend.sources.store.api.errors import json_response
from netmend.sources.store.api.resource import Resource
from netmend.sources.store.errors import bad_request
from netmend.sources.store.shapes.router import FloatingIpCreate, FloatingIpUpdate, RouterCreate, RouterUpdate
from netmend.sources.store.transaction import Document, Transaction

_INTERFACE = ("subnet_id", "port_id")


def _present(document: Document, _: Context) -> Document:
    return document


_SHOWN = {"id", "status", "tenant_id", "project_id", "created_at", "updated_at", "revision_number", "tags"}

ROUTERS = Resource(
    name="router",
    plural="routers",
    create_shape=RouterCreate,
    update_shape=RouterUpdate,
    read_only=frozenset({*_SHOWN, "availability_zones", "availability_zone_hints", "distributed", "ha", "flavor_id"}),
    present=_present,
    create=routers.create,
    update=routers.update,
    delete=lambda tx, object_id, revision, _: routers.delete(tx, object_id, revision),
)

FLOATING_IPS = Resource(
    name="floatingip",
    plural="floatingips",
    create_shape=FloatingIpCreate,
    update_shape=FloatingIpUpdate,
    read_only=frozenset(
        {*_SHOWN, "floating_network_id", "floating_ip_address", "subnet_id", "router_id", "port_details",
         "port_forwardings", "dns_domain", "dns_name", "qos_policy_id"}
    ),
    present=_present,
    create=floatingips.create,
    update=floatingips.update,
    delete=lambda tx, object_id, revision, _: floatingips.delete(tx, object_id, revision),
)  # fmt: skip


def add_to(router: web.UrlDispatcher) -> None:
    router.add_put("/v2.0/routers/{id}/add_router_interface", _interface(routers.add_interface))
    router.add_put("/v2.0/routers/{id}/remove_router_interface", _interface(routers.remove_interface))
    router.add_put("/v2.0/routers/{id}/add_extraroutes", _extra_routes(add=True))
    router.add_put("/v2.0/routers/{id}/remove_extraroutes", _extra_routes(add=False))


def _interface(
    act: Callable[[Transaction, str, str | None, str | None], Document],
) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        body, router_id = await read_json(request), request.match_info["id"]
        if not isinstance(body, dict) or set(body) - set(_INTERFACE):
            raise bad_request("Invalid input for interface_info. Reason: it has subnet_id or port_id.")
        ids = [body.get(name) for name in _INTERFACE]
        if not all(each is None or isinstance(each, str) for each in ids):
            raise bad_request("Invalid input for interface_info. Reason: an id is text.")

        def work(tx: Transaction) -> Document:
            return act(tx, router_id, ids[0], ids[1])

        return json_response(await asyncio.wrap_future(request.app[KEY].store.write(work)))

    return handle


def _extra_routes(*, add: bool) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        raw, router_id = the_object(await read_json(request), "router"), request.match_info["id"]
        if not isinstance(raw.get("routes"), list):
            raise bad_request("Invalid input for routes. Reason: it is a list of routes, and required.")
        values = checked(RouterUpdate, {"routes": raw["routes"]}, frozenset(), create=False)

        def work(tx: Transaction) -> Document:
            return routers.change_routes(tx, router_id, values["routes"], add=add)

        return json_response({"router": await asyncio.wrap_future(request.app[KEY].store.write(work))})

    return handle
