"""Names: DNS servers (23) and domain search list (24), RFC 3646 sections 3 and 4; the client's own name (39), RFC 4704.

Where the subnet names no server and the network has a resolver of its own, guests learn netmend's own address.

The client's name is its port's, whatever the client would rather have. Names follow intent, and no DNS server is to be
updated, by the server or by the client: the reply says N (RFC 4704 section 4.1), and O where the client wanted S.
"""

from functools import lru_cache

from netmend.intent import Dns, Subnet6
from netmend.options.values4 import domain_name
from netmend.services.dhcp6 import tlv, wire
from netmend.services.dhcp6.options.facts import Facts, Options

_S, _O, _N = 1, 2, 4


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


@lru_cache(maxsize=4096)
def fqdn_option(hostname: str, domain: str | None, *, update_wanted: bool) -> bytes:
    """The encoded option. A name that is not qualified has no empty label at its end (section 4.2)."""
    if "." in hostname:
        name = domain_name(hostname)
    elif domain:
        name = domain_name(f"{hostname}.{domain}")
    else:
        name = domain_name(hostname)[:-1]
    return tlv.encode(wire.CLIENT_FQDN, bytes((_N | (_O if update_wanted else 0),)) + name)


def wants_update(said: bytes | None) -> bool:
    """Whether the client's own option asks the server to update the DNS."""
    return bool(said and said[0] & _S)
