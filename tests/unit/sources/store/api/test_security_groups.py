"""Security groups, their rules and address groups of the API, in Neutron's words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.sources.store.served import Body, Client, serve

from netmend.sources.store import Store

ABSENT = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[tuple[Store, Client]]:
    with serve(tmp_path) as served:
        yield served


def make_rule(client: Client, group: Body, **fields: Any) -> Body:
    body = {"security_group_id": group["id"], "direction": "ingress", **fields}
    status, found = client.ask("POST", "/v2.0/security-group-rules", {"security_group_rule": body})
    assert status == 201, found
    return found["security_group_rule"]


def make_group(client: Client, **fields: Any) -> Body:
    status, found = client.ask("POST", "/v2.0/security-groups", {"security_group": fields})
    assert status == 201, found
    return found["security_group"]


def kinds_of(group: Body) -> list[tuple[str, str, bool]]:
    """Its rules: direction, version, whether the far end is of the group."""
    return sorted(
        (rule["direction"], rule["ethertype"], rule["remote_group_id"] == group["id"])
        for rule in group["security_group_rules"]
    )


def test_each_project_has_a_default_group_from_the_first_use(api: tuple[Store, Client]) -> None:
    _, client = api
    (default,) = client.get("security-groups")["security_groups"]
    assert (default["name"], default["description"]) == ("default", "Default security group")
    assert kinds_of(default) == [
        ("egress", "IPv4", False), ("egress", "IPv6", False), ("ingress", "IPv4", True), ("ingress", "IPv6", True)
    ]  # fmt: skip
    assert all(rule["belongs_to_default_sg"] for rule in default["security_group_rules"])
    assert [group["id"] for group in client.get("security-groups?name=default")["security_groups"]] == [default["id"]]
    (other,) = client.get("security-groups?project_id=p1")["security_groups"]
    assert (other["project_id"], other["tenant_id"]) == ("p1", "p1")
    found = client.get("security-groups?name=default")["security_groups"]
    assert [group["id"] for group in found] == [default["id"]]  # the asker's own; in Neutron others are not seen
    client.make("network", project_id="p2")
    assert len(client.get("security-groups")["security_groups"]) == 3
    network = client.make("network")
    assert client.make("port", network_id=network["id"])["security_groups"] == [default["id"]]
    assert client.make("port", network_id=network["id"], project_id="p1")["security_groups"] == [other["id"]]
    assert client.make("port", network_id=network["id"], security_groups=[])["security_groups"] == []

    path = f"security-groups/{other['id']}"
    assert client.refused("DELETE", path)[:2] == (409, "SecurityGroupInUse")
    empty = next(g for g in client.get("security-groups")["security_groups"] if g["project_id"] == "p2")
    assert client.refused("DELETE", f"security-groups/{empty['id']}")[:2] == (409, "SecurityGroupCannotRemoveDefault")
    assert client.refused("PUT", path, {"security_group": {"name": "x"}})[:2] == (
        409, "SecurityGroupCannotUpdateDefault"
    )  # fmt: skip
    for name in ("default", "Default"):
        refused = client.refused("POST", "security-groups", {"security_group": {"name": name}})
        assert refused == (409, "SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
    assert client.ask("PUT", f"/v2.0/{path}", {"security_group": {"description": "ours"}})[0] == 200


def test_a_group_from_its_creation_to_its_end(api: tuple[Store, Client]) -> None:
    _, client = api
    group = make_group(client, name="web", description="d", tags=["red"])
    assert kinds_of(group) == [("egress", "IPv4", False), ("egress", "IPv6", False)]
    shown = {"id", "name", "description", "project_id", "tenant_id", "stateful", "shared", "tags", "created_at",
             "updated_at", "revision_number", "security_group_rules"}  # fmt: skip
    assert set(group) == shown
    assert (group["stateful"], group["shared"], group["tags"]) == (True, False, ["red"])
    path = f"security-groups/{group['id']}"
    rule = make_rule(client, group, protocol="tcp", port_range_min=22, port_range_max=22)
    after = client.get(path)["security_group"]
    assert after["revision_number"] == group["revision_number"] + 1
    assert rule in after["security_group_rules"]
    assert client.ask("PUT", f"/v2.0/{path}", {"security_group": {"name": "api"}})[1]["security_group"]["name"] == "api"
    assert client.ask("PUT", f"/v2.0/{path}/tags/blue")[0] == 201
    assert [g["id"] for g in client.get("security-groups?tags=blue,red")["security_groups"]] == [group["id"]]
    assert client.get("security-groups?stateful=false")["security_groups"] == []
    assert len(client.get("security-groups?limit=1&sort_key=name&sort_dir=asc&fields=id")["security_groups"]) == 1
    assert client.refused("GET", f"security-groups/{ABSENT}") == (
        404, "SecurityGroupNotFound", f"Security group {ABSENT} does not exist"
    )  # fmt: skip
    other = make_group(client, name="other")
    named = make_rule(client, other, remote_group_id=group["id"])
    assert client.ask("DELETE", f"/v2.0/{path}")[0] == 204
    for gone in (rule, named):
        assert client.refused("GET", f"security-group-rules/{gone['id']}")[:2] == (404, "SecurityGroupRuleNotFound")
    made = client.ask("POST", "/v2.0/security-groups", {"security_groups": [{"name": "a"}, {"name": "b"}]})
    assert (made[0], [each["name"] for each in made[1]["security_groups"]]) == (201, ["a", "b"])


def test_rules_are_kept_as_neutron_writes_them(api: tuple[Store, Client]) -> None:
    _, client = api
    group = make_group(client, name="web")

    def kept(*names: str, **fields: Any) -> tuple[Any, ...]:
        rule = make_rule(client, group, **fields)
        assert rule == client.get(f"security-group-rules/{rule['id']}")["security_group_rule"]
        return tuple(rule[name] for name in names)

    assert kept("protocol", protocol=17) == ("17",)
    assert kept("protocol", protocol="TCP") == ("tcp",)
    assert kept("protocol", protocol="any") == (None,)
    for name, written in (("icmp", "ipv6-icmp"), ("58", "58")):
        rule = make_rule(client, group, protocol=name, ethertype="ipv6")
        assert (rule["protocol"], rule["ethertype"]) == (written, "IPv6")
        client.ask("DELETE", f"/v2.0/security-group-rules/{rule['id']}")
    for name in ("icmpv6", "1"):
        rule = make_rule(client, group, protocol=name, ethertype="IPv6")
        assert rule["protocol"] in ("ipv6-icmp", "58")
        client.ask("DELETE", f"/v2.0/security-group-rules/{rule['id']}")
    assert kept("port_range_min", "port_range_max", protocol="sctp", port_range_min=1, port_range_max=65535) == (
        None, None
    )  # fmt: skip
    assert kept("port_range_min", "port_range_max", protocol="icmp", port_range_min="8") == (8, None)
    assert kept("remote_ip_prefix", "normalized_cidr", remote_ip_prefix="10.0.0.5") == ("10.0.0.5/32", "10.0.0.5/32")
    assert kept("remote_ip_prefix", "normalized_cidr", remote_ip_prefix="10.0.0.5/24") == ("10.0.0.5/24", "10.0.0.0/24")
    assert kept("remote_ip_prefix", ethertype="IPv6", remote_ip_prefix="2001:DB8::/32") == ("2001:db8::/32",)
    found = client.get(f"security-group-rules?security_group_id={group['id']}&protocol=icmp&port_range_min=8")
    assert len(found["security_group_rules"]) == 1
    assert client.ask("PUT", f"/v2.0/security-group-rules/{ABSENT}", {"security_group_rule": {}})[0] == 405


REFUSED: list[tuple[dict[str, Any], int, str, str]] = [
    ({"protocol": "colour"}, 400, "SecurityGroupRuleInvalidProtocol", "protocol colour not supported"),
    ({"protocol": 256}, 400, "SecurityGroupRuleInvalidProtocol", "protocol 256 not supported"),
    ({"protocol": "tcp", "port_range_min": -16, "port_range_max": 80}, 400, "SecurityGroupInvalidPortValue",
     "Invalid value for port -16"),
    ({"protocol": "tcp", "port_range_min": 80, "port_range_max": 65536}, 400, "SecurityGroupInvalidPortValue",
     "Invalid value for port 65536"),
    ({"protocol": "tcp", "port_range_min": 0, "port_range_max": 80}, 400, "SecurityGroupInvalidPortValue",
     "Invalid value for port 0"),
    ({"protocol": "tcp", "port_range_min": 80, "port_range_max": 79}, 400, "SecurityGroupInvalidPortRange",
     "port_range_min must be <= port_range_max"),
    ({"protocol": "udplite", "port_range_max": 79}, 400, "SecurityGroupInvalidPortRange", "must be <="),
    ({"port_range_min": 1, "port_range_max": 2}, 400, "SecurityGroupProtocolRequiredWithPorts", "Must also specify"),
    ({"protocol": "gre", "port_range_min": 1, "port_range_max": 2}, 400, "SecurityGroupInvalidProtocolForPort",
     "Ports cannot be specified for protocol 47. Ports are only supported for DCCP, SCTP, TCP, UDP, UDPLITE."),
    ({"protocol": "icmp", "port_range_min": 1, "port_range_max": 256}, 400, "SecurityGroupInvalidIcmpValue",
     "Invalid value for ICMP code (port_range_max) 256"),
    ({"protocol": "1", "port_range_min": 300}, 400, "SecurityGroupInvalidIcmpValue", "ICMP type (port_range_min) 300"),
    ({"protocol": "icmp", "port_range_max": 6}, 400, "SecurityGroupMissingIcmpType", "(port-range-min) is missing"),
    ({"protocol": "ipv6-icmp"}, 400, "SecurityGroupEthertypeConflictWithProtocol", "Invalid ethertype IPv4"),
    ({"ethertype": "IPX"}, 400, "SecurityGroupRuleInvalidEtherType", "ethertype 'IPX' not supported"),
    ({"direction": "sideways"}, 400, "HTTPBadRequest", "'sideways' is not in ['ingress', 'egress']"),
    ({"remote_ip_prefix": "10.0.0.0/33"}, 400, "InvalidCIDR", "Invalid CIDR 10.0.0.0/33 given as IP prefix."),
    ({"remote_ip_prefix": "2001:db8::/32"}, 400, "SecurityGroupRuleParameterConflict",
     "Conflicting value ethertype IPv4 for CIDR 2001:db8::/32"),
    ({"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": ABSENT}, 400, "SecurityGroupMultipleRemoteEntites",
     "Only one of"),
    ({"remote_group_id": ABSENT}, 404, "SecurityGroupNotFound", ABSENT),
    ({"remote_group_id": "bad_group_id"}, 404, "SecurityGroupNotFound", "bad_group_id"),
    ({"remote_address_group_id": ABSENT}, 404, "AddressGroupNotFound", f"Address group {ABSENT} could not be found."),
    ({"security_group_id": ABSENT}, 404, "SecurityGroupNotFound", ABSENT),
    ({"colour": "blue"}, 400, "HTTPBadRequest", "Unrecognized attribute(s) 'colour'"),
    ({"direction": "egress"}, 409, "SecurityGroupRuleExists", "Security group rule already exists. Rule id is "),
    ({"direction": "egress", "remote_ip_prefix": "0.0.0.0/0"}, 409, "SecurityGroupRuleExists", "already exists"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "status", "kind", "words"), REFUSED, ids=[str(case[0]) for case in REFUSED])
def test_a_rule_that_is_refused(
    api: tuple[Store, Client], fields: dict[str, Any], status: int, kind: str, words: str
) -> None:
    _, client = api
    group = make_group(client, name="web")
    body = {"security_group_id": group["id"], "direction": "ingress", **fields}
    refused = client.refused("POST", "security-group-rules", {"security_group_rule": body})
    assert refused[:2] == (status, kind)
    assert words in refused[2]
    assert client.get(f"security-groups/{group['id']}")["security_group"] == group


def test_rules_in_bulk_are_of_one_group_and_differ(api: tuple[Store, Client]) -> None:
    _, client = api
    group, other = make_group(client, name="a"), make_group(client, name="b")

    def refused(*rules: dict[str, Any]) -> tuple[int, str]:
        bodies = [{"security_group_id": group["id"], "direction": "ingress", **rule} for rule in rules]
        return client.refused("POST", "security-group-rules", {"security_group_rules": bodies})[:2]

    tcp = {"protocol": "tcp"}
    assert refused(tcp, {"security_group_id": other["id"]}) == (400, "SecurityGroupNotSingleGroupRules")
    assert refused(tcp, {"project_id": "p"}) == (400, "SecurityGroupRulesNotSingleProject")
    assert refused(tcp, {"protocol": 6}) == (409, "DuplicateSecurityGroupRuleInPost")
    assert refused(tcp, {"direction": "egress"}) == (409, "SecurityGroupRuleExists")
    bodies = [{"security_group_id": group["id"], "direction": "ingress", "protocol": name} for name in ("tcp", "udp")]
    status, made = client.ask("POST", "/v2.0/security-group-rules", {"security_group_rules": bodies})
    assert (status, len(made["security_group_rules"])) == (201, 2)


def test_ports_and_their_groups(api: tuple[Store, Client]) -> None:
    _, client = api
    network = client.make("network")
    web, free = make_group(client, name="web"), make_group(client, name="free", stateful=False)
    port = client.make("port", network_id=network["id"], security_groups=[web["id"]])
    client.make("port", network_id=network["id"])
    path = f"ports/{port['id']}"
    found = client.get(f"ports?security_groups={web['id']}")["ports"]
    assert [each["id"] for each in found] == [port["id"]]
    assert client.refused("DELETE", f"security-groups/{web['id']}") == (
        409, "SecurityGroupInUse", f"Security Group {web['id']} in use."
    )  # fmt: skip
    body = {"security_group": {"stateful": False}}
    assert client.refused("PUT", f"security-groups/{web['id']}", body)[:2] == (409, "SecurityGroupInUse")
    assert client.ask("PUT", f"/v2.0/security-groups/{web['id']}", {"security_group": {"stateful": True}})[0] == 200

    def refused(**fields: Any) -> tuple[int, str]:
        return client.refused("PUT", path, {"port": fields})[:2]

    assert refused(security_groups=[ABSENT]) == (404, "SecurityGroupNotFound")
    assert refused(security_groups=["x"]) == (400, "HTTPBadRequest")
    assert refused(security_groups=[web["id"], web["id"]]) == (400, "HTTPBadRequest")
    assert refused(security_groups=[web["id"], free["id"]]) == (409, "SecurityGroupConflict")
    assert refused(port_security_enabled=False) == (409, "PortSecurityPortHasSecurityGroup")
    insecure = {"port_security_enabled": False, "security_groups": [web["id"]]}
    needs = (400, "PortSecurityAndIPRequiredForSecurityGroups")
    assert refused(**insecure) == needs
    assert client.refused("POST", "ports", {"port": {"network_id": network["id"], **insecure}})[:2] == needs
    assert client.ask("PUT", f"/v2.0/{path}", {"port": {"security_groups": [free["id"]]}})[0] == 200
    assert client.ask("DELETE", f"/v2.0/security-groups/{web['id']}")[0] == 204
    assert client.ask("PUT", f"/v2.0/{path}", {"port": {"security_groups": None}})[1]["port"]["security_groups"] == []
    assert client.ask("PUT", f"/v2.0/{path}", {"port": {"port_security_enabled": False}})[0] == 200
    assert client.ask("DELETE", f"/v2.0/{path}")[0] == 204
    assert client.ask("DELETE", f"/v2.0/security-groups/{free['id']}")[0] == 204
    trusted = client.make("port", network_id=network["id"], device_owner="network:router_ha_interface")
    assert trusted["security_groups"] == []


def test_address_groups(api: tuple[Store, Client]) -> None:
    _, client = api
    body = {"name": "partners", "addresses": ["192.0.2.1/32", "198.51.100.7/24", "192.0.2.1/32", "2001:db8::/32"]}
    status, made = client.ask("POST", "/v2.0/address-groups", {"address_group": body})
    made = made["address_group"]
    assert (status, made["addresses"]) == (201, ["192.0.2.1/32", "198.51.100.0/24", "2001:db8::/32"])
    path = f"address-groups/{made['id']}"
    bare = {"address_group": {"addresses": ["192.0.2.1"]}}
    assert client.refused("POST", "address-groups", bare)[:2] == (400, "HTTPBadRequest")
    group = make_group(client, name="web")
    rule = make_rule(client, group, remote_address_group_id=made["id"])
    assert client.refused("DELETE", path)[:2] == (409, "AddressGroupInUse")
    added = client.ask("PUT", f"/v2.0/{path}/add_addresses", {"addresses": ["203.0.113.0/24"]})[1]["address_group"]
    assert added["addresses"][-1] == "203.0.113.0/24"
    assert added["revision_number"] == 2
    again = client.refused("PUT", f"{path}/add_addresses", {"addresses": ["203.0.113.9/24"]})
    assert again[:2] == (400, "AddressesAlreadyExist")
    removed = client.ask("PUT", f"/v2.0/{path}/remove_addresses", {"addresses": ["192.0.2.1", "2001:db8::/32"]})
    assert removed[1]["address_group"]["addresses"] == ["198.51.100.0/24", "203.0.113.0/24"]
    absent = client.refused("PUT", f"{path}/remove_addresses", {"addresses": ["192.0.2.1"]})
    assert absent[:2] == (404, "AddressesNotFound")
    bodies: list[Any] = [{}, [], {"addresses": "x"}, {"addresses": ["x"]}]
    for nonsense in bodies:
        assert client.refused("PUT", f"{path}/add_addresses", nonsense)[0] == 400
    assert client.refused("PUT", path, {"address_group": {"addresses": []}})[0] == 400
    assert client.ask("PUT", f"/v2.0/{path}", {"address_group": {"name": "p"}})[1]["address_group"]["name"] == "p"
    assert client.get("address-groups?name=p")["address_groups"][0]["id"] == made["id"]
    assert client.ask("DELETE", f"/v2.0/security-group-rules/{rule['id']}")[0] == 204
    assert client.ask("DELETE", f"/v2.0/{path}")[0] == 204


def test_quotas_of_groups_rules_and_routers(api: tuple[Store, Client]) -> None:
    _, client = api
    limits = {"security_group": 2, "security_group_rule": 7, "router": 0, "floatingip": 0}
    assert client.ask("PUT", "/v2.0/quotas/p1", {"quota": {**limits, "force": True}})[0] == 200
    group = make_group(client, name="a", project_id="p1")  # beside the default group, with four rules and its own two
    details = client.get("quotas/p1/details.json")["quota"]
    assert (details["security_group"]["used"], details["security_group_rule"]["used"]) == (2, 6)
    make_rule(client, group, project_id="p1")
    over = (409, "OverQuota")
    body = {"security_group_rule": {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp",
                                    "project_id": "p1"}}  # fmt: skip
    assert client.refused("POST", "security-group-rules", body)[:2] == over
    assert client.refused("POST", "security-groups", {"security_group": {"name": "b", "project_id": "p1"}})[:2] == over
    assert client.refused("POST", "routers", {"router": {"project_id": "p1"}})[:2] == over
    network = client.make("network", router__external=True)
    floating = {"floatingip": {"floating_network_id": network["id"], "project_id": "p1"}}
    assert client.refused("POST", "floatingips", floating)[:2] == over
