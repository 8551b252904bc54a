"""Parts of an OpenAPI description: operations, parameters, bodies, answers."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]
_TEXT = {"type": "string"}


def parameter(name: str, place: str, schema: Schema) -> Schema:
    parameter: Schema = {"name": name, "in": place, "schema": schema, "required": place == "path"}
    if schema.get("type") == "array":
        parameter["style"], parameter["explode"] = "form", True
    return parameter


def operation(
    name: str,
    responses: Mapping[str, Schema],
    *,
    parameters: list[Schema] | None = None,
    body: Schema | None = None,
    security: list[Schema] | None = None,
    summary: str | None = None,
) -> Schema:
    operation: Schema = {"operationId": name.replace(" ", "_"), "summary": summary or name.capitalize() + "."}
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    operation["responses"] = dict(responses)
    if security is not None:
        operation["security"] = security
    else:
        operation["responses"]["401"] = answer("No token, or none that is known.")
    return operation


def operation_body(
    schemas: dict[str, Schema], title: str, shape: type[BaseModel], name: str, plural: str | None = None
) -> Schema:
    """A body with one object under `name`, or several under `plural`."""
    schema = shape.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    for part, definition in schema.pop("$defs", {}).items():
        schemas[part] = definition
    schemas[title] = schema
    one: Schema = {**wrapped(name, {"$ref": f"#/components/schemas/{title}"}), "additionalProperties": False}
    if plural is None:
        return one
    items = {"type": "array", "minItems": 1, "items": {"$ref": f"#/components/schemas/{title}"}}
    return {"anyOf": [one, {**wrapped(plural, items), "additionalProperties": False}]}


def plain_body(schemas: dict[str, Schema], title: str, shape: type[BaseModel]) -> Schema:
    """A body that is the shape itself."""
    schemas[title] = shape.model_json_schema(by_alias=True)
    return {"$ref": f"#/components/schemas/{title}"}


def wrapped(name: str, schema: Schema) -> Schema:
    return {"type": "object", "required": [name], "properties": {name: schema}}


def answer(description: str, schema: Schema | None = None) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema or {"type": "object"}}}}


def errors(*statuses: int) -> dict[str, Schema]:
    error = {"$ref": "#/components/schemas/Error"}
    meanings = {
        400: "The request makes no sense.",
        404: "There is no such object.",
        409: "It conflicts with what is there.",
        412: "The object has another revision.",
        503: "It cannot be done now.",
    }
    return {str(status): answer(meanings[status], error) for status in statuses}


def error_schema() -> Schema:
    parts = {"type": _TEXT, "message": _TEXT, "detail": _TEXT}
    return wrapped("NeutronError", {"type": "object", "required": list(parts), "properties": parts})
