"""Attacks by tenants that were found on Neutron's own agents: each test names the CVE, and what netmend does."""

from typing import Any

from tests.unit.sources.neutron import payloads

from netmend.sources.neutron.intents import IntentBuilder
from netmend.sources.neutron.policy import Policy


def test_cve_2019_9735_one_bad_port_or_option_of_a_tenant_stops_no_other() -> None:
    """A rule for ports of a protocol that has none ended the agent's whole round, and no later rule of any tenant came
    into force. Here an option that cannot be sent is told and left out, and the network's ports are served."""
    builder = IntentBuilder(Policy(payloads.HOST), None)
    network: dict[str, Any] = payloads.network("options")
    for bad in ("x" * 300, "\0", "\n", "256.0.0.1", "-1", str(2**64)):
        for name in ("mtu", "router", "1", "255", "tag:x,mtu", "server-ip-address", "\u202e"):
            network["ports"][-1]["extra_dhcp_opts"] = [{"opt_name": name, "opt_value": bad, "ip_version": 4}]
            builder.put(network["id"], network)
            assert builder.networks_of(network["id"])[0].ports
            assert not builder.problems
