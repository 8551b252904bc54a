"""The part of the agents' configuration that shapes intent."""

from dataclasses import dataclass, field

from netmend.intent import BridgeWiring, DnsServer, OvsWiring
from netmend.intent.subnet import DEFAULT_LEASE_TIME

INFINITE = 0xFFFFFFFF  # a lease without end (RFC 2131 section 3.3); Neutron writes -1


@dataclass(frozen=True, slots=True)
class Policy:
    """One node's. The defaults are Neutron's own."""

    host: str
    dns_domain: str | None = "openstacklocal"
    lease_time: int = DEFAULT_LEASE_TIME  # seconds
    renewal_time: int = 0  # seconds; 0: half the lease
    rebinding_time: int = 0  # seconds; 0: 7/8 of the lease
    broadcast_replies: bool = False
    dns_forwarders: tuple[DnsServer, ...] = ()
    forward_domains: tuple[tuple[str, tuple[DnsServer, ...]], ...] = ()
    local_resolver: bool = False  # ask the host's own resolvers where there are no forwarders
    isolated_metadata: bool = False
    force_metadata: bool = False
    metadata_network: bool = False
    wiring: BridgeWiring | OvsWiring = field(default_factory=OvsWiring)
