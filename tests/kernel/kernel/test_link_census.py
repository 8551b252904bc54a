"""Counting by what the kernel tells agrees with counting anew, whatever comes and goes, and when messages are lost."""

import random

from netmend.intent.names import DEVICE_GROUP, DEVICE_GROUPS
from netmend.kernel import links
from netmend.kernel.link_census import LinkCensus
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns


def assert_right(census: LinkCensus) -> None:
    census.update()
    with RouteSocket() as route:
        found = [link for link in links.dump_links(route) if link.name != "lo"]
    assert census.names == {link.name for link in found}
    assert census.total == len(found)
    assert census.chosen == {link.name for link in found if link.group in DEVICE_GROUPS}
    assert census.down == sum(1 for link in found if not link.up)


def test_the_census_agrees_with_a_dump_after_every_change() -> None:
    rng = random.Random(7)
    census = LinkCensus(DEVICE_GROUPS)
    with Netns.create("far") as far:
        pass
    with RouteSocket() as route:
        made: list[links.Link] = []
        bridge = links.create_bridge(route, "br", 1500, DEVICE_GROUP, "02:00:00:00:00:ff")
        for number in range(60):
            if made and rng.random() < 0.4:
                links.delete_link(route, made.pop(rng.randrange(len(made))))
            else:
                group = rng.choice([0, DEVICE_GROUP])
                near = VethEnd(f"t{number}", 1500, group)
                made.append(
                    links.create_veth(route, near, VethEnd(f"f{number}", 1500, 0), far, rng.choice([0, bridge.index]))
                )
            if made and rng.random() < 0.3:
                links.set_link(route, rng.choice(made), up=rng.random() < 0.5)
            assert_right(census)
    assert not census.update()
    census.close()
    far.close()


def test_messages_that_were_lost_are_made_up_for() -> None:
    census = LinkCensus(DEVICE_GROUPS)
    census._events.setsockopt(1, 8, 2048)  # SOL_SOCKET, SO_RCVBUF: full after a few
    with RouteSocket() as route:
        for number in range(100):
            links.create_bridge(route, f"b{number}", 1500, DEVICE_GROUP, f"02:00:00:00:01:{number:02x}")
    assert_right(census)
    assert len(census.chosen) == 100
    census.close()
