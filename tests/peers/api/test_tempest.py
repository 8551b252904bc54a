"""Tempest's network API tests pass, but for those that ask for what netmend does not offer."""

from collections import Counter

from tests.peers.api.tempest_run import outcomes, report

_NO_ROUTERS = "makes a router"
FAIL = {
    "tempest.api.network.test_agent_management_negative.AgentManagementNegativeTest.test_list_agents_non_admin": (
        "there are no roles: every bearer of a token is an administrator"
    ),
    "tempest.api.network.test_dhcp_ipv6.NetworksTestDHCPv6.test_dhcp_stateful_router": _NO_ROUTERS,
    "tempest.api.network.test_ports.PortsIpV6TestJSON.test_port_list_filter_by_router_id": _NO_ROUTERS,
    "tempest.api.network.test_ports.PortsTestJSON.test_port_list_filter_by_router_id": _NO_ROUTERS,
    "tempest.api.network.test_tags.TagsExtTest": "makes a subnet pool and a router to tag",
}


def test_tempest() -> None:
    found = outcomes()
    print(report(found))
    failed = {name for name, outcome in found.items() if outcome == "FAILED"}
    assert failed <= FAIL.keys(), failed - FAIL.keys()
    assert Counter(found.values())["ok"] >= 100
