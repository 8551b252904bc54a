"""A network as the server sends it, to intent. Pure: values in, values out; what did not change is the same object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from msgspec.structs import replace

from netmend.intent import DhcpPort, Dns, Network, Port, Subnet, Subnet6
from netmend.intent.network import DEFAULT_MTU
from netmend.sources.neutron import metadata
from netmend.sources.neutron.dhcp_port import own_port
from netmend.sources.neutron.dhcp_scopes import DhcpScope
from netmend.sources.neutron.dns_names import DnsName, names_of
from netmend.sources.neutron.extra_options import extra_options
from netmend.sources.neutron.names import WITHOUT_DHCP, Raw, project_of
from netmend.sources.neutron.policy import Policy
from netmend.sources.neutron.subnets import Surroundings, announces_no_dns, is_provisional, subnet4, subnet6
from netmend.sources.option_tags import Encoded

_DNS_SERVERS, _DOMAIN_NAME, _MTU, _RENEWAL_TIME, _REBINDING_TIME = 6, 15, 26, 58, 59  # RFC 2132
_DNS_SERVERS6 = 23  # RFC 3646 section 3


class TranslationError(Exception):
    """The server says something of a network that cannot be understood; the text says what."""


@dataclass(slots=True)
class Translated:
    """A scope as intent has it, with what is needed to translate its next version at little cost."""

    network: Network
    context: tuple[Any, ...]
    ports: dict[str, tuple[Raw, Port | None]]  # by port id: as sent, and what became of it
    problems: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by port id


def translate(raw: Raw, scope: DhcpScope, policy: Policy, previous: Translated | None = None) -> Translated | None:
    """None when we have no port there, or none with an address in a subnet. Raises TranslationError."""
    try:
        return _translate(raw, scope, policy, previous)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise TranslationError(f"network {raw.get('id')}: {type(error).__name__}: {error}") from error


def _translate(raw: Raw, scope: DhcpScope, policy: Policy, previous: Translated | None) -> Translated | None:
    port = own_port(raw, scope.device_id)
    if port is None:
        return None
    all_subnets = (*raw["subnets"], *(raw.get("non_local_subnets") or ()))
    isolated = metadata.isolated_subnets(raw, all_subnets)
    serves_metadata = metadata.serves_metadata(raw, all_subnets, isolated, policy)
    own = {fixed["subnet_id"]: fixed["ip_address"] for fixed in port["fixed_ips"]}
    around = Surroundings(raw, all_subnets, own, isolated, serves_metadata, policy)
    served = [subnet for subnet in scope.served if subnet["id"] in own and not is_provisional(subnet)]
    if not served:
        return None
    mtu = int(raw.get("mtu") or DEFAULT_MTU)
    network = Network(
        id=scope.id,
        name=raw.get("name") or scope.id,
        mtu=mtu,
        wiring=policy.wiring,
        subnets=tuple(subnet4(subnet, around) for subnet in served if subnet["ip_version"] == 4),
        subnets6=tuple(subnet6(subnet, around) for subnet in served if subnet["ip_version"] == 6),
        dhcp_port=DhcpPort(port["id"], port["mac_address"].lower()),
        # private answers too, as the dnsmasq of Neutron's agent passes them on
        dns=Dns(
            policy.dns_domain,
            policy.dns_forwarders,
            bool(policy.dns_forwarders) or policy.local_resolver,
            allow_private=True,
            forward_domains=policy.forward_domains,
        ),
        metadata="proxy" if serves_metadata else "off",
        project_id=project_of(raw),
    )
    return _with_ports(network, raw, served, policy, previous)


def _with_ports(
    network: Network, raw: Raw, served: Sequence[Raw], policy: Policy, previous: Translated | None
) -> Translated:
    forced = _forced(network.mtu, policy)
    telling = _Telling(
        frozenset(subnet["id"] for subnet in served if subnet["ip_version"] == 4),
        frozenset(subnet["id"] for subnet in served if subnet["ip_version"] == 6),
        frozenset(subnet["id"] for subnet in served if announces_no_dns(subnet)),
        frozenset(subnet["id"] for subnet in raw["subnets"] if is_provisional(subnet)),
        policy.dns_domain,
        forced,
    )
    context = (telling,)
    known: Mapping[str, tuple[Raw, Port | None]] = {}
    problems: dict[str, tuple[str, ...]] = {}
    if previous is not None and previous.context == context:
        known = previous.ports
    ports: dict[str, tuple[Raw, Port | None]] = {}
    for sent in raw["ports"]:
        port_id = sent["id"]
        before = known.get(port_id)
        if before is not None and (before[0] is sent or before[0] == sent):
            ports[port_id] = before
            if previous is not None and port_id in previous.problems:
                problems[port_id] = previous.problems[port_id]
            continue
        port, found = telling.port(sent)
        ports[port_id] = (sent, port)
        if found:
            problems[port_id] = found
    intent_ports = {port_id: port for port_id, (_, port) in ports.items() if port is not None}
    network = _shared(replace(network, ports=intent_ports), previous.network if previous else None)
    return Translated(network, context, ports, problems)


def _shared(new: Network, old: Network | None) -> Network:
    """`new`, with what `old` has that is equal, or `old` itself."""
    if old is None:
        return new
    subnets: tuple[Subnet, ...] = old.subnets if old.subnets == new.subnets else new.subnets
    subnets6: tuple[Subnet6, ...] = old.subnets6 if old.subnets6 == new.subnets6 else new.subnets6
    same = len(old.ports) == len(new.ports) and all(old.ports.get(key) is port for key, port in new.ports.items())
    ports = old.ports if same else new.ports
    new = replace(new, subnets=subnets, subnets6=subnets6, ports=ports)
    return old if same and new == old else new


def _forced(mtu: int, policy: Policy) -> Encoded:
    """Options that every guest gets, whether it asks or not (dnsmasq's --dhcp-option-force)."""
    times = ((_RENEWAL_TIME, policy.renewal_time), (_REBINDING_TIME, policy.rebinding_time))
    return ((_MTU, mtu.to_bytes(2, "big")), *((code, time.to_bytes(4, "big")) for code, time in times if time > 0))


@dataclass(frozen=True, slots=True)
class _Telling:
    """What a port's translation depends on besides the port."""

    subnets4: frozenset[str]
    subnets6: frozenset[str]
    without_dns: frozenset[str]  # subnets with guests that get no name server
    provisional: frozenset[str]  # subnets that have no prefix yet
    domain: str | None
    forced: Encoded

    def port(self, raw: Raw) -> tuple[Port | None, tuple[str, ...]]:
        """The port, None when DHCP has nothing to say to it, and those of its options that cannot be sent."""
        if raw.get("device_owner") in WITHOUT_DHCP:
            return None, ()
        if self.provisional:
            raw = {**raw, "fixed_ips": [one for one in raw["fixed_ips"] if one["subnet_id"] not in self.provisional]}
        names = names_of(raw, self.domain)
        fixed4 = self._last_first(raw)
        fixed6 = [fixed["ip_address"] for fixed in raw["fixed_ips"] if fixed["subnet_id"] in self.subnets6]
        versions = {ip_address(fixed["ip_address"]).version for fixed in raw["fixed_ips"]}
        name = next((names[address] for address in (*fixed4, *fixed6) if address in names), None)
        silent = {fixed["subnet_id"] for fixed in raw["fixed_ips"]} & self.without_dns
        options = extra_options(
            raw.get("extra_dhcp_opts") or (),
            versions,
            self._forced4(name, no_dns=bool(silent & self.subnets4)),
            ((_DNS_SERVERS6, b""),) if silent & self.subnets6 else (),
        )
        port = Port(
            id=raw["id"],
            name=raw.get("name") or raw["id"],
            mac=raw["mac_address"].lower(),
            fixed_ips=tuple(map(IPv4Address, fixed4)),
            hostname=name.hostname if name else None,
            dhcp_options=options.dhcp_options,
            boot=options.boot,
            client_id=options.client_id,
            fixed_ips6=tuple(map(IPv6Address, fixed6)),
            dhcp6_options=options.dhcp6_options,
            device_id=raw.get("device_id") or None,
            project_id=project_of(raw),
            ipxe_dhcp_options=options.ipxe_dhcp_options,
            ipxe_dhcp6_options=options.ipxe_dhcp6_options,
            names=tuple((ip_address(address), found.fqdn) for address, found in names.items()),
        )
        return port, options.problems

    def _last_first(self, raw: Raw) -> list[str]:
        """The port's addresses as DHCP prefers them. dnsmasq gives the last one that the server sends: it reads its
        file of hosts from the end. A guest that has, or asks for, another one of its own may keep it."""
        return [fixed["ip_address"] for fixed in reversed(raw["fixed_ips"]) if fixed["subnet_id"] in self.subnets4]

    def _forced4(self, name: DnsName | None, *, no_dns: bool) -> Encoded:
        forced = self.forced
        if no_dns:
            forced = (*forced, (_DNS_SERVERS, b""))
        if name and name.domain and name.domain != self.domain:
            forced = (*forced, (_DOMAIN_NAME, name.domain.encode()))
        return forced
