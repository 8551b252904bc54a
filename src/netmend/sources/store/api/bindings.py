"""`/v2.0/ports/{id}/bindings`: the hosts that a port is bound to (extension `binding-extended`)."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from netmend.sources.store import bindings
from netmend.sources.store.api.body import checked, read_json, the_object
from netmend.sources.store.api.context import KEY
from netmend.sources.store.api.errors import json_response
from netmend.sources.store.api.ports import vif_of
from netmend.sources.store.shapes.port import BindingCreate, BindingUpdate
from netmend.sources.store.transaction import Document, Transaction, get

PATH = "/v2.0/ports/{id}/bindings"
_READ_ONLY = frozenset({"vif_type", "vif_details", "status"})


def add_to(router: web.UrlDispatcher) -> None:
    router.add_get(PATH, _list)
    router.add_post(PATH, _create)
    router.add_get(PATH + "/{host}", _show)
    router.add_put(PATH + "/{host}", _update)
    router.add_delete(PATH + "/{host}", _delete)
    router.add_put(PATH + "/{host}/activate", _activate)


def _port(request: web.Request) -> Document:
    """Raises RefusedError."""
    return get(request.app[KEY].store.read(), "port", request.match_info["id"])


def _shown(request: web.Request, binding: Document, port: Document) -> Document:
    vif_type, details = vif_of(binding["host"], port["network_id"], request.app[KEY])
    return {**binding, "vif_type": vif_type, "vif_details": details, "project_id": port["project_id"]}


async def _list(request: web.Request) -> web.Response:
    port = _port(request)
    wanted = request.query.getall("host", [])
    found = [_shown(request, one, port) for one in bindings.bindings_of(port) if not wanted or one["host"] in wanted]
    return json_response({"bindings": found})


async def _show(request: web.Request) -> web.Response:
    port = _port(request)
    return json_response({"binding": _shown(request, bindings.binding_on(port, request.match_info["host"]), port)})


async def _create(request: web.Request) -> web.Response:
    values = checked(BindingCreate, the_object(await read_json(request), "binding"), _READ_ONLY, create=True)
    return await _write(request, lambda tx, port_id: bindings.create(tx, port_id, values), 201)


async def _update(request: web.Request) -> web.Response:
    values = checked(BindingUpdate, the_object(await read_json(request), "binding"), _READ_ONLY, create=False)
    host = request.match_info["host"]
    return await _write(request, lambda tx, port_id: bindings.update(tx, port_id, host, values))


async def _activate(request: web.Request) -> web.Response:
    host = request.match_info["host"]
    return await _write(request, lambda tx, port_id: bindings.activate(tx, port_id, host))


async def _delete(request: web.Request) -> web.Response:
    port_id, host = request.match_info["id"], request.match_info["host"]
    await asyncio.wrap_future(request.app[KEY].store.write(lambda tx: bindings.delete(tx, port_id, host)))
    return web.Response(status=204)


async def _write(
    request: web.Request, operation: Callable[[Transaction, str], Document], status: int = 200
) -> web.Response:
    port_id = request.match_info["id"]
    found = await asyncio.wrap_future(request.app[KEY].store.write(lambda tx: operation(tx, port_id)))
    return json_response({"binding": _shown(request, found, _port(request))}, status)
