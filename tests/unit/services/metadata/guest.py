"""A guest's side of the metadata service for tests of the core."""

import json
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from netmend.intent import Instance, Network, Port, Subnet, Subnet6
from netmend.services.metadata import MetadataResponder, Outcome, Request, Response

NOW = 1_700_000_000.0
KEY = bytes(range(32))
WEB, DB, BARE = "192.0.2.11", "192.0.2.12", "192.0.2.13"
WEB_KEY = "ssh-ed25519 AAAAC3Nza web@example"

SUBNET = Subnet(
    "subnet-4",
    "v4",
    IPv4Network("192.0.2.0/24"),
    IPv4Address("192.0.2.2"),
    IPv4Address("192.0.2.1"),
    domain="in.example",
)
SUBNET6 = Subnet6(
    "subnet-6",
    "v6",
    IPv6Network("2001:db8::/64"),
    IPv6Address("2001:db8::2"),
    IPv6Address("2001:db8::1"),
    address_mode="slaac",
    ra_mode="slaac",
    dns_servers=(IPv6Address("2001:db8::53"),),
)
INSTANCE = Instance(
    "5f7c2b3e-0000-4000-8000-000000000001",
    name="web server",
    hostname="web.example",
    public_keys={"laptop": WEB_KEY, "desk": "ssh-rsa AAAAB3 desk"},
    user_data=b"#!/bin/sh\nexit 0\n",
    vendor_data={"cloud": "here"},
    vendor_data2={"static": {"a": 1}},
    meta={"role": "web", "needs/slash": "x"},
    instance_type="m1.small",
    availability_zone="zone-a",
)


def port(number: int, address: str, **more: Any) -> Port:
    return Port(f"port-{number}", f"port {number}", f"02:00:00:00:00:{number:02x}", (IPv4Address(address),), **more)


def network(*ports: Port, **more: Any) -> Network:
    fields: dict[str, Any] = {
        "subnets": (SUBNET,),
        "subnets6": (SUBNET6,),
        "metadata": "embedded",
        "project_id": "project",
        "ports": {each.id: each for each in ports},
    }
    return Network("network", "network", **(fields | more))


WEB_PORT = port(1, WEB, hostname="web", instance=INSTANCE, fixed_ips6=(IPv6Address("2001:db8::11"),))
DB_PORT = port(2, DB, hostname="db", device_id="instance-of-db")
BARE_PORT = port(3, BARE)


Headers = Mapping[str, str]
NONE: Headers = {}


class Service:
    """A responder, asked as guests ask. `passwords` is what it reads posted passwords from."""

    def __init__(self, intent: Network, leases: Mapping[str, str] | None = None) -> None:
        self.passwords: dict[tuple[str, str], bytes] = {}
        held = dict(leases or {})
        self.responder = MetadataResponder(
            intent, KEY, lambda size: b"\x07" * size, self.passwords, lambda address: held.get(str(address))
        )
        self.now = NOW

    def ask(
        self, path: str, source: str = WEB, method: str = "GET", body: bytes = b"", headers: Headers = NONE
    ) -> Outcome:
        """The outcome of a request."""
        named = {name.lower(): value for name, value in headers.items()}
        return self.responder.handle(ip_address(source), Request(method, path, named, body), self.now)

    def response(
        self, path: str, source: str = WEB, method: str = "GET", body: bytes = b"", headers: Headers = NONE
    ) -> Response:
        outcome = self.ask(path, source, method, body, headers)
        assert isinstance(outcome, Response), outcome
        return outcome

    def text(self, path: str, source: str = WEB, headers: Headers = NONE) -> str:
        response = self.response(path, source, headers=headers)
        assert response.status == 200, response
        return response.body.decode()

    def lines(self, path: str, source: str = WEB) -> list[str]:
        return self.text(path, source).split("\n")

    def json(self, path: str, source: str = WEB) -> Any:
        response = self.response(path, source)
        assert (response.status, response.content_type) == (200, "application/json"), response
        return json.loads(response.body)

    def status(
        self, path: str, source: str = WEB, method: str = "GET", body: bytes = b"", headers: Headers = NONE
    ) -> int:
        return self.response(path, source, method, body, headers).status

    def token(self, source: str = WEB, ttl: str = "60") -> str:
        response = self.response("/latest/api/token", source, "PUT", headers=for_seconds(ttl))
        assert response.status == 200, response
        return response.body.decode()


def for_seconds(ttl: str) -> Headers:
    return {"X-aws-ec2-metadata-token-ttl-seconds": ttl}


def with_token(token: str) -> Headers:
    return {"X-aws-ec2-metadata-token": token}
