"""Connections of bridges tracked by br_netfilter, where the bridge itself cannot: a table for the hooks of IPv4 and
IPv6, and on each bridge the setting that has its packets shown to them."""

from collections.abc import Collection, Mapping

from netmend.firewall.group_rules import HOOKS_TABLE
from netmend.intent.names import bridge_name
from netmend.kernel import links
from netmend.kernel.device_settings import read_settings
from netmend.kernel.links import Link
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.nft.tables import TableSeen, has_table, read_changed, remake, remove_table
from netmend.reconcile.rules_socket import RulesSocket

_SHOWN = {"bridge.nf_call_iptables": 1, "bridge.nf_call_ip6tables": 1}


class BridgeHooks:
    """In the network namespace of the threads that use it. Not thread-safe."""

    def __init__(self) -> None:
        self.socket = RulesSocket(HOOKS_TABLE.family)
        self._seen: TableSeen | None = None
        self._shown: set[str] = set()  # bridges, by network

    def set_rules(self) -> None:
        """Put the table in force, unless it is. Raises KernelError."""
        nft = self.socket()
        self._seen = read_changed(nft, HOOKS_TABLE, self._seen)
        if not self._seen.is_right:
            self._seen = None
            remake(nft, HOOKS_TABLE, ())

    def remove_rules(self) -> None:
        """Remove the table, if there is one. Raises KernelError."""
        self._seen = None
        if has_table(nft := self.socket(), HOOKS_TABLE):
            remove_table(nft, HOOKS_TABLE)

    def show_bridges(self, route: RouteSocket, network_ids: Collection[str], seen: Mapping[str, Link]) -> list[str]:
        """Have the bridges of these networks shown to the hooks, those that are there, and no other that was; returns
        which of them had been and were not any more. `seen` are links as the pass has found them, by name. Raises
        KernelError."""
        lost = []
        for network_id in self._shown - set(network_ids):
            if (link := links.find_link(route, bridge_name(network_id))) is not None:
                links.set_link(route, link, settings=dict.fromkeys(_SHOWN, 0))
            self._shown.discard(network_id)
        for network_id in network_ids:
            name = bridge_name(network_id)
            if (known := seen.get(name)) is not None and read_settings(known.data, _SHOWN) == _SHOWN:
                self._shown.add(network_id)
                continue
            link = links.find_link(route, name)
            if link is None:
                self._shown.discard(network_id)
                continue
            if read_settings(link.data, _SHOWN) != _SHOWN:
                links.set_link(route, link, settings=_SHOWN)
                if network_id in self._shown:
                    lost.append(name)
            self._shown.add(network_id)
        return lost
