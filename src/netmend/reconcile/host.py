"""What a reconciler keeps of its host from one pass to the next: open descriptors, and what passes have learnt."""

from collections.abc import Callable
from threading import local
from typing import TYPE_CHECKING

from netmend.kernel.netlink import RouteSocket
from netmend.kernel.ovsdb.stream import Tls
from netmend.kernel.sysctl import SysctlDirectory
from netmend.reconcile.firewall import Firewall
from netmend.reconcile.open_namespaces import OpenNamespaces
from netmend.reconcile.owners import Owners
from netmend.reconcile.pinning import Pinning
from netmend.reconcile.switch import Switch

if TYPE_CHECKING:
    from netmend.reconcile.group_firewall import GroupFirewall


class Host:
    """One host, in the network namespace of the threads that use it. Thread-safe."""

    def __init__(
        self,
        directory: str,
        clock: Callable[[], float],
        ovsdb: str | None,
        ovsdb_tls: Tls | None,
        *,
        own_rules: bool = False,
    ) -> None:
        """`directory` is where names of namespaces live; `ovsdb` is where Open vSwitch's database listens, None: at its
        usual socket. With `own_rules`, nobody else can change the rules on
        bridges as long as this is open."""
        self.directory = directory
        self.open_namespaces = OpenNamespaces()
        self.owners = Owners()
        self.pinning = Pinning(directory, clock)
        self.switch = Switch(ovsdb, ovsdb_tls)
        self.firewall = Firewall(own=own_rules)
        self.groups: GroupFirewall | None = None  # made where a port has security groups
        self._own_rules = own_rules
        self.ipv6_sysctls = SysctlDirectory("ipv6/conf")
        self._routes = local()

    def make_groups(self) -> "GroupFirewall":
        """Security groups, from now on: a node without any loads nothing of them."""
        if self.groups is None:
            from netmend.reconcile.group_firewall import GroupFirewall

            self.groups = GroupFirewall(self.firewall.socket, own=self._own_rules)
        return self.groups

    def route(self) -> RouteSocket:
        """The netlink socket of the calling thread; raises KernelError when it cannot be opened."""
        route: RouteSocket | None = getattr(self._routes, "socket", None)
        if route is None:
            route = self._routes.socket = RouteSocket()
        return route

    def leave(self) -> None:
        """Close the netlink socket of the calling thread, which ends. Python would, too, but say so by a warning, for
        which it makes the thread's dictionary anew and forgets it: a thousand passes cost half a megabyte."""
        route: RouteSocket | None = self._routes.__dict__.pop("socket", None)
        if route is not None:
            route.close()

    def close(self) -> None:
        """Close the descriptors; what was made on the host stays."""
        self.open_namespaces.close()
        self.ipv6_sysctls.close()
        self.switch.close()
        if self.groups is not None:
            self.groups.close()
        self.firewall.socket.close()
