"""What is wrong with a switch under Neutron's agent, by its database and its flows alone: what leaks, what is blocked,
what was left behind.

Nothing here knows a release's pipeline flow by flow. What packets may do is asked of the model (`interpreter`), so that
Zed's tables and those of later releases are judged alike. `ports` looks at single ports, `networks` at local VLANs and
tunnels, `leftovers` at flows of ports that are gone, `probes` follows packets that must not pass.
"""

from collections.abc import Iterable

from netmend.flows.audit.finding import Finding
from netmend.flows.audit.leftovers import leftovers
from netmend.flows.audit.networks import of_networks
from netmend.flows.audit.ports import of_ports
from netmend.flows.audit.probes import of_probes
from netmend.flows.switch import Switch

__all__ = ["Finding", "audit", "by_effect"]


def audit(switch: Switch) -> list[Finding]:
    """Every finding, what leaks first."""
    return by_effect([*of_ports(switch), *of_networks(switch), *of_probes(switch), *leftovers(switch)])


def by_effect(findings: Iterable[Finding]) -> list[Finding]:
    """What leaks first, then what is blocked."""
    order = ("leak", "blocked", "leftover")
    return sorted(findings, key=lambda finding: (order.index(finding.effect), finding.bridge, finding.port or ""))
