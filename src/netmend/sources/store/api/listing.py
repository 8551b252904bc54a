"""Query strings of lists: filters, sorting, pages and fields, and the links between pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from netmend.sources.store.errors import RefusedError, bad_request, invalid
from netmend.sources.store.query import FIELDS, SPECIAL, ListQuery
from netmend.sources.store.transaction import Document

_CONTROL = frozenset({"fields", "sort_key", "sort_dir", "limit", "marker", "page_reverse"})
_TRUE, _FALSE = ("true", "True"), ("false", "False")


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that was asked for, and how it is to be shown."""

    query: ListQuery
    fields: tuple[str, ...]


def read_listing(request: web.Request, kind: str, page_max: int) -> Listing:
    """Raises RefusedError. `page_max` is the most that one answer holds where a limit is given; 0: any number."""
    given = request.query
    unknown = [
        name for name in given if name not in _CONTROL and name not in FIELDS[kind] and name not in SPECIAL[kind]
    ]
    if unknown:
        raise bad_request(f"{sorted(set(unknown))} is invalid attribute for filtering")
    filters = {name: given.getall(name) for name in dict.fromkeys(given) if name not in _CONTROL}
    if any("\x00" in value for values in filters.values() for value in values):
        raise bad_request("A filter holds a character that is no text")
    limit = _limit(given.getall("limit", []))
    if limit and page_max:
        limit = min(limit, page_max)
    query = ListQuery(
        kind,
        filters,
        _sort(kind, given.getall("sort_key", []), given.getall("sort_dir", [])),
        limit,
        given.get("marker"),
        _reverse(given.get("page_reverse", "false")),
    )
    return Listing(query, read_fields(request))


def read_fields(request: web.Request) -> tuple[str, ...]:
    """The fields to show; none: all."""
    return tuple(name for text in request.query.getall("fields", []) for name in text.split(",") if name)


def select(document: Document, fields: Sequence[str]) -> Document:
    """`document` with these of its fields only, or with all."""
    return {name: document[name] for name in fields if name in document} if fields else document


def page_links(request: web.Request, query: ListQuery, ids: Sequence[str]) -> list[dict[str, str]]:
    """Links to the pages around this one, as Neutron gives them."""
    if not query.limit:
        return []
    full = len(ids) >= query.limit
    links = []
    base = f"{request.scheme}://{request.host}{request.path}"
    plain = [(name, value) for name, value in request.query.items() if name not in ("marker", "page_reverse")]
    if full or query.reverse:
        following = [*plain, ("marker", ids[-1])] if ids else plain
        links.append({"rel": "next", "href": f"{base}?{urlencode(following)}"})
    if full or not query.reverse:
        before = [*plain, ("marker", ids[0])] if ids else plain
        links.append({"rel": "previous", "href": f"{base}?{urlencode([*before, ('page_reverse', 'True')])}"})
    return links


def _limit(texts: Sequence[str]) -> int:
    if not texts:
        return 0
    text = texts[-1]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        message = f"Bad limit request: Limit must be an integer 0 or greater and not '{text}'."
        raise RefusedError("BadRequest", 400, message)
    return int(text)


def _reverse(text: str) -> bool:
    if text not in (*_TRUE, *_FALSE):
        raise invalid(f"'{text}' cannot be converted to boolean")
    return text in _TRUE


def _sort(kind: str, keys: Sequence[str], directions: Sequence[str]) -> list[tuple[str, bool]]:
    if len(keys) != len(directions):
        raise bad_request("The number of sort_keys and sort_dirs must be same")
    unknown = [key for key in keys if key not in FIELDS[kind]]
    if unknown:
        raise bad_request(f"{unknown} is invalid attribute for sort_keys")
    wrong = [direction for direction in directions if direction not in ("asc", "desc")]
    if wrong:
        raise bad_request(f"{wrong} is invalid value for sort_dirs, valid value is 'asc' and 'desc'")
    return [(key, direction == "desc") for key, direction in dict(zip(keys, directions, strict=True)).items()]
