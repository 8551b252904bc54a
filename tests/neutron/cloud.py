"""The cloud's own API, as its users have it; what a test makes is deleted when it ends."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from tests.waiting import wait_for

PATIENCE = 150.0  # seconds: Neutron and its agents take their time, on a busy machine a minute
API = "http://127.0.0.1:9696/v2.0/"

Resource = dict[str, Any]


class Refused(Exception):
    """The API's answer was no."""


def call(method: str, path: str, body: object = None) -> Any:
    """One request; the answer as JSON gives it, None when there is none. Raises Refused."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(API + path, method=method, data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise Refused(f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:500]}") from None
    return json.loads(text) if text else None


class Cloud:
    """Makes resources, and takes them away in reverse order on leaving."""

    def __init__(self) -> None:
        self._undo: list[tuple[str, str, object]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for method, path, body in reversed(self._undo):
            try:
                call(method, path, body)
            except Refused as refused:
                if " 404 " not in str(refused):
                    print(refused)

    def _make(self, kind: str, **fields: object) -> Resource:
        made: Resource = call("POST", f"{kind}s", {kind: fields})[kind]
        self._undo.append(("DELETE", f"{kind}s/{made['id']}", None))
        return made

    def network(self, **fields: object) -> Resource:
        return self._make("network", **fields)

    def segment(self, network: Resource, **fields: object) -> Resource:
        return self._make("segment", network_id=network["id"], **fields)

    def segments(self, network: Resource) -> list[Resource]:
        found: list[Resource] = call("GET", f"segments?network_id={network['id']}")["segments"]
        return found

    def subnet(self, network: Resource, cidr: str, **fields: object) -> Resource:
        version = 6 if ":" in cidr else 4
        return self._make("subnet", network_id=network["id"], cidr=cidr, ip_version=version, **fields)

    def port(self, network: Resource, **fields: object) -> Resource:
        owner = {"device_owner": "compute:nova", "binding:host_id": "node1"}
        return self._make("port", network_id=network["id"], **(owner | fields))

    def router(self, *subnets: Resource, **fields: object) -> Resource:
        """A router at the gateways of these subnets."""
        router = self._make("router", **({"name": "r"} | fields))
        for subnet in subnets:
            body = {"subnet_id": subnet["id"]}
            call("PUT", f"routers/{router['id']}/add_router_interface", body)
            self._undo.append(("PUT", f"routers/{router['id']}/remove_router_interface", body))
        return router

    def gateway(self, router: Resource, outside: Resource) -> str:
        """The router's way out: its address there."""
        found = self.update("router", router, external_gateway_info={"network_id": outside["id"]})
        self._undo.append(("PUT", f"routers/{router['id']}", {"router": {"external_gateway_info": None}}))
        return str(found["external_gateway_info"]["external_fixed_ips"][0]["ip_address"])

    def floating_ip(self, outside: Resource, port: Resource) -> Resource:
        return self._make("floatingip", floating_network_id=outside["id"], port_id=port["id"])

    # --- what is there --------------------------------------------------------------------------------------------

    def get(self, kind: str, resource: Resource) -> Resource:
        found: Resource = call("GET", f"{kind}s/{resource['id']}")[kind]
        return found

    def update(self, kind: str, resource: Resource, **fields: object) -> Resource:
        found: Resource = call("PUT", f"{kind}s/{resource['id']}", {kind: fields})[kind]
        return found

    def delete(self, kind: str, resource: Resource) -> None:
        call("DELETE", f"{kind}s/{resource['id']}")

    def dhcp_ports(self, network: Resource) -> list[Resource]:
        found: list[Resource] = call("GET", f"ports?network_id={network['id']}&device_owner=network:dhcp")["ports"]
        return found

    def agents(self, kind: str = "DHCP agent") -> list[Resource]:
        return [agent for agent in call("GET", "agents")["agents"] if agent["agent_type"] == kind]

    def agent(self, host: str = "node1", kind: str = "DHCP agent") -> Resource:
        return next(agent for agent in self.agents(kind) if agent["host"] == host)

    def is_active(self, port: Resource) -> bool:
        return bool(self.get("port", port)["status"] == "ACTIVE")

    def wait_until_active(self, port: Resource, seconds: float = PATIENCE) -> None:
        wait_for(lambda: self.is_active(port), f"port {port['id']} to become ACTIVE", seconds=seconds)


def wait_until(
    condition: Callable[[], object],
    what: str,
    seconds: float = PATIENCE,
    explain: Callable[[], object] = lambda: "",
) -> None:
    wait_for(condition, what, explain, seconds=seconds)


def address_of(port: Resource) -> str:
    """Its first one."""
    return str(port["fixed_ips"][0]["ip_address"])
