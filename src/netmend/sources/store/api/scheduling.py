"""`/v2.0/networks/{id}/dhcp-agents` and `/v2.0/agents/{id}/dhcp-networks`: which agent serves which network.

The one node serves all networks, so neither can be changed.
"""

from typing import NoReturn

from aiohttp import web

from netmend.sources.store.api.agents import AGENTS
from netmend.sources.store.api.body import read_json
from netmend.sources.store.api.context import KEY
from netmend.sources.store.api.errors import json_response
from netmend.sources.store.api.networks import NETWORKS
from netmend.sources.store.errors import RefusedError, bad_request
from netmend.sources.store.query import ListQuery, find
from netmend.sources.store.transaction import Document, get


def add_to(router: web.UrlDispatcher) -> None:
    router.add_get("/v2.0/networks/{id}/dhcp-agents", _agents)
    networks = "/v2.0/agents/{id}/dhcp-networks"
    router.add_get(networks, _networks)
    router.add_post(networks, _add)
    router.add_delete(networks + "/{network}", _remove)


def _found(request: web.Request, kind: str, object_id: str) -> Document:
    return get(request.app[KEY].store.read(), kind, object_id)


async def _agents(request: web.Request) -> web.Response:
    context = request.app[KEY]
    network = _found(request, "network", request.match_info["id"])
    agents = find(context.store.read(), ListQuery("agent", {"host": [context.host]})) if network["subnets"] else []
    return json_response({"agents": [AGENTS.present(agent, context) for agent in agents]})


async def _networks(request: web.Request) -> web.Response:
    context = request.app[KEY]
    agent = _found(request, "agent", request.match_info["id"])
    networks = find(context.store.read(), ListQuery("network")) if agent["host"] == context.host else []
    return json_response({"networks": [NETWORKS.present(one, context) for one in networks if one["subnets"]]})


async def _add(request: web.Request) -> NoReturn:
    agent_id = _found(request, "agent", request.match_info["id"])["id"]
    body = await read_json(request)
    if not isinstance(body, dict) or not isinstance(body.get("network_id"), str):
        raise bad_request("Unable to find 'network_id' in request body")
    network_id = _found(request, "network", body["network_id"])["id"]
    message = f"The network {network_id} has been already hosted by the DHCP Agent {agent_id}."
    raise RefusedError("NetworkHostedByDHCPAgent", 409, message)


async def _remove(request: web.Request) -> NoReturn:
    agent_id = _found(request, "agent", request.match_info["id"])["id"]
    network_id = _found(request, "network", request.match_info["network"])["id"]
    message = (
        f"The network {network_id} cannot be taken from the DHCP Agent {agent_id}: this node serves all networks. "
        "Set its admin_state_up to false instead."
    )
    raise RefusedError("NetworkHostedByDHCPAgent", 409, message)
