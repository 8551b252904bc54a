"""Attacks by tenants that were found on Neutron's own agents: each test names the CVE, and what netmend does."""

from pathlib import Path
from typing import Any

from tests.unit.services.metadata.io.stand_in import StandIn
from tests.unit.services.metadata.io.test_routed import N1, R1, R2, found, serving
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


def test_lp_1865036_a_guest_that_says_by_which_way_it_asks_is_not_believed(tmp_path: Path) -> None:
    """A guest sent the header by which the proxy of the other kind names its router or network, and Neutron's agent
    looked there, for whoever had the guest's address. Neutron's proxies delete that header since. Here a request with
    both, or with one twice, is refused, whatever the proxies do."""
    network, router = f"X-Neutron-Network-ID: {N1}", f"X-Neutron-Router-ID: {R1}"
    source = "X-Forwarded-For: 10.0.0.9"
    with StandIn() as nova, serving(tmp_path, nova, found) as (ask, _):
        for claims in ((router, network), (router, f"X-Neutron-Router-ID: {R2}"), (network, network.lower(), router)):
            assert ask(*claims, source)[0] == 400
        assert not nova.asked
        assert ask(network, source)[0] == 200
