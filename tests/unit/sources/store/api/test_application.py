"""What clients rely on: filters, pages, revisions, tags, bulk, bindings; and what they get for nonsense."""

from pathlib import Path

import pytest
from tests.unit.sources.store.served import HOST, Client, serve

from netmend.intent import NoPlug, TapPlug
from netmend.sources.store import Store
from netmend.sources.store.exchange.export import export


@pytest.fixture
def api(tmp_path: Path):  # type: ignore[no-untyped-def]
    with serve(tmp_path) as (store, client):
        yield store, client


def names(found: list[dict[str, str]]) -> list[str]:
    return [item["name"] for item in found]


def test_filters_are_alternatives_and_add_up(api: tuple[Store, Client]) -> None:
    _, client = api
    network = client.make("network", name="n")
    client.make("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    for name, owner, up in (("a", "x", True), ("b", "x", False), ("c", "y", True)):
        client.make("port", network_id=network["id"], name=name, device_owner=owner, admin_state_up=up)

    def listed(query: str) -> list[str]:
        return sorted(names(client.get(f"ports?{query}")["ports"]))

    assert listed("name=a&name=b") == ["a", "b"]
    assert listed("name=a&name=b&device_owner=x&admin_state_up=False") == ["b"]
    assert listed("device_owner=network:dhcp") == [""]
    assert listed("fixed_ips=ip_address=10.0.0.3") == ["a"]
    assert listed("fixed_ips=ip_address_substr=10.0.0.&device_owner=x") == ["a", "b"]
    assert listed("mac_address=00:00:00:00:00:01") == []
    assert listed(f"network_id={network['id']}&device_owner=y") == ["c"]
    assert listed("changed_since=2020-01-01T00:00:00Z&device_owner=y") == ["c"]
    assert listed("changed_since=2099-01-01T00:00:00Z") == []
    assert listed("status=ACTIVE") == []
    assert client.refused("GET", "ports?fixed_ips=colour%3Dblue")[0] == 400


def test_ports_are_active_where_their_network_is_answered(tmp_path: Path) -> None:
    answered: set[str] = set()
    with serve(tmp_path, served=lambda: answered) as (_, client):
        network = client.make("network")
        port = client.make("port", network_id=network["id"])
        assert port["status"] == "DOWN"
        answered.add(network["id"])
        assert [found["id"] for found in client.get("ports?status=ACTIVE")["ports"]] == [port["id"]]
        assert client.get("ports?status=DOWN")["ports"] == []
        assert client.get(f"ports/{port['id']}")["port"]["status"] == "ACTIVE"


@pytest.mark.parametrize(
    "order", ["", "sort_key=name&sort_dir=asc&", "sort_key=mtu&sort_dir=desc&sort_key=name&sort_dir=asc&"]
)
def test_pages_make_up_the_list_in_both_directions(api: tuple[Store, Client], order: str) -> None:
    _, client = api
    for number in range(7):
        client.make("network", name=f"n{number % 3}", mtu=1000 + number % 2)
    whole = [found["id"] for found in client.get(f"networks?{order}")["networks"]]
    assert len(whole) == 7
    query, pages = f"networks?{order}limit=3", list[list[str]]()
    while True:
        answer = client.get(query)
        pages.append([found["id"] for found in answer["networks"]])
        following = [link["href"] for link in answer["networks_links"] if link["rel"] == "next"]
        if not following:
            break
        query = following[0].partition("/v2.0/")[2]
    assert [key for page in pages for key in page] == whole
    before = next(link["href"] for link in answer["networks_links"] if link["rel"] == "previous").partition("/v2.0/")[2]
    assert [found["id"] for found in client.get(before)["networks"]] == whole[3:6]


def test_a_bulk_request_is_all_or_nothing(api: tuple[Store, Client]) -> None:
    store, client = api
    network = client.make("network")
    bodies = [{"network_id": network["id"], "mac_address": mac} for mac in ("fa:16:3e:00:00:01", "fa:16:3e:00:00:01")]
    assert client.refused("POST", "ports", {"ports": bodies})[:2] == (409, "MacAddressInUse")
    assert client.get("ports")["ports"] == []
    assert not store.intent.networks[network["id"]].ports
    status, made = client.ask("POST", "/v2.0/ports", {"ports": [{"network_id": network["id"]}] * 3})
    assert (status, len(made["ports"])) == (201, 3)
    assert len(store.intent.networks[network["id"]].ports) == 3


def test_a_revision_guards_an_update_and_a_deletion(api: tuple[Store, Client]) -> None:
    _, client = api
    network = client.make("network")
    path = f"networks/{network['id']}"
    current = network["revision_number"]
    status, changed = client.ask(
        "PUT", f"/v2.0/{path}", {"network": {"name": "x"}}, If_Match=f"revision_number={current}"
    )
    assert (status, changed["network"]["revision_number"]) == (200, current + 1)
    stale = {"If_Match": f"revision_number={current}"}
    assert client.refused("PUT", path, {"network": {"name": "y"}}, **stale)[:2] == (
        412,
        "RevisionNumberConstraintFailed",
    )
    assert client.refused("DELETE", path, **stale)[0] == 412
    assert client.refused("DELETE", path, If_Match="W/tag")[0] == 400
    assert client.get(path)["network"]["name"] == "x"


def test_tags_are_filters(api: tuple[Store, Client]) -> None:
    _, client = api
    for name, tags in (("a", ["red", "big"]), ("b", ["red"]), ("c", [])):
        client.make("network", name=name, tags=tags)

    def listed(query: str) -> list[str]:
        return sorted(names(client.get(f"networks?{query}")["networks"]))

    assert listed("tags=red") == ["a", "b"]
    assert listed("tags=red,big") == ["a"]
    assert listed("tags-any=big,none") == ["a"]
    assert listed("not-tags=red") == ["c"]
    assert listed("not-tags-any=big") == ["b", "c"]


def test_tags_are_added_together(api: tuple[Store, Client]) -> None:
    _, client = api
    network = client.make("network", tags=["old"])
    path = f"/v2.0/networks/{network['id']}/tags"
    assert client.ask("POST", path, {"tags": ["b", "a"]}) == (201, {"tags": ["b", "a"]})
    assert client.ask("POST", path, {"tags": ["a"]})[0] == 201
    assert client.get(f"networks/{network['id']}/tags")["tags"] == ["a", "b", "old"]
    assert client.refused("POST", f"networks/{network['id']}/tags", {"tags": [str(one) for one in range(50)]})[0] == 400
    assert client.refused("POST", f"networks/{network['id']}/tags", {"tags": "a"})[0] == 400
    assert client.refused("POST", "ports/absent/tags", {"tags": ["a"]})[0] == 404


def test_subnets_are_filtered_by_whether_their_network_is_shared(api: tuple[Store, Client]) -> None:
    _, client = api
    for name, shared in (("ours", False), ("all", True)):
        network = client.make("network", shared=shared)
        client.make("subnet", network_id=network["id"], name=name, cidr="10.0.0.0/24", ip_version=4)
    assert names(client.get("subnets?shared=True")["subnets"]) == ["all"]
    assert names(client.get("subnets?shared=false")["subnets"]) == ["ours"]
    assert client.refused("GET", "subnets?shared=perhaps")[0] == 400


def test_a_port_that_is_bound_elsewhere_is_down(tmp_path: Path) -> None:
    answered: set[str] = set()
    with serve(tmp_path, served=lambda: answered) as (_, client):
        network = client.make("network")
        answered.add(network["id"])
        made = {
            host: client.make("port", network_id=network["id"], name=host, binding__host_id=host)
            for host in ("", HOST, "elsewhere")
        }
        assert {host: port["status"] for host, port in made.items()} == {
            "": "ACTIVE", HOST: "ACTIVE", "elsewhere": "DOWN",
        }  # fmt: skip
        assert names(client.get("ports?status=DOWN")["ports"]) == ["elsewhere"]
        assert sorted(names(client.get("ports?status=ACTIVE")["ports"])) == ["", HOST]


def test_attributes_of_absent_extensions_that_ask_for_nothing_are_left_out(api: tuple[Store, Client]) -> None:
    """Nova, Heat and Terraform's provider always send them."""
    _, client = api
    network = client.make("network", qos_policy_id=None, vlan_transparent=None, segments=[])
    port = client.make("port", network_id=network["id"], qos_policy_id=None, value_specs={}, ip_allocation="")
    assert "qos_policy_id" not in port
    path = f"ports/{port['id']}"
    assert client.ask("PUT", f"/v2.0/{path}", {"port": {"qos_policy_id": None, "name": "x"}})[1]["port"]["name"] == "x"
    kind, message = client.refused("PUT", path, {"port": {"qos_policy_id": "gold"}})[1:]
    assert (kind, message) == ("HTTPBadRequest", "Unrecognized attribute(s) 'qos_policy_id'")
    assert client.refused("PUT", path, {"port": {"status": None}})[2] == "Cannot update read-only attribute status"


def test_an_mtu_too_small_for_ipv6_is_a_conflict(api: tuple[Store, Client]) -> None:
    _, client = api
    small, network = client.make("network", mtu=1000), client.make("network")
    six = {"ip_version": 6, "cidr": "2001:db8::/64"}
    conflict = (409, "NetworkMTUSubnetConflict")
    assert client.refused("POST", "subnets", {"subnet": {"network_id": small["id"], **six}})[:2] == conflict
    client.make("subnet", network_id=network["id"], **six)
    assert client.refused("PUT", f"networks/{network['id']}", {"network": {"mtu": 1279}})[:2] == conflict
    assert client.ask("PUT", f"/v2.0/networks/{network['id']}", {"network": {"mtu": 1280}})[0] == 200


def test_a_list_answers_to_its_path_with_a_slash_and_with_json(api: tuple[Store, Client]) -> None:
    _, client = api
    client.make("network", name="n")
    for path in ("networks", "networks/", "networks.json"):
        assert names(client.get(path)["networks"]) == ["n"]


def test_a_port_is_bound_to_this_node_or_to_nobody(api: tuple[Store, Client]) -> None:
    _, client = api
    network = client.make("network")
    bound = client.make("port", network_id=network["id"], binding__host_id=HOST)
    assert bound["binding:vif_type"] == "bridge"
    assert bound["binding:vif_details"]["bridge_name"] == f"brq{network['id'][:11]}"
    assert (
        client.make("port", network_id=network["id"], binding__host_id="elsewhere")["binding:vif_type"]
        == "binding_failed"
    )
    assert client.make("port", network_id=network["id"])["binding:vif_type"] == "unbound"


def test_a_binding_profile_can_say_where_a_port_is_plugged_in(api: tuple[Store, Client]) -> None:
    store, client = api
    network = client.make("network")
    port = client.make("port", network_id=network["id"], binding__profile={"netns": "guest", "device": "lan0"})
    assert port["netmend"] == {"plug": {"netns": "guest", "device": "lan0"}}
    path = f"/v2.0/ports/{port['id']}"
    client.ask("PUT", path, {"port": {"binding:profile": {"tap": "1000", "else": 1}}})
    assert store.intent.networks[network["id"]].ports[port["id"]].plug == TapPlug(1000)
    client.ask("PUT", path, {"port": {"binding:profile": {}}})
    assert store.intent.networks[network["id"]].ports[port["id"]].plug == NoPlug()
    body = {"port": {"network_id": network["id"], "binding:profile": {"pid": "x"}}}
    assert client.refused("POST", "ports", body)[0] == 400


def test_port_security_is_the_networks_unless_said_and_pairs_need_it(api: tuple[Store, Client]) -> None:
    store, client = api
    secure, open_ = client.make("network"), client.make("network", port_security_enabled=False)
    assert client.make("port", network_id=secure["id"])["port_security_enabled"] is True
    assert client.make("port", network_id=open_["id"])["port_security_enabled"] is False
    pairs = [{"ip_address": "10.9.0.0/16"}, {"ip_address": "10.8.0.1", "mac_address": "00:00:5e:00:01:01"}]
    port = client.make("port", network_id=open_["id"], port_security_enabled=True, allowed_address_pairs=pairs)
    value = store.intent.networks[open_["id"]].ports[port["id"]]
    assert value.port_security
    assert [(str(pair.block), pair.mac) for pair in value.allowed_address_pairs] == [
        ("10.9.0.0/16", port["mac_address"]),
        ("10.8.0.1/32", "00:00:5e:00:01:01"),
    ]
    path, off = f"ports/{port['id']}", {"port_security_enabled": False}
    status, said, _ = client.refused("PUT", path, {"port": off})
    assert (status, said) == (409, "AddressPairAndPortSecurityRequired")
    body = {"port": {"network_id": secure["id"], "allowed_address_pairs": pairs, **off}}
    assert client.refused("POST", "ports", body)[0] == 409
    client.ask("PUT", f"/v2.0/{path}", {"port": {"allowed_address_pairs": [], "security_groups": [], **off}})
    value = store.intent.networks[open_["id"]].ports[port["id"]]
    assert not value.port_security
    assert value.allowed_address_pairs == ()


def test_addresses_that_are_not_served_are_the_ports_all_the_same(api: tuple[Store, Client]) -> None:
    store, client = api
    network = client.make("network")
    client.make("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4, enable_dhcp=False)
    port = client.make("port", network_id=network["id"])
    (pair,) = store.intent.networks[network["id"]].ports[port["id"]].allowed_address_pairs
    assert str(pair.block.network_address) == port["fixed_ips"][0]["ip_address"]
    assert pair.mac == port["mac_address"]


def test_names_follow_the_networks_domain(api: tuple[Store, Client]) -> None:
    _, client = api
    network = client.make("network", dns_domain="lab.example.")
    client.make("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    named = client.make("port", network_id=network["id"], dns_name="web")
    assert named["dns_assignment"] == [{"hostname": "web", "ip_address": "10.0.0.3", "fqdn": "web.lab.example."}]
    other = client.make("port", network_id=network["id"])
    assert other["dns_assignment"][0]["fqdn"] == "host-10-0-0-4.lab.example."


def test_ipv6_addresses_are_made_of_the_mac(api: tuple[Store, Client]) -> None:
    store, client = api
    network = client.make("network")
    subnet = client.make("subnet", network_id=network["id"], cidr="2001:db8::/64", ip_version=6, ipv6_ra_mode="slaac",
                         ipv6_address_mode="slaac")  # fmt: skip
    port = client.make("port", network_id=network["id"], mac_address="fa:16:3e:00:00:01")
    assert port["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": "2001:db8::f816:3eff:fe00:1"}]
    path = f"ports/{port['id']}"
    _, moved = client.ask("PUT", f"/v2.0/{path}", {"port": {"mac_address": "fa:16:3e:00:00:02"}})
    assert moved["port"]["fixed_ips"][0]["ip_address"] == "2001:db8::f816:3eff:fe00:2"
    assert str(store.intent.networks[network["id"]].ports[port["id"]].fixed_ips6[0]) == "2001:db8::f816:3eff:fe00:2"
    wish = [{"subnet_id": subnet["id"], "ip_address": "2001:db8::9"}]
    refusal = client.refused("POST", "ports", {"port": {"network_id": network["id"], "fixed_ips": wish}})
    assert refusal[:2] == (400, "AllocationOnAutoAddressSubnet")
    assert client.ask("DELETE", f"/v2.0/subnets/{subnet['id']}")[0] == 204
    assert client.get(path)["port"]["fixed_ips"] == []


def test_the_own_port_comes_and_goes_with_the_subnets(api: tuple[Store, Client]) -> None:
    _, client = api
    network = client.make("network")
    subnet = client.make("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    (own,) = client.get("ports?device_owner=network:dhcp")["ports"]
    assert own["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": "10.0.0.2"}]
    assert own["binding:host_id"] == HOST
    assert client.refused("DELETE", f"ports/{own['id']}")[:2] == (409, "ServicePortInUse")
    assert client.refused("PUT", f"ports/{own['id']}", {"port": {"fixed_ips": []}})[0] == 400
    client.ask("PUT", f"/v2.0/subnets/{subnet['id']}", {"subnet": {"enable_dhcp": False}})
    assert client.get("ports")["ports"] == []
    client.ask("PUT", f"/v2.0/subnets/{subnet['id']}", {"subnet": {"enable_dhcp": True}})
    assert len(client.get("ports")["ports"]) == 1
    assert client.ask("DELETE", f"/v2.0/networks/{network['id']}")[0] == 204
    assert client.get("subnets")["subnets"] == []


def test_what_the_intent_file_can_say_goes_under_netmend(api: tuple[Store, Client]) -> None:
    store, client = api
    network = client.make("network")
    client.make("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4,
                netmend={"dynamic": True, "lease_time": 600, "server_address": "10.0.0.9"})  # fmt: skip
    port = client.make("port", network_id=network["id"], netmend={"plug": {"netns": "guest"}},
                       extra_dhcp_opts=[{"opt_name": "mtu", "opt_value": "1400"}])  # fmt: skip
    value = store.intent.networks[network["id"]]
    assert (value.subnets[0].lease_time, str(value.subnets[0].server_address)) == (600, "10.0.0.9")
    assert value.ports[port["id"]].dhcp_options == ((26, b"\x05\x78"),)
    plugged = {"network_id": network["id"], "netmend": {"plug": {"netns": "guest"}}}
    assert client.refused("POST", "ports", {"port": plugged})[:2] == (409, "PlugInUse")
    for netmend, word in (({"plugg": 1}, "no such field"), ({"plug": {"netns": "../x"}}, "plug"), ({"boot": 5}, "boot"),
                          ({"instance": {"user_data_file": "/etc/shadow"}}, "user_data")):  # fmt: skip
        status, kind, message = client.refused(
            "POST", "ports", {"port": {"network_id": network["id"], "netmend": netmend}}
        )
        assert (status, kind) == (400, "InvalidInput")
        assert word in message
    options = [{"opt_name": "colour", "opt_value": "blue"}]
    body = {"port": {"network_id": network["id"], "extra_dhcp_opts": options}}
    assert client.refused("POST", "ports", body)[0] == 400


def test_extra_options_with_tags(api: tuple[Store, Client]) -> None:
    """As Neutron's dnsmasq takes them: for iPXE alone, for all but iPXE, and never."""
    store, client = api
    network = client.make("network")
    client.make("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    said = {
        "67": "undionly.kpxe",
        "tag:ipxe,67": "http://b/script",
        "tag:!ipxe,tftp-server": "10.0.0.9",
        "tag:x,26": "1400",
    }
    options: list[dict[str, object]] = [{"opt_name": name, "opt_value": value} for name, value in said.items()]
    options.append({"opt_name": "tag:ipxe6,59", "opt_value": "http://b/six", "ip_version": 6})
    port = client.make("port", network_id=network["id"], extra_dhcp_opts=options)
    value = store.intent.networks[network["id"]].ports[port["id"]]
    assert value.dhcp_options == ((66, b"10.0.0.9"), (67, b"undionly.kpxe"))
    assert value.ipxe_dhcp_options == ((66, b""), (67, b"http://b/script"))
    assert (value.dhcp6_options, value.ipxe_dhcp6_options) == ((), ((59, b"http://b/six"),))
    assert [entry["opt_name"] for entry in client.get(f"ports/{port['id']}")["port"]["extra_dhcp_opts"]] == [
        *said, "tag:ipxe6,59",
    ]  # fmt: skip
    body = {"port": {"extra_dhcp_opts": [{"opt_name": "tag:ipxe,colour", "opt_value": "blue"}]}}
    assert client.refused("PUT", f"ports/{port['id']}", body)[0] == 400
    exported = export(store.read())
    (said_port,) = exported.root["networks"][0]["ports"]
    assert said_port["boot"] == {"ipxe": "http://b/script", "bootfile": "undionly.kpxe"}
    assert "dhcp_options" not in said_port
    assert [line.rpartition("extra_dhcp_opts: ")[2] for line in exported.left_out] == [
        f"{name}: a file has no tags" for name in ("tag:!ipxe,tftp-server", "tag:x,26", "tag:ipxe6,59")
    ]


def test_a_network_that_is_switched_off_is_not_served(api: tuple[Store, Client]) -> None:
    store, client = api
    network = client.make("network")
    client.make("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    port = client.make("port", network_id=network["id"])
    before = store.intent.networks[network["id"]].ports[port["id"]]
    client.ask("PUT", f"/v2.0/networks/{network['id']}", {"network": {"admin_state_up": False}})
    assert not store.intent.networks
    client.ask("PUT", f"/v2.0/networks/{network['id']}", {"network": {"admin_state_up": True}})
    assert store.intent.networks[network["id"]].ports[port["id"]] == before


NONSENSE = [
    b"", b"{", b"[]", b"null", b"5", b'"x"', b"{}", b'{"network": null}', b'{"network": 5}',
    b'{"network": {"name": null}}',
    b'{"network": {"name": "\\ud800"}}', b'{"network": {"name": "\\u0000"}}', b'{"network": {"mtu": 1e400}}',
    b'{"network": {"mtu": NaN}}', b'{"network": {"mtu": 99999999999999999999999}}', b'{"network": {"netmend": []}}',
    b"\xff\xfe", b"[" * 100_000, b'{"network": {"netmend": {"dns": ' + b"[" * 500 + b"]" * 500 + b"}}}",
    b'{"network": {"id": "x"}}', b'{"network": {"tags": ["a,b"]}}', b'{"networks": [5]}', b'{"networks": {}}',
    b'{"network": {"tenant_id": "a", "project_id": "b"}}',
]  # fmt: skip


@pytest.mark.parametrize("body", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_refused_in_neutrons_shape(api: tuple[Store, Client], body: bytes) -> None:
    _, client = api
    status, _, message = client.refused("POST", "networks", body)
    assert status == 400
    assert message
    assert client.get("networks")["networks"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("ports", b"[" + 400_001 * b"{}," + b"{}]"),  # few octets, many values
        ("ports", b'{"ports": [' + b",".join(b'{"port": {}}' for _ in range(400_000)) + b"]}"),
        ("ports", b'{"port": "' + (16 << 20) * b"x" + b'"}'),
        ("quotas/one", b'{"quota": "' + (1 << 20) * b"x" + b'"}'),
    ],
    ids=["values", "objects", "octets of many", "octets of one"],
)
def test_a_body_that_would_hold_up_the_node_is_refused_unparsed(
    api: tuple[Store, Client], path: str, body: bytes
) -> None:
    _, client = api
    status, kind, _ = client.refused("PUT" if "quota" in path else "POST", path, body)
    assert (status, kind) == (413, "HTTPRequestEntityTooLarge")


@pytest.mark.parametrize("charset", ["bogus", "utf-16", "idna", "\xff"])
def test_a_charset_is_no_matter(api: tuple[Store, Client], charset: str) -> None:
    """JSON is UTF-8 (RFC 8259 section 8.1), whatever is said of it."""
    _, client = api
    kind = f"application/json; charset={charset}"
    assert client.ask("POST", "/v2.0/networks", {"network": {"name": "a"}}, Content_Type=kind)[0] == 201
