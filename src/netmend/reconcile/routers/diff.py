"""The difference between a router as intent says and as it was seen, as steps. Pure."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from netmend.intent.names import uplink_name
from netmend.intent.router import DeviceUplink, HostUplink, Router
from netmend.kernel.addresses import Interface
from netmend.kernel.device_settings import differing_settings
from netmend.kernel.links import Link
from netmend.kernel.nft.tables import TableSeen
from netmend.reconcile.observe import is_ours
from netmend.reconcile.resync import Problem
from netmend.reconcile.routers.observe import InsideSeen, UplinkSeen
from netmend.reconcile.routers.settings import HOST_END, router_settings
from netmend.reconcile.routers.steps import (
    DeleteRouterLink,
    MakeUplink,
    MendRouterLink,
    MendUplinkHostEnd,
    RemoveRouterDiversions,
    RouterStep,
    RouteSeen,
    SetRouterRoutes,
    SetRouterRules,
)
from netmend.routing.transit import Transit
from netmend.routing.wanted import RouterLink, RouterWanted
from netmend.wiring.settings import ON_HOST

DEFAULT_MTU = 1500


class RouterPlan(Struct, frozen=True):
    """Steps, and what is in the way of further ones."""

    steps: tuple[RouterStep, ...]
    blocked: tuple[Problem, ...] = ()


def plan_rules(router: Router, wanted: RouterWanted, seen: TableSeen | None) -> list[RouterStep]:
    """The step that puts the rules right, if they are not. `seen` is None where there is no namespace yet."""
    elements = wanted.elements
    if seen is None or not seen.is_right:
        return [SetRouterRules(router.id, elements, True, elements, frozenset())]
    add, remove = elements - seen.elements, seen.elements - elements
    return [SetRouterRules(router.id, elements, False, add, remove)] if add or remove else []


def plan_router(
    router: Router,
    wanted: RouterWanted,
    inside: InsideSeen,
    uplink: UplinkSeen,
    transit: Transit | None,
    *,
    is_made: bool,
    sysctls: bool,
) -> RouterPlan:
    """The plan for all but the namespace and its rules. `is_made`: the namespace is there, and ports whose devices are
    not are what their networks have trouble with."""
    blocked: list[Problem] = []
    steps = _plan_uplink(router, wanted, inside, uplink, transit, blocked=blocked)
    gone = {step.link.name for step in steps if isinstance(step, DeleteRouterLink)}
    if wanted.has_ipv6 and not sysctls:
        blocked.append(Problem(None, "IPv6 is not routed: /proc/sys cannot be written here", serves=True))
    settings = router_settings(ipv6=wanted.has_ipv6, sysctls=sysctls)
    present: dict[str, Link | None] = {}
    for link in wanted.links:
        found = None if link.name in gone else inside.links.get(link.name)
        if found is None and link.role == "port" and is_made:
            blocked.append(Problem(None, f"waiting for {link.name}, the end of its port on a network"))
            continue
        if found is None and link.role == "uplink" and not any(isinstance(step, MakeUplink) for step in steps):
            continue  # it is blocked, and says why
        present[link.name] = found
        mtu = link.mtu if link.role == "port" else _uplink_mtu(uplink)
        steps += _plan_link(router.id, link, found, inside, settings, mtu=mtu, ipv6=wanted.has_ipv6)
    loopback = inside.links.get("lo")
    if loopback is not None and not loopback.up:
        lo = RouterLink("port", "lo", "", ())
        steps.append(MendRouterLink(router.id, lo, loopback, None, ("up",)))
    if inside.diversions:
        steps.append(RemoveRouterDiversions(router.id, inside.diversions))
    return RouterPlan(tuple(steps + _plan_routes(router.id, wanted, inside, present)), tuple(blocked))


def _uplink_mtu(seen: UplinkSeen) -> int:
    return seen.parent.mtu if seen.parent is not None else DEFAULT_MTU


def _plan_uplink(
    router: Router,
    wanted: RouterWanted,
    inside: InsideSeen,
    seen: UplinkSeen,
    transit: Transit | None,
    *,
    blocked: list[Problem],
) -> list[RouterStep]:
    """The steps that make the uplink's device, or have it right on the host."""
    link = next((each for each in wanted.links if each.role == "uplink"), None)
    found = inside.links.get(uplink_name(router.id))
    steps: list[RouterStep] = []
    if link is None:
        if isinstance(router.uplink, HostUplink):
            blocked.append(Problem(None, "no address is left for the link between router and host"))
        return _delete(router.id, found, seen, "not in intent")
    assert router.uplink is not None
    if isinstance(router.uplink, DeviceUplink) and seen.parent is None:
        device = router.uplink.device
        blocked.append(Problem(None, f"its uplink waits for device {device}, which the host does not have"))
        return _delete(router.id, found, seen, f"device {device} is gone")
    if seen.host_end is not None and not is_ours(seen.host_end):
        name = seen.host_end.name
        blocked.append(Problem(None, f"the name of {name} is taken by a device that netmend did not make; rename it"))
        return steps
    mtu = _uplink_mtu(seen)
    make = MakeUplink(router.id, router.uplink, link, seen.parent, mtu, transit)
    why = "it was left half-made" if found is None else _why_not(make, found, seen)
    if why is not None:
        return [*_delete(router.id, found, seen, why), make]
    return [] if seen.host_end is None else _plan_host_end(make, seen.host_end, seen.addresses)


