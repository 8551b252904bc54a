"""A world with routers to break: a network, a router by a bridge of the host and one by way of the host."""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

from msgspec.structs import replace

from netmend.ground.nftables import FAMILY_INET
from netmend.intent import (
    DeviceUplink,
    FloatingIp,
    HostUplink,
    Intent,
    Network,
    PortForward,
    Router,
    RouterPort,
    RouterRoute,
    Subnet,
)
from netmend.intent.names import id_from_name
from netmend.kernel import links, nsdir
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import GETTABLE
from netmend.reconcile.reconciler import Reconciler

BRIDGE = "external"
OUT, BY_HOST = "0aaaaaaa-cccc-4ccc-8ccc-cccccccccccc", "0bbbbbbb-cccc-4ccc-8ccc-cccccccccccc"
BLUE, GREEN = "1aaaaaaa-cccc-4ccc-8ccc-cccccccccccc", "1bbbbbbb-cccc-4ccc-8ccc-cccccccccccc"
PORT_OF = {BLUE: "2aaaaaaa-cccc-4ccc-8ccc-cccccccccccc", GREEN: "2bbbbbbb-cccc-4ccc-8ccc-cccccccccccc"}
OWN, GATEWAY = IPv4Interface("203.0.113.2/24"), IPv4Address("203.0.113.1")


def _network(network_id: str, router_id: str, block: IPv4Network) -> Network:
    port = RouterPort(
        PORT_OF[network_id], router_id, network_id, "fa:16:3e:00:00:01", (IPv4Interface((block[1], block.prefixlen)),)
    )
    subnet = Subnet(id_from_name("subnet", network_id), "s", block, block[2], gateway=block[1])
    return Network(network_id, network_id, subnets=(subnet,), router_ports=(port,))


def routed() -> Intent:
    """Two networks, each with a router of its own."""
    blue, green = (
        _network(BLUE, OUT, IPv4Network("10.1.0.0/24")),
        _network(GREEN, BY_HOST, IPv4Network("10.2.0.0/24")),
    )
    out = Router(
        OUT, "out", blue.router_ports, DeviceUplink(BRIDGE, "fa:16:3e:00:00:02", (OWN,), (GATEWAY,)),
        routes=(RouterRoute(IPv4Network("10.9.0.0/24"), IPv4Address("10.1.0.9")),),
        floating_ips=(FloatingIp(IPv4Address("203.0.113.9"), IPv4Address("10.1.0.9")),),
    )  # fmt: skip
    forward = PortForward("tcp", 80, IPv4Address("10.2.0.9"), 80)
    by_host = Router(BY_HOST, "by-host", green.router_ports, HostUplink(), forwards=(forward,))
    return Intent({BLUE: blue, GREEN: green}, routers={OUT: out, BY_HOST: by_host})


def changed() -> Intent:
    """`routed` with the uplinks changed over, another floating IP, and a published port less."""
    before = routed()
    out = replace(before.routers[OUT], uplink=HostUplink(), floating_ips=(), routes=())
    uplink = DeviceUplink(BRIDGE, "fa:16:3e:00:00:03", (OWN,), (GATEWAY,))
    floating = (FloatingIp(IPv4Address("203.0.113.8"), IPv4Address("10.2.0.8")),)
    by_host = replace(before.routers[BY_HOST], uplink=uplink, forwards=(), floating_ips=floating)
    return replace(before, routers={OUT: out, BY_HOST: by_host})


class RouterWorld:
    """The host side of a sandbox, and the check."""

    def __init__(self) -> None:
        self.foreign, self.foreign_names = {BRIDGE}, set[str]()
        nsdir.prepare(nsdir.DEFAULT)
        with RouteSocket() as route:
            bridge = links.create_bridge(route, BRIDGE, 1500, 0, "02:00:00:00:00:01")
            links.set_link(route, bridge, up=True)
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

    def count(self, intent: Intent) -> int:
        """A bridge, the own port and the router's for each network, and the end of each uplink."""
        return 3 * len(intent.networks) + len(intent.routers)

    def settle(self, reconciler: Reconciler, intent: Intent) -> None:
        """One pass is enough."""

    def check(self, intent: Intent, reconciler: Reconciler, *, pinned: bool = True, guests_found: bool = True) -> None:
        with RouteSocket() as route:
            found = {link.name: link for link in links.dump_links(route) if link.name != "lo"}
        ours = set(found) - self.foreign
        assert len(ours) == self.count(intent), ours
        ends = {name for name in ours if name.startswith("qh-")}
        assert ends == ({"qh-0aaaaaaa-cc", "qh-0bbbbbbb-cc"} if intent.routers else set())
        assert all(found[name].up and (found[name].alias or "").startswith("netmend:") for name in ours)
        wanted = {f"qdhcp-{each}" for each in intent.networks} | {f"qrouter-{each}" for each in intent.routers}
        assert nsdir.names(nsdir.DEFAULT) == wanted
        assert _has_table() == bool(intent.routers)
        other = Reconciler()
        try:
            left = [(str(step), plan.blocked) for plan in other.plan(intent) for step in plan.steps]
        finally:
            other.close()
        assert left == []


def _has_table() -> bool:
    nft = NftSocket(FAMILY_INET)
    try:
        return bool(nft.dump(GETTABLE))
    finally:
        nft.close()
