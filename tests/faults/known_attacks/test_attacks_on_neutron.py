"""Attacks by tenants that were found on Neutron's own agents: each test names the CVE, and what netmend does."""

from pathlib import Path
from typing import Any

from tests.unit.services.metadata.io.serving import STRANGER, WEB, Serving, port
from tests.unit.services.metadata.io.serving import network as blue
from tests.unit.services.metadata.io.stand_in import StandIn
from tests.unit.services.metadata.io.test_routed import N1, R1, R2, found, serving
from tests.unit.sources.neutron import payloads

from netmend.services.metadata.io import Limits
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
    """A guest sent a header by which Neutron's proxies name its network or router, and was believed: the proxies added
    theirs. Since 2020 they set the one, delete the other, and the agent refuses a request with both (release note
    metadata-proxy-header-vulnerability). Here a request with both, or with one twice, is refused, whatever the proxies
    do."""
    network, router = f"X-Neutron-Network-ID: {N1}", f"X-Neutron-Router-ID: {R1}"
    source = "X-Forwarded-For: 10.0.0.9"
    with StandIn() as nova, serving(tmp_path, nova, found) as (ask, _):
        for claims in ((router, network), (router, f"X-Neutron-Router-ID: {R2}"), (network, network.lower(), router)):
            assert ask(*claims, source)[0] == 400
        assert not nova.asked
        assert ask(network, source)[0] == 200


def test_lp_1865036_at_an_endpoint_of_netmends_own_a_guest_is_who_it_is(tmp_path: Path) -> None:
    """Nothing that a request says of its sender is looked at there: the address and the socket say all."""
    serving = Serving(tmp_path, Limits())
    try:
        serving.serve(blue())
        serving.serve(blue("green", port(11, "other")))
        said = (f"X-Neutron-Network-ID: {N1}", f"X-Neutron-Router-ID: {R1}", "X-Forwarded-For: 127.0.1.12")
        claims = "".join(f"{claim}\r\n" for claim in (*said, "X-OVN-Network-ID: green", "X-Instance-ID: vm-db"))
        assert serving.ask("/latest/user-data", WEB, headers=claims) == (200, b"web")
        assert serving.ask("/latest/user-data", WEB, "green", headers=claims) == (200, b"other")
        assert serving.ask("/latest/user-data", STRANGER, headers=claims)[0] == 404
    finally:
        serving.__exit__()
