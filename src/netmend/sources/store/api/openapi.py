"""`/openapi.json`: the API described for machines, from the shapes that requests are checked against."""

from functools import lru_cache
from typing import Any

from netmend import __version__
from netmend.sources.store.api.application import RESOURCES
from netmend.sources.store.api.openapi_parts import (
    Schema,
    answer,
    error_schema,
    errors,
    operation,
    operation_body,
    parameter,
    plain_body,
    wrapped,
)
from netmend.sources.store.api.resource import Resource
from netmend.sources.store.api.tags import KINDS as TAGGED
from netmend.sources.store.query import FIELDS, SPECIAL
from netmend.sources.store.shapes.admin import QuotaUpdate
from netmend.sources.store.shapes.common import NUMBER_MAX
from netmend.sources.store.shapes.port import BindingCreate, BindingUpdate
from netmend.sources.store.shapes.router import PortForwardingCreate, PortForwardingUpdate
from netmend.sources.store.shapes.security_group import AddressesChange

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
    schemas: dict[str, Schema] = {"Error": error_schema()}
    paths: dict[str, Any] = {"/": {"get": operation("versions", {"200": answer("The versions.")}, security=[])}}
    paths["/v2.0"] = {"get": operation("resources", {"200": answer("The resources.")})}
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
    one, item = wrapped(name, shown), resource.path + "/{id}"
    several: Schema = {
        "type": "object",
        "required": [resource.plural],
        "properties": {
            resource.plural: {"type": "array", "items": {"type": "object"}},
            f"{resource.plural}_links": {"type": "array", "items": {"type": "object"}},
        },
    }
    key = [parameter("id", "path", _ANY_ID)]
    if_match = parameter("If-Match", "header", {"type": "string", "pattern": "^revision_number=[0-9]{1,9}$"})
    paths[resource.path] = {
        "get": operation(
            listed,
            {"200": answer("A page, or all.", several), **errors(400, 404)},
            parameters=_list_parameters(name),
            summary=f"List {resource.plural}. A parameter that is given more than once: any of its values.",
        )
    }
    fields = parameter("fields", "query", {"type": "array", "items": _TEXT})
    paths[item] = {
        "get": operation(
            f"show {name}", {"200": answer("The object.", wrapped(name, {"type": "object"})), **errors(404)},
            parameters=[*key, fields],
        ),
        "delete": operation(
            f"delete {name}", {"204": {"description": "It is gone."}, **errors(400, 404, 409, 412)},
            parameters=[*key, if_match],
        ),
    }  # fmt: skip
    if resource.update_shape is not None:
        changed = operation_body(schemas, f"{title}Update", resource.update_shape, name)
        answers = {"200": answer("The object.", one), **errors(400, 404, 409, 412)}
        paths[item]["put"] = operation(f"update {name}", answers, parameters=[*key, if_match], body=changed)
    if resource.create_shape is not None:
        new = operation_body(schemas, f"{title}Create", resource.create_shape, name, resource.plural)
        both: Schema = {"anyOf": [one, several]}
        answers = {"201": answer("What was created.", both), **errors(400, 404, 409, 503)}
        paths[resource.path]["post"] = operation(f"create {name}", answers, body=new)


def _add_tags(paths: dict[str, Any], resource: Resource) -> None:
    base, key = resource.path + "/{id}/tags", [parameter("id", "path", _ANY_ID)]
    tags: Schema = {
        "type": "object",
        "required": ["tags"],
        "properties": {"tags": {"type": "array", "items": _TAG, "maxItems": 50}},
        "additionalProperties": False,
    }
    name = resource.name
    done: dict[str, Schema] = {"204": {"description": "Done."}}
    paths[base] = {
        "get": operation(f"tags of {name}", {"200": answer("The tags.", tags), **errors(404)}, parameters=key),
        "post": operation(
            f"add tags to {name}", {"201": answer("The tags that were given.", tags), **errors(400, 404)},
            parameters=key, body=tags,
        ),
        "put": operation(
            f"replace tags of {name}", {"200": answer("The tags.", tags), **errors(400, 404)},
            parameters=key, body=tags,
        ),
        "delete": operation(f"remove tags of {name}", {**done, **errors(404)}, parameters=key),
    }  # fmt: skip
    one = [*key, parameter("tag", "path", _TAG)]
    paths[base + "/{tag}"] = {
        "get": operation(f"has {name} tag", {**done, **errors(404)}, parameters=one),
        "put": operation(f"add tag to {name}", {"201": {"description": "Done."}, **errors(400, 404)}, parameters=one),
        "delete": operation(f"remove tag of {name}", {**done, **errors(404)}, parameters=one),
    }


