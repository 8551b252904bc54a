"""Changes are heard: links here and behind our veths, names, mounts."""

from ipaddress import IPv4Interface
from pathlib import Path

from netmend.kernel import addresses, links, mounts, netns, nsdir
from netmend.kernel.descriptors import readable
from netmend.kernel.links import Found, VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.watch import AddressChanged, DirectoryWatch, LinkChanged, LinkWatch, MountWatch


def test_links_and_addresses_are_heard_also_at_the_far_end_of_a_veth() -> None:
    watch = LinkWatch()
    with Netns.create("far") as far, RouteSocket() as inside:
        pass
    with RouteSocket() as route:
        near = links.create_veth(route, VethEnd("tap0", 1500, 0), VethEnd("ns-0", 1500, 0), far)
    with far.entered(), RouteSocket() as inside:
        inner = Found(near.peer_index, "ns-0")
        links.set_link(inside, inner, up=True)
        addresses.add_address(inside, inner, IPv4Interface("10.0.0.2/24"))
        list(watch.read())
        addresses.remove_address(inside, inner, IPv4Interface("10.0.0.2/24"))
        links.set_link(inside, inner, up=False)
    heard = list(watch.read())
    assert any(isinstance(event, AddressChanged) and event.gone and event.netnsid is not None for event in heard)
    assert any(isinstance(event, LinkChanged) and event.netnsid is not None and not event.link.up for event in heard)
    with RouteSocket() as route:
        links.delete_link(route, near)
    gone = [event.link.name for event in watch.read() if isinstance(event, LinkChanged) and event.gone]
    assert "tap0" in gone
    watch.close()


def test_names_that_come_and_go_are_heard() -> None:
    nsdir.prepare()
    watch = DirectoryWatch()
    watch.add("/run/netns")
    with Netns.create("x") as made:
        netns.pin(made, "/run/netns/x", "m")
    assert ("/run/netns", "x") in watch.read()
    netns.unpin("/run/netns/x", "m")
    assert ("/run/netns", "x") in watch.read()
    Path("/run/dir").mkdir()
    watch.add("/run/dir")
    Path("/run/dir").rmdir()
    assert ("/run/dir", "") in watch.read()
    watch.close()


def test_mounts_are_heard_until_stopped() -> None:
    watch = MountWatch()
    Path("/run/m").mkdir()
    mounts.mount_tmpfs("/run/m")
    assert watch.wait()
    watch.stop()
    assert not watch.wait()
    watch.close()


def test_nothing_is_heard_when_nothing_happens() -> None:
    watch = LinkWatch()
    assert not readable(watch.fileno(), seconds=0)
    watch.close()
