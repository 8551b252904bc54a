"""Steps of a router's plan, as values."""

from msgspec import Struct

from netmend.ground.nftables import Element
from netmend.intent.names import router_namespace_name, uplink_host_name, uplink_name
from netmend.intent.router import Uplink
from netmend.kernel.addresses import Interface
from netmend.kernel.links import Link
from netmend.kernel.routes import Address, Block
from netmend.reconcile.diversions import Diversions
from netmend.reconcile.step_text import changes, counts
from netmend.routing.transit import Transit
from netmend.routing.wanted import RouterLink, RouteWanted


class RouteSeen(Struct, frozen=True):
    """A route that somebody has set in a router's namespace."""

    destination: Block
    gateway: Address | None  # None: on the link itself
    index: int  # of the link that it leads out of


class MakeRouter(Struct, frozen=True):
    """Make the namespace of a router, marked and with its name; what is in it forwards nothing yet."""

    router_id: str

    def __str__(self) -> str:
        return f"create namespace {router_namespace_name(self.router_id)}"


class PinRouter(Struct, frozen=True):
    """Give the open namespace of a router its name back."""

    router_id: str

    def __str__(self) -> str:
        return f"pin namespace {router_namespace_name(self.router_id)}"


class RemoveRouter(Struct, frozen=True):
    """Remove the name of a router's namespace, and its file. Devices in it end with it."""

    router_id: str

    def __str__(self) -> str:
        return f"remove namespace {router_namespace_name(self.router_id)}"


class SetRouterRules(Struct, frozen=True):
    """Make the rules in the namespace those that are wanted, in one transaction, and forget the connections that
    entries which go have translated."""

    router_id: str
    wanted: frozenset[Element]
    remade: bool  # the table as a whole
    add: frozenset[Element]
    remove: frozenset[Element]

    def __str__(self) -> str:
        parts = ["put the table in its place"] if self.remade else []
        parts += [counts(len(self.add), len(self.remove))] if self.add or self.remove else []
        return f"rules of {router_namespace_name(self.router_id)}: {', '.join(parts)}"


class MakeUplink(Struct, frozen=True):
    """Make the uplink's device: a macvlan on `parent`, or a veth whose end on the host is a port of bridge `parent` or
    (None) the host's own."""

    router_id: str
    uplink: Uplink
    link: RouterLink
    parent: Link | None
    mtu: int
    transit: Transit | None

    def __str__(self) -> str:
        on = "" if self.parent is None else f" on {self.parent.name}"
        return f"create {self.kind} {uplink_name(self.router_id)}{on} in {router_namespace_name(self.router_id)}"

    @property
    def kind(self) -> str:
        """veth or macvlan."""
        return "veth" if self.parent is None or self.parent.kind == "bridge" else "macvlan"


class DeleteRouterLink(Struct, frozen=True):
    """Delete a device of a router that is not wanted, or that cannot be mended; `on_host` if it is not in the router's
    namespace."""

    router_id: str
    link: Link
    why: str
    on_host: bool = False

    def __str__(self) -> str:
        where = "" if self.on_host else f" in {router_namespace_name(self.router_id)}"
        return f"delete {self.link.name}{where}: {self.why}"


class MendRouterLink(Struct, frozen=True):
    """Set what differs on a device in the router's namespace. A plan that only says what would be done has no `was` for
    a device that is not there yet."""

    router_id: str
    link: RouterLink
    was: Link | None
    mtu: int | None
    differs: tuple[str, ...] = ()  # of: mtu, mac, up, names of settings
    add: tuple[Interface, ...] = ()
    remove: tuple[Interface, ...] = ()
    ipv6: bool = False  # the router forwards it

    def __str__(self) -> str:
        what = changes(differs=self.differs, add=self.add, remove=self.remove)
        return f"{what} on {self.link.name} in {router_namespace_name(self.router_id)}"


class MendUplinkHostEnd(Struct, frozen=True):
    """Set what differs on the host's end of an uplink that is a veth."""

    router_id: str
    was: Link
    master: int
    mtu: int
    differs: tuple[str, ...]  # of: mtu, master, up, names of settings
    add: tuple[Interface, ...] = ()
    remove: tuple[Interface, ...] = ()

    def __str__(self) -> str:
        what = changes(differs=self.differs, add=self.add, remove=self.remove)
        return f"{what} on {uplink_host_name(self.router_id)}"


class SetRouterRoutes(Struct, frozen=True):
    """Add and remove routes in the router's namespace."""

    router_id: str
    add: tuple[RouteWanted, ...]
    remove: tuple[RouteSeen, ...]

    def __str__(self) -> str:
        gone = [f"{route.destination} via {route.gateway or 'a link'}" for route in self.remove]
        return f"routes of {router_namespace_name(self.router_id)}: {changes(add=self.add, remove=gone)}"


class RemoveRouterDiversions(Struct, frozen=True):
    """Remove rules of policy routing and set neighbours from the router's namespace."""

    router_id: str
    found: Diversions

    def __str__(self) -> str:
        return f"{self.found} in {router_namespace_name(self.router_id)}"


class SetHostRules(Struct, frozen=True):
    """Make netmend's own rules on the host those that routers by way of the host need; all routers' in one
    transaction."""

    router_id: str
    add: int
    remove: int

    def __str__(self) -> str:
        return f"netmend's rules on the host: {counts(self.add, self.remove) or 'put the table in its place'}"


RouterStep = (
    MakeRouter
    | PinRouter
    | RemoveRouter
    | SetRouterRules
    | MakeUplink
    | DeleteRouterLink
    | MendRouterLink
    | MendUplinkHostEnd
    | SetRouterRoutes
    | RemoveRouterDiversions
    | SetHostRules
)


def router_target(step: RouterStep) -> str:
    """The name of the object that a step is about."""
    match step:
        case (
            MakeRouter()
            | PinRouter()
            | RemoveRouter()
            | SetRouterRules()
            | SetRouterRoutes()
            | RemoveRouterDiversions()
        ):
            return router_namespace_name(step.router_id)
        case MakeUplink() | MendRouterLink() | DeleteRouterLink():
            return step.link.name
        case MendUplinkHostEnd():
            return step.was.name
        case SetHostRules():
            return uplink_host_name(step.router_id)
