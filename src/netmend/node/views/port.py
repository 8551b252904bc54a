"""One port: what it is, what it was given, what guards it, what passed it, what is wrong and what happened."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict  # noqa: TID251 - of dataclasses of other rooms
from typing import Any, Final

from netmend.firewall.guard import is_guarded
from netmend.firewall.security_groups import is_filtered
from netmend.firewall.words import words_of_rule
from netmend.intent.names import tap_name
from netmend.intent.network import Intent, Network
from netmend.intent.port import Port
from netmend.intent.router import Router
from netmend.kernel.errors import KernelError
from netmend.kernel.link_traffic import link_traffic
from netmend.kernel.netlink import RouteSocket
from netmend.node.state import NodeState
from netmend.node.views.reach import name_of_group
from netmend.node.views.shapes import (
    Clock,
    answers_by_port,
    event_json,
    lease_json,
    port_json,
    reason_json,
    reasons_by_network,
)

_EVENTS_MAX: Final = 50


def find_port(intent: Intent, port_id: str) -> tuple[Network, Port] | None:
    """The port with this id, and its network."""
    for network in intent.networks.values():
        if (port := network.ports.get(port_id)) is not None:
            return network, port
    return None


def port_detail(node: NodeState, port_id: str, clock: Clock) -> dict[str, Any] | None:
    """All of one port, as docs/status.md has it; None where there is none."""
    intent = node.intent.intent
    found = find_port(intent, port_id)
    if found is None:
        return None
    network, port = found
    leases = [lease for lease in node.serving.leases(network.id) if lease.port_id == port.id]
    reasons = reasons_by_network(node).get(network.id, ())
    journal = node.journal.since(0)
    events = [event for event in journal if event.port == port.id]
    events = events or [event for event in journal if event.network == network.id]
    return {
        **port_json(network, port, answers_by_port(leases).get(port.id)),
        "project": port.project_id or network.project_id,
        "instance": port.device_id,
        "port_security": is_guarded(port),
        "allowed_address_pairs": [f"{pair.block} {pair.mac}" for pair in port.allowed_address_pairs],
        "security_groups": _groups(intent, port),
        "router": _way_out(intent, network, port),
        "leases": [lease_json(lease) for lease in leases],
        "reasons": [reason_json(node, reason, clock) for reason in reasons if reason.port_id in {None, port.id}],
        "traffic": _traffic(port),
        "events": [event_json(node, event) for event in events[-_EVENTS_MAX:]],
    }


def _groups(intent: Intent, port: Port) -> list[dict[str, Any]] | None:
    """The security groups in force, each with its rules in words; None where nothing is filtered."""
    if not is_filtered(port):
        return None
    found = []
    for group_id in port.security_groups or ():
        group = intent.security_groups.get(group_id)
        rules = group.rules if group else ()
        found.append(
            {
                "id": group_id,
                "name": name_of_group(intent, group_id),
                "stateful": group.stateful if group else True,
                "rules": [words_of_rule(rule, lambda other: name_of_group(intent, other)) for rule in rules],
            }
        )
    return found


def _way_out(intent: Intent, network: Network, port: Port) -> dict[str, Any] | None:
    """The network's router, and by which addresses the world reaches the port."""
    routers = (intent.routers.get(own.router_id) for own in network.router_ports)
    router = next(filter(None, routers), None)
    return None if router is None else {"id": router.id, "name": router.name, "published": published(router, port)}


def published(router: Router, port: Port) -> list[str]:
    """Addresses and ports on the router's uplink that lead to a port of a network."""
    own = set(port.fixed_ips)
    floating = [str(one.address) for one in router.floating_ips if one.fixed_ip in own]
    forwards = [
        f"{one.protocol} {one.address or 'uplink'}:{one.port} to {one.to_port}"
        for one in router.forwards
        if one.to_address in own
    ]
    return floating + forwards


def _traffic(port: Port) -> Mapping[str, int] | None:
    """What passed the port's device since it was made, by the host's end; None where there is no device."""
    with suppress(KernelError), RouteSocket() as route:
        found = link_traffic(route, tap_name(port.id))
        return asdict(found) if found else None
    return None
