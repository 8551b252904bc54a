"""Networks as a real server sends them become what Neutron's own agent would have dnsmasq say."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import pytest
from tests.unit.sources.neutron import payloads

from netmend.intent import DhcpPort, Network, OvsWiring, Port, Route
from netmend.sources.neutron.dhcp_scopes import dhcp_scopes
from netmend.sources.neutron.names import RESERVED_DHCP_PORT, dhcp_device_id
from netmend.sources.neutron.policy import INFINITE, Policy
from netmend.sources.neutron.translate import TranslationError, translate
from netmend.wiring import wanted_devices

POLICY = Policy(payloads.HOST, dns_domain="cloud.test", wiring=OvsWiring(datapath="netdev"))
GUEST = "compute:nova"


def intent(raw: dict[str, Any], **policy: Any) -> Network:
    chosen = replace(POLICY, **policy)
    (scope,) = dhcp_scopes(raw, chosen.host)
    found = translate(raw, scope, chosen)
    assert found is not None
    return found.network


def guest(network: Network, raw: dict[str, Any], name: str | None = None) -> Port:
    found = [port for port in raw["ports"] if port["device_owner"] == GUEST and name in {None, port["name"]}]
    return network.ports[found[0]["id"]]


@pytest.mark.parametrize("name", payloads.NAMES)
def test_every_recorded_network_can_be_served(name: str) -> None:
    raw = payloads.network(name)
    network = intent(raw)
    own = next(port for port in raw["ports"] if port["device_id"] == dhcp_device_id(raw["id"], payloads.HOST))
    assert network.id == raw["id"]
    assert network.mtu == raw["mtu"]
    assert network.dhcp_port == DhcpPort(own["id"], own["mac_address"])
    assert network.wiring == OvsWiring(datapath="netdev")
    assert own["id"] not in network.ports
    servers = {str(subnet.server_address) for subnet in network.subnets}
    servers |= {str(subnet.server_address) for subnet in network.subnets6}
    assert servers == {fixed["ip_address"] for fixed in own["fixed_ips"]}


@pytest.mark.parametrize("name", payloads.NAMES)
def test_the_same_again_is_the_same_object(name: str) -> None:
    (scope,) = dhcp_scopes(payloads.network(name), payloads.HOST)
    first = translate(payloads.network(name), scope, POLICY)
    assert first is not None
    second = translate(payloads.network(name), scope, POLICY, first)
    assert second is not None
    assert second.network is first.network


def test_a_changed_port_leaves_the_others_as_they_are() -> None:
    raw = payloads.network("no dhcp")
    (scope,) = dhcp_scopes(raw, payloads.HOST)
    first = translate(raw, scope, POLICY)
    changed = payloads.network("no dhcp")
    of_guests = [port for port in changed["ports"] if port["device_owner"] == GUEST]
    of_guests[0]["mac_address"] = "fa:16:3e:00:00:01"
    second = translate(changed, scope, POLICY, first)
    assert first is not None
    assert second is not None
    assert second.network.subnets is first.network.subnets
    assert second.network.ports[of_guests[0]["id"]].mac == "fa:16:3e:00:00:01"
    assert second.network.ports[of_guests[1]["id"]] is first.network.ports[of_guests[1]["id"]]


class TestWhatGuestsAreTold:
    def test_name_servers_in_their_order(self) -> None:
        subnet = intent(payloads.network("plain")).subnets[0]
        assert subnet.dns_servers == (IPv4Address("192.0.2.53"), IPv4Address("192.0.2.54"))

    def test_without_any_the_agents_answer_if_there_are_several(self) -> None:
        raw = payloads.network("reserved")
        assert intent(raw).subnets[0].dns_servers == ()  # nobody answers at a port that waits for an agent
        reserved = next(port for port in raw["ports"] if port["device_id"] == RESERVED_DHCP_PORT)
        reserved["device_id"] = dhcp_device_id(raw["id"], "node2")
        assert intent(raw).subnets[0].dns_servers == (IPv4Address("10.20.10.2"), IPv4Address("10.20.10.200"))
        assert intent(payloads.network("names")).subnets[0].dns_servers == ()  # ourselves, which goes without saying

    def test_none_when_the_only_one_is_no_address(self) -> None:
        raw = payloads.network("routes")
        network = intent(raw)
        assert network.subnets[0].dns_servers == ()
        assert (6, b"") in guest(network, raw).dhcp_options

    def test_mtu_even_to_those_that_do_not_ask(self) -> None:
        raw = payloads.network("plain")
        assert (26, (1400).to_bytes(2, "big")) in guest(intent(raw), raw).dhcp_options

    def test_times(self) -> None:
        raw = payloads.network("plain")
        network = intent(raw, lease_time=600, renewal_time=60, rebinding_time=500)
        assert network.subnets[0].lease_time == 600
        options = dict(guest(network, raw).dhcp_options)
        assert (options[58], options[59]) == ((60).to_bytes(4, "big"), (500).to_bytes(4, "big"))
        assert intent(raw, lease_time=INFINITE).subnets[0].lease_time == 0xFFFFFFFF

    def test_broadcast_replies(self) -> None:
        assert intent(payloads.network("plain"), broadcast_replies=True).subnets[0].broadcast_replies


class TestRoutes:
    def test_a_default_route_among_them_is_the_gateway_where_there_is_none(self) -> None:
        subnet = intent(payloads.network("routes")).subnets[0]
        assert subnet.gateway == IPv4Address("10.20.2.8")
        assert subnet.routes == (Route(IPv4Network("192.0.2.0/24"), IPv4Address("10.20.2.9")),)

    def test_the_other_subnets_are_on_the_link(self) -> None:
        one, two = sorted(intent(payloads.network("two subnets")).subnets, key=lambda subnet: subnet.name)
        assert one.routes == (Route(two.cidr, IPv4Address(0)),)
        assert two.routes == (Route(one.cidr, IPv4Address(0)),)
        assert two.gateway == IPv4Address("10.20.9.254")

    def test_metadata_by_the_router_where_there_is_one(self) -> None:
        subnet = intent(payloads.network("routed")).subnets[0]
        assert subnet.routes == (Route(IPv4Network("169.254.169.254/32"), IPv4Address("10.20.7.1")),)
        assert not subnet.metadata_route


class TestMetadata:
    @pytest.mark.parametrize(
        ("name", "policy", "mode", "route"),
        [
            ("plain", {}, "off", False),
            ("plain", {"isolated_metadata": True}, "proxy", True),
            ("routed", {"isolated_metadata": True}, "off", False),
            ("routed", {"force_metadata": True}, "proxy", True),
        ],
    )
    def test_isolated_and_forced(self, name: str, policy: dict[str, bool], mode: str, route: bool) -> None:
        network = intent(payloads.network(name), **policy)
        assert (network.metadata, network.subnets[0].metadata_route) == (mode, route)

    def test_of_ovn_is_ovns_business(self) -> None:
        raw = payloads.network("plain")
        fixed = [{"subnet_id": raw["subnets"][0]["id"], "ip_address": "10.20.0.9"}]
        of_ovn = {"device_owner": "network:distributed", "device_id": f"ovnmeta-{raw['id']}", "fixed_ips": fixed}
        raw["ports"].append({**raw["ports"][0], "id": "22222222-2222-4222-8222-222222222222", **of_ovn})
        network = intent(raw, force_metadata=True)
        assert network.metadata == "off"
        assert Route(IPv4Network("169.254.169.254/32"), IPv4Address("10.20.0.9")) in network.subnets[0].routes

    def test_the_proxy_is_told_whose_port_it_is(self) -> None:
        raw = payloads.network("plain")
        port = guest(intent(raw), raw, "web")
        assert port.device_id == "11111111-2222-4333-8444-555555555555"
        assert port.project_id == raw["project_id"]


class TestNames:
    def test_as_the_server_assigned_them(self) -> None:
        raw = payloads.network("names")
        port = guest(intent(raw), raw)
        assert port.hostname == "db1"
        assert [name for _, name in port.names] == ["db1.cloud.test"]

    def test_made_from_the_address_where_it_did_not(self) -> None:
        raw = payloads.network("plain")
        for port in raw["ports"]:
            port.pop("dns_assignment", None)
        found = guest(intent(raw), raw)
        address = found.fixed_ips[0]
        expected = f"host-{str(address).replace('.', '-')}"
        assert (found.hostname, found.names) == (expected, ((address, f"{expected}.cloud.test"),))

    def test_another_domain_is_told_by_dhcp(self) -> None:
        raw = payloads.network("names")
        for port in raw["ports"]:
            for entry in port["dns_assignment"]:
                entry["fqdn"] = entry["hostname"] + ".users.test."
        found = guest(intent(raw), raw)
        assert (15, b"users.test") in found.dhcp_options
        assert [name for _, name in found.names] == ["db1.users.test"]


class TestAddresses:
    def test_none_of_a_subnet_without_dhcp(self) -> None:
        raw = payloads.network("no dhcp")
        both, silent = (guest(intent(raw), raw, name) for name in ("both", "silent"))
        assert [str(ip) for ip in both.fixed_ips] == ["10.20.5.66"]
        assert silent.fixed_ips == ()

    def test_the_last_is_the_first_choice_as_it_is_of_dnsmasq(self) -> None:
        raw = payloads.network("two subnets")
        port = guest(intent(raw), raw)
        sent = [fixed["ip_address"] for found in raw["ports"] if found["id"] == port.id for fixed in found["fixed_ips"]]
        assert [str(ip) for ip in port.fixed_ips] == sent[::-1]
        assert port.hostname == "host-" + sent[-1].replace(".", "-")
        assert {str(address) for address, _ in port.names} == set(sent)

    def test_ipv6_modes(self) -> None:
        raw = payloads.network("ipv6 modes")
        modes = {str(subnet.cidr): (subnet.address_mode, subnet.ra_mode) for subnet in intent(raw).subnets6}
        assert modes == {
            "fd20:10::/64": ("slaac", None),
            "fd20:11::/64": ("dhcpv6-stateless", None),
            "fd20:12::/64": ("dhcpv6-stateful", None),
            "fd20:13::/64": ("dhcpv6-stateful", None),
            "fd20:14::/64": (None, None),
        }

    def test_both_versions(self) -> None:
        raw = payloads.network("dual stack")
        port = guest(intent(raw), raw)
        assert (port.fixed_ips, port.fixed_ips6) == ((IPv4Address("10.20.1.35"),), (IPv6Address("fd20:1::24a"),))
        assert dict(port.dhcp_options)[67] == b"pxelinux.0"
        options6 = dict(port.dhcp6_options)
        assert options6[59] == b"tftp://[2001:db8::1]/boot"
        assert options6[23] == IPv6Address("2001:db8::54").packed


class TestPrefixDelegation:
    """Until a router has a prefix for it, such a subnet is ::/64, and the server gives ports addresses in that."""

    def waiting(self) -> dict[str, Any]:
        raw = payloads.network("dual stack")
        (subnet,) = (subnet for subnet in raw["subnets"] if subnet["ip_version"] == 6)
        subnet.update(cidr="::/64", subnetpool_id="prefix_delegation", gateway_ip="::1")
        for number, port in enumerate(raw["ports"]):
            for fixed in port["fixed_ips"]:
                if fixed["subnet_id"] == subnet["id"]:
                    fixed["ip_address"] = f"::f816:3eff:fe00:{number}"
            port.pop("dns_assignment", None)
        return raw

    def test_nothing_has_an_address_of_the_provisional_prefix(self) -> None:
        raw = self.waiting()
        found = intent(raw)
        assert found.subnets and not found.subnets6
        port = guest(found, raw)
        assert port.fixed_ips and not port.fixed_ips6
        assert {address.version for address, _ in port.names} == {4}
        (device,) = wanted_devices(found)
        assert device.far is not None
        assert not [address for address in device.far.addresses if address in IPv6Network("::/64")]
        assert {destination.version for destination, _ in device.far.routes} == {4}

    def test_it_is_served_once_it_has_a_prefix(self) -> None:
        raw = payloads.network("dual stack")
        (scope,) = dhcp_scopes(raw, payloads.HOST)
        before = translate(self.waiting(), dhcp_scopes(self.waiting(), payloads.HOST)[0], POLICY)
        now = translate(raw, scope, POLICY, before)
        assert now is not None and now.network == intent(raw)

    def test_a_network_of_nothing_else_waits(self) -> None:
        raw = self.waiting()
        raw["subnets"] = [subnet for subnet in raw["subnets"] if subnet["ip_version"] == 6]
        assert translate(raw, dhcp_scopes(raw, payloads.HOST)[0], POLICY) is None


class TestExtraOptions:
    def test_for_ipxe_and_for_others(self) -> None:
        raw = payloads.network("options")
        port = guest(intent(raw), raw)
        options, ipxe = dict(port.dhcp_options), dict(port.ipxe_dhcp_options)
        assert (options[67], ipxe[67]) == (b"undionly.kpxe", b"http://192.0.2.1/boot.ipxe")
        assert options[150] == IPv4Address("192.0.2.1").packed
        assert options[3] == IPv4Address("10.20.3.77").packed
        assert options[119]
        assert port.boot is not None
        assert port.boot.next_server == "192.0.2.1"

    def test_one_that_is_none_is_told_to_people(self) -> None:
        raw = payloads.network("options")
        (scope,) = dhcp_scopes(raw, payloads.HOST)
        found = translate(raw, scope, POLICY)
        assert found is not None
        ((sentence,),) = found.problems.values()
        assert "no-such-option" in sentence


class TestWhatIsNotServed:
    def test_a_network_that_is_down(self) -> None:
        assert dhcp_scopes({**payloads.network("plain"), "admin_state_up": False}, payloads.HOST) == []

    def test_a_network_without_a_subnet_that_has_dhcp(self) -> None:
        raw = payloads.network("plain")
        raw["subnets"][0]["enable_dhcp"] = False
        assert dhcp_scopes(raw, payloads.HOST) == []

    def test_a_network_on_which_we_have_no_port(self) -> None:
        (scope,) = dhcp_scopes(payloads.network("plain"), "node2")
        assert translate(payloads.network("plain"), scope, replace(POLICY, host="node2")) is None

    def test_nonsense_is_an_error_that_names_the_network(self) -> None:
        raw = payloads.network("plain")
        raw["subnets"][0]["cidr"] = "nonsense"
        (scope,) = dhcp_scopes(raw, payloads.HOST)
        with pytest.raises(TranslationError, match=raw["id"]):
            translate(raw, scope, POLICY)


class TestSegments:
    def test_subnets_of_other_segments_are_not_on_the_link(self) -> None:
        raw = payloads.segmented()
        first, _ = dhcp_scopes(raw, payloads.HOST)
        own = next(port for port in raw["ports"] if port["device_owner"] == "network:dhcp")
        own["device_id"] = first.device_id
        found = translate(raw, first, POLICY)
        assert found is not None
        assert found.network.subnets[0].routes == ()
