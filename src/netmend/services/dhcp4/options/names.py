"""Names: DNS servers (6), the guest's domain (15) and its host name (12), RFC 2132 sections 3.8, 3.17 and 3.14.

Where netmend answers names on the network, it is the server, unless the subnet names others. The host name differs from
port to port where all else is alike, so it is no part of the rendered options that ports share: a rendering has a place
for it, and `hostname_option` is what goes there.
"""

from netmend.intent import Port
from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.options.facts import Facts, Options


def servers_and_domain(facts: Facts) -> Options:
    subnet, dns = facts.subnet, facts.dns
    servers = subnet.dns_servers or ((subnet.server_address,) if dns else ())
    return {
        wire.DNS_SERVERS: b"".join(server.packed for server in servers),
        wire.DOMAIN_NAME: (subnet.domain or (dns.domain if dns else None) or "").encode(),
    }


def hostname_option(port: Port) -> bytes:
    """The encoded option, empty when the port has no name or sets option 12 by itself."""
    if not port.hostname or any(code == wire.HOST_NAME for code, _ in port.dhcp_options):
        return b""
    return wire.encode_option(wire.HOST_NAME, port.hostname.encode())
