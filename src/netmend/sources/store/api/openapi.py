"""`/openapi.json`: the API described for machines, from the shapes that requests are checked against."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from netmend import __version__
from netmend.sources.store.api.application import RESOURCES
from netmend.sources.store.api.resource import Resource
from netmend.sources.store.api.tags import KINDS as TAGGED
from netmend.sources.store.query import FIELDS, SPECIAL
from netmend.sources.store.shapes.admin import QuotaUpdate
from netmend.sources.store.shapes.common import NUMBER_MAX
from netmend.sources.store.shapes.port import BindingCreate, BindingUpdate
from netmend.sources.store.shapes.router import PortForwardingCreate, PortForwardingUpdate
from netmend.sources.store.shapes.security_group import AddressesChange

Schema = dict[str, Any]
_ANY_ID = {"type": "string", "minLength": 1}
_TAG = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^,/]+$"}
_TEXT, _NUMBER, _FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_TEXTS = {"type": "array", "items": _TEXT}
_OR_NULL = {"type": ["string", "null"]}
_COMPARED: dict[str, Schema] = {
    "text": _TEXT,
    "boolean": {"type": "string", "enum": ["true", "false", "True", "False"]},
    "integer": {"type": "integer", "minimum": -NUMBER_MAX, "maximum": NUMBER_MAX},
}
_SPECIAL: dict[str, Schema] = {
    "changed_since": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
    "fixed_ips": {"type": "string", "pattern": "^(subnet_id|ip_address_substr)=[0-9a-f:.-]+$"},
    "alive": {"type": "string", "enum": ["true", "false"]},
}
_SHOWN: dict[str, Schema] = {
    "network": {"name": _TEXT, "admin_state_up": _FLAG, "status": _TEXT, "mtu": _NUMBER, "shared": _FLAG,
                "subnets": _TEXTS, "router:external": _FLAG, "tags": _TEXTS, "project_id": _TEXT},
    "subnet": {"name": _TEXT, "network_id": _TEXT, "cidr": _TEXT, "ip_version": _NUMBER, "gateway_ip": _OR_NULL,
               "enable_dhcp": _FLAG, "dns_nameservers": _TEXTS, "tags": _TEXTS, "project_id": _TEXT},
    "port": {"name": _TEXT, "network_id": _TEXT, "mac_address": _TEXT, "status": _TEXT, "admin_state_up": _FLAG,
             "device_id": _TEXT, "device_owner": _TEXT, "fixed_ips": {"type": "array"}, "tags": _TEXTS},
    "router": {"name": _TEXT, "status": _TEXT, "admin_state_up": _FLAG, "routes": {"type": "array"}, "tags": _TEXTS},
    "floatingip": {"floating_network_id": _TEXT, "floating_ip_address": _TEXT, "status": _TEXT, "port_id": _OR_NULL,
                   "fixed_ip_address": _OR_NULL, "router_id": _OR_NULL, "tags": _TEXTS},
    "security_group": {"name": _TEXT, "description": _TEXT, "stateful": _FLAG, "shared": _FLAG, "tags": _TEXTS,
                       "security_group_rules": {"type": "array"}, "project_id": _TEXT},
    "security_group_rule": {"security_group_id": _TEXT, "direction": _TEXT, "ethertype": _TEXT, "protocol": _OR_NULL,
                            "port_range_min": {"type": ["integer", "null"]}, "remote_ip_prefix": _OR_NULL,
                            "port_range_max": {"type": ["integer", "null"]}, "remote_group_id": _OR_NULL,
                            "remote_address_group_id": _OR_NULL, "project_id": _TEXT},
    "address_group": {"name": _TEXT, "description": _TEXT, "addresses": _TEXTS, "project_id": _TEXT},
    "agent": {"agent_type": _TEXT, "host": _TEXT, "alive": _FLAG, "admin_state_up": _FLAG, "binary": _TEXT},
}  # fmt: skip


@lru_cache(maxsize=1)
def document() -> Schema:
    """The whole description (OpenAPI 3.1)."""
    schemas: dict[str, Schema] = {"Error": _error_schema()}
    paths: dict[str, Any] = {"/": {"get": _operation("versions", {"200": _json("The versions.")}, security=[])}}
    paths["/v2.0"] = {"get": _operation("resources", {"200": _json("The resources.")})}
    for resource in RESOURCES:
        _add_resource(paths, schemas, resource)
    for resource in RESOURCES:
        if resource.plural.replace("_", "-") in TAGGED:
            _add_tags(paths, resource)
    _add_router_actions(paths)
    _add_address_group_actions(paths, schemas)
    _add_port_forwardings(paths, schemas)
    _add_quotas(paths, schemas)
    _add_bindings(paths, schemas)
    _add_availability(paths)
    _add_scheduling(paths)
    _add_extensions(paths)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "netmend",
            "version": __version__,
            "description": "OpenStack Networking API v2.0, as far as netmend offers it.",
        },
        "security": [{"token": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _add_resource(paths: dict[str, Any], schemas: dict[str, Schema], resource: Resource) -> None:
    name, title = resource.name, resource.name.capitalize()
    schemas[title] = {
        "type": "object",
        "required": ["id", *_SHOWN[name]],
        "properties": {"id": _TEXT, **_SHOWN[name]},
    }
    shown, listed = {"$ref": f"#/components/schemas/{title}"}, f"list {resource.plural}"
    one, item = _wrapped(name, shown), resource.path + "/{id}"
    several: Schema = {
        "type": "object",
        "required": [resource.plural],
        "properties": {
            resource.plural: {"type": "array", "items": {"type": "object"}},
            f"{resource.plural}_links": {"type": "array", "items": {"type": "object"}},
        },
    }
    key = [_parameter("id", "path", _ANY_ID)]
    if_match = _parameter("If-Match", "header", {"type": "string", "pattern": "^revision_number=[0-9]{1,9}$"})
    paths[resource.path] = {
        "get": _operation(
            listed,
            {"200": _json("A page, or all.", several), **_errors(400, 404)},
            parameters=_list_parameters(name),
            summary=f"List {resource.plural}. A parameter that is given more than once: any of its values.",
        )
    }
    fields = _parameter("fields", "query", {"type": "array", "items": _TEXT})
    paths[item] = {
        "get": _operation(
            f"show {name}", {"200": _json("The object.", _wrapped(name, {"type": "object"})), **_errors(404)},
            parameters=[*key, fields],
        ),
        "delete": _operation(
            f"delete {name}", {"204": {"description": "It is gone."}, **_errors(400, 404, 409, 412)},
            parameters=[*key, if_match],
        ),
    }  # fmt: skip
    if resource.update_shape is not None:
        changed = _operation_body(schemas, f"{title}Update", resource.update_shape, name)
        answers = {"200": _json("The object.", one), **_errors(400, 404, 409, 412)}
        paths[item]["put"] = _operation(f"update {name}", answers, parameters=[*key, if_match], body=changed)
    if resource.create_shape is not None:
        new = _operation_body(schemas, f"{title}Create", resource.create_shape, name, resource.plural)
        both: Schema = {"anyOf": [one, several]}
        answers = {"201": _json("What was created.", both), **_errors(400, 404, 409, 503)}
        paths[resource.path]["post"] = _operation(f"create {name}", answers, body=new)


def _add_tags(paths: dict[str, Any], resource: Resource) -> None:
    base, key = resource.path + "/{id}/tags", [_parameter("id", "path", _ANY_ID)]
    tags: Schema = {
        "type": "object",
        "required": ["tags"],
        "properties": {"tags": {"type": "array", "items": _TAG, "maxItems": 50}},
        "additionalProperties": False,
    }
    name = resource.name
    done: dict[str, Schema] = {"204": {"description": "Done."}}
    paths[base] = {
        "get": _operation(f"tags of {name}", {"200": _json("The tags.", tags), **_errors(404)}, parameters=key),
        "post": _operation(
            f"add tags to {name}", {"201": _json("The tags that were given.", tags), **_errors(400, 404)},
            parameters=key, body=tags,
        ),
        "put": _operation(
            f"replace tags of {name}", {"200": _json("The tags.", tags), **_errors(400, 404)},
            parameters=key, body=tags,
        ),
        "delete": _operation(f"remove tags of {name}", {**done, **_errors(404)}, parameters=key),
    }  # fmt: skip
    one = [*key, _parameter("tag", "path", _TAG)]
    paths[base + "/{tag}"] = {
        "get": _operation(f"has {name} tag", {**done, **_errors(404)}, parameters=one),
        "put": _operation(f"add tag to {name}", {"201": {"description": "Done."}, **_errors(400, 404)}, parameters=one),
        "delete": _operation(f"remove tag of {name}", {**done, **_errors(404)}, parameters=one),
    }


def _add_quotas(paths: dict[str, Any], schemas: dict[str, Schema]) -> None:
    limits = _wrapped("quota", {"type": "object", "required": ["network", "subnet", "port"]})
    key = [_parameter("project_id", "path", {"type": "string", "pattern": "^[0-9a-zA-Z_-]{1,255}$"})]
    body = _operation_body(schemas, "QuotaUpdate", QuotaUpdate, "quota")
    quota = "/v2.0/quotas/{project_id}"
    paths["/v2.0/quotas"] = {"get": _operation("list quotas", {"200": _json("Projects that have limits.")})}
    paths[quota] = {
        "get": _operation("show quota", {"200": _json("Its limits.", limits), **_errors(400)}, parameters=key),
        "put": _operation(
            "update quota", {"200": _json("Its limits.", limits), **_errors(400)}, parameters=key, body=body
        ),
        "delete": _operation("reset quota", {"204": {"description": "Done."}, **_errors(400)}, parameters=key),
    }
    for path in ("default", "details.json"):
        paths[f"{quota}/{path}"] = {
            "get": _operation(f"quota {path}", {"200": _json("Limits.", limits), **_errors(400)}, parameters=key)
        }


def _add_router_actions(paths: dict[str, Any]) -> None:
    key = [_parameter("id", "path", _ANY_ID)]
    interface: Schema = {"type": "object", "properties": {"subnet_id": _TEXT, "port_id": _TEXT}}
    routes: Schema = {"type": "object", "properties": {"routes": {"type": "array", "items": {"type": "object"}}}}
    for action in ("add_router_interface", "remove_router_interface", "add_extraroutes", "remove_extraroutes"):
        body = interface if action.endswith("interface") else _wrapped("router", routes)
        shown = {"200": _json("It.", {"type": "object"}), **_errors(400, 404, 409)}
        paths[f"/v2.0/routers/{{id}}/{action}"] = {
            "put": _operation(action.replace("_", " "), shown, parameters=key, body=body)
        }


def _add_address_group_actions(paths: dict[str, Any], schemas: dict[str, Schema]) -> None:
    key = [_parameter("id", "path", _ANY_ID)]
    body = _plain_body(schemas, "AddressesChange", AddressesChange)
    for action in ("add_addresses", "remove_addresses"):
        shown = {"200": _json("It.", {"type": "object"}), **_errors(400, 404)}
        paths[f"/v2.0/address-groups/{{id}}/{action}"] = {
            "put": _operation(action.replace("_", " "), shown, parameters=key, body=body)
        }


def _add_port_forwardings(paths: dict[str, Any], schemas: dict[str, Schema]) -> None:
    base, key = "/v2.0/floatingips/{id}/port_forwardings", [_parameter("id", "path", _ANY_ID)]
    shown = _wrapped("port_forwarding", {"type": "object", "required": ["id", "protocol", "external_port"]})
    several = _wrapped("port_forwardings", {"type": "array", "items": {"type": "object"}})
    new = _operation_body(schemas, "PortForwardingCreate", PortForwardingCreate, "port_forwarding")
    changed = _operation_body(schemas, "PortForwardingUpdate", PortForwardingUpdate, "port_forwarding")
    refusals = _errors(400, 404, 409)
    paths[base] = {
        "get": _operation("list port forwardings", {"200": _json("They.", several), **_errors(404)}, parameters=key),
        "post": _operation(
            "create port forwarding", {"201": _json("It.", shown), **refusals}, parameters=key, body=new
        ),
    }
    one, it = [*key, _parameter("forwarding", "path", _ANY_ID)], {"200": _json("It.", shown)}
    paths[base + "/{forwarding}"] = {
        "get": _operation("show port forwarding", {**it, **_errors(404)}, parameters=one),
        "put": _operation("update port forwarding", {**it, **refusals}, parameters=one, body=changed),
        "delete": _operation(
            "delete port forwarding", {"204": {"description": "It is gone."}, **_errors(404)}, parameters=one
        ),
    }


def _add_bindings(paths: dict[str, Any], schemas: dict[str, Schema]) -> None:
    base, key = "/v2.0/ports/{id}/bindings", [_parameter("id", "path", _ANY_ID)]
    binding = _wrapped("binding", {"type": "object", "required": ["host", "vif_type", "vnic_type", "status"]})
    several = _wrapped("bindings", {"type": "array", "items": {"type": "object"}})
    new = _operation_body(schemas, "BindingCreate", BindingCreate, "binding")
    changed = _operation_body(schemas, "BindingUpdate", BindingUpdate, "binding")
    host = _parameter("host", "query", {"type": "array", "items": _TEXT})
    paths[base] = {
        "get": _operation(
            "list bindings", {"200": _json("The bindings.", several), **_errors(404)}, parameters=[*key, host]
        ),
        "post": _operation(
            "create binding", {"201": _json("It.", binding), **_errors(400, 404, 409)}, parameters=key, body=new
        ),
    }
    one = [*key, _parameter("host", "path", _ANY_ID)]
    shown = {"200": _json("It.", binding)}
    paths[base + "/{host}"] = {
        "get": _operation("show binding", {**shown, **_errors(404)}, parameters=one),
        "put": _operation("update binding", {**shown, **_errors(400, 404, 409)}, parameters=one, body=changed),
        "delete": _operation("delete binding", {"204": {"description": "It is gone."}, **_errors(404)}, parameters=one),
    }
    paths[base + "/{host}/activate"] = {
        "put": _operation("activate binding", {**shown, **_errors(400, 404, 409)}, parameters=one)
    }


def _add_availability(paths: dict[str, Any]) -> None:
    texts = {"type": "array", "items": _TEXT}
    filters = [_parameter(name, "query", texts) for name in ("network_id", "network_name", "project_id")]
    versions = _parameter("ip_version", "query", {"type": "array", "items": {"type": "string", "enum": ["4", "6"]}})
    base = "/v2.0/network-ip-availabilities"
    paths[base] = {
        "get": _operation(
            "list network ip availabilities", {"200": _json("One a network."), **_errors(400)},
            parameters=[*filters, versions],
        )
    }  # fmt: skip
    paths[base + "/{id}"] = {
        "get": _operation(
            "show network ip availability", {"200": _json("It."), **_errors(404)},
            parameters=[_parameter("id", "path", _ANY_ID)],
        )
    }  # fmt: skip
    paths["/v2.0/availability_zones"] = {"get": _operation("list availability zones", {"200": _json("The one.")})}


def _add_scheduling(paths: dict[str, Any]) -> None:
    key = [_parameter("id", "path", _ANY_ID)]
    networks = "/v2.0/agents/{id}/dhcp-networks"
    body: Schema = {"type": "object", "required": ["network_id"], "properties": {"network_id": _TEXT}}
    paths["/v2.0/networks/{id}/dhcp-agents"] = {
        "get": _operation("agents of network", {"200": _json("The agents."), **_errors(404)}, parameters=key)
    }
    paths[networks] = {
        "get": _operation("networks of agent", {"200": _json("The networks."), **_errors(404)}, parameters=key),
        "post": _operation("add network to agent", _errors(400, 404, 409), parameters=key, body=body),
    }
    paths[networks + "/{network}"] = {
        "delete": _operation(
            "remove network from agent", _errors(404, 409), parameters=[*key, _parameter("network", "path", _ANY_ID)]
        )
    }


def _add_extensions(paths: dict[str, Any]) -> None:
    paths["/v2.0/extensions"] = {"get": _operation("list extensions", {"200": _json("The extensions.")})}
    paths["/v2.0/extensions/{alias}"] = {
        "get": _operation(
            "show extension",
            {"200": _json("The extension."), **_errors(404)},
            parameters=[_parameter("alias", "path", _ANY_ID)],
        )
    }


def _list_parameters(kind: str) -> list[Schema]:
    found = []
    for name, compared in FIELDS[kind].items():
        found.append(_parameter(name, "query", {"type": "array", "items": _COMPARED[compared]}))
    for name in SPECIAL[kind]:
        found.append(_parameter(name, "query", {"type": "array", "items": _SPECIAL.get(name, _TEXT)}))
    found += [
        _parameter("fields", "query", {"type": "array", "items": _TEXT}),
        _parameter("limit", "query", {"type": "integer", "minimum": 0}),
        _parameter("marker", "query", _ANY_ID),
        _parameter("page_reverse", "query", {"type": "string", "enum": ["True", "False", "true", "false"]}),
    ]
    return found


def _parameter(name: str, place: str, schema: Schema) -> Schema:
    parameter: Schema = {"name": name, "in": place, "schema": schema, "required": place == "path"}
    if schema.get("type") == "array":
        parameter["style"], parameter["explode"] = "form", True
    return parameter


def _operation(
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
        operation["responses"]["401"] = _json("No token, or none that is known.")
    return operation


def _operation_body(
    schemas: dict[str, Schema], title: str, shape: type[BaseModel], name: str, plural: str | None = None
) -> Schema:
    """A body with one object under `name`, or several under `plural`."""
    schema = shape.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    for part, definition in schema.pop("$defs", {}).items():
        schemas[part] = definition
    schemas[title] = schema
    one: Schema = {**_wrapped(name, {"$ref": f"#/components/schemas/{title}"}), "additionalProperties": False}
    if plural is None:
        return one
    items = {"type": "array", "minItems": 1, "items": {"$ref": f"#/components/schemas/{title}"}}
    return {"anyOf": [one, {**_wrapped(plural, items), "additionalProperties": False}]}


def _plain_body(schemas: dict[str, Schema], title: str, shape: type[BaseModel]) -> Schema:
    """A body that is the shape itself."""
    schemas[title] = shape.model_json_schema(by_alias=True)
    return {"$ref": f"#/components/schemas/{title}"}


def _wrapped(name: str, schema: Schema) -> Schema:
    return {"type": "object", "required": [name], "properties": {name: schema}}


def _json(description: str, schema: Schema | None = None) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema or {"type": "object"}}}}


def _errors(*statuses: int) -> dict[str, Schema]:
    error = {"$ref": "#/components/schemas/Error"}
    meanings = {
        400: "The request makes no sense.",
        404: "There is no such object.",
        409: "It conflicts with what is there.",
        412: "The object has another revision.",
        503: "It cannot be done now.",
    }
    return {str(status): _json(meanings[status], error) for status in statuses}


def _error_schema() -> Schema:
    parts = {"type": _TEXT, "message": _TEXT, "detail": _TEXT}
    return _wrapped("NeutronError", {"type": "object", "required": list(parts), "properties": parts})
