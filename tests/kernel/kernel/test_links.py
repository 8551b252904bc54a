"""Links and addresses by netlink, checked against pyroute2, which nobody here wrote."""

import errno
from ipaddress import ip_interface

import pytest
from pyroute2 import IPRoute

from netmend.kernel import addresses, links
from netmend.kernel.errors import KernelError
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns

GROUP = 0x6E6D6401
MAC = "fa:16:3e:00:00:01"


def test_what_we_decode_is_what_pyroute2_decodes() -> None:
    with RouteSocket() as route, Netns.create("far") as far:
        pass
    with RouteSocket() as route:
        links.create_bridge(route, "br0", 1400, GROUP, MAC)
        bridge = links.find_link(route, "br0")
        assert bridge
        links.set_link(route, bridge, up=True, alias="netmend:bridge:x")
        links.create_veth(
            route, VethEnd("tap0", 1400, GROUP), VethEnd("ns-0", 1400, GROUP, MAC), far, master=bridge.index
        )
        ours = {link.index: link for link in links.dump_links(route)}
    with IPRoute() as reference:
        theirs = {message["index"]: message for message in reference.get_links()}
    assert ours.keys() == theirs.keys()
    for index, link in ours.items():
        message = theirs[index]
        info = message.get_attr("IFLA_LINKINFO")
        assert link.name == message.get_attr("IFLA_IFNAME")
        assert link.kind == (info.get_attr("IFLA_INFO_KIND") if info else "")
        assert link.mac == message.get_attr("IFLA_ADDRESS")
        assert link.mtu == message.get_attr("IFLA_MTU")
        assert link.alias == message.get_attr("IFLA_IFALIAS")
        assert link.group == message.get_attr("IFLA_GROUP")
        assert link.master == (message.get_attr("IFLA_MASTER") or 0)
        assert link.peer_netnsid == message.get_attr("IFLA_LINK_NETNSID")
        assert link.up == bool(message["flags"] & 1)


def test_a_veth_is_born_whole_in_one_message() -> None:
    with Netns.create("far") as far:
        pass
    with RouteSocket() as route:
        links.create_bridge(route, "br0", 1500, GROUP, MAC)
        bridge = links.find_link(route, "br0")
        assert bridge
        links.create_veth(route, VethEnd("tap0", 1500, GROUP), VethEnd("ns-0", 1500, GROUP, MAC), far, bridge.index)
        near = links.find_link(route, "tap0")
    assert near and near.up and near.master == bridge.index and near.group == GROUP
    with far.entered(), RouteSocket() as route:
        end = links.find_link(route, "ns-0")
        assert end and not end.up and end.mac == MAC and end.group == GROUP
        for text in ("10.0.0.2/24", "169.254.169.254/32", "2001:db8::2/64", "fe80::a9fe:a9fe/64"):
            address = ip_interface(text)
            addresses.add_address(route, end, address)
            addresses.add_address(route, end, address)
            assert addresses.dump_addresses(route)[end.index] == {address}
            addresses.remove_address(route, end, address)
            addresses.remove_address(route, end, address)
            assert end.index not in addresses.dump_addresses(route)


def test_a_taken_name_makes_nothing() -> None:
    with Netns.create("far") as far, RouteSocket() as inside:
        links.create_bridge(inside, "ns-0", 1500, 0, MAC)
    with RouteSocket() as route:
        with pytest.raises(KernelError) as error:
            links.create_veth(route, VethEnd("tap0", 1500, GROUP), VethEnd("ns-0", 1500, GROUP), far)
        assert error.value.code == errno.EEXIST
        assert links.find_link(route, "tap0") is None


def test_errors_name_operation_object_and_what_the_kernel_said() -> None:
    with RouteSocket() as route:
        links.create_bridge(route, "br0", 1500, GROUP, MAC)
        with pytest.raises(KernelError, match=r"create link br0: File exists \(EEXIST\)"):
            links.create_bridge(route, "br0", 1500, GROUP, MAC)
        bridge = links.find_link(route, "br0")
        assert bridge
        with pytest.raises(KernelError, match="mtu"):
            links.set_link(route, bridge, mtu=1_000_000)
        links.delete_link(route, bridge)
        links.delete_link(route, bridge)
        assert links.find_link(route, "br0") is None


def test_a_large_dump_is_whole() -> None:
    with RouteSocket() as route, Netns.current() as here:
        for number in range(300):
            links.create_veth(route, VethEnd(f"a{number}", 1500, 0), VethEnd(f"b{number}", 1500, 0), here)
        assert len(links.dump_links(route)) == 601
