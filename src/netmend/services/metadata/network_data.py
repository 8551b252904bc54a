"""`network_data.json` as Nova makes it (nova/virt/netutils.py, get_network_metadata).

Nova tells the first address of each family of a port, and of what DHCP gives only that DHCP does.
"""

from typing import Any

from netmend.intent import OvsWiring, Port
from netmend.intent.names import tap_name
from netmend.services.metadata.facts import Facts

Json = dict[str, Any]


def network_data(facts: Facts) -> Json:
    links: list[Json] = []
    networks: list[Json] = []
    services: list[Json] = []
    for port in facts.ports:
        found = _networks(facts, port)
        if not found:
            continue
        by_dhcp = bool(facts.network.subnets)
        links.append(
            {
                "id": tap_name(port.id),
                "vif_id": port.id,
                "type": "ovs" if isinstance(facts.network.wiring, OvsWiring) else "bridge",
                "mtu": None if by_dhcp else facts.network.mtu,  # DHCP tells it
                "ethernet_mac_address": port.mac,
            }
        )
        for network in found:
            networks.append({"id": f"network{len(networks)}", **network})
            services += [service for service in network.get("services", ()) if service not in services]
    return {"links": links, "networks": networks, "services": services}


def _networks(facts: Facts, port: Port) -> list[Json]:
    common = {"link": tap_name(port.id), "network_id": facts.network.id}
    found: list[Json] = []
    if port.fixed_ips or any(subnet.dynamic for subnet in facts.network.subnets):
        found.append({"type": "ipv4_dhcp", **common})
    for address in port.fixed_ips6[:1]:
        subnet = facts.subnet6(address)
        if subnet is None:
            continue
        routes = [{"network": "::", "netmask": "::", "gateway": str(subnet.gateway)}] if subnet.gateway else []
        routes += [
            {
                "network": str(route.destination.network_address),
                "netmask": str(route.destination.netmask),
                "gateway": str(route.nexthop),
            }
            for route in subnet.routes
        ]
        found.append(
            {
                "type": f"ipv6_{subnet.address_mode}" if subnet.address_mode else "ipv6",
                "ip_address": str(address),
                "netmask": str(subnet.cidr.netmask),
                "routes": routes,
                "services": [{"type": "dns", "address": str(server)} for server in subnet.dns_servers],
                **common,
            }
        )
    return found
