"""Names of a port's addresses: `dns_assignment` where the server has one, made from the address where it has not
(neutron/agent/linux/dhcp.py, _get_dns_assignment)."""

from typing import NamedTuple

from netmend.sources.neutron.names import Raw


class DnsName(NamedTuple):
    """A host name, and the same with its domain, without a dot at the end."""

    hostname: str
    fqdn: str

    @property
    def domain(self) -> str:
        return self.fqdn.partition(".")[2]


def names_of(port: Raw, domain: str | None) -> dict[str, DnsName]:
    """By address, for every fixed IP of `port`."""
    assigned = {str(entry.get("ip_address")): entry for entry in port.get("dns_assignment") or ()}
    return {
        address: _assigned(assigned[address]) if address in assigned else generated(address, domain)
        for address in (str(fixed["ip_address"]) for fixed in port["fixed_ips"])
    }


def _assigned(entry: Raw) -> DnsName:
    hostname = str(entry["hostname"])
    return DnsName(hostname, (str(entry.get("fqdn") or "").rstrip(".")) or hostname)


def generated(address: str, domain: str | None) -> DnsName:
    hostname = "host-" + address.replace(".", "-").replace(":", "-")
    return DnsName(hostname, f"{hostname}.{domain}" if domain else hostname)
