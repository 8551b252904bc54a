"""What a document says apart from the fields that have the wrong shape, so that it can be checked in the same go.

Each such field is left out, or replaced by a substitute that causes no complaint elsewhere: places stay what they are,
and nothing seems to be missing. Complaints about a substitute are for the caller to drop
(`covers`): its field is complained of already.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from netmend.ground.problem import Place
from netmend.sources.file.build_port import PID_MAX
from netmend.sources.file.shape import known_fields

_UNREADABLE = "?"  # no CIDR, address or pool: what depends on it is not complained of
_PROXY = {"endpoints": ["http://127.0.0.1"], "shared_secret": "any"}

_GROUPS = (("security_groups",), ("address_groups",))
_NAMES_OF_GROUPS = ("security_groups", "remote_group", "remote_address_group")


class Substituted:
    """`root`, a copy of a document with substitutes for what is at `wrong` places."""

    def __init__(self, root: dict[str, Any], wrong: Iterable[Place]) -> None:
        self.root: dict[str, Any] = _copied(root)
        self._replaced: set[Place] = set()
        self._doubtful = False  # whether the groups that the file names may be there, in what is wrong
        for place in wrong:
            self._replaced.add(place)
            self._doubtful |= place[:1] in _GROUPS and len(place) <= 3
            self._replace(place)

    def covers(self, place: Place) -> bool:
        """Whether what is at `place` is a substitute, or part of one."""
        if self._doubtful and (kind := _kind(place)) in _NAMES_OF_GROUPS and kind != place[0]:
            return True
        return any(place[:length] in self._replaced for length in range(1, len(place) + 1))

    def _replace(self, place: Place) -> None:
        parent = self._at(place[:-1])
        step = place[-1] if place else None
        if isinstance(parent, list) and isinstance(step, int) and step < len(parent):
            parent[step] = _item(place)
        elif isinstance(parent, dict) and isinstance(step, str):
            self._replace_field(place, parent, step)

    def _replace_field(self, place: Place, parent: dict[str, Any], field: str) -> None:
        known = known_fields(place)
        if field not in known and known and field in parent:
            del parent[field]
            near = get_close_matches(field, [name for name in known if name not in parent], n=1)
            if not near:
                return
            field = near[0]  # most likely it was to be this one
            place = (*place[:-1], field)
        self._replaced.add(place)
        substitute = _SUBSTITUTES.get((_kind(place[:-1]), field))
        if substitute is None:
            parent.pop(field, None)
        else:
            parent[field] = substitute(place)
        if _kind(place[:-1]) == "subnets":
            if field in ("address_mode", "ra_mode"):
                parent["dynamic"] = True  # so that ports without addresses may get some, whatever was meant
                self._replaced.add((*place[:-1], "dynamic"))
            if field == "server_address":
                self._replaced.add((*place[:-1], "routes"))  # of IPv6, which lead to that address
        if _kind(place[:-1]) == "metadata_proxy" and field == "shared_secret_file":
            parent.setdefault("shared_secret", "any")

    def _at(self, place: Place) -> Any:
        node: Any = self.root
        for step in place:
            try:
                node = node[step]
            except (LookupError, TypeError):
                return None
        return node


def _copied(value: Any) -> Any:
    """A copy that shares no container, not even where aliases made the document share one."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _kind(place: Place) -> str:
    """The name of the nearest thing around `place` that has one: `ports` for ("networks", 0, "ports", 1)."""
    return next((step for step in reversed(place) if isinstance(step, str)), "")


def _item(place: Place) -> Any:
    """A substitute for an item of a list."""
    match _kind(place):
        case "networks":
            return {"name": _unique(place)}
        case "subnets":
            return {"cidr": _UNREADABLE, "dynamic": True}
        case "ports":
            return {"name": _unique(place), "fixed_ips": []}
        case "security_groups" | "address_groups" if len(place) == 2:
            return {"name": _unique(place)}
        case "rules":
            return {"version": 4, "protocol": 255 - int(place[-1]) % 64}  # that no other rule is equal to
        case "routes":
            return {"destination": _UNREADABLE, "nexthop": _UNREADABLE}
        case "by_architecture":
            return {"architectures": [], "bootfile": "any"}
        case _:
            return _UNREADABLE


def _unique(place: Place) -> str:
    """A name that nothing else has, for what is at `place`."""
    return "\N{REPLACEMENT CHARACTER}" + ".".join(map(str, place))


def _unique_pid(place: Place) -> int:
    """A process id that no other plug has."""
    _, network, _, port, *_ = place
    return PID_MAX - 1000 * int(network) - int(port)


_SUBSTITUTES: dict[tuple[str, str], Callable[[Place], Any]] = {  # by the kind of mapping, and its field
    ("", "networks"): lambda place: [],
    ("", "metadata_proxy"): lambda place: _PROXY.copy(),
    ("metadata_proxy", "endpoints"): lambda place: _PROXY["endpoints"],
    ("networks", "name"): lambda place: _unique(place[:-1]),
    ("security_groups", "name"): lambda place: _unique(place[:-1]),
    ("address_groups", "name"): lambda place: _unique(place[:-1]),
    ("networks", "subnets"): lambda place: [_item(place)],
    ("wiring", "ovs"): lambda place: {},
    ("subnets", "cidr"): lambda place: _UNREADABLE,
    ("subnets", "pools"): lambda place: [_UNREADABLE],
    ("subnets", "dynamic"): lambda place: True,
    ("routes", "destination"): lambda place: _UNREADABLE,
    ("routes", "nexthop"): lambda place: _UNREADABLE,
    ("by_architecture", "architectures"): lambda place: [],
    ("by_architecture", "bootfile"): lambda place: "any",
    ("ports", "name"): lambda place: _unique(place[:-1]),
    ("ports", "fixed_ips"): lambda place: [],
    ("plug", "tap"): lambda place: {"owner": 0},
    ("tap", "owner"): lambda place: 0,
    ("plug", "netns"): lambda place: _unique(place[:-1]),
    ("plug", "pid"): _unique_pid,
}
