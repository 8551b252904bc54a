"""Networks come and go, and what cannot be sent of them is said for as long as it is so."""

from typing import Any

from tests.unit.sources.neutron import payloads

from netmend.sources.neutron.dhcp_scopes import dhcp_scopes
from netmend.sources.neutron.intents import IntentBuilder
from netmend.sources.neutron.policy import Policy


def test_options_that_cannot_be_sent_are_told_until_they_go() -> None:
    builder = IntentBuilder(Policy(payloads.HOST), None)
    raw = payloads.network("options")
    port = next(port for port in raw["ports"] if port["name"] == "netboot")
    builder.put(raw["id"], raw)
    builder.put("plain", payloads.network("plain"))
    assert set(builder.options_not_sent) == {raw["id"]}
    assert set(builder.options_not_sent[raw["id"]]) == {port["id"]}
    assert "no-such-option" in builder.options_not_sent[raw["id"]][port["id"]]

    sendable = [option for option in port["extra_dhcp_opts"] if option["opt_name"] != "no-such-option"]
    mended = {**port, "extra_dhcp_opts": sendable}
    others = [other for other in raw["ports"] if other is not port]
    builder.put(raw["id"], {**raw, "ports": [*others, mended]})
    assert builder.options_not_sent == {}

    builder.put(raw["id"], raw)
    assert builder.options_not_sent
    builder.put(raw["id"], None)
    assert builder.options_not_sent == {}


def with_ports_of_segments() -> dict[str, Any]:
    raw = payloads.segmented()
    (own,) = (port for port in raw["ports"] if port["device_owner"] == "network:dhcp")
    others = [port for port in raw["ports"] if port is not own]
    ours = []
    for number, scope in enumerate(dhcp_scopes(raw, payloads.HOST)):
        served = {subnet["id"] for subnet in scope.subnets}
        fixed_ips = [fixed for fixed in own["fixed_ips"] if fixed["subnet_id"] in served]
        ours.append({**own, "id": f"own{number}", "device_id": scope.device_id, "fixed_ips": fixed_ips})
    return {**raw, "ports": [*others, *ours]}


def ports_in(builder: IntentBuilder) -> list[str]:
    """Ids of the DHCP ports of all networks in intent."""
    return [network.dhcp_port.id for network in builder.intent.networks.values() if network.dhcp_port]


def test_what_was_right_goes_on_while_our_port_is_away() -> None:
    builder = IntentBuilder(Policy(payloads.HOST), None)
    raw = with_ports_of_segments()
    builder.put(raw["id"], raw)
    builder.build()
    assert sorted(ports_in(builder)) == ["own0", "own1"]
    builder.put(raw["id"], {**raw, "ports": [port for port in raw["ports"] if port["id"] != "own0"]})
    assert builder.build() is None


def test_a_port_is_in_one_network_when_segments_change_places() -> None:
    builder = IntentBuilder(Policy(payloads.HOST), None)
    raw = with_ports_of_segments()
    first, second = dhcp_scopes(raw, payloads.HOST)
    alone = {**raw, "subnets": list(second.subnets), "ports": [port for port in raw["ports"] if port["id"] != "own0"]}
    builder.put(raw["id"], alone)
    builder.build()
    assert {network.id: ports_in(builder) for network in builder.intent.networks.values()} == {raw["id"]: ["own1"]}
    # The older segment has DHCP from now on, and no port of ours yet: it bears the id of the network.
    builder.put(raw["id"], {**alone, "subnets": [*first.subnets, *second.subnets]})
    builder.build()
    assert ports_in(builder) == ["own1"]
    assert list(builder.intent.networks) == [second.id]
