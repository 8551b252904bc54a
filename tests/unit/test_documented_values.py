# ruff: noqa: E501 - a row a statement
"""Every statement of a value in the documents of what guests are given is held: by a test that the statement's own row
names, or by one here, that quotes it.

`HERE` and `FIELDS` quote what is tried here; `LIMITS` what a constant says, whose effect the named tests have; `ELSEWHERE`
names other tests; `NO_VALUE` quotes sentences whose numbers are no statement of ours. A changed sentence is no longer found,
and wants its check looked at.
"""

import json
import re
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from aiohttp import web_protocol
from tests.unit.documented.statements import DOCUMENTS, with_values

from netmend.ground import located_yaml
from netmend.intent import Intent, MetadataProxy, Network, Subnet, Subnet6
from netmend.node.guests import host_resolvers
from netmend.services.dhcp4 import responder as dhcp4_responder
from netmend.services.dhcp4 import wire as dhcp4_wire
from netmend.services.dhcp6 import responder as dhcp6_responder
from netmend.services.dhcp6 import wire as dhcp6_wire
from netmend.services.dhcp6.options import times
from netmend.services.dhcp6.ra import advertisement, advertiser
from netmend.services.dns import cache
from netmend.services.dns import responder as dns_responder
from netmend.services.dns import wire as dns_wire
from netmend.services.dns.io import forwarder
from netmend.services.dns.io.limits import Limits as DnsLimits
from netmend.services.leases import table
from netmend.services.metadata import openstack, versions
from netmend.services.metadata.io import nova
from netmend.services.metadata.io.limits import RECEIVE_BUFFER
from netmend.services.metadata.io.limits import Limits as MetadataLimits
from netmend.services.shared.sender_limits import Limits as SenderLimits
from netmend.sources.file import IntentError, load, read

NAMES: Final = ("intent-file.md", "dhcp4.md", "dhcp6.md", "dns.md", "metadata.md")
HERE: dict[str, Callable[..., None]] = {}
"""Quotes of intent-file.md, and the tests below that try what they say."""