def _add_quotas(paths: dict[str, Any], schemas: dict[str, Schema]) -> None:
    limits = wrapped("quota", {"type": "object", "required": ["network", "subnet", "port"]})
    key = [parameter("project_id", "path", {"type": "string", "pattern": "^[0-9a-zA-Z_-]{1,255}$"})]
    body = operation_body(schemas, "QuotaUpdate", QuotaUpdate, "quota")
    quota = "/v2.0/quotas/{project_id}"
    paths["/v2.0/quotas"] = {"get": operation("list quotas", {"200": answer("Projects that have limits.")})}
    paths[quota] = {
        "get": operation("show quota", {"200": answer("Its limits.", limits), **errors(400)}, parameters=key),
        "put": operation(
            "update quota", {"200": answer("Its limits.", limits), **errors(400)}, parameters=key, body=body
        ),
        "delete": operation("reset quota", {"204": {"description": "Done."}, **errors(400)}, parameters=key),
    }
    for path in ("default", "details.json"):
        paths[f"{quota}/{path}"] = {
            "get": operation(f"quota {path}", {"200": answer("Limits.", limits), **errors(400)}, parameters=key)
        }


def _add_router_actions(paths: dict[str, Any]) -> None:
    key = [parameter("id", "path", _ANY_ID)]
    interface: Schema = {"type": "object", "properties": {"subnet_id": _TEXT, "port_id": _TEXT}}
    routes: Schema = {"type": "object", "properties": {"routes": {"type": "array", "items": {"type": "object"}}}}
    for action in ("add_router_interface", "remove_router_interface", "add_extraroutes", "remove_extraroutes"):
        body = interface if action.endswith("interface") else wrapped("router", routes)
        shown = {"200": answer("It.", {"type": "object"}), **errors(400, 404, 409)}
        paths[f"/v2.0/routers/{{id}}/{action}"] = {
            "put": operation(action.replace("_", " "), shown, parameters=key, body=body)
        }


def _add_address_group_actions(paths: dict[str, Any], schemas: dict[str, Schema]) -> None:
    key = [parameter("id", "path", _ANY_ID)]
    body = plain_body(schemas, "AddressesChange", AddressesChange)
    for action in ("add_addresses", "remove_addresses"):
        shown = {"200": answer("It.", {"type": "object"}), **errors(400, 404)}
        paths[f"/v2.0/address-groups/{{id}}/{action}"] = {
            "put": operation(action.replace("_", " "), shown, parameters=key, body=body)
        }


def _add_port_forwardings(paths: dict[str, Any], schemas: dict[str, Schema]) -> None:
    base, key = "/v2.0/floatingips/{id}/port_forwardings", [parameter("id", "path", _ANY_ID)]
    shown = wrapped("port_forwarding", {"type": "object", "required": ["id", "protocol", "external_port"]})
    several = wrapped("port_forwardings", {"type": "array", "items": {"type": "object"}})
    new = operation_body(schemas, "PortForwardingCreate", PortForwardingCreate, "port_forwarding")
    changed = operation_body(schemas, "PortForwardingUpdate", PortForwardingUpdate, "port_forwarding")
    refusals = errors(400, 404, 409)
    paths[base] = {
        "get": operation("list port forwardings", {"200": answer("They.", several), **errors(404)}, parameters=key),
        "post": operation(
            "create port forwarding", {"201": answer("It.", shown), **refusals}, parameters=key, body=new
        ),
    }
    one, it = [*key, parameter("forwarding", "path", _ANY_ID)], {"200": answer("It.", shown)}
    paths[base + "/{forwarding}"] = {
        "get": operation("show port forwarding", {**it, **errors(404)}, parameters=one),
        "put": operation("update port forwarding", {**it, **refusals}, parameters=one, body=changed),
        "delete": operation(
            "delete port forwarding", {"204": {"description": "It is gone."}, **errors(404)}, parameters=one
        ),
    }


