"""`/v2.0/floatingips/ID/port_forwardings`."""

import asyncio

from aiohttp import web

from netmend.sources.store import port_forwardings
from netmend.sources.store.api.body import checked, read_json, the_object
from netmend.sources.store.api.context import KEY
from netmend.sources.store.api.errors import json_response
from netmend.sources.store.shapes.router import PortForwardingCreate, PortForwardingUpdate
from netmend.sources.store.transaction import Document, Transaction, get

PATH = "/v2.0/floatingips/{id}/port_forwardings"
_READ_ONLY = frozenset({"id"})


def add_to(router: web.UrlDispatcher) -> None:
    router.add_get(PATH, _list)
    router.add_post(PATH, _create)
    router.add_get(PATH + "/{forwarding}", _show)
    router.add_put(PATH + "/{forwarding}", _update)
    router.add_delete(PATH + "/{forwarding}", _delete)


def _floating(request: web.Request) -> Document:
    return get(request.app[KEY].store.read(), "floatingip", request.match_info["id"])


async def _list(request: web.Request) -> web.Response:
    return json_response({"port_forwardings": _floating(request)["port_forwardings"]})


async def _show(request: web.Request) -> web.Response:
    return json_response(
        {"port_forwarding": port_forwardings.find(_floating(request), request.match_info["forwarding"])}
    )


async def _create(request: web.Request) -> web.Response:
    raw, floatingip_id = the_object(await read_json(request), "port_forwarding"), request.match_info["id"]
    values = checked(PortForwardingCreate, raw, _READ_ONLY, create=True)

    def work(tx: Transaction) -> Document:
        return port_forwardings.create(tx, floatingip_id, values)

    made = await asyncio.wrap_future(request.app[KEY].store.write(work))
    return json_response({"port_forwarding": made}, 201)


async def _update(request: web.Request) -> web.Response:
    raw, found = the_object(await read_json(request), "port_forwarding"), request.match_info
    values = checked(PortForwardingUpdate, raw, _READ_ONLY, create=False)
    values = {name: value for name, value in values.items() if value is not None}
    if "internal_port_id" in values and "internal_ip_address" not in values:
        values["internal_ip_address"] = None  # the new port's own

    def work(tx: Transaction) -> Document:
        return port_forwardings.update(tx, found["id"], found["forwarding"], values)

    return json_response({"port_forwarding": await asyncio.wrap_future(request.app[KEY].store.write(work))})


async def _delete(request: web.Request) -> web.Response:
    found = request.match_info

    def work(tx: Transaction) -> None:
        port_forwardings.delete(tx, found["id"], found["forwarding"])

    await asyncio.wrap_future(request.app[KEY].store.write(work))
    return web.Response(status=204)
