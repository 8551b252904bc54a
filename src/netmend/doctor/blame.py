"""Whose mounts are set up wrongly, and which flag. Pure.

The host's directory is the reference: a namespace *sends* when a mount made in it arrives there, and *receives* when
one made on the host arrives in it. Who works with namespaces that others use needs both.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from netmend.doctor.observation import HOST, Bind, Container, MountNamespace
from netmend.doctor.places import HostView, Place, directory_at
from netmend.propagation.groups import Reach
from netmend.propagation.mountinfo import Mount

_PROBE = "/\0"  # a name that nobody has: the question is about mounts to come
_ARRIVES = (Reach.DELIVERED, Reach.SAME_MOUNT)


class Standing(Enum):
    """How a namespace's directory is connected with the reference's."""

    REFERENCE = "is the reference"
    PEER = "sends and receives"
    RECEIVER = "receives, and does not send"
    SENDER = "sends, and does not receive"
    PRIVATE = "is private"
    OTHER_GROUP = "is shared in a peer group of its own"
    EARLIER = "is a peer of a mount that the reference has since covered"
    ENGINE_APART = "is a peer of its engine's mounts, which are not the host's"
    REFERENCE_PRIVATE = "cannot be reached: the reference is private"
    SHADOWED = "is covered by a mount that arrived later"
    UNKNOWN = "is not known"


@dataclass(frozen=True, slots=True)
class Stand:
    """A place, how it stands, and towards whom."""

    place: Place
    standing: Standing
    reference: Place
    engine: MountNamespace | None = None  # the engine whose mounts the place has, where those are not the host's

    @property
    def sends(self) -> bool:
        return self.standing in (Standing.REFERENCE, Standing.PEER, Standing.SENDER)

    @property
    def receives(self) -> bool:
        return self.standing in (Standing.REFERENCE, Standing.PEER, Standing.RECEIVER)


def reference_of(view: HostView, places: list[Place]) -> Place:
    """The host's place, else that of the engine; where neither is seen, that of the largest set of peers."""
    for place in places:
        if place.label == HOST:
            return place
    for place in places:
        if place.namespace.is_engine:
            return place
    groups: dict[int, list[Place]] = {}
    for place in places:
        if place.mount.shared is not None:
            groups.setdefault(place.mount.shared, []).append(place)
    if groups:
        return max(groups.values(), key=len)[0]
    return places[0]


def stand(view: HostView, place: Place, reference: Place) -> Stand:
    """How `place` stands towards `reference`, as of now."""
    standing = _standing(view, place, reference)
    engine = engine_of(view, place) if standing is Standing.ENGINE_APART else None
    return Stand(place, standing, reference, engine)


def _standing(view: HostView, place: Place, reference: Place) -> Standing:
    if place is reference:
        return Standing.REFERENCE
    graph = view.graph
    there, here = reference.path + _PROBE, place.path + _PROBE
    outside, inside = view.standing_for(reference.namespace), view.standing_for(place.namespace)
    down = graph.verdict(outside, there, inside, here).reach
    up = graph.verdict(inside, here, outside, there).reach
    if not (down in _ARRIVES and up in _ARRIVES) and reference.label == HOST and engine_of(view, place) is not None:
        return Standing.ENGINE_APART
    if down in _ARRIVES:
        return Standing.PEER if up in _ARRIVES else Standing.RECEIVER
    if up in _ARRIVES:
        return Standing.SENDER
    if down is Reach.UNKNOWN:
        return Standing.UNKNOWN
    if reference.mount.shared is None and reference.label == HOST:
        return Standing.REFERENCE_PRIVATE
    if down is Reach.SHADOWED:
        return Standing.SHADOWED
    if place.mount.shared is None and place.mount.master is None:
        return Standing.PRIVATE
    if _covered_group(reference) & {place.mount.shared, place.mount.master}:
        return Standing.EARLIER
    return Standing.OTHER_GROUP


def refused_by_engine(view: HostView) -> list[Container]:
    """Containers that Docker did not start because of the propagation they asked for (moby, daemon/oci_linux.go)."""
    words = ("not a shared mount", "not a shared or slave mount")
    return [one for one in view.observation.stopped if any(text in one.last_error for text in words)]


def engine_of(view: HostView, place: Place) -> MountNamespace | None:
    """The mount namespace of a dockerd with mounts of its own, if the place is in it or exchanges mounts with it."""
    if place.namespace in view.engines_apart:
        return place.namespace
    if place.namespace.container is None or place.mount.shared is None:
        return None
    here = view.standing_for(place.namespace)
    for engine in view.engines_apart:
        there = view.standing_for(engine)
        both = (
            view.graph.verdict(there, place.path + _PROBE, here, place.path + _PROBE).reach,
            view.graph.verdict(here, place.path + _PROBE, there, place.path + _PROBE).reach,
        )
        if all(reach in _ARRIVES for reach in both):
            return engine
    return None


