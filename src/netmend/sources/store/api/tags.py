"""`/v2.0/{networks,subnets,ports,...}/{id}/tags`."""

import asyncio

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from netmend.sources.store.api.body import read_json
from netmend.sources.store.api.context import KEY
from netmend.sources.store.api.errors import json_response
from netmend.sources.store.errors import bad_request, invalid
from netmend.sources.store.shapes.common import Tags
from netmend.sources.store.tags import add_tags, no_tag, remove_tag, replace_tags
from netmend.sources.store.transaction import get

KINDS = {
    "networks": "network",
    "subnets": "subnet",
    "ports": "port",
    "routers": "router",
    "floatingips": "floatingip",
    "security-groups": "security_group",
}
_TAGS = TypeAdapter(Tags)


def add_to(router: web.UrlDispatcher) -> None:
    for plural in KINDS:
        path = f"/v2.0/{plural}/{{id}}/tags"
        router.add_get(path, _list)
        router.add_post(path, _add_all)
        router.add_put(path, _replace)
        router.add_delete(path, _clear)
        router.add_get(path + "/{tag}", _has)
        router.add_put(path + "/{tag}", _add)
        router.add_delete(path + "/{tag}", _remove)


def _target(request: web.Request) -> tuple[str, str]:
    return KINDS[request.path.split("/")[2]], request.match_info["id"]


def _tags(request: web.Request) -> list[str]:
    kind, object_id = _target(request)
    return list(get(request.app[KEY].store.read(), kind, object_id)["tags"])


def _checked(tags: object) -> list[str]:
    if not isinstance(tags, list):
        raise invalid(f"'{tags}' is not a list")
    try:
        return _TAGS.validate_python(tags)
    except ValidationError as error:
        finding = error.errors(include_url=False)[0]
        raise invalid(f"'{str(finding['input'])[:300]}': {finding['msg']}") from None


async def _list(request: web.Request) -> web.Response:
    return json_response({"tags": _tags(request)})


async def _has(request: web.Request) -> web.Response:
    if request.match_info["tag"] not in _tags(request):
        raise no_tag(request.match_info["tag"])
    return web.Response(status=204)


async def _given(request: web.Request) -> list[str]:
    body = await read_json(request)
    if not isinstance(body, dict) or set(body) != {"tags"}:
        raise bad_request("Invalid tags body")
    return _checked(body["tags"])


async def _add_all(request: web.Request) -> web.Response:
    """Extension `tag-creation`: answers with the tags that were given, not with all that the object has."""
    kind, object_id = _target(request)
    tags = await _given(request)
    await asyncio.wrap_future(request.app[KEY].store.write(lambda tx: add_tags(tx, kind, object_id, tags)))
    return json_response({"tags": tags}, 201)


async def _replace(request: web.Request) -> web.Response:
    kind, object_id = _target(request)
    tags = await _given(request)
    stored = request.app[KEY].store.write(lambda tx: replace_tags(tx, kind, object_id, tags))
    return json_response({"tags": await asyncio.wrap_future(stored)})


async def _clear(request: web.Request) -> web.Response:
    kind, object_id = _target(request)
    await asyncio.wrap_future(request.app[KEY].store.write(lambda tx: replace_tags(tx, kind, object_id, ())))
    return web.Response(status=204)


async def _add(request: web.Request) -> web.Response:
    kind, object_id = _target(request)
    tag = _checked([request.match_info["tag"]])[0]
    await asyncio.wrap_future(request.app[KEY].store.write(lambda tx: add_tags(tx, kind, object_id, [tag])))
    return web.Response(status=201)


async def _remove(request: web.Request) -> web.Response:
    kind, object_id = _target(request)
    tag = request.match_info["tag"]
    await asyncio.wrap_future(request.app[KEY].store.write(lambda tx: remove_tag(tx, kind, object_id, tag)))
    return web.Response(status=204)
