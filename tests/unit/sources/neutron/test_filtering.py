"""What Neutron's server says of ports and security groups, as versioned objects, becomes intent."""

from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

from netmend.intent.port import AddressPair
from netmend.intent.security_group import SecurityRule
from netmend.sources.neutron.filtering import filtering_of

PORT = {
    "id": "66ad2dd9-a7d6-4c8f-aac4-968a65c17093",
    "name": "web",
    "mac_address": "FA:16:3e:51:05:17",
    "device_owner": "compute:nova",
    "allowed_address_pairs": [{"mac_address": "fa:16:3e:51:05:18", "ip_address": "10.0.0.200/29"}],
    "fixed_ips": [{"ip_address": "10.0.0.243"}, {"ip_address": "2001:db8::5"}],
    "security": None,
    "security_group_ids": ["04a594c7-94a0-4c19-aae1-61f617cd407e"],
}
GROUP = {
    "id": "04a594c7-94a0-4c19-aae1-61f617cd407e",
    "name": "g",
    "stateful": False,
    "rules": [
        {
            **{"direction": "ingress", "ethertype": "IPv4", "protocol": "udp", "port_range_min": 53},
            **{"port_range_max": 54, "remote_ip_prefix": "10.0.0.7/28"},
        },
        {"direction": "egress", "ethertype": "IPv6", "protocol": None, "remote_group_id": "g2"},
        {"direction": "ingress", "ethertype": "IPv6", "protocol": "ipv6-icmp", "port_range_min": 128},
        {"direction": "ingress", "ethertype": "IPv4", "protocol": "112"},
    ],
}


class Server:
    """Answers from what it was given, and keeps what it was asked."""

    def __init__(self, **objects: list[dict[str, Any]]) -> None:
        self.objects = objects
        self.asked: list[tuple[str, str, list[str]]] = []

    def pull(self, kind: str, version: str, **filters: Any) -> list[dict[str, Any]]:
        self.asked.append((kind, version, filters["id"]))
        return [found for found in self.objects[kind] if found["id"] in filters["id"]]


def test_ports_and_their_groups_come_in_two_questions() -> None:
    server = Server(Port=[PORT], SecurityGroup=[GROUP])
    found = filtering_of(server.pull, ["other", str(PORT["id"])])
    assert server.asked == [
        ("Port", "1.5", ["66ad2dd9-a7d6-4c8f-aac4-968a65c17093", "other"]),
        ("SecurityGroup", "1.3", ["04a594c7-94a0-4c19-aae1-61f617cd407e"]),
    ]
    port = found.ports["66ad2dd9-a7d6-4c8f-aac4-968a65c17093"]
    assert (port.mac, port.port_security) == ("fa:16:3e:51:05:17", True)
    assert (port.fixed_ips, port.fixed_ips6) == ((IPv4Address("10.0.0.243"),), (IPv6Address("2001:db8::5"),))
    assert port.allowed_address_pairs == (AddressPair(ip_network("10.0.0.200/29"), "fa:16:3e:51:05:18"),)
    group = found.groups["04a594c7-94a0-4c19-aae1-61f617cd407e"]
    assert not group.stateful
    assert group.rules == (
        SecurityRule("ingress", 4, 17, (53, 54), ip_network("10.0.0.0/28")),
        SecurityRule("egress", 6, None, remote_group_id="g2"),
        SecurityRule("ingress", 6, 58, (128, None)),
        SecurityRule("ingress", 4, 112),
    )


def test_ports_without_port_security_and_those_of_the_network_are_filtered_nowhere() -> None:
    free = PORT | {"id": "a", "security": {"port_security_enabled": False}}
    router = PORT | {"id": "b", "device_owner": "network:router_interface"}
    found = filtering_of(Server(Port=[free, router], SecurityGroup=[]).pull, ["a", "b"])
    assert [port.port_security for port in found.ports.values()] == [False, False]


def test_nothing_is_asked_where_there_are_no_ports() -> None:
    server = Server()
    assert not filtering_of(server.pull, []).ports and not server.asked
