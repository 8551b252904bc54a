"""DNS servers (23) and domain search list (24): RFC 3646 sections 3 and 4.

Where the subnet names no server and the network has a resolver of its own, that is told, at netmend's own address.
"""

from netmend.intent import Dns, Subnet6
from netmend.options.values4 import domain_name
from netmend.services.dhcp6 import wire
from netmend.services.dhcp6.options.facts import Facts, Options


def servers_of(subnet: Subnet6, dns: Dns | None) -> tuple[bytes, ...]:
    """Addresses of the resolvers that guests of a subnet shall use."""
    if subnet.dns_servers or dns is None:
        return tuple(server.packed for server in subnet.dns_servers)
    return (subnet.server_address.packed,)


def domain_of(subnet: Subnet6, dns: Dns | None) -> str | None:
    """The guests' domain: the subnet's, else that of the network."""
    return subnet.domain or (dns.domain if dns else None)


def options(facts: Facts) -> Options:
    domain = domain_of(facts.subnet, facts.dns)
    return {
        wire.DNS_SERVERS: b"".join(servers_of(facts.subnet, facts.dns)),
        wire.DOMAIN_LIST: domain_name(domain) if domain else b"",
    }
