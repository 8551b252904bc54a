"""IPv6 in an intent file: what is taken, as what, and what is refused, with its place."""

from ipaddress import IPv6Address, IPv6Network
from pathlib import Path
from typing import Any

import pytest
import yaml

from netmend.intent import Network, Pool6, Port, Route6, Subnet6
from netmend.sources.file import IntentError, load

BLOCK = "2001:db8:1::/64"
MAC = "fa:16:3e:00:00:01"
OWN = IPv6Address("2001:db8:1:0:f816:3eff:fe00:1")  # what a guest with that MAC makes in BLOCK


def read(tmp_path: Path, *subnets: dict[str, Any], ports: list[dict[str, Any]] | None = None, **more: Any) -> Network:
    path = tmp_path / "intent.yaml"
    network = {"name": "n", "subnets": list(subnets), "ports": ports or [], **more}
    path.write_text(yaml.safe_dump({"networks": [network]}))
    (found,) = load(path).networks.values()
    return found


def subnet(tmp_path: Path, **fields: Any) -> Subnet6:
    (found,) = read(tmp_path, {"cidr": BLOCK} | fields).subnets6
    return found


def port(tmp_path: Path, *subnets: dict[str, Any], **fields: Any) -> Port:
    (found,) = read(tmp_path, *subnets, ports=[{"name": "p", "mac": MAC, **fields}]).ports.values()
    return found


