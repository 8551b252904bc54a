"""`/v2.0/network-ip-availabilities` and `/v2.0/availability_zones`: how many addresses are left, and where."""

import asyncio
import sqlite3
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from aiohttp import web

from netmend.sources.store.api.context import KEY
from netmend.sources.store.api.errors import json_response
from netmend.sources.store.errors import bad_request
from netmend.sources.store.networks import ZONE
from netmend.sources.store.query import ListQuery, find
from netmend.sources.store.transaction import Document, get, read

PATH: Final = "/v2.0/network-ip-availabilities"
ZONES: Final = "/v2.0/availability_zones"
_FILTERS: Final = {"network_id": "id", "network_name": "name", "tenant_id": "project_id", "project_id": "project_id"}
_CONTROL: Final = frozenset({"fields", "sort_key", "sort_dir", "limit", "marker", "page_reverse"})


def add_to(router: web.UrlDispatcher) -> None:
    router.add_get(PATH, _list)
    router.add_get(PATH + "/{id}", _show)
    router.add_get(ZONES, _zones)


async def _list(request: web.Request) -> web.Response:
    context, query = request.app[KEY], request.query
    unknown = [name for name in query if name not in _FILTERS and name not in _CONTROL and name != "ip_version"]
    if unknown:
        raise bad_request(f"{sorted(set(unknown))} is invalid attribute for filtering")
    versions = query.getall("ip_version", [])
    if not set(versions) <= {"4", "6"}:
        raise bad_request("Invalid input for ip_version. Reason: it is 4 or 6.")
    filters = {_FILTERS[name]: query.getall(name) for name in query if name in _FILTERS}

    def work() -> list[Document]:
        connection = context.store.read()
        return [_availability(connection, network, versions)
                for network in find(connection, ListQuery("network", filters))]  # fmt: skip

    found = await asyncio.get_running_loop().run_in_executor(context.readers, work)
    return json_response({"network_ip_availabilities": found})


async def _show(request: web.Request) -> web.Response:
    connection, network_id = request.app[KEY].store.read(), request.match_info["id"]
    network = get(connection, "network", network_id)
    return json_response({"network_ip_availability": _availability(connection, network, ())})


def _availability(connection: sqlite3.Connection, network: Document, versions: Sequence[str]) -> Document:
    """Of the subnets of these IP versions, or of all."""
    used = dict(connection.execute(
        "SELECT subnet_id, count(*) FROM address WHERE network_id = ? GROUP BY subnet_id", (network["id"],)
    ))  # fmt: skip
    subnets = [read(connection, "subnet", subnet_id) for subnet_id in network["subnets"]]
    found = [
        {
            "subnet_id": subnet["id"],
            "subnet_name": subnet["name"],
            "cidr": subnet["cidr"],
            "ip_version": subnet["ip_version"],
            "total_ips": _total(subnet),
            "used_ips": used.get(subnet["id"], 0),
        }
        for subnet in subnets
        if subnet is not None and (not versions or str(subnet["ip_version"]) in versions)
    ]
    return {
        "network_id": network["id"],
        "network_name": network["name"],
        "project_id": network["project_id"],
        "tenant_id": network["project_id"],
        "total_ips": sum(subnet["total_ips"] for subnet in found),
        "used_ips": sum(subnet["used_ips"] for subnet in found),
        "subnet_ip_availability": found,
    }


def _total(subnet: Document) -> int:
    """As Neutron counts: the addresses of the allocation pools; of a subnet without any, all of the block."""
    pools = subnet["allocation_pools"]
    if not pools:
        return ip_network(subnet["cidr"]).num_addresses
    return sum(int(ip_address(pool["end"])) - int(ip_address(pool["start"])) + 1 for pool in pools)


async def _zones(_: web.Request) -> web.Response:
    zones = [{"name": ZONE, "resource": "network", "state": "available"}]
    return json_response({"availability_zones": zones})
