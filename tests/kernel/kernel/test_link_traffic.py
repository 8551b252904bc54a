"""What passed a link, as the kernel counts it."""

import socket
import subprocess

from netmend.kernel.link_traffic import link_traffic
from netmend.kernel.netlink import RouteSocket


def test_what_a_veth_carries_is_counted_at_both_ends() -> None:
    for line in (
        "link add one type veth peer name two", "link set one up", "link set two up",
        "address add 192.0.2.1/24 dev one", "neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 dev one",
    ):  # fmt: skip
        subprocess.run(["ip", *line.split()], check=True)
    with RouteSocket() as route, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        before = link_traffic(route, "two")
        for _ in range(5):
            sender.sendto(bytes(1000), ("192.0.2.9", 9))
        after, near = link_traffic(route, "two"), link_traffic(route, "one")
        assert before and after and near
        assert after.received_packets - before.received_packets >= 5
        assert after.received_bytes - before.received_bytes >= 5 * 1042
        assert near.sent_packets >= 5
        assert link_traffic(route, "nobody") is None
