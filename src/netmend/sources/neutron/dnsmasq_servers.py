"""`dnsmasq_dns_servers`, as the `--server` of dnsmasq(8) that Neutron makes of each: servers, and those of domains."""

from collections.abc import Iterable

from netmend.intent import DnsServer
from netmend.sources import fields

Domains = tuple[tuple[str, tuple[DnsServer, ...]], ...]


def servers_of(texts: Iterable[str]) -> tuple[tuple[DnsServer, ...], Domains]:
    """The servers for all names, and those for domains: `192.0.2.53#5353`, `/corp.example/192.0.2.53`.

    A domain without a server has no names, as `/corp.example/` says. Raises ValueError.
    """
    servers: dict[DnsServer, None] = {}
    domains: dict[str, dict[DnsServer, None]] = {}
    for text in filter(None, map(str.strip, texts)):
        *named, last = text.split("/")
        found = [_server(last, text)] if last else []
        if not named:
            servers.update(dict.fromkeys(found))
            continue
        if named[0] or not any(named):
            raise ValueError(f"dnsmasq_dns_servers: {text}: a domain stands between slashes")
        for name in filter(None, named):
            try:
                domain = fields.host_name(name).rstrip(".").lower()
            except ValueError as error:
                raise ValueError(f"dnsmasq_dns_servers: {text}: {error}") from None
            domains.setdefault(domain, {}).update(dict.fromkeys(found))
    return tuple(servers), tuple((domain, tuple(known)) for domain, known in domains.items())


def _server(said: str, text: str) -> DnsServer:
    """A server; from where it is asked (`@eth0`) is the host's to say."""
    address, _, port = said.partition("@")[0].partition("#")
    try:
        server = fields.dns_server(address)
        return DnsServer(server.address, int(port)) if port else server
    except ValueError as error:
        raise ValueError(f"dnsmasq_dns_servers: {text}: {error}") from None
