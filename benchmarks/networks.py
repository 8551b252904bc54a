"""Intent files of many networks, and of one large one."""

from pathlib import Path

from netmend.intent.names import dhcp_port_id, tap_name


def network_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def device(number: int) -> str:
    """The host's end of the DHCP port of network `number`."""
    return tap_name(dhcp_port_id(network_id(number)))


def guest_address(number: int) -> str:
    """The fixed IP of the one guest of network `number`: another on each, so that an answer shows whose it is."""
    return f"10.0.{number >> 8}.{(number & 255)}" if number else "10.0.255.254"


_SUBNET6 = [
    "      - cidr: 2001:db8::/64",
    "        address_mode: dhcpv6-stateful",
    "        ra_mode: dhcpv6-stateful",
]
GUEST_MAC = "52:54:00:00:00:01"  # on every network the same


def write_networks(path: Path, count: int, *, all_services: bool = False) -> None:
    """`count` networks with the same CIDR, one subnet and one known guest each, as people write them.

    With `all_services`, each has names, metadata and an IPv6 subnet with DHCPv6 and router advertisements beside.
    """
    lines = ["networks:"]
    for number in range(count):
        lines += [
            f"  - name: net-{number}",
            f"    id: {network_id(number)}",
            *(["    dns: true", "    metadata: embedded"] if all_services else []),
            "    subnets:",
            *(_SUBNET6 if all_services else []),
            "      - cidr: 10.0.0.0/16",
            "        gateway: 10.0.255.253",
            "        server_address: 10.0.255.252",
            "        dns_servers: [10.0.255.253]",
            "    ports:",
            "      - name: guest",
            f"        mac: {GUEST_MAC}",
            f"        fixed_ips: [{guest_address(number)}]",
        ]
    path.write_text("\n".join(lines) + "\n")
