"""Bodies of requests: JSON to checked values, or Neutron's words for why not."""

import json
from collections.abc import Iterable
from heapq import nsmallest
from typing import Any, Final, NoReturn

from aiohttp import web
from pydantic import ValidationError

from netmend.ground.bounded_http import read_body
from netmend.sources.store.errors import RefusedError, bad_request
from netmend.sources.store.shapes.common import Shape

BULK_MAX: Final = 10_000
ONE_MAX: Final = 1 << 20  # octets of a body about one object
MANY_MAX: Final = 16 << 20  # octets of one that makes many: three times what 10,000 ports with all fields take
_NAMED_MAX: Final = 20
_VALUES_MAX: Final = 400_000  # twice as many as such ports have; a tenth of a second to parse


async def read_json(request: web.Request, *, most: int = ONE_MAX) -> Any:
    """The body, of at most `most` octets; None without a body. Raises RefusedError, and what `read_body` does.

    The parser holds the interpreter until it has ended, so the number of values in a body is bounded too.
    """
    raw = await read_body(request, most)
    if not raw:
        return None
    if raw.count(b",") + raw.count(b"{") + raw.count(b"[") > _VALUES_MAX:
        raise RefusedError("HTTPRequestEntityTooLarge", 413, f"The body has more than {_VALUES_MAX:,} values.")
    try:
        body = json.loads(raw, parse_constant=_no_number)
        if b"\\u" in raw:
            json.dumps(body, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError):
        raise bad_request("The request body is not JSON.") from None
    return body


def the_object(body: Any, name: str) -> dict[str, Any]:
    """The value under `name`. Raises RefusedError."""
    if not isinstance(body, dict) or name not in body:
        raise bad_request(f"Unable to find '{name}' in request body")
    _nothing_else(body, name)
    if not isinstance(body[name], dict):
        raise bad_request(f"Object '{name}' contains invalid data")
    return dict(body[name])


def the_objects(body: Any, name: str, plural: str) -> tuple[list[dict[str, Any]], bool]:
    """What is to be created, and whether it was asked for in bulk. Raises RefusedError."""
    if not isinstance(body, dict) or plural not in body:
        return [the_object(body, name)], False
    items = body[plural]
    if not isinstance(items, list) or not items:
        raise bad_request("Resources required")
    _nothing_else(body, plural)
    if len(items) > BULK_MAX:
        raise bad_request(f"{len(items)} {plural} in one request; at most {BULK_MAX} are taken")
    for item in items:
        if not isinstance(item, dict):
            raise bad_request(f"Object '{name}' contains invalid data")
    return [
        item.get(name, item) if set(item) == {name} and isinstance(item[name], dict) else item for item in items
    ], True


def checked(shape: type[Shape], raw: dict[str, Any], read_only: frozenset[str], *, create: bool) -> dict[str, Any]:
    """`raw` by the fields' API names; with `create`, defaults in place of what is left out. Raises RefusedError.

    Nova, Heat and Terraform always send some attributes of extensions that are not here, null or empty where the user
    said nothing: such a one asks for nothing, and is left out.
    """
    known = {field.alias or name for name, field in shape.model_fields.items()} | read_only
    raw = {name: value for name, value in raw.items() if name in known or value not in (None, "", [], {})}
    try:
        value = shape.model_validate(raw)
    except ValidationError as error:
        findings = error.errors(include_url=False)
    else:
        values = value.model_dump(by_alias=True)
        return values if create else {name: values[name] for name in raw}
    for finding in findings:  # Neutron looks at names first
        if finding["type"] == "extra_forbidden" and len(finding["loc"]) == 1 and finding["loc"][0] in read_only:
            name = finding["loc"][0]
            raise bad_request(
                f"Attribute '{name}' not allowed in POST" if create else f"Cannot update read-only attribute {name}"
            )
    unknown = [
        str(finding["loc"][0])
        for finding in findings
        if finding["type"] == "extra_forbidden" and len(finding["loc"]) == 1
    ]
    if unknown:
        raise _unrecognized(unknown)
    finding = findings[0]
    field = str(finding["loc"][0]) if finding["loc"] else "body"
    if finding["type"] == "missing" and len(finding["loc"]) == 1:
        if field == "cidr":
            raise RefusedError(
                "BadRequest", 400, "Bad subnets request: a subnetpool must be specified in the absence of a cidr."
            )
        raise bad_request(f"Failed to parse request. Required attribute '{field}' not specified")
    raise bad_request(f"Invalid input for {field}. Reason: {_reason(finding)}.")


def _reason(finding: Any) -> str:
    value, kind = finding["input"], finding["type"]
    shown = repr(value) if isinstance(value, str) else f"'{value}'"
    if len(shown) > 300:
        shown = f"{shown[:300]}...'"
    where = ".".join(str(step) for step in finding["loc"][1:])
    at = f" (at {where})" if where else ""
    match kind:
        case "string_type":
            return f"{shown} is not a valid string{at}"
        case "string_too_long":
            return f"{shown} exceeds maximum length of {finding['ctx']['max_length']}{at}"
        case "bool_type":
            return f"{shown} cannot be converted to boolean{at}"
        case "int_type":
            return f"{shown} is not an integer{at}"
        case "value_error":
            return str(finding["msg"]).removeprefix("Value error, ").rstrip(".")
        case "literal_error":
            return f"{value!r} is not in valid_values{at}"
        case "greater_than_equal":
            return f"{shown} is too small - must be at least '{finding['ctx']['ge']}'{at}"
        case "less_than_equal":
            return f"{shown} is too large - must be no larger than '{finding['ctx']['le']}'{at}"
        case "string_pattern_mismatch":
            return f"{shown} does not have the form of this field{at}"
        case _:
            return f"{shown}: {finding['msg']}{at}"


def _nothing_else(body: dict[str, Any], name: str) -> None:
    others = set(body) - {name}
    if others:
        raise _unrecognized(others)


def _unrecognized(names: Iterable[str]) -> RefusedError:
    """A refusal that names some of them: a body may have hundreds of thousands."""
    shown = ", ".join(f"'{name}'" for name in nsmallest(_NAMED_MAX, names))
    return bad_request(f"Unrecognized attribute(s) {shown}")


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")
