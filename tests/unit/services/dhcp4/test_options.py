"""What a reply says: each option, the order, and what the client's wishes change."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.services.dhcp4.guest import (
    ACK,
    DISCOVER,
    INFORM,
    MAC,
    OFFER,
    REQUEST,
    Seen,
    Server,
    network,
    port,
    subnet,
)

from netmend.intent import Boot, BootByArchitecture, Dns, Route
from netmend.services.dhcp4 import Drop

ADDRESS = "192.0.2.10"
SERVER = "192.0.2.2"


def offer(
    subnet_says: dict[str, Any] | None = None,
    port_says: dict[str, Any] | None = None,
    network_says: dict[str, Any] | None = None,
    **asked: Any,
) -> Seen:
    intent = network(
        subnet(**(subnet_says or {})), ports=[port(MAC, ADDRESS, **(port_says or {}))], **(network_says or {})
    )
    return Server(intent).ask(DISCOVER, **asked)


FULL: dict[str, Any] = {
    "dns_servers": (IPv4Address("192.0.2.53"), IPv4Address("198.51.100.53")),
    "domain": "example.org",
    "ntp_servers": (IPv4Address("192.0.2.123"),),
    "routes": (Route(IPv4Network("10.0.0.0/8"), IPv4Address("192.0.2.3")),),
}


class TestWhatASubnetSays:
    def test_to_a_client_without_wishes_everything(self) -> None:
        seen = offer(FULL, {"hostname": "vm1"}, {"mtu": 1442})
        assert seen.options[1] == bytes((255, 255, 255, 0))
        assert seen.options[3] == bytes((192, 0, 2, 1))
        assert seen.options[6] == bytes((192, 0, 2, 53, 198, 51, 100, 53))
        assert seen.options[12] == b"vm1"
        assert seen.options[15] == b"example.org"
        assert seen.options[26] == (1442).to_bytes(2, "big")
        assert seen.options[28] == bytes((192, 0, 2, 255))
        assert seen.options[42] == bytes((192, 0, 2, 123))
        assert {51, 53, 54, 58, 59} <= set(seen.options)

    def test_nothing_about_what_it_has_not(self) -> None:
        seen = offer({"gateway": None})
        assert not {3, 6, 12, 15, 42, 66, 67, 121, 249} & set(seen.options)

    def test_a_lease_without_end_has_no_renewal_times(self) -> None:
        seen = offer({"lease_time": 0xFFFFFFFF})
        assert seen.options[51] == b"\xff" * 4
        assert not {58, 59} & set(seen.options)


class TestNames:
    """Where netmend answers names on a network, its guests are told so."""

    def test_netmend_is_the_server_and_its_domain_the_guests(self) -> None:
        seen = offer(network_says={"dns": Dns("office.example")})
        assert seen.options[6] == bytes((192, 0, 2, 2))
        assert seen.options[15] == b"office.example"

    def test_what_the_subnet_names_wins(self) -> None:
        seen = offer(FULL, network_says={"dns": Dns("office.example")})
        assert seen.options[6] == bytes((192, 0, 2, 53, 198, 51, 100, 53))
        assert seen.options[15] == b"example.org"

    def test_a_change_is_told_at_once(self) -> None:
        server = Server(network(subnet(), ports=[port(MAC, "192.0.2.10")]))
        assert 6 not in server.ask(DISCOVER).options
        server.responder.update(network(subnet(), ports=[port(MAC, "192.0.2.10")], dns=Dns()))
        assert server.ask(DISCOVER).options[6] == bytes((192, 0, 2, 2))


CHAIN = Boot(
    "192.0.2.66",
    "undionly.kpxe",
    (BootByArchitecture(frozenset((7,)), "ipxe.efi"), BootByArchitecture(frozenset((16,)), "http://b/ipxe16.efi")),
    http="http://b/ipxe.efi",
    ipxe="http://b/boot.ipxe",
)
UEFI, HTTP_CLIENT = (93, b"\0\7"), (60, b"HTTPClient:Arch:00019:UNDI:003001")
CLIENTS = {
    "BIOS": ((), b"undionly.kpxe"),
    "UEFI": ((UEFI,), b"ipxe.efi"),
    "HTTP boot": ((HTTP_CLIENT,), b"http://b/ipxe.efi"),
    "HTTP boot of an architecture": ((HTTP_CLIENT, (93, b"\0\x10")), b"http://b/ipxe16.efi"),
    "iPXE under BIOS": (((175, b"\xb1\2\1\2"),), b"http://b/boot.ipxe"),
    "iPXE under UEFI": ((UEFI, (175, b"\xb1\2\1\2")), b"http://b/boot.ipxe"),
    "iPXE by its user class": ((UEFI, (77, b"iPXE")), b"http://b/boot.ipxe"),
    "iPXE by its user class with a length": (((77, b"\4iPXE"),), b"http://b/boot.ipxe"),
    "another user class": (((77, b"\4gPXE"),), b"undionly.kpxe"),
}


@pytest.mark.parametrize(("more", "bootfile"), CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize("of", ["subnet", "port"])
def test_each_stage_of_a_boot_chain_has_its_file(of: str, more: tuple[tuple[int, bytes], ...], bootfile: bytes) -> None:
    says = {"boot": CHAIN}
    seen = offer(says, {}, more=more) if of == "subnet" else offer({}, says, more=more)
    assert seen.options[67] == bootfile
    assert bytes(seen.bootp.file).rstrip(b"\0") == bootfile


class TestOptionsOfASubnet:
    SAYS: dict[str, Any] = {"dhcp_options": ((150, b"\1\2\3\4"), (252, b"http://w/wpad.dat"))}

    def test_all_guests_get_them(self) -> None:
        says = self.SAYS | {"dynamic": True}
        server = Server(network(subnet(**says), ports=[port(MAC, ADDRESS)]))
        for mac in (MAC, "02:00:00:00:ff:01"):
            assert {150, 252} <= set(server.ask(DISCOVER, mac=mac, wanted=[1, 3]).options)

    def test_a_port_wins(self) -> None:
        seen = offer(self.SAYS, {"dhcp_options": ((150, b""), (252, b"own"))})
        assert 150 not in seen.options and seen.options[252] == b"own"

    def test_they_win_over_other_fields(self) -> None:
        assert offer({"dhcp_options": ((42, b"\1\1\1\1"), (3, b""))}).options[42] == b"\1\1\1\1"
        assert 3 not in offer({"dhcp_options": ((3, b""),)}).options

    def test_a_port_s_boot_and_iPXE_s_win_over_their_boot_file(self) -> None:
        says = {"dhcp_options": ((66, b"192.0.2.99"), (67, b"subnet")), "boot": CHAIN}
        assert offer(says).options[67] == b"subnet"
        assert offer(says, {"boot": Boot("192.0.2.66", "port")}).options[67] == b"port"
        assert offer(says, more=((175, b"\xb1\2\1\2"),)).options[67] == b"http://b/boot.ipxe"

    def test_a_change_is_told_at_once(self) -> None:
        server = Server(network(subnet(), ports=[port(MAC, ADDRESS)]))
        assert 252 not in server.ask(DISCOVER).options
        server.responder.update(network(subnet(**self.SAYS), ports=[port(MAC, ADDRESS)]))
        assert server.ask(DISCOVER).options[252] == b"http://w/wpad.dat"


class TestClasslessRoutes:
    """RFC 3442: a client that gets option 121 ignores option 3, so the default route must be in it."""

    ROUTES = bytes((8, 10, 192, 0, 2, 3)) + bytes((0, 192, 0, 2, 1))

    def test_routes_and_the_default(self) -> None:
        seen = offer(FULL, wanted=[121, 249, 3])
        assert seen.options[121] == seen.options[249] == self.ROUTES
        assert seen.options[3] == bytes((192, 0, 2, 1))

    def test_a_default_route_among_them_stands_alone(self) -> None:
        default = Route(IPv4Network("0.0.0.0/0"), IPv4Address("192.0.2.9"))
        assert offer({"routes": (default,)}).options[121] == bytes((0, 192, 0, 2, 9))

    def test_no_gateway_no_default(self) -> None:
        assert offer(FULL | {"gateway": None}).options[121] == self.ROUTES[:6]

    @pytest.mark.parametrize("gateway", ["169.254.0.1", "198.51.100.1"])
    def test_a_router_outside_the_block_is_on_the_link(self, gateway: str) -> None:
        router = IPv4Address(gateway).packed
        seen = offer({"gateway": IPv4Address(gateway)}, wanted=[121, 3])
        assert seen.options[121] == b"\x20" + router + bytes(4) + b"\0" + router
        assert seen.options[3] == router

    def test_a_router_outside_that_has_a_route_already(self) -> None:
        block, router = IPv4Network("198.51.100.0/24"), IPv4Address("198.51.100.1")
        says = {"gateway": router, "routes": (Route(block, IPv4Address(0)),)}
        assert offer(says).options[121] == bytes((24, 198, 51, 100, 0, 0, 0, 0)) + b"\0" + router.packed

    def test_the_router_is_told_no_way_through_itself(self) -> None:
        intent = network(subnet(**FULL), ports=[port(MAC, "192.0.2.1")])
        seen = Server(intent).ask(DISCOVER)
        assert seen.yiaddr == "192.0.2.1" and not {3, 121, 249} & set(seen.options)

    def test_a_block_of_two_has_no_broadcast_address_rfc3021(self) -> None:
        block = IPv4Network("192.0.2.8/31")
        two = replace(subnet(), cidr=block, server_address=block[0], gateway=IPv4Address("169.254.0.1"), pools=())
        seen = Server(network(two, ports=[port(MAC, "192.0.2.9")])).ask(DISCOVER)
        assert seen.yiaddr == "192.0.2.9" and seen.options[1] == bytes((255, 255, 255, 254))
        assert 28 not in seen.options

    def test_a_block_of_one_has_router_and_server_on_the_link(self) -> None:
        block, router, own = IPv4Network("192.0.2.9/32"), IPv4Address("169.254.0.1"), IPv4Address("169.254.3.10")
        one = replace(subnet(), cidr=block, server_address=own, gateway=router, pools=())
        seen = Server(network(one, ports=[port(MAC, "192.0.2.9")])).ask(DISCOVER)
        assert (seen.yiaddr, seen.options[1], seen.options[54]) == ("192.0.2.9", bytes((255,)) * 4, own.packed)
        on_link = [bytes((32,)) + address.packed + bytes(4) for address in (own, router)]
        assert seen.options[121] == b"".join(on_link) + b"\0" + router.packed
        assert 28 not in seen.options

    METADATA = bytes((32, 169, 254, 169, 254)) + bytes((192, 0, 2, 2))

    def test_the_way_to_metadata_is_by_the_server(self) -> None:
        seen = offer({"metadata_route": True}, wanted=[121, 249, 3])
        assert seen.options[121] == seen.options[249] == self.METADATA + bytes((0, 192, 0, 2, 1))
        assert seen.options[3] == bytes((192, 0, 2, 1))

    def test_it_needs_no_gateway(self) -> None:
        seen = offer({"metadata_route": True, "gateway": None}, wanted=[121, 3])
        assert seen.options[121] == self.METADATA
        assert 3 not in seen.options

    def test_another_way_to_metadata_wins(self) -> None:
        own = Route(IPv4Network("169.254.169.254/32"), IPv4Address("192.0.2.9"))
        seen = offer({"metadata_route": True, "routes": (own,), "gateway": None})
        assert seen.options[121] == bytes((32, 169, 254, 169, 254, 192, 0, 2, 9))


class TestParameterRequestList:
    def test_order_is_the_clients(self) -> None:
        seen = offer(FULL, {"hostname": "vm1"}, wanted=[42, 15, 12, 6, 3, 28])
        assert seen.order == [53, 54, 51, 58, 59, 1, 42, 15, 12, 6, 3, 28, 255]

    def test_the_mask_comes_before_the_router_rfc2132_3_3(self) -> None:
        order = offer(FULL, wanted=[3, 1]).order
        assert order.index(1) < order.index(3)

    def test_what_is_not_wanted_is_not_sent_and_what_is_wanted_twice_is_sent_once(self) -> None:
        seen = offer(FULL, {"hostname": "vm1"}, wanted=[6, 6, 200, 53, 51, 255, 0])
        assert seen.order == [53, 54, 51, 58, 59, 1, 6, 255]

    def test_what_the_operator_set_on_the_port_is_sent_even_so(self) -> None:
        seen = offer(FULL, {"dhcp_options": ((224, b"x"),)}, wanted=[6])
        assert seen.order == [53, 54, 51, 58, 59, 1, 6, 224, 255]


class TestPortOptions:
    def test_win_over_the_subnet(self) -> None:
        extra = ((6, bytes((203, 0, 113, 1))), (26, b"\x05\x00"), (12, b"other"))
        seen = offer(FULL, {"dhcp_options": extra, "hostname": "vm1"})
        assert (seen.options[6], seen.options[26], seen.options[12]) == tuple(payload for _, payload in extra)

    def test_an_empty_one_takes_the_option_away(self) -> None:
        seen = offer(FULL, {"dhcp_options": ((3, b""), (12, b"")), "hostname": "vm1"})
        assert not {3, 12} & set(seen.options)

    def test_a_lease_time_of_its_own_has_renewal_times_to_match(self) -> None:
        seen = offer({}, {"dhcp_options": ((51, (800).to_bytes(4, "big")),)})
        assert (seen.named["lease_time"], seen.named["renewal_time"], seen.named["rebinding_time"]) == (800, 400, 700)

    def test_a_long_one_is_sent_in_parts_rfc3396(self) -> None:
        seen = offer({}, {"dhcp_options": ((224, bytes(range(250)) * 2),)}, max_size=1500)
        assert seen.order.count(224) == 2
        assert seen.options[224] == bytes(range(250)) * 2

    def test_do_not_leak_to_a_port_that_differs_in_nothing_else(self) -> None:
        ports = [port(MAC, ADDRESS, hostname="a"), port("02:00:00:00:00:02", "192.0.2.11", hostname="b")]
        server = Server(network(subnet(), ports=ports))
        assert server.ask(DISCOVER, mac=MAC).options[12] == b"a"
        assert server.ask(DISCOVER, mac="02:00:00:00:00:02").options[12] == b"b"


class TestInform:
    def test_never_carries_times_not_even_the_ports_own(self) -> None:
        times = ((51, b"\0\0\1\0"), (58, b"\0\0\0\1"), (59, b"\0\0\0\2"))
        intent = network(subnet(), ports=[port(MAC, ADDRESS, dhcp_options=times)])
        seen = Server(intent).ask(INFORM, ciaddr=ADDRESS, wanted=[51, 58, 59, 3])
        assert seen.order == [53, 54, 1, 3, 255]


class TestEchoes:
    def test_the_client_identifier_rfc6842(self) -> None:
        assert offer(client_id=b"\x01" + b"i" * 60).options[61] == b"\x01" + b"i" * 60
        assert 61 not in offer().options

    @pytest.mark.parametrize("kind", [DISCOVER, REQUEST, INFORM])
    def test_the_relays_information_comes_last_rfc3046(self, kind: int) -> None:
        server = Server(network(subnet(), ports=[port(MAC, ADDRESS)]))
        information = b"\x01\x04eth0" * 10
        where = {"ciaddr": ADDRESS} if kind != DISCOVER else {}
        seen = server.ask(kind, giaddr="192.0.2.3", client_id=b"\x01me", more=[(82, information)], **where)
        assert seen.order[-3:] == [61, 82, 255]
        assert seen.options[82] == information


class TestAutoConfigure:
    """RFC 2563."""

    def test_an_offer_says_so_to_a_client_that_asks(self) -> None:
        assert offer(more=[(116, b"\x01")]).options[116] == b"\x01"
        assert 116 not in offer().options
        assert 116 not in offer(wanted=[116]).options

    def test_an_acknowledgement_does_not(self) -> None:
        server = Server(network(subnet(), ports=[port(MAC, ADDRESS)]))
        assert 116 not in server.ask(REQUEST, requested=ADDRESS, more=[(116, b"\x01")]).options

    def test_a_port_without_an_address_can_be_told_to_do_without(self) -> None:
        server = Server(network(subnet(), ports=[port(MAC, dhcp_options=((116, b"\x00"),))]))
        seen = server.ask(DISCOVER, more=[(116, b"\x01")])
        assert (seen.kind, seen.yiaddr, seen.options[116]) == (OFFER, "0.0.0.0", b"\x00")
        assert seen.to == ("255.255.255.255", 68)
        assert server.silent(DISCOVER) is Drop.NO_ADDRESS


class TestV6OnlyPreferred:
    """RFC 8925: only to a client that lists option 108."""

    def test_only_when_asked_for(self) -> None:
        says = {"dhcp_options": ((108, (1800).to_bytes(4, "big")),)}
        assert offer({}, says, wanted=[1, 108]).options[108] == (1800).to_bytes(4, "big")
        assert 108 not in offer({}, says, wanted=[1]).options
        assert 108 not in offer({}, says).options


class TestBoot:
    BOOT = Boot(
        "192.0.2.69",
        "pxelinux.0",
        (
            BootByArchitecture(frozenset({7, 9}), "grub.efi"),
            BootByArchitecture(frozenset({16}), "http://boot.example/x.efi", "boot.example"),
        ),
    )

    def test_server_address_and_file_in_header_and_options(self) -> None:
        seen = offer({"boot": self.BOOT}, wanted=[66, 67])
        assert seen.bootp.siaddr == "192.0.2.69"
        assert seen.bootp.file.rstrip(b"\0") == b"pxelinux.0"
        assert seen.bootp.sname.rstrip(b"\0") == b""
        assert (seen.options[66], seen.options[67]) == (b"192.0.2.69", b"pxelinux.0")

    def test_the_header_says_it_to_who_does_not_ask(self) -> None:
        seen = offer({"boot": self.BOOT}, wanted=[1])
        assert seen.bootp.file.rstrip(b"\0") == b"pxelinux.0"
        assert not {66, 67} & set(seen.options)

    def test_a_server_by_name_goes_to_sname(self) -> None:
        seen = offer({"boot": Boot("tftp.example", "x")})
        assert seen.bootp.sname.rstrip(b"\0") == b"tftp.example"
        assert seen.bootp.siaddr == "0.0.0.0"

    def test_the_next_server_is_the_headers_alone(self) -> None:
        seen = offer({"boot": Boot(next_server="192.0.2.7")}, wanted=[66])
        assert seen.bootp.siaddr == "192.0.2.7"
        assert 66 not in seen.options
        says = {"boot": Boot(next_server="192.0.2.7"), "dhcp_options": ((66, b"192.0.2.8"),)}
        seen = offer({}, says, wanted=[66])
        assert (seen.bootp.siaddr, seen.options[66]) == ("192.0.2.7", b"192.0.2.8")
        seen = offer({}, says, wanted=[1])
        assert (seen.bootp.siaddr, seen.bootp.sname.rstrip(b"\0")) == ("192.0.2.7", b"192.0.2.8")
        seen = offer({"boot": Boot("tftp.example", next_server="192.0.2.7")}, wanted=[1])
        assert (seen.bootp.siaddr, seen.bootp.sname.rstrip(b"\0")) == ("192.0.2.7", b"tftp.example")

    @pytest.mark.parametrize(
        ("architectures", "file"),
        [([0], b"pxelinux.0"), ([7], b"grub.efi"), ([0, 9], b"grub.efi"), ([], b"pxelinux.0")],
    )
    def test_the_file_goes_by_architecture_rfc4578(self, architectures: list[int], file: bytes) -> None:
        sent = b"".join(number.to_bytes(2, "big") for number in architectures)
        seen = offer({"boot": self.BOOT}, more=[(93, sent)])
        assert seen.bootp.file.rstrip(b"\0") == file

    def test_http_boot_gets_its_vendor_class_back(self) -> None:
        more = [(93, b"\x00\x10"), (60, b"HTTPClient:Arch:00016:UNDI:003001")]
        seen = offer({"boot": self.BOOT}, wanted=[1, 67], more=more)
        assert (seen.options[60], seen.options[67]) == (b"HTTPClient", b"http://boot.example/x.efi")
        assert seen.bootp.sname.rstrip(b"\0") == b"boot.example"
        assert 60 not in offer({"boot": self.BOOT}, more=[(60, b"PXEClient")]).options

    def test_the_ports_boot_wins_over_the_subnets_and_its_options_over_both(self) -> None:
        seen = offer({"boot": self.BOOT}, {"boot": Boot(None, "own")})
        assert (seen.bootp.siaddr, seen.bootp.file.rstrip(b"\0")) == ("0.0.0.0", b"own")
        says = {"boot": Boot(None, "own"), "dhcp_options": ((66, b"198.51.100.1"), (67, b"mine"))}
        seen = offer({"boot": self.BOOT}, says)
        assert (seen.bootp.siaddr, seen.bootp.file.rstrip(b"\0")) == ("198.51.100.1", b"mine")

    def test_a_name_too_long_for_the_header_is_an_option_asked_for_or_not(self) -> None:
        long = "d/" * 70 + "x"
        seen = offer({"boot": Boot("t" * 64, long)}, wanted=[1])
        assert (seen.options[66], seen.options[67]) == (b"t" * 64, long.encode())
        assert not any(seen.reply.payload[44:236])


def test_all_messages_that_have_them_say_the_same_options() -> None:
    server = Server(network(subnet(**FULL), ports=[port(MAC, ADDRESS, hostname="vm1")]))
    offered, acknowledged = server.ask(DISCOVER), server.ask(REQUEST, server=SERVER, requested=ADDRESS)
    assert acknowledged.kind == ACK
    assert offered.options | {53: b"\x05"} == acknowledged.options


class TestTheClientIsIpxe:
    """A boot ROM chain-loads iPXE, which asks again and says so by option 175: the two are told different files."""

    PORT: dict[str, Any] = {
        "dhcp_options": ((67, b"undionly.kpxe"), (66, b"192.0.2.9")),
        "ipxe_dhcp_options": ((67, b"http://192.0.2.9/boot.ipxe"), (150, b"")),
    }

    def test_it_gets_what_is_meant_for_it(self) -> None:
        seen = offer(port_says=self.PORT, more=[(175, b"\x01\x01\x00")])
        assert seen.options[67] == b"http://192.0.2.9/boot.ipxe"
        assert seen.options[66] == b"192.0.2.9"
        assert seen.bootp.siaddr == "192.0.2.9"

    def test_others_get_the_rest(self) -> None:
        server = Server(network(subnet(), ports=[port(MAC, ADDRESS, **self.PORT)]))
        server.ask(DISCOVER, more=[(175, b"\x01\x01\x00")])
        assert server.ask(DISCOVER).options[67] == b"undionly.kpxe"


class TestBroadcastReplies:
    def test_to_a_client_without_an_address(self) -> None:
        seen = offer({"broadcast_replies": True})
        assert seen.to == ("255.255.255.255", 68)
        assert seen.reply.mac is None
        assert seen.bootp.flags == 0x8000

    def test_not_to_one_that_renews(self) -> None:
        server = Server(network(subnet(broadcast_replies=True), ports=[port(MAC, ADDRESS)]))
        seen = server.ask(REQUEST, ciaddr=ADDRESS)
        assert seen.to == (ADDRESS, 68)
        assert seen.bootp.flags == 0
