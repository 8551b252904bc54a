"""DNS servers (6) and the guest's domain (15): RFC 2132 sections 3.8 and 3.17."""

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.options.facts import Facts, Options


def options(facts: Facts) -> Options:
    subnet = facts.subnet
    return {
        wire.DNS_SERVERS: b"".join(server.packed for server in subnet.dns_servers),
        wire.DOMAIN_NAME: (subnet.domain or "").encode(),
    }
