"""Operations of all resources: list, create, show, update, delete. The files beside this one have what differs."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from netmend.sources.store.api.body import MANY_MAX, checked, read_json, the_object, the_objects
from netmend.sources.store.api.context import KEY, Context
from netmend.sources.store.api.errors import json_response
from netmend.sources.store.api.listing import page_links, read_fields, read_listing, select
from netmend.sources.store.api.tokens import PROJECT
from netmend.sources.store.errors import RefusedError, bad_request
from netmend.sources.store.query import ListQuery, Served, find
from netmend.sources.store.shapes.common import Shape, project_of
from netmend.sources.store.transaction import Document, Transaction, get

_REVISION = re.compile(r"revision_number=(\d{1,18})")

_encode = json.JSONEncoder(separators=(",", ":")).encode  # ASCII: names shall not steer a terminal

Present = Callable[[Document, Context], Document]


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object. `present` adds to a document, in place, what is not stored."""

    name: str
    plural: str
    read_only: frozenset[str]
    present: Present
    delete: Callable[[Transaction, str, int | None, Context], None]
    create_shape: type[Shape] | None = None
    create: Callable[[Transaction, dict[str, Any], str], Document] | None = None
    check_many: Callable[[Sequence[tuple[dict[str, Any], str]]], None] | None = None  # of a creation in bulk, first
    update_shape: type[Shape] | None = None
    update: Callable[[Transaction, str, dict[str, Any], int | None], Document] | None = None
    before_list: Callable[[web.Request, ListQuery], Awaitable[ListQuery]] | None = None  # gives what is to be listed
    optional: frozenset[str] = frozenset()  # fields whose absence is not the same as their default

    @property
    def path(self) -> str:
        return f"/v2.0/{self.plural.replace('_', '-')}"

    def add_to(self, router: web.UrlDispatcher) -> None:
        for path in (self.path, self.path + "/", self.path + ".json"):  # Neutron takes all three
            router.add_get(path, self._list)
            if self.create is not None:
                router.add_post(path, self._create)
        router.add_get(self.path + "/{id}", self._show)
        if self.update is not None:
            router.add_put(self.path + "/{id}", self._update)
        router.add_delete(self.path + "/{id}", self._delete)

    async def _list(self, request: web.Request) -> web.Response:
        context = request.app[KEY]
        listing = read_listing(request, self.name, context.page_max)
        if self.before_list is not None:
            listing = replace(listing, query=await self.before_list(request, listing.query))

        def work() -> bytes:
            found = find(context.store.read(), listing.query, lambda: Served(context.host, context.served()))
            links = page_links(request, listing.query, [document["id"] for document in found])
            # one by one: in one call, a thousand would keep the interpreter from DHCP for ten milliseconds
            items = [_encode(select(self.present(document, context), listing.fields)) for document in found]
            more = f',"{self.plural}_links":{_encode(links)}' if links else ""
            return f'{{"{self.plural}":[{",".join(items)}]{more}}}'.encode()

        body = await asyncio.get_running_loop().run_in_executor(context.readers, work)
        return web.Response(body=body, content_type="application/json")

    async def _create(self, request: web.Request) -> web.Response:
        assert self.create is not None
        assert self.create_shape is not None
        context, create = request.app[KEY], self.create
        items, bulk = the_objects(await read_json(request, most=MANY_MAX), self.name, self.plural)
        default = request.get(PROJECT, "")
        wanted = [self._checked_new(item, default) for item in items]
        if bulk and self.check_many is not None:
            self.check_many(wanted)

        def work(tx: Transaction) -> list[Document]:
            return [create(tx, values, project) for values, project in wanted]

        made = [self._shown(document, context) for document in await asyncio.wrap_future(context.store.write(work))]
        return json_response({self.plural: made} if bulk else {self.name: made[0]}, 201)

    def _checked_new(self, item: dict[str, Any], default_project: str) -> tuple[dict[str, Any], str]:
        assert self.create_shape is not None
        values = checked(self.create_shape, item, self.read_only, create=True)
        for name in self.optional:
            if name not in item:
                values.pop(name, None)
        try:
            return values, project_of(values, default_project)
        except ValueError as error:
            raise bad_request(str(error)) from None

    async def _show(self, request: web.Request) -> web.Response:
        context, object_id = request.app[KEY], request.match_info["id"]
        document = get(context.store.read(), self.name, object_id)
        return json_response({self.name: select(self._shown(document, context), read_fields(request))})

    async def _update(self, request: web.Request) -> web.Response:
        context, object_id, revision = request.app[KEY], request.match_info["id"], wanted_revision(request)
        raw = the_object(await read_json(request), self.name)
        assert self.update is not None
        assert self.update_shape is not None
        shape, update = self.update_shape, self.update

        def work(tx: Transaction) -> Document:
            tx.get(self.name, object_id, revision)  # Neutron says first that there is none, then what is wrong
            values = checked(shape, raw, self.read_only, create=False)
            return update(tx, object_id, values, revision)

        document = await asyncio.wrap_future(context.store.write(work))
        return json_response({self.name: self._shown(document, context)})

    async def _delete(self, request: web.Request) -> web.Response:
        context, object_id, revision = request.app[KEY], request.match_info["id"], wanted_revision(request)
        await asyncio.wrap_future(context.store.write(lambda tx: self.delete(tx, object_id, revision, context)))
        return web.Response(status=204)

    def _shown(self, document: Document, context: Context) -> Document:
        return self.present(dict(document), context)


def wanted_revision(request: web.Request) -> int | None:
    """What `If-Match: revision_number=N` asks for. Raises RefusedError."""
    text = request.headers.get("If-Match")
    if text is None or text == "*":
        return None
    match = _REVISION.fullmatch(text.strip().strip('"'))
    if match is None:
        raise RefusedError("HTTPBadRequest", 400, f"Invalid If-Match: {text!r} is not revision_number=N")
    return int(match[1])
