"""`/v2.0/security-groups`, `/v2.0/security-group-rules` and `/v2.0/address-groups`."""

import asyncio
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from aiohttp import web

from netmend.sources.store import address_groups, security_group_rules, security_groups
from netmend.sources.store.api.body import checked, read_json
from netmend.sources.store.api.context import KEY, Context
from netmend.sources.store.api.errors import json_response
from netmend.sources.store.api.resource import Resource
from netmend.sources.store.api.tokens import PROJECT
from netmend.sources.store.errors import StoreError, bad_request
from netmend.sources.store.query import ListQuery
from netmend.sources.store.shapes.security_group import (
    AddressesChange,
    AddressGroupCreate,
    AddressGroupUpdate,
    SecurityGroupCreate,
    SecurityGroupRuleCreate,
    SecurityGroupUpdate,
)
from netmend.sources.store.transaction import Document, Transaction, documents

_PROJECT = re.compile(r"[0-9a-zA-Z_-]{0,255}")
_SHOWN = {"id", "tenant_id", "project_id", "created_at", "updated_at", "revision_number"}


def _present_group(document: Document, context: Context) -> Document:
    """With its rules, which are stored beside it."""
    rules = documents(context.store.read(), "security_group_rule", "security_group_id = ?", document["id"])
    document["security_group_rules"] = rules
    return document


def _present(document: Document, _: Context) -> Document:
    return document


async def _have_default(request: web.Request, query: ListQuery) -> ListQuery:
    """Make the default group of the project that asks, or is asked about, where it has none yet; a store that cannot be
    written is listed as it is.

    Who asks for the group named `default`, as `--security-group default` does, means that of the own project: every
    project has one, and here every token sees all of them.
    """
    store, filters = request.app[KEY].store, query.filters
    named = filters.get("project_id", filters.get("tenant_id"))
    project = named[0] if named else request.get(PROJECT, "")
    if _PROJECT.fullmatch(project) and security_groups.find_default(store.read(), project) is None:
        with suppress(StoreError):
            await asyncio.wrap_future(store.write(lambda tx: security_groups.default_group(tx, project)))
    if named is None and "id" not in filters and filters.get("name") == [security_groups.DEFAULT]:
        return replace(query, filters={**filters, "project_id": [project]})
    return query


SECURITY_GROUPS = Resource(
    name="security_group",
    plural="security_groups",
    create_shape=SecurityGroupCreate,
    update_shape=SecurityGroupUpdate,
    read_only=frozenset({*_SHOWN, "tags", "shared", "security_group_rules"}),
    present=_present_group,
    create=security_groups.create,
    update=security_groups.update,
    delete=lambda tx, object_id, revision, _: security_groups.delete(tx, object_id, revision),
    before_list=_have_default,
)

SECURITY_GROUP_RULES = Resource(
    name="security_group_rule",
    plural="security_group_rules",
    create_shape=SecurityGroupRuleCreate,
    read_only=frozenset({*_SHOWN, "normalized_cidr", "belongs_to_default_sg"}),
    present=_present,
    create=security_group_rules.create,
    check_many=security_group_rules.check_many,
    delete=lambda tx, object_id, revision, _: security_group_rules.delete(tx, object_id, revision),
    before_list=_have_default,
)

ADDRESS_GROUPS = Resource(
    name="address_group",
    plural="address_groups",
    create_shape=AddressGroupCreate,
    update_shape=AddressGroupUpdate,
    read_only=frozenset({*_SHOWN, "addresses", "shared"}),
    present=_present,
    create=address_groups.create,
    update=address_groups.update,
    delete=lambda tx, object_id, revision, _: address_groups.delete(tx, object_id, revision),
)


def add_to(router: web.UrlDispatcher) -> None:
    base = ADDRESS_GROUPS.path + "/{id}"
    router.add_put(base + "/add_addresses", _addresses(address_groups.add_addresses))
    router.add_put(base + "/remove_addresses", _addresses(address_groups.remove_addresses))


def _addresses(
    act: Callable[[Transaction, str, Iterable[str]], Document],
) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        body, group_id = await read_json(request), request.match_info["id"]
        if not isinstance(body, dict):
            raise bad_request('Invalid input for addresses. Reason: the body is {"addresses": [...]}.')
        given = checked(AddressesChange, body.get("address_group", body), frozenset(), create=True)["addresses"]
        made = await asyncio.wrap_future(request.app[KEY].store.write(lambda tx: act(tx, group_id, given)))
        return json_response({"address_group": made})

    return handle
