"""DNS servers (6) and the guest's domain (15): RFC 2132 sections 3.8 and 3.17.

Where netmend answers names on the network, it is the server, unless the subnet names others.
"""

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.options.facts import Facts, Options


def options(facts: Facts) -> Options:
    subnet, dns = facts.subnet, facts.dns
    servers = subnet.dns_servers or ((subnet.server_address,) if dns else ())
    return {
        wire.DNS_SERVERS: b"".join(server.packed for server in servers),
        wire.DOMAIN_NAME: (subnet.domain or (dns.domain if dns else None) or "").encode(),
    }