def holds(quote: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def note(check: Callable[..., None]) -> Callable[..., None]:
        HERE[quote] = check
        return check

    return note


def network(**fields: Any) -> dict[str, Any]:
    subnets = [{"cidr": "10.0.0.0/24", "dynamic": True}]
    return {"networks": [{"name": "blue", "subnets": subnets, **fields}]}


def subnet(**fields: Any) -> dict[str, Any]:
    return network(subnets=[{"cidr": "10.0.0.0/24", **fields}])


def subnet6(**fields: Any) -> dict[str, Any]:
    return network(subnets=[{"cidr": "2001:db8::/64", **fields}])


def port(**fields: Any) -> dict[str, Any]:
    return network(ports=[{"name": "web", **fields}])


def instance(**fields: Any) -> dict[str, Any]:
    return network(metadata="embedded", ports=[{"name": "web", "instance": fields}])


def boot(**fields: Any) -> dict[str, Any]:
    return subnet(boot={"bootfile": "x", "tftp_server": "10.0.0.2", **fields})


def forward(**fields: Any) -> dict[str, Any]:
    document = network(subnets=[{"cidr": "10.0.0.0/24", "gateway": "10.0.0.1"}])
    uplink = {"device": "eth1", "addresses": ["198.51.100.2/24"], "gateways": ["198.51.100.1"]}
    routers = [
        {"name": "edge", "networks": ["blue"], "uplink": uplink, "port_forwards": [{"to": "10.0.0.11", **fields}]}
    ]
    return {**document, "routers": routers}


def addresses(count: int, v6: bool = False) -> list[str]:
    return [f"2001:db8:1::{n:x}" if v6 else f"192.0.2.{n}" for n in range(1, count + 1)]


def digits(count: int) -> str:
    return ":".join(["01"] * count)


def vendor_data(octets: int) -> dict[str, str]:
    return {"a": "x" * (octets - len(json.dumps({"a": ""}, separators=(",", ":"))))}


Make = Callable[[Any], dict[str, Any]]

FIELDS: dict[str, tuple[Make, list[Any], list[Any]]] = {
    "| `name` | text, 1 to 255 printable characters | required |": (
        lambda v: network(name=v), ["a", "a" * 255, "ä" * 255], ["", "a" * 256, "a\n"],
    ),
    "| `mtu` | bytes, 68 to 65535 | 1500 |": (lambda v: network(mtu=v), [68, 65535], [67, 65536]),
    "| `guest_rate` | queries a second, 0 to 1000000 | 1000 |": (
        lambda v: network(dns={"guest_rate": v}), [0, 1_000_000], [-1, 1_000_001],
    ),
    "IPv4 block, /8 to /32,": (lambda v: network(subnets=[{"cidr": v}]), ["10.0.0.0/8", "10.0.0.1/32"], ["10.0.0.0/7", "10.0.0.1/33"]),
    "IPv6 block, /16 to /128, without host bits": (
        lambda v: network(subnets=[{"cidr": v}]), ["2001::/16", "2001:db8::5/128"], ["2000::/15", "2001:db8::1/64", "10.0.0.1/24"],
    ),
    "same version of IP, 63 at most": (
        lambda v: subnet(dns_servers=v, ntp_servers=v), [addresses(63)], [addresses(64), addresses(1, v6=True)],
    ),
    "(IPv6: 60)": (lambda v: subnet6(dns_servers=v, ntp_servers=v), [addresses(60, v6=True)], [addresses(61, v6=True), addresses(1)]),
    "| `lease_time` | seconds, 4 to 4294967295 (for ever) | 86400 |": (
        lambda v: subnet(lease_time=v), [4, 4294967295], [3, 4294967296],
    ),
    "| `bootfile_url` | URL, 1 to 1000 bytes |": (
        lambda v: subnet6(bootfile_url=v), ["tftp://h/" + "a" * 991], ["", "tftp://h/" + "a" * 992],
    ),
    "| `ipxe_bootfile_url` | URL, 1 to 1000 bytes |": (
        lambda v: subnet6(ipxe_bootfile_url=v), ["http://h/" + "a" * 991], ["", "http://h/" + "a" * 992],
    ),
    "between them or not, 3 to 130 bytes": (lambda v: port(duid=v), [digits(3), digits(130), "010203"], [digits(2), digits(131)]),
    "or text without; 1 to 255 bytes": (lambda v: port(client_id=v), [digits(2), digits(255), "a" * 254, "x"], [digits(256), "a" * 256, ""]),
    "default `eth0`, at most 15 bytes,": (
        lambda v: port(plug={"netns": "a", "device": v}), ["a" * 15], ["a" * 16, "ä" * 8, "a b", "a/b", "a:b", "a%b", ""],
    ),
    "NAME is a file name of at most 255 bytes;": (
        lambda v: port(plug={"netns": v}), ["a" * 255], ["a" * 256, "qdhcp-x", "a/b", "."],
    ),
    "An id is 1 to 255 printable ASCII characters without a blank.": (
        lambda v: port(device_id=v, project_id=v), ["!", "a" * 255], ["", "a" * 256, "a b", "ä"],
    ),
    "| `user_data` | text | none | at most 1 MiB |": (
        lambda v: instance(user_data="x" * v), [1 << 20], [(1 << 20) + 1],
    ),
    "| `vendor_data`, `vendor_data2` | mappings | `{}` | as they are, in JSON; at most 1 MiB |": (
        lambda v: instance(vendor_data=vendor_data(v), vendor_data2=vendor_data(v)), [1 << 19], [(1 << 20) + 20],
    ),
    "| `token_hop_limit` | 1 to 64 | 1 |": (lambda v: instance(token_hop_limit=v), [1, 64], [0, 65]),
    "`port` (1 to 65535, required)": (lambda v: forward(port=v), [1, 65535], [0, 65536]),
    "a host name of at most 63 characters": (
        lambda v: boot(tftp_server=v), ["10.0.0.2", f"{'a' * 31}.{'a' * 31}"], [f"{'a' * 31}.{'a' * 32}", "2001:db8::1"],
    ),
    "| `bootfile` | text, 1 to 255 bytes |": (lambda v: boot(bootfile=v), ["a" * 255], ["", "a" * 256, "ä" * 128]),
    "| `http` | text, 1 to 255 bytes |": (lambda v: boot(http=v), ["http://h/" + "a" * 246], ["", "http://h/" + "a" * 247]),
    "| `ipxe` | text, 1 to 255 bytes |": (lambda v: boot(ipxe=v), ["a" * 255], ["", "a" * 256]),
    "`architectures` are numbers from 0 to 65535,": (
        lambda v: boot(by_architecture=[{"architectures": [v], "bootfile": "y"}]), [0, 65535], [-1, 65536],
    ),
    "A network with IPv6 has an `mtu` of 1280 or more.": (
        lambda v: network(mtu=v, subnets=[{"cidr": "2001:db8::/64"}]), [1280], [1279],
    ),
    "`slaac` and `dhcpv6-stateless` take a /64.": (
        lambda v: network(subnets=[{"cidr": v[1], "address_mode": v[0]}]),
        [("slaac", "2001:db8::/64"), ("dhcpv6-stateless", "2001:db8::/64"), ("dhcpv6-stateful", "2001:db8::/65")],
        [(mode, f"2001:db8::/{n}") for mode in ("slaac", "dhcpv6-stateless") for n in (63, 65)],
    ),
    "keys are the names of the IANA registry, of ISC dhcpd or of dnsmasq, or numbers from 1 to 254.": (
        lambda v: port(dhcp_options={v: {"hex": "01"}}), ["1", "254", "224"], ["0", "255"],
    ),
    "Options that are part of the conversation itself (50, 52 to 55, 57, 61, 80, 82, 118) are errors.": (
        lambda v: port(dhcp_options={str(v): {"hex": "01"}}),
        [49, 51, 56, 58, 60, 62, 79, 81, 83, 117, 119], [50, 52, 53, 54, 55, 57, 61, 80, 82, 118],
    ),
    "part of the conversation (1 to 9, 11 to 14, 18 to 20, 25, 26, those of relays) are errors.": (
        lambda v: port(dhcp6_options={str(v): {"hex": "01"}}),
        [15, 16, 17, 21, 22, 23, 24, 27, 31, 56, 59], [*range(1, 10), *range(11, 15), 18, 19, 20, 25, 26, 37, 38],
    ),
    "no host name (12)": (lambda v: subnet(dhcp_options={v: "x"}), ["15"], ["12", "host-name"]),
    "with a port where it is not 53": (
        lambda v: network(dns={"forward_to": [v]}), ["192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353"],
        ["192.0.2.53:0", "192.0.2.53:65536", "x"],
    ),
    "To name them twice, in `forward_to` too, is an error,": (
        lambda v: network(dns=v, subnets=[{"cidr": "10.0.0.0/24", "dns_servers": ["192.0.2.53"]}]),
        [True, {"allow_private": True}], [{"forward_to": ["192.0.2.54"]}, {"forward": False}],
    ),
}  # fmt: skip


def loaded(document: Any, directory: Path) -> Intent:
    path = directory / "intent.json"
    path.write_text(json.dumps(document, ensure_ascii=False))
    return load(path)


@pytest.mark.parametrize("quote", FIELDS)
def test_a_field_takes_what_is_said_and_no_more(quote: str, tmp_path: Path) -> None:
    make, good, bad = FIELDS[quote]
    for value in good:
        loaded(make(value), tmp_path)
    for value in bad:
        with pytest.raises(IntentError):
            loaded(make(value), tmp_path)


@holds("| 1500 | of the devices, and sent to the guests |")
@holds("| 1000 | what one guest may ask; 0: no limit |")
@holds("(for ever) | 86400 |")
@holds("| 1 to 64 | 1 | IP TTL of the answer that carries a token |")
def test_defaults(tmp_path: Path) -> None:
    document = network(dns=True, metadata="embedded", ports=[{"name": "web", "instance": {}}])
    (found,) = loaded(document, tmp_path).networks.values()
    (web,) = found.ports.values()
    assert found.dns is not None and web.instance is not None
    assert (found.mtu, found.dns.guest_rate) == (1500, 1000)
    assert (found.subnets[0].lease_time, web.instance.token_hop_limit) == (86400, 1)


@holds("The file holds one document in UTF-8, or in UTF-16 with its mark:")
def test_one_document_in_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "intent.yaml"
    for data in (b"networks: []\n---\nnetworks: []\n", "# ä\nnetworks: []".encode("latin-1")):
        path.write_bytes(data)
        with pytest.raises(IntentError):
            load(path)
    for encoding in ("utf-8", "utf-16"):
        path.write_text("# ä\nnetworks: []\n", encoding=encoding)
        assert not load(path).networks


@holds("Plain words mean what YAML **1.2** says:")
def test_plain_words(tmp_path: Path) -> None:
    path = tmp_path / "intent.yaml"
    for word in ("no", "on", "yes", "12:34:56:11:22:33"):
        path.write_text(f"networks: [{{name: {word}}}]")
        assert [one.name for one in load(path).networks.values()] == [word]
    for word in ("true", "null", "007", "1e3"):
        path.write_text(f"networks: [{{name: {word}}}]")
        with pytest.raises(IntentError):
            load(path)


@holds("A key that appears twice in a mapping is an error.")
def test_a_key_twice(tmp_path: Path) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text("networks:\n  - name: a\n    name: a\n")
    with pytest.raises(IntentError):
        load(path)


@holds("together, aliases may add a million values.")
@holds("Nesting ends at 32 levels, the file at 256 MiB.")
def test_sizes_of_a_file(tmp_path: Path) -> None:
    assert (located_yaml.ALIASED_NODES_MAX, located_yaml.DEPTH_MAX, read.SIZE_MAX) == (1_000_000, 32, 256 << 20)
    path = tmp_path / "intent.yaml"
    for levels in (32, 33):
        path.write_text("networks: " + "[" * (levels - 1) + "]" * (levels - 1))
        with pytest.raises(IntentError) as refused:
            load(path)
        assert ("deep" in str(refused.value)) == (levels > 32), str(refused.value)
    path.touch()
    with path.open("r+b") as file:
        file.truncate((256 << 20) + 1)
    with pytest.raises(IntentError, match=str(256 << 20)):
        load(path)


def subnets_of(found: Network) -> list[Subnet | Subnet6]:
    return [*found.subnets, *found.subnets6]


@holds("A block of two addresses (/31, RFC 3021; /127, RFC 6164) has neither of these:")
@holds("one is netmend's own, one a guest's.")
@holds("A block of one (/32, /128) is its guest's, and netmend's own address is outside:")
def test_small_blocks(tmp_path: Path) -> None:
    for pair in ("10.0.0.2/31", "2001:db8::2/127"):
        guest = str(ip_network(pair)[1])
        document = network(subnets=[{"cidr": pair}], ports=[{"name": "web", "fixed_ips": [guest]}])
        (found,) = loaded(document, tmp_path).networks.values()
        assert [one.server_address for one in subnets_of(found)] == [ip_network(pair)[0]]
    for one in ("10.0.0.2/32", "2001:db8::2/128"):
        document = network(subnets=[{"cidr": one}], ports=[{"name": "web", "fixed_ips": [one.partition("/")[0]]}])
        (found,) = loaded(document, tmp_path).networks.values()
        (server,) = (one.server_address for one in subnets_of(found))
        assert server in ip_network("169.254.0.0/16" if server.version == 4 else "fd6e:6574:6d65:6e64::/64")


@holds("A MAC that is made from an id has 40 bits of it.")
def test_a_mac_made_of_an_id(tmp_path: Path) -> None:
    found = []
    for flipped in range(128):
        document = port(id=str(UUID(int=(0x0123456789AB4DEF8123456789ABCDEF ^ 1 << flipped))))
        (blue,) = loaded(document, tmp_path).networks.values()
        (web,) = blue.ports.values()
        found.append(web.mac)
    assert all(re.fullmatch(r"fa(:[0-9a-f]{2}){5}", mac) for mac in found)
    assert len(set(found)) == 41  # the MAC of the id itself, and one for each of 40 bits


@holds("`x86-bios` (0), `x86-uefi` (6), `x64-uefi` (7),")
def test_names_of_architectures(tmp_path: Path) -> None:
    text = (DOCUMENTS / "intent-file.md").read_text()
    named = re.findall(r"`([\w-]+)` \((\d+)\)", text[text.index("`x86-bios` (0)") :].partition("\n\n")[0])
    assert len(named) == 15
    for name, number in named:
        found = [
            loaded(boot(by_architecture=[{"architectures": [one], "bootfile": "y"}]), tmp_path)
            for one in (name, int(number))
        ]
        assert found[0] == found[1], name
    everything = [name for name, _ in named]
    loaded(boot(by_architecture=[{"architectures": everything, "bootfile": "y"}]), tmp_path)
    with pytest.raises(IntentError, match="architectures"):
        loaded(boot(by_architecture=[{"architectures": ["nonsense"], "bootfile": "y"}]), tmp_path)


@holds("All of them are printed at once, up to 50.")
def test_so_many_problems_are_in_words(tmp_path: Path) -> None:
    for count, said in ((50, 50), (60, 50)):
        with pytest.raises(IntentError) as refused:
            loaded({"networks": [{"name": f"n{n}", "mtu": 0} for n in range(count)]}, tmp_path)
        assert sum("mtu" in problem.field for problem in refused.value.problems) == said


@holds("Items of lists go by their names, else by their index from 0.")
def test_how_items_are_called(tmp_path: Path) -> None:
    with pytest.raises(IntentError) as refused:
        loaded({"networks": [{"mtu": 0}, {"name": "b", "mtu": 0}]}, tmp_path)
    fields = {problem.field for problem in refused.value.problems}
    assert {"networks[0].mtu", "networks[b].mtu"} <= fields


@holds("names of devices hold the first 11 characters of an id,")
def test_ids_that_begin_alike(tmp_path: Path) -> None:
    def ports(first: str, second: str) -> dict[str, Any]:
        rest = "-4000-8000-00000000000"
        tap = {"tap": {"owner": 0}}
        return network(
            ports=[{"name": f"p{n}", "id": f"{one}{rest}{n}", "plug": tap} for n, one in enumerate((first, second))]
        )

    loaded(ports("0a1b2c3d-0a00", "0a1b2c3d-0b00"), tmp_path)
    with pytest.raises(IntentError):
        loaded(ports("0a1b2c3d-0a00", "0a1b2c3d-0a11"), tmp_path)


METADATA, DNS, SENDERS = MetadataLimits(), DnsLimits(), SenderLimits()

LIMITS: dict[str, dict[str, tuple[Any, Any]]] = {
    "intent-file.md": {},
    "dhcp4.md": {
        "offers are held for 30 s": (table.OFFER_HOLD, 30),
        "kept from everybody for 10 minutes": (table.DECLINE_HOLD, 10 * 60),
        "at most 2,048 octets are looked at": (dhcp4_wire.DATAGRAM_LIMIT, 2048),
        "1,024 renderings a network": (dhcp4_responder.RENDERINGS, 1024),
        "65,536 bindings a subnet": (table.CAPACITY, 65_536),
        "a port: 50 a second, 100 at once;": ((SENDERS.port_rate, SENDERS.port_burst), (50, 100)),
        "all strangers of a network: 200 a second, 400 at once": ((SENDERS.strangers_rate, SENDERS.strangers_burst), (200, 400)),
        "16 datagrams, then": (SENDERS.turn, 16),
    },
    "dhcp6.md": {
        "kept from everybody for 10 minutes": (table.DECLINE_HOLD, 10 * 60),
        "nine envelopes (hop count 8)": (dhcp6_wire.HOP_COUNT_LIMIT, 8),
        "600 s at least": (times.REFRESH_LEAST, 600),
        "INF_MAX_RT (83): 120 s": (times.MAX_RT, 120),
        "with a lifetime of half an hour": (advertisement.ROUTER_LIFETIME, 1800),
        "every 200 to 600 s": ((advertisement.INTERVAL / 3, advertisement.INTERVAL), (200, 600)),
        "three at 16 s": (advertiser.INITIAL_INTERVAL, 16),
        "within half a second; to all where it has no address, at most every 3 s": ((advertiser.DELAY_MOST, advertiser.DELAY_BETWEEN), (0.5, 3)),
        "at most 2,048 octets are looked at": (dhcp6_wire.DATAGRAM_LIMIT, 2048),
        "1,024 renderings a network": (dhcp6_responder.RENDERINGS, 1024),
        "65,536 bindings a subnet": (table.CAPACITY, 65_536),
        "a port 50 a second, 100 at once;": ((SENDERS.port_rate, SENDERS.port_burst), (50, 100)),
        "all strangers of a network 200 a second, 400 at once": ((SENDERS.strangers_rate, SENDERS.strangers_burst), (200, 400)),
        "64 answers wait at once": (advertiser.PENDING, 64),
        "as a port it may send 50 messages a second, else it has a share of the strangers' 200": (
            (SENDERS.port_rate, SENDERS.strangers_rate), (50, 200),
        ),
    },
    "dns.md": {
        "TTL 30 s": (dns_responder.LOCAL_TTL, 30),
        "read again when it changes; at most 3": (host_resolvers._SERVERS_MAX, 3),
        "after 8 datagrams that are none": (forwarder._WRONG_MAX, 8),
        "the next after 0.8 s": (forwarder.TRIES[0], 0.8),
        "no answer in 4.5 s: SERVFAIL": (round(sum(forwarder.TRIES), 3), 4.5),
        "last choice for 10 s": (forwarder._SHUNNED, 10),
        "at most a day": (cache.TTL_MAX, 24 * 3600),
        "at most 3 h": (cache.NEGATIVE_TTL_MAX, 3 * 3600),
        "failures are kept for 5 s": (cache.FAILURE_TTL, 5),
        "and 1,232 octets": (dns_wire.EDNS_SIZE, 1232),
        "closed after 10 s of nothing": (DNS.idle, 10),
        "2,048 answers, 512 KiB; 4,096 queries": ((cache.ENTRIES_MAX, cache.OCTETS_MAX, dns_responder.REMEMBERED), (2048, 512 << 10, 4096)),
        "64 questions of a guest under way, 256 of a network, 1,024 of the node": (
            (DNS.forwards_of_guest, DNS.forwards_of_network, DNS.forwards_of_node), (64, 256, 1024),
        ),
        "8 of a guest, 64 of a network (the idle make room), 1,024 of the node; 32 queries": (
            (DNS.connections_of_guest, DNS.connections_of_network, DNS.connections_of_node, DNS.queries_of_connection), (8, 64, 1024, 32),
        ),
        "a message is there in 5 s once begun": (DNS.message, 5),
        "16 datagrams, or 2 messages of a connection": ((DNS.turn, DNS.turn_of_connection), (16, 2)),
        "An answer over 8 KiB is not kept": (cache.ENTRY_MAX, 8 << 10),
    },
    "metadata.md": {
        "lists (1.0 to 2024-04-11)": ((versions.EC2[0], versions.EC2[-1]), ("1.0", "2024-04-11")),
        "Nova's versions (2012-08-10 to 2025-04-04": ((versions.OPENSTACK[0], versions.OPENSTACK[-1]), ("2012-08-10", "2025-04-04")),
        "(POST, 1020 bytes)": (openstack.PASSWORD_MAX, 1020),
        "200, 400, 403, 404, 409, 429, 500, 502, 503, 504 pass": (nova._PASSED | {200}, {200, 400, 403, 404, 409, 429, 500, 502, 503, 504}),
        "left alone for 5 s": (nova._AVOID, 5),
        "8 requests of a network are in flight, 256 of all": ((METADATA.in_flight, METADATA.nova_connections), (8, 256)),
        "answers over 4 MiB": (nova._ANSWER_MAX, 4 << 20),
        "One endpoint that is slow (30 s;": (MetadataProxy.__dataclass_fields__["answer_time"].default, 30),
        "answers with 502 to 504, is asked once": (nova._ELSEWHERE, {502, 503, 504}),
        "50 a second, 300 at once; all strangers": ((METADATA.guest_rate, METADATA.guest_burst), (50, 300)),
        "100 a second, 600 at once; 8 open": ((METADATA.connection_rate, METADATA.connection_burst, METADATA.guest_connections), (100, 600, 8)),
        "| 128 open |": (METADATA.network_connections, 128),
        "4,096 open, but each network has 4": ((METADATA.connections, METADATA.spared_connections), (4096, 4)),
        "| 200 a second | its sockets are not heard for 50 ms": ((METADATA.refusals_rate, METADATA.rest), (200, 0.05)),
        "| a header, or a body | 10 s |": (METADATA.request_time, 10),
        "| a connection | 120 s; 20 s for": ((METADATA.connection_time, METADATA.taking_time), (120, 20)),
        "a line of 4,096 bytes, 64 headers, a body of 64 KiB": ((METADATA.line, METADATA.headers, METADATA.body), (4096, 64, 64 << 10)),
        "| 4 connections from a socket; 8 KiB and 32 requests from a connection |": (
            (METADATA.accepts, 2 * RECEIVE_BUFFER, web_protocol.MAX_MSG_QUEUE_SIZE), (4, 8 << 10, 32),
        ),
    },
}  # fmt: skip
"""Quotes, and the constants that they state with their values; that these do what the rows say, the rows' own tests hold."""

ELSEWHERE: dict[str, dict[str, str]] = {
    "intent-file.md": {
        "| `version` | 4, 6 |": "unit/sources/file/test_build_security_group.py::test_a_rule",
        "or 0 to 255; `icmp` with `version: 6`": "unit/sources/file/test_build_security_group.py::test_a_rule_that_is_wrong",
        "| `icmp_type`, `icmp_code` | 0 to 255 |": "unit/sources/file/test_build_security_group.py::test_a_rule_that_is_wrong",
        "Option 121 then says to guests that the router is on the link,": "unit/services/dhcp4/test_options.py::test_a_router_outside_the_block_is_on_the_link",
        "the router lifetime of its own advertisements is 0,": "unit/services/dhcp6/ra/test_advertisement.py::test_netmend_is_no_default_router",
        "port 80, and its IPv4 subnets tell guests the way (option 121),": "unit/services/dhcp4/test_options.py::test_another_way_to_metadata_wins",
        "for guests that tell their architecture (option 93, RFC 4578)": "unit/services/dhcp4/test_options.py::TestBoot",
        "Exit code 0 and one line of counts on standard output": "unit/cli/test_check.py::test_a_good_file",
        "or 2 and the problems on standard error.": "unit/cli/test_check.py::test_a_bad_file",
        "`line` is 0 and `field` empty where there is none;": "unit/cli/test_check.py::test_no_file",
    },
    "dhcp4.md": {
        "the stranger is refused when it renews, half a lease time later at most.": "unit/services/dhcp4/test_dynamic.py::test_a_lease_whose_address_became_a_ports_is_refused_then_replaced",
        "option 54 is netmend's own address.": "unit/services/dhcp4/test_reserved.py::test_header_is_that_of_table_3",
    },
    "dhcp6.md": {
        "within 20 ms (p99), on two cores": "peers/test_dhcp6_flood.py::P99",
        "One Release or Decline of a port's address is only noted:": "unit/services/dhcp6/test_reserved.py::TestReleaseAndDecline",
    },
    "dns.md": {
        "the name that it sent to DHCP (option 12 or 81, DHCPv6's 39)": "unit/services/dns/test_directory_leases.py::test_a_guest_that_is_no_port_has_the_name_that_it_sent",
        "must stay below 20 ms.": "peers/test_dns_flood.py::P99",
        "client subnet (7871; its option is not passed on)": "faults/known_attacks/test_attacks_on_dns.py::test_cve_2026_4893_a_guest_s_client_subnet_is_neither_passed_on_nor_believed",
    },
    "metadata.md": {
        "option 121 (and 249) carries": "unit/services/dhcp4/test_options.py::test_the_way_to_metadata_is_by_the_server",
        "(1 to 21600) gives a token": "unit/services/metadata/test_ec2.py::test_its_life_must_be_1_to_21600_seconds",
        "has an IP TTL of 1": "unit/services/metadata/test_ec2.py::test_a_token_is_issued_and_accepted",
        "Neutron answers a status that it does not know with 500 or not at all; this is 502.": "unit/services/metadata/io/test_nova.py::test_other_status_codes_are_a_bad_gateway",
        "to 20 ms at the 99th percentile,": "peers/test_metadata_attack.py::BOUND",
    },
}
"""Quotes, and the test that holds each: a file below tests/, and a name in it."""

NO_VALUE: dict[str, tuple[str, ...]] = {
    "metadata.md": (
        "`tools/nova` fetches it (some 500 MB).",
        "by way of Nova 34.0.0",
        "cloud-init 22.4 of Debian 12",
        "cloudbase-init 1.1.9",
    ),
}
"""Sentences whose numbers say nothing of what netmend does."""


def text_of(document: str) -> str:
    return " ".join((DOCUMENTS / document).read_text().split())


def quotes(document: str) -> list[str]:
    """What is held of a document."""
    here = [*FIELDS, *HERE] if document == "intent-file.md" else []
    return [*here, *LIMITS[document], *ELSEWHERE[document], *NO_VALUE.get(document, ())]


@pytest.mark.parametrize("document", NAMES)
def test_every_statement_of_a_value_is_held(document: str) -> None:
    held = quotes(document)
    found = with_values(document)
    assert found
    assert [one for one in found if not any(quote in one for quote in held)] == []


@pytest.mark.parametrize("document", NAMES)
def test_every_quote_stands_in_its_document(document: str) -> None:
    text = text_of(document)
    assert [quote for quote in quotes(document) if quote not in text] == []


@pytest.mark.parametrize("document", NAMES)
def test_limits_are_what_is_said(document: str) -> None:
    said = {quote: value for quote, (value, wanted) in LIMITS[document].items() if value != wanted}
    assert said == {}


@pytest.mark.parametrize("document", NAMES)
def test_tests_elsewhere_are_there(document: str) -> None:
    for named in ELSEWHERE[document].values():
        file, _, name = named.partition("::")
        source = (DOCUMENTS.parent / "tests" / file).read_text()
        assert re.search(rf"^\s*(?:def|class) {name}\b|^{name}\b", source, re.MULTILINE), named


def test_a_statement_without_a_check_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text(
        "# Of 3\nA guest (RFC 2131 §3) has 5 ports. IPv4 is `7`.\n\n| a | b |\n|---|---|\n| x | at most 9 |\n"
        "| y | 8 | `reserved::test_x` |\n\n```yaml\nmtu: 1500\n```\n- One is twice as many.\n- It has none.\n"
    )
    monkeypatch.setattr("tests.unit.documented.statements.DOCUMENTS", tmp_path)
    assert with_values("x.md") == ["A guest (RFC 2131 §3) has 5 ports.", "| x | at most 9 |", "One is twice as many."]
