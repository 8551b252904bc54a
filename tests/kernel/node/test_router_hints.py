"""A running node hears of what somebody does to its routers, and mends it long before its next look at everything."""

import subprocess
import time
from collections.abc import Callable
from ipaddress import ip_interface
from pathlib import Path

from tests.waiting import wait_for

from netmend.ground.nftables import FAMILY_INET
from netmend.intent import Intent, Router
from netmend.intent.names import router_namespace_name, router_port_name, uplink_host_name, uplink_name
from netmend.kernel import addresses, links, netns, routes
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import remove_table
from netmend.lab.demo.node_process import NodeProcess
from netmend.reconcile.reconciler import Reconciler
from netmend.routing.host_rules import TABLE as HOST_TABLE
from netmend.routing.rules import TABLE
from netmend.sources.file import load

PATIENCE = 20.0  # seconds: a third of those between two looks at everything
INTENT = """
networks:
  - name: blue
    subnets:
      - {cidr: 10.1.0.0/24, gateway: 10.1.0.1, dynamic: true}
      - {cidr: "2001:db8:1::/64", gateway: "2001:db8:1::1"}
  - name: green
    subnets: [{cidr: 10.2.0.0/24, gateway: 10.2.0.1, dynamic: true}]
routers:
  - name: out
    networks: [blue]
    uplink: {device: external, addresses: [203.0.113.2/24], gateways: [203.0.113.1]}
  - name: by-host
    networks: [green]
    uplink: host
"""


def is_right(intent: Intent) -> bool:
    other = Reconciler()
    try:
        return not other.plan(intent)
    finally:
        other.close()


def namespace_of(router: Router) -> Netns:
    return Netns.open(f"/run/netns/{router_namespace_name(router.id)}")


def inside(router: Router, act: Callable[[RouteSocket], None]) -> None:
    with namespace_of(router) as namespace, namespace.entered(), RouteSocket() as route:
        act(route)


def found(route: RouteSocket, name: str) -> links.Link:
    link = links.find_link(route, name)
    assert link is not None
    return link


def flush(router: Router) -> None:
    with namespace_of(router) as namespace, namespace.entered():
        nft = NftSocket(FAMILY_INET)
        remove_table(nft, TABLE)
        nft.close()


def flush_host(_: Router) -> None:
    nft = NftSocket(FAMILY_INET)
    remove_table(nft, HOST_TABLE)
    nft.close()


def take_route(router: Router) -> None:
    def act(route: RouteSocket) -> None:
        link = links.find_link(route, uplink_name(router.id))
        assert link is not None
        destination, gateway = next(each for each in routes.dump_set_routes(route)[link.index] if each[0].version == 4)
        routes.remove_route(route, link, destination, gateway)

    inside(router, act)


def take_gateway(router: Router) -> None:
    port = router.ports[0]
    inside(
        router,
        lambda route: addresses.remove_address(route, found(route, router_port_name(port.id)), port.addresses[0]),
    )


def add_address(router: Router) -> None:
    inside(
        router,
        lambda route: addresses.add_address(route, found(route, uplink_name(router.id)), ip_interface("192.0.2.7/32")),
    )


def stop_forwarding(router: Router) -> None:
    name = router_port_name(router.ports[0].id)
    inside(router, lambda route: links.set_link(route, found(route, name), settings={"ipv4.forwarding": 0}))


def set_down(router: Router) -> None:
    inside(router, lambda route: links.set_link(route, found(route, uplink_name(router.id)), up=False))


def delete_uplink(router: Router) -> None:
    with RouteSocket() as route:
        links.delete_link(route, found(route, uplink_host_name(router.id)))


def delete_port(router: Router) -> None:
    inside(router, lambda route: links.delete_link(route, found(route, router_port_name(router.ports[0].id))))


def unpin(router: Router) -> None:
    netns.unpin(f"/run/netns/{router_namespace_name(router.id)}", None)


def divert(router: Router) -> None:
    run_inside(router, "rule add pref 9 from 10.0.0.0/8 blackhole")


def fix_neighbour(router: Router) -> None:
    port = router_port_name(router.ports[0].id)
    run_inside(router, f"neigh replace 10.1.0.7 lladdr 02:00:00:00:00:66 dev {port} nud permanent")


def run_inside(router: Router, command: str) -> None:
    with namespace_of(router) as namespace, namespace.entered():
        subprocess.run(["ip", *command.split()], check=True)


BREAKS = [
    divert,
    fix_neighbour,
    flush,
    take_route,
    take_gateway,
    add_address,
    stop_forwarding,
    set_down,
    delete_uplink,
    delete_port,
    unpin,
]


def test_changes_to_routers_are_heard_and_mended() -> None:
    with RouteSocket() as route:
        bridge = links.create_bridge(route, "external", 1500, 0, "02:00:00:00:00:01")
        links.set_link(route, bridge, up=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    path = Path("/run/intent.yaml")
    path.write_text(INTENT)
    intent = load(path)
    out, by_host = intent.routers.values()
    with NodeProcess(path, Path("/run/node"), "/run/netns", None) as node:
        node.wait_until_serving(30)
        wait_for(lambda: is_right(intent), "the routers are made")
        time.sleep(0.3)  # what was heard of their making is looked at
        for router, breaks in ((out, BREAKS), (by_host, [flush, flush_host, take_route, delete_uplink, divert])):
            for break_it in breaks:
                break_it(router)
                began = time.monotonic()
                wait_for(lambda: is_right(intent), f"{router.name}: {break_it.__name__} is mended")
                assert time.monotonic() - began < PATIENCE, break_it.__name__
        states = {found["name"]: found["state"] for found in node.status()["routers"]}
        assert states == {"out": "served", "by-host": "served"}