def problems(tmp_path: Path, *subnets: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    """The field, without the network's own, and the reason of each problem."""
    with pytest.raises(IntentError) as caught:
        read(tmp_path, *subnets, **more)
    return [(each.field.removeprefix("networks[n]."), each.why) for each in caught.value.problems]


class TestSubnet:
    def test_every_field(self, tmp_path: Path) -> None:
        found = subnet(
            tmp_path,
            name="six",
            gateway="2001:db8:1::1",
            server_address="2001:db8:1::2",
            dynamic=True,
            pools=["2001:db8:1::200 - 2001:db8:1::2ff", "2001:db8:1::100-2001:db8:1::1ff"],
            dns_servers=["2001:db8::53"],
            domain="example.org",
            ntp_servers=["2001:db8::123"],
            lease_time=3600,
            bootfile_url="tftp://[2001:db8::1]/x",
            routes=[{"destination": "2001:db8:5::/48", "nexthop": "2001:db8:1::2"}],
        )
        base = IPv6Network(BLOCK)
        assert found == Subnet6(
            id=found.id,
            name="six",
            cidr=base,
            server_address=base[2],
            gateway=base[1],
            address_mode="dhcpv6-stateful",
            ra_mode="dhcpv6-stateful",
            pools=(Pool6(base[0x100], base[0x1FF]), Pool6(base[0x200], base[0x2FF])),
            dynamic=True,
            dns_servers=(IPv6Address("2001:db8::53"),),
            domain="example.org",
            routes=(Route6(IPv6Network("2001:db8:5::/48"), base[2]),),
            ntp_servers=(IPv6Address("2001:db8::123"),),
            lease_time=3600,
            bootfile_url="tftp://[2001:db8::1]/x",
        )

    @pytest.mark.parametrize(
        ("address", "ra", "modes"),
        [
            (None, None, ("dhcpv6-stateful", "dhcpv6-stateful")),
            ("slaac", None, ("slaac", "slaac")),
            (None, "dhcpv6-stateless", ("dhcpv6-stateless", "dhcpv6-stateless")),
            ("dhcpv6-stateful", "none", ("dhcpv6-stateful", None)),
            (None, "none", ("dhcpv6-stateful", None)),
            ("none", None, (None, None)),
            ("none", "slaac", (None, "slaac")),
        ],
    )
    def test_a_mode_that_is_left_out_follows_the_other(
        self, tmp_path: Path, address: str | None, ra: str | None, modes: tuple[str | None, str | None]
    ) -> None:
        found = subnet(tmp_path, address_mode=address, ra_mode=ra)
        assert (found.address_mode, found.ra_mode) == modes

    def test_our_own_address_and_the_pools_where_nobody_says(self, tmp_path: Path) -> None:
        base = IPv6Network("2001:db8:1::/124")
        found = subnet(tmp_path, cidr=str(base), gateway=str(base[1]), dynamic=True)
        assert (found.server_address, found.pools) == (base[2], (Pool6(base[3], base[15]),))

    def test_beside_ipv4(self, tmp_path: Path) -> None:
        found = read(tmp_path, {"cidr": "10.0.0.0/24"}, {"cidr": BLOCK})
        assert [str(found.subnets[0].cidr), str(found.subnets6[0].cidr)] == ["10.0.0.0/24", BLOCK]

    @pytest.mark.parametrize(
        ("fields", "field", "why"),
        [
            ({"cidr": "2001:db8::1/64"}, "cidr", "the block is 2001:db8::/64"),
            ({"cidr": "2001:db8::"}, "cidr", "no prefix length"),
            ({"cidr": "2000::/15"}, "cidr", "/16 to /128"),
            ({"cidr": "fe80::/64"}, "cidr", "link-local"),
            ({"cidr": "ff02::/64"}, "cidr", "multicast"),
            ({"cidr": "::/64"}, "cidr", "reserved"),
            ({"cidr": "x::/64"}, "cidr", "no IPv6 block"),
            ({"gateway": "2001:db8:2::1"}, "gateway", "is outside"),
            ({"gateway": "2001:db8:1::"}, "gateway", "anycast"),
            ({"gateway": "10.0.0.1"}, "gateway", "no IPv6 address"),
            ({"gateway": "2001:db8:1::1%eth0"}, "gateway", "zone"),
            ({"gateway": "2001:db8:1::1", "server_address": "2001:db8:1::1"}, "server_address", "is the gateway"),
            ({"gateway": "2001:db8:1::5", "pools": ["2001:db8:1::1 - 2001:db8:1::9"]}, "pools[0]", "::5, the gateway"),
            (
                {"server_address": "2001:db8:1::5", "pools": ["2001:db8:1::1 - 2001:db8:1::9"]},
                "pools[0]",
                "own address",
            ),
            ({"pools": ["2001:db8:1:: - 2001:db8:1::9"]}, "pools[0]", "anycast"),
            ({"pools": ["2001:db8:1::1 - 2001:db8:2::"]}, "pools[0]", "reaches outside"),
            ({"pools": ["2001:db8:1::9 - 2001:db8:1::1"]}, "pools[0]", "above the last"),
            ({"pools": ["2001:db8:1::9"]}, "pools[0]", "no pool"),
            (
                {"pools": ["2001:db8:1::10 - 2001:db8:1::20", "2001:db8:1::20 - 2001:db8:1::30"]},
                "pools[1]",
                "overlaps the pool",
            ),
            ({"dynamic": True, "pools": []}, "", "pools are empty"),
            ({"dynamic": True, "address_mode": "slaac"}, "dynamic", "make their own"),
            ({"address_mode": "slaac", "ra_mode": "dhcpv6-stateful"}, "ra_mode", "would be told dhcpv6-stateful"),
            ({"address_mode": "SLAAC"}, "address_mode", "expected"),
            ({"cidr": "2001:db8::/48", "address_mode": "slaac"}, "cidr", "no /64"),
            ({"cidr": "2001:db8::/80", "address_mode": "none", "ra_mode": "slaac"}, "cidr", "no /64"),
            ({"dns_servers": ["10.0.0.1"]}, "dns_servers[0]", "no IPv6 address"),
            ({"dns_servers": [f"2001:db8::{number:x}" for number in range(1, 62)]}, "dns_servers", "holds 60"),
            ({"ntp_servers": ["ff05::101"]}, "ntp_servers[0]", "multicast"),
            ({"bootfile_url": "boot.efi"}, "bootfile_url", "no URL"),
            ({"bootfile_url": "http://a b"}, "bootfile_url", "blank"),
            ({"bootfile_url": "http://" + "x" * 1000}, "bootfile_url", "at most 1000"),
            ({"boot": {"bootfile": "x"}}, "boot", "bootfile_url"),
            (
                {"server_address": "2001:db8:1::2", "routes": [{"destination": "::/0", "nexthop": "2001:db8:1::3"}]},
                "routes[0].nexthop",
                "by way of its sender",
            ),
            ({"cidr": "10.0.0.0/24", "address_mode": "slaac"}, "address_mode", "IPv6 subnets only"),
            ({"cidr": "10.0.0.0/24", "bootfile_url": "http://x"}, "bootfile_url", "IPv6 subnets only"),
        ],
    )
    def test_refused(self, tmp_path: Path, fields: dict[str, Any], field: str, why: str) -> None:
        shape = {"name": "s", "cidr": BLOCK} | fields
        found = problems(tmp_path, shape)
        assert [place for place, _ in found] == [f"subnets[s].{field}".rstrip(".")]
        assert why in found[0][1]

    def test_subnets_that_overlap_and_that_have_one_name(self, tmp_path: Path) -> None:
        ((place, why),) = problems(tmp_path, {"cidr": "2001:db8::/32"}, {"cidr": BLOCK})
        assert (place, why) == (f"subnets[{BLOCK}].cidr", f"{BLOCK} overlaps 2001:db8::/32 on the same network")
        ((_, why),) = problems(tmp_path, {"cidr": "10.0.0.0/24", "name": "a"}, {"cidr": BLOCK, "name": "a"}, mtu=1500)
        assert "another subnet of this network is named a" in why or "has the id" in why

    def test_an_mtu_too_small_for_ipv6(self, tmp_path: Path) -> None:
        ((place, why),) = problems(tmp_path, {"cidr": BLOCK}, mtu=1279)
        assert (place, "1280" in why) == ("mtu", True)
        assert read(tmp_path, {"cidr": "10.0.0.0/24"}, mtu=1279).mtu == 1279


class TestPort:
    def test_addresses_of_both_kinds(self, tmp_path: Path) -> None:
        found = port(
            tmp_path,
            {"cidr": "10.0.0.0/24"},
            {"cidr": BLOCK},
            fixed_ips=["2001:db8:1::10", "10.0.0.10"],
            duid="00:03:00:01:fa:16:3e:00:00:01",
            dhcp6_options={"dns-server": "2001:db8::53", 59: None},
        )
        assert [str(ip) for ip in (*found.fixed_ips, *found.fixed_ips6)] == ["10.0.0.10", "2001:db8:1::10"]
        assert found.duid == bytes.fromhex("00030001fa163e000001")
        assert found.dhcp6_options == ((23, IPv6Address("2001:db8::53").packed), (59, b""))

    @pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless"])
    def test_what_a_guest_makes_of_its_mac_is_filled_in(self, tmp_path: Path, mode: str) -> None:
        block = {"cidr": BLOCK, "address_mode": mode}
        assert port(tmp_path, block).fixed_ips6 == (OWN,)
        assert port(tmp_path, block, fixed_ips=[str(OWN)]).fixed_ips6 == (OWN,)
        assert port(tmp_path, block, fixed_ips=[]).fixed_ips6 == ()
        both = port(tmp_path, {"cidr": "10.0.0.0/24"}, block, fixed_ips=["10.0.0.10"])
        assert (len(both.fixed_ips), both.fixed_ips6) == (1, (OWN,))

    @pytest.mark.parametrize("mode", ["dhcpv6-stateful", "none"])
    def test_and_nowhere_else(self, tmp_path: Path, mode: str) -> None:
        ((place, why),) = problems(tmp_path, {"cidr": BLOCK, "address_mode": mode}, ports=[{"name": "p", "mac": MAC}])
        assert (place, "gets no address" in why) == ("ports[p]", True)

    @pytest.mark.parametrize(
        ("fields", "place", "why"),
        [
            ({"fixed_ips": ["2001:db8:1::10"]}, "fixed_ips[0]", f"of its MAC: {OWN}"),
            ({"fixed_ips": ["2001:db8:2::1"]}, "fixed_ips[0]", "outside every subnet"),
            ({"fixed_ips": ["fe80::1"]}, "fixed_ips[0]", "link-local"),
            ({"fixed_ips": ["2001:db8:1::x"]}, "fixed_ips[0]", "no IPv6 address"),
            ({"duid": "0003"}, "duid", "3 to 130"),
            ({"duid": "00:03:zz"}, "duid", "no DUID"),
            ({"dhcp6_options": {"dns": "::1"}}, "dhcp6_options.dns", "known by name"),
            ({"dhcp6_options": {"23": "::1", "dns-server": "::2"}}, "dhcp6_options.dns-server", "given twice"),
        ],
    )
    def test_refused(self, tmp_path: Path, fields: dict[str, Any], place: str, why: str) -> None:
        found = problems(
            tmp_path, {"cidr": BLOCK, "address_mode": "slaac"}, ports=[{"name": "p", "mac": MAC, **fields}]
        )
        assert [each for each, _ in found] == [f"ports[p].{place}"]
        assert why in found[0][1]

    def test_reserved_addresses_and_the_same_twice(self, tmp_path: Path) -> None:
        block = {"cidr": BLOCK, "gateway": "2001:db8:1::1"}
        texts = ["2001:db8:1::10", "2001:db8:1::", "2001:db8:1::10"]
        found = problems(tmp_path, block, ports=[{"name": "p", "mac": MAC, "fixed_ips": texts}])
        assert [(place, why.split(";")[0]) for place, why in found] == [
            ("ports[p].fixed_ips[1]", "2001:db8:1:: is the anycast address of the routers of 2001:db8:1::/64"),
            ("ports[p].fixed_ips[2]", "this port has 2001:db8:1::10 already"),
        ]

    def test_what_two_ports_cannot_both_have(self, tmp_path: Path) -> None:
        same = {"fixed_ips": ["2001:db8:1::10"], "duid": "000300010203"}
        ports = [{"name": "a", "mac": MAC, **same}, {"name": "b", "mac": "fa:16:3e:00:00:02", **same}]
        found = problems(tmp_path, {"cidr": BLOCK}, ports=ports)
        assert sorted(found) == [
            ("ports[b].duid", "port a has this DUID too"),
            ("ports[b].fixed_ips[0]", "port a has 2001:db8:1::10 already"),
        ]

    def test_an_address_that_a_guest_makes_and_another_was_given(self, tmp_path: Path) -> None:
        block = {"cidr": BLOCK, "address_mode": "slaac", "gateway": str(OWN)}
        ((place, why),) = problems(tmp_path, block, ports=[{"name": "p", "mac": MAC}])
        assert (place, "is the gateway" in why) == ("ports[p]", True)