def _add_bindings(paths: dict[str, Any], schemas: dict[str, Schema]) -> None:
    base, key = "/v2.0/ports/{id}/bindings", [parameter("id", "path", _ANY_ID)]
    binding = wrapped("binding", {"type": "object", "required": ["host", "vif_type", "vnic_type", "status"]})
    several = wrapped("bindings", {"type": "array", "items": {"type": "object"}})
    new = operation_body(schemas, "BindingCreate", BindingCreate, "binding")
    changed = operation_body(schemas, "BindingUpdate", BindingUpdate, "binding")
    host = parameter("host", "query", {"type": "array", "items": _TEXT})
    paths[base] = {
        "get": operation(
            "list bindings", {"200": answer("The bindings.", several), **errors(404)}, parameters=[*key, host]
        ),
        "post": operation(
            "create binding", {"201": answer("It.", binding), **errors(400, 404, 409)}, parameters=key, body=new
        ),
    }
    one = [*key, parameter("host", "path", _ANY_ID)]
    shown = {"200": answer("It.", binding)}
    paths[base + "/{host}"] = {
        "get": operation("show binding", {**shown, **errors(404)}, parameters=one),
        "put": operation("update binding", {**shown, **errors(400, 404, 409)}, parameters=one, body=changed),
        "delete": operation("delete binding", {"204": {"description": "It is gone."}, **errors(404)}, parameters=one),
    }
    paths[base + "/{host}/activate"] = {
        "put": operation("activate binding", {**shown, **errors(400, 404, 409)}, parameters=one)
    }


def _add_availability(paths: dict[str, Any]) -> None:
    texts = {"type": "array", "items": _TEXT}
    filters = [parameter(name, "query", texts) for name in ("network_id", "network_name", "project_id")]
    versions = parameter("ip_version", "query", {"type": "array", "items": {"type": "string", "enum": ["4", "6"]}})
    base = "/v2.0/network-ip-availabilities"
    paths[base] = {
        "get": operation(
            "list network ip availabilities", {"200": answer("One a network."), **errors(400)},
            parameters=[*filters, versions],
        )
    }  # fmt: skip
    paths[base + "/{id}"] = {
        "get": operation(
            "show network ip availability", {"200": answer("It."), **errors(404)},
            parameters=[parameter("id", "path", _ANY_ID)],
        )
    }  # fmt: skip
    paths["/v2.0/availability_zones"] = {"get": operation("list availability zones", {"200": answer("The one.")})}


def _add_scheduling(paths: dict[str, Any]) -> None:
    key = [parameter("id", "path", _ANY_ID)]
    networks = "/v2.0/agents/{id}/dhcp-networks"
    body: Schema = {"type": "object", "required": ["network_id"], "properties": {"network_id": _TEXT}}
    paths["/v2.0/networks/{id}/dhcp-agents"] = {
        "get": operation("agents of network", {"200": answer("The agents."), **errors(404)}, parameters=key)
    }
    paths[networks] = {
        "get": operation("networks of agent", {"200": answer("The networks."), **errors(404)}, parameters=key),
        "post": operation("add network to agent", errors(400, 404, 409), parameters=key, body=body),
    }
    paths[networks + "/{network}"] = {
        "delete": operation(
            "remove network from agent", errors(404, 409), parameters=[*key, parameter("network", "path", _ANY_ID)]
        )
    }


def _add_extensions(paths: dict[str, Any]) -> None:
    paths["/v2.0/extensions"] = {"get": operation("list extensions", {"200": answer("The extensions.")})}
    paths["/v2.0/extensions/{alias}"] = {
        "get": operation(
            "show extension",
            {"200": answer("The extension."), **errors(404)},
            parameters=[parameter("alias", "path", _ANY_ID)],
        )
    }


def _list_parameters(kind: str) -> list[Schema]:
    found = []
    for name, compared in FIELDS[kind].items():
        found.append(parameter(name, "query", {"type": "array", "items": _COMPARED[compared]}))
    for name in SPECIAL[kind]:
        found.append(parameter(name, "query", {"type": "array", "items": _SPECIAL.get(name, _TEXT)}))
    found += [
        parameter("fields", "query", {"type": "array", "items": _TEXT}),
        parameter("limit", "query", {"type": "integer", "minimum": 0}),
        parameter("marker", "query", _ANY_ID),
        parameter("page_reverse", "query", {"type": "string", "enum": ["True", "False", "true", "false"]}),
    ]
    return found
