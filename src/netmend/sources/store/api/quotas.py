"""`/v2.0/quotas`: limits of projects."""

import asyncio
import re
import sqlite3

from aiohttp import web

from netmend.sources.store.api.body import checked, read_json, the_object
from netmend.sources.store.api.context import KEY
from netmend.sources.store.api.errors import json_response
from netmend.sources.store.api.tokens import PROJECT
from netmend.sources.store.errors import bad_request
from netmend.sources.store.query import count
from netmend.sources.store.quotas import DEFAULT, RESOURCES, quotas_of, reset_quotas, set_quotas
from netmend.sources.store.shapes.admin import QuotaUpdate

PATH = "/v2.0/quotas"
_PROJECT = re.compile(r"[0-9a-zA-Z_-]{1,255}")


def add_to(router: web.UrlDispatcher) -> None:
    router.add_get(PATH, _list)
    router.add_get(PATH + "/tenant", _tenant)
    router.add_get(PATH + "/project", _tenant)
    router.add_get(PATH + "/{project}", _show)
    router.add_get(PATH + "/{project}/default", _default)
    router.add_get(PATH + "/{project}/details.json", _details)
    router.add_get(PATH + "/{project}/details", _details)
    router.add_put(PATH + "/{project}", _update)
    router.add_delete(PATH + "/{project}", _reset)


def _project(request: web.Request) -> str:
    """Raises RefusedError."""
    project = request.match_info["project"]
    if not _PROJECT.fullmatch(project):
        raise bad_request(f"'{project}' is no project's id: 1 to 255 letters, digits, `_` and `-`")
    return project


def _limits(connection: sqlite3.Connection, project: str) -> dict[str, int]:
    rows = connection.execute("SELECT resource, quota FROM quota WHERE project_id = ?", (project,))
    return quotas_of(rows.fetchall())


async def _list(request: web.Request) -> web.Response:
    connection = request.app[KEY].store.read()
    projects = connection.execute("SELECT DISTINCT project_id FROM quota ORDER BY project_id").fetchall()
    found = [{**_limits(connection, project), "project_id": project, "tenant_id": project} for (project,) in projects]
    return json_response({"quotas": found})


async def _tenant(request: web.Request) -> web.Response:
    project = request.get(PROJECT, "")
    return json_response({"tenant": {"tenant_id": project, "project_id": project}})


async def _show(request: web.Request) -> web.Response:
    return json_response({"quota": _limits(request.app[KEY].store.read(), _project(request))})


async def _default(request: web.Request) -> web.Response:
    _project(request)
    return json_response({"quota": dict.fromkeys(RESOURCES, DEFAULT)})


async def _details(request: web.Request) -> web.Response:
    connection, project = request.app[KEY].store.read(), _project(request)
    details = {
        resource: {"limit": limit, "used": count(connection, resource, project), "reserved": 0}
        for resource, limit in _limits(connection, project).items()
    }
    return json_response({"quota": details})


async def _update(request: web.Request) -> web.Response:
    context, project = request.app[KEY], _project(request)
    raw = the_object(await read_json(request), "quota")
    values = checked(QuotaUpdate, raw, frozenset(), create=False)
    values.pop("force", None)
    await asyncio.wrap_future(context.store.write(lambda tx: set_quotas(tx, project, values)))
    return json_response({"quota": _limits(context.store.read(), project)})


async def _reset(request: web.Request) -> web.Response:
    context, project = request.app[KEY], _project(request)
    await asyncio.wrap_future(context.store.write(lambda tx: reset_quotas(tx, project)))
    return web.Response(status=204)
