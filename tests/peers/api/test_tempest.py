"""Tempest's network API tests pass, but for those that ask for what netmend does not offer."""

from collections import Counter

from tests.peers.api.tempest_run import outcomes, report

_PROJECTS = "asks Keystone for projects, and the stand-in for it has none"
FAIL = {
    "tempest.api.network.test_agent_management_negative.AgentManagementNegativeTest.test_list_agents_non_admin": (
        "there are no roles: every bearer of a token is an administrator"
    ),
    "tempest.api.network.admin.test_routers.RoutersAdminTest.test_create_router_setting_project_id": _PROJECTS,
    "tempest.api.network.admin.test_routers.RoutersIpV6AdminTest.test_create_router_setting_project_id": _PROJECTS,
    "tempest.api.network.test_tags.TagsExtTest": "makes a subnet pool to tag",
}


def test_tempest() -> None:
    found = outcomes()
    print(report(found))
    failed = {name for name, outcome in found.items() if outcome == "FAILED"}
    assert failed <= FAIL.keys(), failed - FAIL.keys()
    assert Counter(found.values())["ok"] >= 190
