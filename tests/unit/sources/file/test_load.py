"""A file becomes an intent, or every problem in it is named with its line, field and reason."""

import ctypes
import os
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from pathlib import Path

import pytest

from netmend.intent import (
    AddressPair,
    Boot,
    BootByArchitecture,
    BridgeWiring,
    Dns,
    DnsServer,
    Instance,
    Intent,
    MetadataProxy,
    NetnsPlug,
    Network,
    NoPlug,
    OvsWiring,
    PidPlug,
    Pool,
    Port,
    Route,
    Subnet,
    Subnet6,
    TapPlug,
)
from netmend.intent.names import dhcp_port_id, id_from_name, mac_from_id
from netmend.sources.file import IntentError, load
from netmend.sources.problem import PROBLEMS_MAX

PR_SET_DUMPABLE = 4  # prctl(2)
EXAMPLES = Path(__file__).parents[4] / "examples"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "intent.yaml"
        path.write_text(text)
        return path

    return write


File = Callable[[str], Path]


def problems(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(IntentError) as caught:
        load(path)
    assert all(problem.file == str(path) for problem in caught.value.problems)
    return [(problem.line, problem.field, problem.why) for problem in caught.value.problems]


def only_network(intent: Intent) -> Network:
    (network,) = intent.networks.values()
    return network


def test_two_networks_of_the_demo_have_the_same_addresses() -> None:
    networks = list(load(EXAMPLES / "two-networks.yaml").networks.values())
    assert len(networks) == 2
    assert networks[0].subnets[0].cidr == networks[1].subnets[0].cidr
    addresses = [{port.fixed_ips for port in network.ports.values()} for network in networks]
    assert addresses[0] == addresses[1] and len(addresses[0]) == 2
    plugs = [port.plug for network in networks for port in network.ports.values()]
    assert all(isinstance(plug, NetnsPlug) and plug.netns.startswith("guest-") for plug in plugs)


DOMAINS = (("corp.example", (DnsServer(ip_address("198.51.100.54")), DnsServer(ip_address("198.51.100.55"), 5353))),)
RECORDS = (("gw", IPv4Address("192.0.2.1")), ("git.example.net", IPv4Address("198.51.100.7")))


def test_every_field_of_the_reference() -> None:
    intent = load(EXAMPLES / "reference.yaml")
    office, lab = intent.networks.values()
    pxe = Boot(
        "192.0.2.66",
        "undionly.kpxe",
        (
            BootByArchitecture(frozenset({7, 9}), "ipxe.efi"),
            BootByArchitecture(frozenset({11}), "ipxe-arm64.efi", "192.0.2.67"),
        ),
        http="http://192.0.2.66/ipxe.efi",
        ipxe="http://192.0.2.66/boot.ipxe",
    )
    assert (office.id, office.name, office.mtu, office.wiring) == (
        "0b6ee5f2-3c1c-4f5e-9d2b-6a1f4c0e7d11",
        "office",
        1450,
        BridgeWiring(),
    )
    assert office.subnets[0] == Subnet(
        id="2a7d7c8e-5b0f-4c3f-8f0e-1d9f0a3b5c22",
        name="office-v4",
        cidr=IPv4Network("192.0.2.0/24"),
        server_address=IPv4Address("192.0.2.2"),
        gateway=IPv4Address("192.0.2.1"),
        pools=(
            Pool(IPv4Address("192.0.2.100"), IPv4Address("192.0.2.149")),
            Pool(IPv4Address("192.0.2.160"), IPv4Address("192.0.2.199")),
        ),
        dynamic=True,
        domain="office.example",
        routes=(
            Route(IPv4Network("198.51.100.0/24"), IPv4Address("192.0.2.254")),
            Route(IPv4Network("169.254.169.254/32"), IPv4Address("0.0.0.0")),
        ),
        ntp_servers=(IPv4Address("192.0.2.123"),),
        lease_time=43_200,
        boot=pxe,
        dhcp_options=((114, b"https://office.example/captive"), (252, b"http://192.0.2.11/wpad.dat")),
        metadata_route=True,
    )
    asked = tuple(DnsServer(ip_address(text)) for text in ("192.0.2.53", "198.51.100.53", "2001:db8::53"))
    assert office.dns == Dns("office.example", asked, guest_rate=500, records=RECORDS, forward_domains=DOMAINS)
    assert lab.dns == Dns("lab.example", (DnsServer(IPv4Address("127.0.0.53")), DnsServer(IPv6Address("2001:db8::53"))))
    assert lab.wiring == OvsWiring("br-int", datapath="netdev", own_tags=True)
    assert (office.metadata, office.project_id, lab.metadata) == ("embedded", "1d2c3b4a", "proxy")
    assert intent.metadata_proxy == MetadataProxy(
        ("https://nova-1.example:8775", "https://nova-2.example:8775"), "not-a-secret"
    )
    ports = {port.name: port for port in office.ports.values()}
    assert ports["web"] == Port(
        id="7f3c1a52-09de-4b1c-8f6e-2d5a90b4c111",
        name="web",
        mac="fa:16:3e:00:00:01",
        fixed_ips=(IPv4Address("192.0.2.11"), IPv4Address("203.0.113.11")),
        hostname="web",
        dhcp_options=(
            (15, b""),
            (26, b"\x05\x78"),
            (42, bytes([192, 0, 2, 124])),
            (224, b"\x01\x02\x03"),
            (252, b"http://192.0.2.11/wpad.dat"),
        ),
        plug=TapPlug(64055),
        allowed_address_pairs=(
            AddressPair(IPv4Network("192.0.2.200/32"), "00:00:5e:00:01:07"),
            AddressPair(IPv4Network("198.51.100.0/25"), "fa:16:3e:00:00:01"),
        ),
        # its own, and what its guest makes of its MAC in the subnet of the slaac mode
        fixed_ips6=(IPv6Address("2001:db8:1::11"), IPv6Address("2001:db8:2:0:f816:3eff:fe00:1")),
        duid=bytes.fromhex("00030001fa163e000001"),
        client_id=bytes.fromhex("01fa163e000001"),
        dhcp6_options=((17, bytes.fromhex("00000009000100020102")), (82, (300).to_bytes(4, "big"))),
        device_id="5f7c2b3e-8a1d-4c6f-9b0e-3d2a1c4b5e6f",
        instance=Instance(
            "i-0a1b2c3d",
            name="web server",
            hostname="web.office.example",
            public_keys={
                "laptop": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJYkMy3cQ3XmP0c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7 me@laptop"
            },
            user_data=b"#cloud-config\npackages: [nginx]\n",
            vendor_data={"cloud-init": "#cloud-config\n{}"},
            vendor_data2={"static": {"site": "here"}},
            meta={"role": "web"},
            instance_type="m1.small",
            availability_zone="zone-a",
            admin_password="only-for-windows",
        ),
        security_groups=tuple(id_from_name("security-group", name) for name in ("web", "database")),
    )
    assert [group.name for group in intent.security_groups.values()] == ["web", "database"]
    assert [group.name for group in intent.address_groups.values()] == ["partners"]
    assert ports["container"].project_id == "9f8e7d6c"
    assert ports["container"].instance == Instance(
        ports["container"].id, user_data=b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03" + bytes(9)
    )
    assert ports["container"].plug == NetnsPlug("guest-container", "eth0")
    assert ports["second-card"].plug == NetnsPlug("guest-container", "eth1")
    assert ports["process"].plug == PidPlug(4242, "lan0")
    assert (ports["printer"].mac, ports["printer"].boot, ports["printer"].plug) == ("00:00:5e:00:53:01", pxe, NoPlug())
    assert ports["anywhere"].fixed_ips == ()
    assert only_network(Intent({lab.id: lab})).mtu == 1500


def test_what_is_left_out_is_made_from_names(file: File) -> None:
    network = only_network(
        load(file("networks: [{name: n, subnets: [{cidr: 10.0.0.0/24}], ports: [{name: p, fixed_ips: [10.0.0.9]}]}]"))
    )
    (subnet,), (port,) = network.subnets, network.ports.values()
    assert network.id == id_from_name("network", "n")
    assert (subnet.id, subnet.name) == (id_from_name("subnet", "n", "10.0.0.0/24"), "10.0.0.0/24")
    assert port.id == id_from_name("port", "n", "p")
    assert port.mac == mac_from_id(port.id)
    assert subnet.server_address == IPv4Address("10.0.0.1")
    assert (subnet.pools, subnet.dynamic, subnet.lease_time) == ((), False, 86_400)


def subnet_of(file: File, fields: str, ports: str = "[]") -> Subnet:
    return only_network(load(file(f"networks: [{{name: n, subnets: [{{{fields}}}], ports: {ports}}}]"))).subnets[0]


def pool(first: str, last: str) -> Pool:
    return Pool(IPv4Address(first), IPv4Address(last))


def test_the_pools_of_a_dynamic_subnet_are_all_the_rest(file: File) -> None:
    subnet = subnet_of(file, "cidr: 10.0.0.0/28, gateway: 10.0.0.4, dynamic: true")
    assert subnet.server_address == IPv4Address("10.0.0.1")
    assert subnet.pools == (pool("10.0.0.2", "10.0.0.3"), pool("10.0.0.5", "10.0.0.14"))


def test_the_server_address_avoids_pools_and_fixed_ips(file: File) -> None:
    fields = "cidr: 10.0.0.0/28, gateway: 10.0.0.1, pools: [10.0.0.2 - 10.0.0.5], dynamic: true"
    assert subnet_of(file, fields, "[{name: p, fixed_ips: [10.0.0.6]}]").server_address == IPv4Address("10.0.0.7")


def test_a_subnet_that_is_all_pool_gives_its_last_address_to_netmend(file: File) -> None:
    fields = "cidr: 10.0.0.0/29, pools: [10.0.0.1 - 10.0.0.6], dynamic: true"
    subnet = subnet_of(file, fields, "[{name: p, fixed_ips: [10.0.0.6]}]")
    assert subnet.server_address == IPv4Address("10.0.0.5")
    assert subnet.pools == (pool("10.0.0.1", "10.0.0.4"), pool("10.0.0.6", "10.0.0.6"))


def test_json_is_read_as_yaml_is(tmp_path: Path) -> None:
    text = '{"networks": [{"name": "n", "ports": [{"name": "no", "mac": "12:34:56:11:22:33"}]}]}'
    for name in ("intent.json", "intent.yaml"):
        path = tmp_path / name
        path.write_text(text)
        (port,) = only_network(load(path)).ports.values()
        assert (port.name, port.mac) == ("no", "12:34:56:11:22:33")


@pytest.mark.parametrize("name", ["intent.json", "intent.yaml"])
def test_json_problems_have_lines_too(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('{"networks": [\n {"name": "n",\n  "mtu": 1}\n]}')
    assert [(line, field) for line, field, _ in problems(path)] == [(3, "networks[n].mtu")]
    path.write_text('{"networks": [],\n "networks": []}')
    assert problems(path) == [(2, "", "the key 'networks' is already in this mapping")]


NOTHING = "networks: []\n"


@pytest.mark.parametrize("text", [NOTHING, "networks:\n", "networks: [{name: empty}]\n"])
def test_a_file_may_want_little(file: File, text: str) -> None:
    load(file(text))


PROBLEMS = {
    "empty": ("", 1, "", "the file is empty"),
    "comment": ("# soon\n", 1, "", "the file is empty"),
    "list": ("- a\n", 1, "", "expected a mapping with the key `networks`, not a list"),
    "text": ("hello\n", 1, "", "not the text 'hello'"),
    "typo at the top": ("networks: []\nnetwork: []\n", 2, "network", "did you mean networks?"),
    "nothing at the top": ("{}\n", 1, "networks", "the field networks is required"),
    "networks no list": ("networks: {}\n", 1, "networks", "expected a list, not a mapping"),
    "network no mapping": ("networks:\n  - blue\n", 2, "networks[0]", "expected a mapping, not the text 'blue'"),
    "no name": ("networks:\n  - mtu: 1500\n", 2, "networks[0].name", "the field name is required"),
    "number for a name": ("networks: [{name: 007}]", 1, "networks[0].name", "the number 7; put it in quotes"),
    "text for a number": (
        "networks: [{name: n, mtu: '9000'}]",
        1,
        "networks[n].mtu",
        "not the text '9000'; remove the quotes",
    ),
    "fraction": ("networks: [{name: n, mtu: 1e3}]", 1, "networks[n].mtu", "whole number, not the number 1000.0"),
    "truth for a number": ("networks: [{name: n, mtu: true}]", 1, "networks[n].mtu", "whole number, not true"),
    "wiring": ("networks: [{name: n, wiring: vlan}]", 1, "networks[n].wiring", "`ovs` or `{ovs: {...}}`, not the text"),
    "wiring of no kind": ("networks: [{name: n, wiring: {}}]", 1, "networks[n].wiring", "a wiring is one of"),
    "wiring field": (
        "networks: [{name: n, wiring: {ovs: {brigde: x}}}]",
        1,
        "networks[n].wiring.ovs.brigde",
        "did you mean bridge?",
    ),
    "wiring bridge": (
        "networks: [{name: n, wiring: {ovs: {bridge: a b}}}]",
        1,
        "networks[n].wiring.ovs.bridge",
        "device name",
    ),
    "wiring datapath": (
        "networks: [{name: n, wiring: {ovs: {datapath: dpdk}}}]",
        1,
        "networks[n].wiring.ovs.datapath",
        "expected 'system' or 'netdev'",
    ),
    "wiring tags": (
        "networks: [{name: n, wiring: {ovs: {tags: 5}}}]",
        1,
        "networks[n].wiring.ovs.tags",
        "expected 'own' or 'agent', not the number 5",
    ),
    "mtu": ("networks: [{name: n, mtu: 67}]", 1, "networks[n].mtu", "67 is no MTU"),
    "network id": ("networks: [{name: n, id: x}]", 1, "networks[n].id", "no UUID"),
    "two of a name": ("networks:\n- name: n\n- name: n\n", 3, "networks[n].name", "another network is named n"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_problems_of_files_and_networks(file: File, case: str) -> None:
    text, line, field, why = PROBLEMS[case]
    ((found_line, found_field, found_why),) = problems(file(text))
    assert (found_line, found_field) == (line, field)
    assert why in found_why


MANY_ROUTES = [f"{{destination: 1.{number}.0.0/16, nexthop: 10.0.0.2}}" for number in range(150)]
SUBNET_PROBLEMS = {
    "cidr missing": ("gateway: 10.0.0.1", "cidr", "required"),
    "cidr no block": ("cidr: 10.0.0.0", "cidr", "no prefix length"),
    "cidr host bits": ("cidr: 10.0.0.1/24", "cidr", "the block is 10.0.0.0/24"),
    "dynamic in words": ("cidr: 10.0.0.0/24, dynamic: yes", "dynamic", "true or false, not the text 'yes'"),
    "gateway outside": ("cidr: 10.0.0.0/24, gateway: 10.0.1.1", "gateway", "outside 10.0.0.0/24"),
    "gateway network": ("cidr: 10.0.0.0/24, gateway: 10.0.0.0", "gateway", "is the network address"),
    "gateway broadcast": ("cidr: 10.0.0.0/24, gateway: 10.0.0.255", "gateway", "is the broadcast address"),
    "gateway in a pool": (
        "cidr: 10.0.0.0/24, gateway: 10.0.0.5, pools: [10.0.0.2-10.0.0.9]",
        "pools[0]",
        "holds 10.0.0.5, the gateway",
    ),
    "server outside": ("cidr: 10.0.0.0/24, server_address: 10.0.1.1", "server_address", "outside 10.0.0.0/24"),
    "server is the gateway": (
        "cidr: 10.0.0.0/24, gateway: 10.0.0.1, server_address: 10.0.0.1",
        "server_address",
        "is the gateway",
    ),
    "server in a pool": (
        "cidr: 10.0.0.0/24, server_address: 10.0.0.5, pools: [10.0.0.2-10.0.0.9]",
        "pools[0]",
        "netmend's own address",
    ),
    "pool outside": ("cidr: 10.0.0.0/24, pools: [10.0.0.250 - 10.0.1.5]", "pools[0]", "reaches outside"),
    "pool with broadcast": ("cidr: 10.0.0.0/24, pools: [10.0.0.250 - 10.0.0.255]", "pools[0]", "broadcast"),
    "pool with network": ("cidr: 10.0.0.0/24, pools: [10.0.0.0 - 10.0.0.5]", "pools[0]", "the network address"),
    "pools overlap": (
        "cidr: 10.0.0.0/24, pools: [10.0.0.9 - 10.0.0.12, 10.0.0.2 - 10.0.0.9]",
        "pools[0]",
        "overlaps the pool 10.0.0.2 - 10.0.0.9",
    ),
    "nothing to lease": ("cidr: 10.0.0.0/24, dynamic: true, pools: []", "", "its pools are empty"),
    "nothing left to lease": ("cidr: 10.0.0.0/30, dynamic: true, gateway: 10.0.0.1", "", "its pools are empty"),
    "dns": ("cidr: 10.0.0.0/24, dns_servers: [10.0.0.1, dns.example]", "dns_servers[1]", "no IPv4 address"),
    "dns twice": ("cidr: 10.0.0.0/24, dns_servers: [10.0.0.1, 10.0.0.1]", "dns_servers[1]", "10.0.0.1 is named twice"),
    "too many dns": (f"cidr: 10.0.0.0/24, dns_servers: [{'10.0.0.1, ' * 64}]", "dns_servers", "holds 63"),
    "ntp": ("cidr: 10.0.0.0/24, ntp_servers: [224.0.1.1]", "ntp_servers[0]", "multicast"),
    "domain": ("cidr: 10.0.0.0/24, domain: -x", "domain", "hyphen"),
    "lease time": ("cidr: 10.0.0.0/24, lease_time: 0", "lease_time", "4 to 4294967295"),
    "route without nexthop": ("cidr: 10.0.0.0/24, routes: [{destination: 0.0.0.0/0}]", "routes[0].nexthop", "required"),
    "route to a host": (
        "cidr: 10.0.0.0/24, routes: [{destination: 1.2.3.4/24, nexthop: 10.0.0.2}]",
        "routes[0].destination",
        "the block is 1.2.3.0/24",
    ),
    "route by a stranger": (
        "cidr: 10.0.0.0/24, routes: [{destination: 1.0.0.0/8, nexthop: 10.0.1.1}]",
        "routes[0].nexthop",
        "in no subnet of this network",
    ),
    "route twice": (
        f"cidr: 10.0.0.0/24, routes: [{', '.join(['{destination: 1.0.0.0/8, nexthop: 10.0.0.2}'] * 2)}]",
        "routes[1].destination",
        "already",
    ),
    "too many routes": (
        f"cidr: 10.0.0.0/24, routes: [{', '.join(MANY_ROUTES)}]",
        "routes",
        "1050 bytes in option 121; 1024 can be sent",
    ),
    "boot field": ("cidr: 10.0.0.0/24, boot: {bootfil: x}", "boot.bootfil", "did you mean bootfile?"),
    "tftp server": ("cidr: 10.0.0.0/24, boot: {tftp_server: a_b}", "boot.tftp_server", "host or domain name"),
    "architecture": (
        "cidr: 10.0.0.0/24, boot: {by_architecture: [{architectures: [vax], bootfile: x}]}",
        "boot.by_architecture[0].architectures[0]",
        "no known architecture",
    ),
    "architecture of no type": (
        "cidr: 10.0.0.0/24, boot: {by_architecture: [{architectures: [1.5], bootfile: x}]}",
        "boot.by_architecture[0].architectures[0]",
        "number or name, not the number 1.5",
    ),
    "architecture twice": (
        "cidr: 10.0.0.0/24, boot: {by_architecture: "
        "[{architectures: [7], bootfile: x}, {architectures: [x64-uefi], bootfile: y}]}",
        "boot.by_architecture[1].architectures",
        "architecture 7 has a boot file already",
    ),
    "no architecture": (
        "cidr: 10.0.0.0/24, boot: {by_architecture: [{architectures: [], bootfile: x}]}",
        "boot.by_architecture[0].architectures",
        "names no architecture",
    ),
}


@pytest.mark.parametrize("case", SUBNET_PROBLEMS)
def test_problems_of_a_subnet(file: File, case: str) -> None:
    fields, field, why = SUBNET_PROBLEMS[case]
    ((line, found_field, found_why),) = problems(file(f"networks:\n- name: n\n  subnets:\n  - {{name: s, {fields}}}\n"))
    assert line == 4
    assert found_field == ".".join(("networks[n].subnets[s]", field)).rstrip(".")
    assert why in found_why


PORT_PROBLEMS = {
    "mac": ("{name: p, mac: 'fa:16'}", "p].mac", "no MAC address"),
    "mac in base 60": ("{name: p, mac: 190:20:30:40}", "p].mac", "'190:20:30:40' is no MAC address"),
    "mac as a number": ("{name: p, mac: 001122334455}", "p].mac", "put it in quotes"),
    "two of a name": ("{name: q}", "q].name", "another port of this network is named q"),
    "two of a mac": ("{name: p, mac: FA-16-3E-00-00-99}", "p].mac", "port q has the MAC fa:16:3e:00:00:99 too"),
    "netmend's mac": (
        f"{{name: p, mac: '{mac_from_id(dhcp_port_id(id_from_name('network', 'n')))}'}}",
        "p].mac",
        "netmend's own port on the network has the MAC",
    ),
    "mac of the id": ("{name: p, id: 00000000-0000-4000-8000-00163e000099}", "p].mac", "give the port a mac"),
    "two of an id": (
        f"{{name: p, id: {id_from_name('port', 'n', 'q')}, mac: 'fa:16:3e:00:00:01'}}",
        "p].id",
        "port q of network n has the id",
    ),
    "two of a device": (
        f"{{name: p, id: {id_from_name('port', 'n', 'q')[:11]}00-4000-8000-000000000001}}",
        "p].id",
        "like that of port q of network n",
    ),
    "device of the dhcp port": (
        f"{{name: p, id: {dhcp_port_id(id_from_name('network', 'n'))[:11]}00-4000-8000-000000000001}}",
        "p].id",
        "like that of the DHCP port of network n",
    ),
    "two of an address": ("{name: p, fixed_ips: [10.0.0.9]}", "p].fixed_ips[0]", "port q has 10.0.0.9 already"),
    "address twice": (
        "{name: p, fixed_ips: [10.0.0.8, 10.0.0.8]}",
        "p].fixed_ips[1]",
        "this port has 10.0.0.8",
    ),
    "outside": ("{name: p, fixed_ips: [10.0.1.7]}", "p].fixed_ips[0]", "outside every subnet"),
    "below": ("{name: p, fixed_ips: [9.255.255.255]}", "p].fixed_ips[0]", "outside every subnet"),
    "server": ("{name: p, fixed_ips: [10.0.0.3]}", "p].fixed_ips[0]", "netmend's own address"),
    "network address": ("{name: p, fixed_ips: [10.0.0.0]}", "p].fixed_ips[0]", "the network address"),
    "broadcast": ("{name: p, fixed_ips: [10.0.0.255]}", "p].fixed_ips[0]", "the broadcast address"),
    "no address": ("{name: p}", "p]", "gets no address"),
    "address no list": ("{name: p, fixed_ips: 10.0.0.8}", "p].fixed_ips", "expected a list, not the text '10.0.0.8'"),
    "hostname": ("{name: p, hostname: a b}", "p].hostname", "letters, digits and hyphens"),
    "empty hostname": ("{name: p, hostname: ''}", "p].hostname", "1 to 253"),
    "option of the server": ("{name: p, dhcp_options: {53: 1}}", "p].dhcp_options.53", "cannot be set"),
    "option end": ("{name: p, dhcp_options: {255: 1}}", "p].dhcp_options.255", "no DHCP option"),
    "option unknown": ("{name: p, dhcp_options: {mtuu: 1}}", "p].dhcp_options.mtuu", "no DHCP option known by name"),
    "option value": ("{name: p, dhcp_options: {mtu: big}}", "p].dhcp_options.mtu", "no number"),
    "option twice": ("{name: p, dhcp_options: {mtu: 1500, 26: 1500}}", "p].dhcp_options.26", "given twice"),
    "plug in a word": ("{name: p, plug: tap}", "p].plug", "expected `none`, `{tap: {owner: UID}}`"),
    "plug of two kinds": ("{name: p, plug: {netns: a, pid: 1}}", "p].plug", "a plug is one of"),
    "plug of no kind": ("{name: p, plug: {}}", "p].plug", "a plug is one of"),
    "plug field": ("{name: p, plug: {netns: a, devic: b}}", "p].plug.devic", "did you mean device?"),
    "owner by name": ("{name: p, plug: {tap: {owner: root}}}", "p].plug.tap.owner", "`id -u`"),
    "owner": ("{name: p, plug: {tap: {owner: 4294967295}}}", "p].plug.tap.owner", "no uid"),
    "tap device": ("{name: p, plug: {tap: {owner: 0}, device: x}}", "p].plug.device", "no device in a guest"),
    "pid": ("{name: p, plug: {pid: 0}}", "p].plug.pid", "no process id"),
    "netns": ("{name: p, plug: {netns: ../x}}", "p].plug.netns", "no namespace name"),
    "device": ("{name: p, plug: {netns: x, device: sixteen-letters-}}", "p].plug.device", "15 characters"),
    "same end": (
        "{name: p, plug: {netns: taken}}",
        "p].plug",
        "port q of network n is plugged into namespace taken",
    ),
}


@pytest.mark.parametrize("case", PORT_PROBLEMS)
def test_problems_of_a_port(file: File, case: str) -> None:
    port, field, why = PORT_PROBLEMS[case]
    if case != "no address" and "fixed_ips" not in port:
        port = port.replace("{", "{fixed_ips: [], ", 1)
    text = f"""networks:
- name: n
  subnets: [{{cidr: 10.0.0.0/24, gateway: 10.0.0.1, server_address: 10.0.0.3}}]
  ports:
  - {{name: q, mac: 'fa:16:3e:00:00:99', fixed_ips: [10.0.0.9], plug: {{netns: taken}}}}
  - {port}
"""
    ((line, found_field, found_why),) = problems(file(text))
    assert (line, found_field) == (6, f"networks[n].ports[{field}")
    assert why in found_why


def test_subnets_of_a_network_do_not_overlap_nor_share_names(file: File) -> None:
    text = """networks:
- name: n
  subnets:
  - {name: a, cidr: 10.0.0.128/25}
  - {name: a, cidr: 10.1.0.0/24, id: 00000000-0000-4000-8000-000000000001}
  - {name: c, cidr: 10.0.0.0/16, id: 00000000-0000-4000-8000-000000000001}
- name: other
  subnets: [{name: a, cidr: 10.0.0.0/16}]
"""
    assert problems(file(text)) == [
        (4, "networks[n].subnets[a].cidr", "10.0.0.128/25 overlaps 10.0.0.0/16 on the same network"),
        (5, "networks[n].subnets[a].name", "another subnet of this network is named a"),
        (6, "networks[n].subnets[c].id", "subnet a of network n has the id 00000000-0000-4000-8000-000000000001 too"),
    ]


def test_networks_share_the_host(file: File) -> None:
    text = """networks:
- name: a
  id: 00000000-0000-4000-8000-000000000001
  ports: [{name: p, plug: {pid: 7, device: x}}]
- name: b
  id: 00000000-0000-4000-8000-000000000001
- name: c
  id: 00000000-0011-4000-8000-000000000001
  ports: [{name: p, plug: {pid: 7, device: x}}]
"""
    found = problems(file(text))
    assert [(line, field) for line, field, _ in found] == [
        (6, "networks[b].id"),
        (8, "networks[c].id"),
        (9, "networks[c].ports[p].plug"),
    ]
    assert "network a has the id" in found[0][2]
    assert "brq00000000-00, like that of the bridge of network a" in found[1][2]
    assert "port p of network a is plugged into process 7 as x already" in found[2][2]


def test_no_address_left_for_netmend(file: File) -> None:
    text = """networks:
- name: n
  subnets: [{name: s, cidr: 10.0.0.0/30, gateway: 10.0.0.1}]
  ports: [{name: p, fixed_ips: [10.0.0.2]}]
"""
    ((line, field, why),) = problems(file(text))
    assert (line, field) == (3, "networks[n].subnets[s]")
    assert "no address of 10.0.0.0/30 is left" in why


def test_all_problems_are_told_those_of_shape_and_those_of_meaning(file: File) -> None:
    text = """networks:
- name: good
  ports: [{name: p, mac: 'fa:16:3e:00:00:01'}, {name: q, mac: 'fa:16:3e:00:00:01', mtu: 1}, {nam: r}, {name: p}]
- {name: bad, mtu: '1500', ports: [{name: hidden, mac: x}]}
- {name: good, mtu: 1}
"""
    assert [(line, field) for line, field, _ in problems(file(text))] == [
        (3, "networks[good].ports[q].mtu"),
        (3, "networks[good].ports[2].name"),
        (3, "networks[good].ports[2].nam"),
        (3, "networks[good].ports[q].mac"),
        (3, "networks[good].ports[p].name"),
        (4, "networks[bad].mtu"),
        (4, "networks[bad].ports[hidden].mac"),
        (5, "networks[good].mtu"),
        (5, "networks[good].name"),
    ]


def test_a_bad_cidr_is_told_once_not_again_for_each_port_in_it(file: File) -> None:
    text = """networks:
- name: n
  subnets: [{cidr: 10.0.0.0/33, routes: [{destination: 1.0.0.0/8, nexthop: 10.0.0.7}]}, {cidr: 10.1.0.0/24}]
  ports: [{name: p, fixed_ips: [10.0.0.9]}]
"""
    assert [field for _, field, _ in problems(file(text))] == ["networks[n].subnets[10.0.0.0/33].cidr"]


def test_more_problems_than_anyone_reads_are_counted(file: File) -> None:
    ports = "".join(f"  - {{name: p{number}, mac: x}}\n" for number in range(70))
    path = file(f"networks:\n- name: n\n  ports:\n{ports}")
    with pytest.raises(IntentError) as caught:
        load(path)
    assert len(caught.value.problems) == PROBLEMS_MAX
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{path}:4: networks[n].ports[p0].mac: {caught.value.problems[0].why}"
    assert lines[-1] == f"{path}: and 20 more problems"


def test_a_reason_that_quotes_much_is_cut_short(file: File) -> None:
    ((_, _, why),) = problems(file(f"networks: [{{name: n, id: {'x' * 100_000}}}]"))
    assert len(why) < 500


def test_a_place_is_named_printably(tmp_path: Path) -> None:
    path = tmp_path / "intent.json"
    path.write_text(r'{"networks": [{"name": "\ud800", "\u001b[31m": 1, "mtu": 1}]}')
    assert all(field.isprintable() and why.isprintable() for _, field, why in problems(path))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(1 << 30)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path, why in (
        (tmp_path / "missing", "there is no such file"),
        (tmp_path, "is a directory"),
        (pipe, "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (huge, "bytes large"),
        (loop, "cannot be opened"),
        (tmp_path / "a\0b", "cannot be opened"),
        (tmp_path / ("x" * 300), "cannot be opened"),
    ):
        with pytest.raises(IntentError) as caught:
            load(path)
        (problem,) = caught.value.problems
        assert (problem.line, problem.field) == (0, "")
        assert why in problem.why
        assert str(problem) == f"{path}: {problem.why}"


def test_a_file_that_may_not_be_read(file: File) -> None:
    path = file(NOTHING)
    path.chmod(0)
    privileged = os.geteuid() == 0
    if privileged:  # root may read every file
        os.seteuid(65534)
    try:
        found = problems(path)
    finally:
        if privileged:
            os.seteuid(0)
            # The kernel made us undumpable with the change, and /proc/PID/ns of our children unreadable in a sandbox.
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    assert "permission denied" in found[0][2]


def test_ten_different_mistakes_are_told_in_one_go(file: File) -> None:
    text = """networks:
- name: one
  mtu: '1500'
  subnets:
  - {cidr: 10.0.0.0/33, lease_time: -1}
  - {cidr: 10.1.0.0/24, gateway: 10.2.0.1, dynamic: yes}
  ports:
  - {name: a, mac: nothing, boot: {bootfile: 7}}
  - {name: b, hostname: -bad-, hostname: -bad-}
  - {name: c, fixed_ips: [10.9.0.1], plug: {tap: {owner: me}}}
  - {name: c}
- name: one
  colour: red
"""
    assert [(line, field) for line, field, _ in problems(file(text))] == [
        (3, "networks[one].mtu"),
        (5, "networks[one].subnets[10.0.0.0/33].cidr"),
        (5, "networks[one].subnets[10.0.0.0/33].lease_time"),
        (6, "networks[one].subnets[10.1.0.0/24].dynamic"),
        (6, "networks[one].subnets[10.1.0.0/24].gateway"),
        (8, "networks[one].ports[a].boot.bootfile"),
        (8, "networks[one].ports[a].mac"),
        (9, ""),  # a key that is there twice
        (9, "networks[one].ports[b].hostname"),
        (10, "networks[one].ports[c].plug.tap.owner"),
        (11, "networks[one].ports[c].name"),
        (12, "networks[one].name"),
        (13, "networks[one].colour"),
    ]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("- {name: n, subnet: [], ports: [{name: p, fixed_ips: [10.0.0.1]}]}", ["subnet"]),
        ("- {name: n, subnets: none, ports: [{name: p, fixed_ips: [10.0.0.1]}]}", ["subnets"]),
        (
            "- {name: n, subnets: [{cidr: 7}], ports: [{name: p, fixed_ips: [10.0.0.1, 'fd00::1']}]}",
            ["subnets[0].cidr"],
        ),
        (
            "- {name: n, subnets: [{cidr: 10.0.0.0/24, dynamc: true}], ports: [{name: p}]}",
            ["subnets[10.0.0.0/24].dynamc"],
        ),
        ("- {name: n, subnets: [{cidr: 10.0.0.0/24}], ports: [{name: p, fixed_ip: 10.0.0.5}]}", ["ports[p].fixed_ip"]),
        (
            "- {name: n, subnets: [{cidr: 'fd00::/64', address_mode: salac}], ports: [{name: p}]}",
            ["subnets[fd00::/64].address_mode"],
        ),
        (
            "- {name: n, subnets: [{cidr: 'fd00::/129', address_mode: slaac, lease_time: 1}]}",
            ["subnets[fd00::/129].cidr", "subnets[fd00::/129].lease_time"],
        ),
        (
            "- {name: n, subnets: [{cidr: 10.0.0.0/24, dynamic: true, pools: [7]}]}",
            ["subnets[10.0.0.0/24].pools[0]"],
        ),
        (
            "- {name: n, ports: [{name: p, plug: {tap: {owner: me}}, boot: {by_architecture: [{bootfile: 1}, {}]}}]}",
            [
                "ports[p].boot.by_architecture[0].architectures",
                "ports[p].boot.by_architecture[0].bootfile",
                "ports[p].boot.by_architecture[1].architectures",
                "ports[p].boot.by_architecture[1].bootfile",
                "ports[p].plug.tap.owner",
            ],
        ),
        (
            "- {name: n, subnets: [{cidr: 10.0.0.0/24, routes: [{destination: 10.0.0.0/33}, {nexthop: 9.9.9.9}, 7]}]}",
            [
                "subnets[10.0.0.0/24].routes[0].destination",
                "subnets[10.0.0.0/24].routes[0].nexthop",
                "subnets[10.0.0.0/24].routes[1].destination",
                "subnets[10.0.0.0/24].routes[1].nexthop",
                "subnets[10.0.0.0/24].routes[2]",
            ],
        ),
        (
            "- {name: n, ports: [{name: p, plug: {tap: 7, pid: x}}, {name: q, plug: {nets: x}}]}",
            ["ports[p].plug", "ports[p].plug.pid", "ports[p].plug.tap", "ports[q].plug.nets"],
        ),
        ("- {name: n, subnets: [7], ports: [{name: p}, {name: q, fixed_ips: [10.0.0.1]}]}", ["subnets[0]"]),
        (
            "- {name: n, ports: [{name: p, instance: {user_data: x, user_data_base64: '!', tokens: 1}}]}",
            [
                "ports[p].instance.tokens",
                "ports[p].instance.user_data_base64",
                "ports[p].instance.user_data_base64",
            ],
        ),
        (
            "- {name: n, wiring: {ovs: {bridge: 7, veth: 1}}, metadata: embeded}",
            ["metadata", "wiring.ovs.bridge", "wiring.ovs.veth"],
        ),
    ],
)
def test_what_is_told_already_causes_no_further_complaint(file: File, text: str, fields: list[str]) -> None:
    assert (
        sorted(field.removeprefix("networks[n].") for _, field, _ in problems(file(f"networks:\n{text}\n"))) == fields
    )


def test_a_document_with_faults_is_checked_too(file: File) -> None:
    found = problems(file("networks:\n- name: n\n  mtu: 1\n  id: *nothing\n  name: n\n- {name: m, mtu: 2}\n"))
    assert [(line, field) for line, field, _ in found] == [
        (3, "networks[n].mtu"),
        (4, ""),
        (5, ""),
        (6, "networks[m].mtu"),
    ]


ODD_ADDRESSES = {
    "a block of two": "{cidr: 10.0.0.0/31}",
    "a block of two with a router outside": "{cidr: 10.0.0.0/31, gateway: 169.254.0.1, server_address: 10.0.0.0}",
    "one address": "{cidr: 10.0.0.5/32, gateway: 169.254.0.1}",
    "one address, with netmend's written": "{cidr: 10.0.0.5/32, server_address: 192.0.2.1}",
    "one address, leased": "{cidr: 10.0.0.5/32, gateway: 169.254.0.1, dynamic: true}",
    "one IPv6 address": "{cidr: '2001:db8::5/128', gateway: 'fe80::1'}",
    "one IPv6 address, with netmend's written": "{cidr: '2001:db8::5/128', server_address: '2001:db8:1::1'}",
    "a link-local router": "{cidr: 10.0.0.0/24, gateway: 169.254.0.1}",
    "a router outside": "{cidr: 10.0.0.0/24, gateway: 192.0.2.1, "
    "routes: [{destination: 192.0.2.1/32, nexthop: 0.0.0.0}]}",
    "a route by a router outside": "{cidr: 10.0.0.0/24, routes: [{destination: 192.0.2.0/30, nexthop: 0.0.0.0}, "
    "{destination: 0.0.0.0/0, nexthop: 192.0.2.1}]}",
    "a route by the gateway": "{cidr: 10.0.0.0/24, gateway: 169.254.0.1, "
    "routes: [{destination: 198.51.100.0/24, nexthop: 169.254.0.1}]}",
    "an IPv6 block of two": "{cidr: '2001:db8::/127'}",
    "a link-local IPv6 router": "{cidr: '2001:db8::/64', gateway: 'fe80::1'}",
}


@pytest.mark.parametrize("subnet", ODD_ADDRESSES.values(), ids=ODD_ADDRESSES)
def test_addresses_that_people_have(tmp_path: Path, subnet: str) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text(f"networks: [{{name: n, subnets: [{subnet}]}}]")
    (network,) = load(path).networks.values()
    assert len(network.subnets) + len(network.subnets6) == 1
    every: tuple[Subnet | Subnet6, ...] = (*network.subnets, *network.subnets6)
    for found in every:
        assert (found.server_address in found.cidr) == (found.cidr.num_addresses > 1)
        assert found.server_address != found.gateway


def test_each_of_many_single_addresses_has_its_own_server_address(tmp_path: Path) -> None:
    path = tmp_path / "intent.yaml"
    four = ", ".join(f"{{cidr: 10.0.0.{number}/32, gateway: 169.254.1.5}}" for number in range(1, 255, 2))
    six = ", ".join(f"{{cidr: '2001:db8::{number}/128', gateway: 'fe80::1'}}" for number in range(1, 100))
    path.write_text(f"networks: [{{name: n, subnets: [{four}, {six}]}}]")
    (network,) = load(path).networks.values()
    assert len({found.server_address for found in network.subnets}) == len(network.subnets)
    assert len({found.server_address for found in network.subnets6}) == len(network.subnets6)


@pytest.mark.parametrize(
    "subnets",
    [
        "{cidr: 10.0.0.5/32, server_address: 10.1.0.7}, {cidr: 10.1.0.0/24}",
        "{cidr: 10.0.0.5/32, server_address: 192.0.2.1}, {cidr: 10.0.0.6/32, server_address: 192.0.2.1}",
        "{cidr: 10.0.0.5/32, gateway: 169.254.0.1, server_address: 169.254.0.1}",
    ],
)
def test_netmends_own_address_outside_is_nobody_elses(tmp_path: Path, subnets: str) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text(f"networks: [{{name: n, subnets: [{subnets}]}}]")
    with pytest.raises(IntentError, match=r"server_address: .*(in use|is the gateway)"):
        load(path)


def test_a_port_that_is_the_router_and_one_with_two_addresses_in_a_subnet(tmp_path: Path) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text(
        "networks: [{name: n, subnets: [{cidr: 10.0.0.0/24, gateway: 10.0.0.1}, "
        "{cidr: '2001:db8::/64', gateway: '2001:db8::1'}], ports: ["
        "{name: router, fixed_ips: [10.0.0.1, '2001:db8::1']}, {name: two, fixed_ips: [10.0.0.7, 10.0.0.8]}]}]"
    )
    (network,) = load(path).networks.values()
    router, two = network.ports.values()
    assert router.fixed_ips == (network.subnets[0].gateway,) and router.fixed_ips6 == (network.subnets6[0].gateway,)
    assert [str(address) for address in two.fixed_ips] == ["10.0.0.7", "10.0.0.8"]


def test_options_of_a_network_and_a_subnet(tmp_path: Path) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text(
        "networks: [{name: n, dhcp_options: {252: a, 114: b}, dhcp6_options: {59: x}, subnets: ["
        "{cidr: 10.0.0.0/24, dhcp_options: {252: c}, boot: {ipxe: 'http://b/i', http: 'http://b/h'}}, "
        "{cidr: 10.0.1.0/24}, {cidr: '2001:db8::/64', ipxe_bootfile_url: 'http://b/6'}]}]"
    )
    (network,) = load(path).networks.values()
    one, two = network.subnets
    assert (one.dhcp_options, two.dhcp_options) == (((114, b"b"), (252, b"c")), ((114, b"b"), (252, b"a")))
    assert one.boot is not None and (one.boot.ipxe, one.boot.http) == ("http://b/i", "http://b/h")
    assert network.subnets6[0].dhcp6_options == ((59, b"x"),)
    assert network.subnets6[0].ipxe_bootfile_url == "http://b/6"


@pytest.mark.parametrize(
    "where", ["dhcp_options: {12: web}, subnets: []", "subnets: [{cidr: 10.0.0.0/24, dhcp_options: {12: w}}]"]
)
def test_a_host_name_is_one_guest_s(tmp_path: Path, where: str) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text(f"networks: [{{name: n, {where}}}]")
    with pytest.raises(IntentError, match=r"a host name \(12\) is one guest's"):
        load(path)


@pytest.mark.parametrize(
    ("records", "why"),
    [("{a_b: [10.0.0.9]}", "records.a_b"), ("{a: [x]}", "no IPv4 or IPv6 address"), ("{a: ['ff02::1']}", "no host's")],
)
def test_records_that_are_none(tmp_path: Path, records: str, why: str) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text(f"networks: [{{name: n, dns: {{records: {records}}}, subnets: [{{cidr: 10.0.0.0/24}}]}}]")
    with pytest.raises(IntentError) as caught:
        load(path)
    assert why in str(caught.value)