def _why_not(wanted: MakeUplink, found: Link, seen: UplinkSeen) -> str | None:
    """Why the uplink's device cannot stay."""
    if found.kind != wanted.kind:
        return f"it is a {found.kind}, not a {wanted.kind}"
    if wanted.kind == "macvlan":
        assert wanted.parent is not None
        return None if found.peer_index == wanted.parent.index else f"it is not on {wanted.parent.name}"
    if seen.host_end is None or seen.host_end.peer_index != found.index or seen.host_end.alias is None:
        return "its end on the host is gone, or was left half-made"
    return None


def _delete(router_id: str, found: Link | None, seen: UplinkSeen, why: str) -> list[RouterStep]:
    if seen.host_end is not None and is_ours(seen.host_end):
        steps: list[RouterStep] = [DeleteRouterLink(router_id, seen.host_end, why, on_host=True)]
        if found is None or found.kind == "veth":
            return steps  # the other end goes with it
        return [*steps, DeleteRouterLink(router_id, found, why)]
    return [] if found is None else [DeleteRouterLink(router_id, found, why)]


def _plan_host_end(wanted: MakeUplink, found: Link, addresses: Iterable[Interface]) -> list[RouterStep]:
    has = set(addresses)
    want = {wanted.transit.host} if wanted.transit is not None and wanted.parent is None else set()
    master = wanted.parent.index if wanted.parent is not None else 0
    settings = ON_HOST if wanted.parent is not None else HOST_END
    differs = [*differing_settings(found.data, settings)] if found.data else []
    differs += ["mtu"] if found.mtu != wanted.mtu else []
    differs += ["master"] if found.master != master else []
    differs += ["up"] if not found.up else []
    add, remove = tuple(want - has), tuple(sorted(has - want, key=str))
    if not (differs or add or remove):
        return []
    return [MendUplinkHostEnd(wanted.router_id, found, master, wanted.mtu, tuple(differs), add, remove)]


def _plan_link(
    router_id: str,
    link: RouterLink,
    found: Link | None,
    inside: InsideSeen,
    settings: Mapping[str, int],
    *,
    mtu: int | None,
    ipv6: bool,
) -> list[RouterStep]:
    if found is None:
        return [MendRouterLink(router_id, link, None, mtu, ("up", *settings), link.addresses, ipv6=ipv6)]
    differs = [*differing_settings(found.data, settings)] if found.data else [*settings]
    differs += ["mtu"] if mtu is not None and found.mtu != mtu else []
    differs += ["mac"] if found.mac != link.mac else []
    differs += ["up"] if not found.up else []
    has = inside.addresses.get(found.index, set())
    add = tuple(address for address in link.addresses if address not in has)
    remove = tuple(sorted(has - set(link.addresses), key=str))
    if not (differs or add or remove):
        return []
    return [MendRouterLink(router_id, link, found, mtu, tuple(differs), add, remove, ipv6)]


def _plan_routes(
    router_id: str, wanted: RouterWanted, inside: InsideSeen, present: Mapping[str, Link | None]
) -> list[RouterStep]:
    by_index = {link.index: name for name, link in inside.links.items()}
    seen = {(each.destination, each.gateway, by_index.get(each.index)): each for each in inside.routes}
    want = {(each.destination, each.gateway, each.device): each for each in wanted.routes if each.device in present}
    # A device that is made anew, or gets back its addresses, has lost its routes.
    add = [route for key, route in want.items() if key not in seen or present[route.device] is None]
    remove: list[RouteSeen] = [route for key, route in seen.items() if key not in want]
    if not (add or remove):
        return []
    return [SetRouterRoutes(router_id, tuple(sorted(add, key=str)), tuple(sorted(remove, key=str)))]