def _covered_group(reference: Place) -> set[int | None]:
    """Groups of the reference's mounts that show the same directory and lie beneath the topmost."""
    tree = reference.namespace.tree
    found: set[int | None] = set()
    below = tree.by_id.get(reference.mount.parent_id)
    while below is not None and below is not reference.mount:
        if directory_at(below, reference.path) == reference.directory and below.shared is not None:
            found.add(below.shared)
        if below.parent_id == below.id:
            break
        below = tree.by_id.get(below.parent_id)
    return found - {reference.mount.shared}


def bind_of(place: Place) -> Bind | None:
    """The option that made this place: the container's bind on it, or on the nearest directory above."""
    container = place.namespace.container
    if container is None:
        return None
    best = None
    for bind in container.binds:
        destination = bind.destination.rstrip("/") or "/"
        same = destination.replace("/var/run", "/run", 1) if destination.startswith("/var/run") else destination
        for candidate in (destination, same):
            leads = candidate in (place.path, "/") or place.path.startswith(candidate + "/")
            if leads and (best is None or len(bind.destination) > len(best.destination)):
                best = bind
    return best


def leads_to(bind: Bind, place: Place) -> bool:
    """Whether the bind's source is the place's directory, or above it."""
    source = bind.source.rstrip("/")
    paths = (place.path, place.path.replace("/run", "/var/run", 1))
    return any(path == source or path.startswith(source + "/") for path in paths)


def option(bind: Bind) -> str:
    """As it is written behind Docker's -v."""
    modes = [mode for mode in (bind.propagation, "ro" if bind.read_only else "") if mode]
    return ":".join([bind.source, bind.destination, *([",".join(modes)] if modes else [])])


def line(place: Place) -> str:
    """The line of mountinfo that decides, as evidence."""
    of = f"/proc/{place.namespace.pid}/mountinfo" if place.namespace.pid else "mountinfo"
    return f"{place.label}: {of}: {row(place.namespace, place.mount)}"


def row(namespace: MountNamespace, mount: Mount) -> str:
    """The line of mountinfo, with the ids that the mount has in this very namespace."""
    if namespace.ids is None:
        return f"{mount.id} {mount.parent_id} {mount.fields.text}"
    index = namespace.tree.mounts.index(mount)
    return f"{namespace.ids[2 * index]} {namespace.ids[2 * index + 1]} {mount.fields.text}"


def explain(one: Stand) -> str:
    """Why the place does not exchange mounts with the reference, in one or two sentences."""
    place, reference = one.place, one.reference
    who, path = place.label, place.path
    bind = bind_of(place)
    asked = _asked(bind, place)
    host = "the host" if reference.label == HOST else reference.label
    group = f"shared:{reference.mount.shared}"
    match one.standing:
        case Standing.REFERENCE_PRIVATE:
            return (
                f"On the host {path} lies on a private mount ({reference.mount.mount_point}), so nothing that is "
                f"mounted there or in {who} reaches the other, whatever the container asks for."
            )
        case Standing.ENGINE_APART:
            if one.engine is place.namespace:
                return (
                    f"dockerd has mounts of its own: what it mounts at {path}, and what its containers mount there, "
                    f"does not reach {host}."
                )
            return (
                f"dockerd has mounts of its own, and {who} got {path} from there{asked}: it exchanges mounts with "
                f"dockerd "
                f"and its other containers, and {host} is not one of them."
            )
        case Standing.PRIVATE:
            return (
                f"{who} has {path} as a private mount{asked}: mounts made later on {host} do not arrive in it, "
                f"nor its own on {host}."
            )
        case Standing.OTHER_GROUP:
            return (
                f"{who} has {path} in a peer group of its own (shared:{place.mount.shared}), {host} in another "
                f"({group}){asked}. "
                "`ip netns add` makes a private mount shared, which connects it with nobody."
            )
        case Standing.EARLIER:
            return (
                f"{who} was started before {host} mounted {path} on itself (the first `ip netns add` does that): "
                f"its mount belongs to the group of what lies beneath ({place.mount.propagation}), and {host}'s "
                f"topmost is {group}{asked}."
            )
        case Standing.SHADOWED:
            return (
                f"In {who} a mount that arrived later covers {path}{asked}: what was mounted there before is "
                "hidden, and what arrives lands beneath."
            )
        case Standing.RECEIVER:
            return (
                f"{who} has {path} as a slave (master:{place.mount.master}){asked}: it receives what {host} "
                f"mounts, and what is mounted in it never reaches {host} or anybody else."
            )
        case Standing.SENDER:
            return f"{who}'s mounts at {path} reach {host}{asked}, and those of {host}, a slave there, do not reach it."
        case _:
            return f"{who} exchanges mounts at {path} with {host}{asked}."


def _asked(bind: Bind | None, place: Place) -> str:
    if bind is None:
        return ""
    said = f", as {bind.propagation} was asked for" if bind.propagation else ", as no propagation was asked for"
    return f" (-v {option(bind)}{said if not bind.propagation else ''})"
