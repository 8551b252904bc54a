"""dockerd in a mount namespace of its own: its containers agree with each other, and not with the host."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from netmend.doctor.blame import refused_by_engine
from netmend.doctor.mends import keep, rejoin_engine
from netmend.doctor.observation import HOST, MountNamespace
from netmend.doctor.places import HostView
from netmend.doctor.rehearsal.losses import first_safe
from netmend.doctor.sentences import script
from netmend.ground.finding import Finding, Severity
from netmend.propagation.groups import Reach

CHECK = "engine-mount-namespace"
_DEFAULT = "/run/netns"
_ARRIVES = (Reach.DELIVERED, Reach.SAME_MOUNT)


def check(view: HostView) -> Iterator[Finding]:
    host = view.observation.namespace(HOST)
    if host is None:
        return
    for engine in view.engines_apart:
        outside, inside = view.standing_for(host), view.standing_for(engine)
        probe = _directory(view, host, engine) + "/\0"
        down = view.graph.verdict(outside, probe, inside, probe)
        up = view.graph.verdict(inside, probe, outside, probe)
        if down.reach in _ARRIVES and up.reach in _ARRIVES:
            continue
        yield _finding(view, host, engine, down.reach in _ARRIVES)


def _directory(view: HostView, host: MountNamespace, engine: MountNamespace) -> str:
    """The directory of names that is there: that of people, else the engine's own."""
    there = [
        place.path
        for _, places in (*view.shared, *view.all_shared)
        for place in places
        if place.label in (host.label, engine.label)
    ]
    return there[0] if there else _DEFAULT


def _finding(view: HostView, host: MountNamespace, engine: MountNamespace, receives: bool) -> Finding:
    directory = _directory(view, host, engine)
    cut_off = [
        place.label
        for _, places in view.shared
        for place in places
        if place.asked_for and (place.namespace.container is None or place.namespace.container.engine == "docker")
    ]
    broken = any(
        place.label == engine.label and set(place.usable) - set(at_host.usable)
        for found, places in view.all_shared
        if (at_host := view.host_place(found)) is not None
        for place in places
    )
    refused = refused_by_engine(view)
    own, theirs = host.tree.topmost(directory), engine.tree.topmost(directory)
    return Finding(
        check=CHECK,
        severity=Severity.ERROR if cut_off or refused or broken else Severity.WARNING,
        summary=f"dockerd has mounts of its own: what it and its containers mount at {directory} does not reach the "
        "host" + ("" if receives else ", nor the host's them"),
        evidence=(
            f"process {engine.pid} (dockerd) is in mnt:[{engine.inode}], process 1 in mnt:[{host.inode}]"
            + (f"; unit {engine.unit}" if engine.unit else ""),
            *(f"dockerd: {m.id} {m.parent_id} {m.fields.text}" for m in (theirs,) if m),
            *(f"docker: {one.name}: {one.last_error}" for one in refused),
            *(f"host: {m.id} {m.parent_id} {m.fields.text}" for m in (own,) if m),
        ),
        cause=_cause(engine),
        mend=_mend(view, engine, cut_off, [one.name for one in refused]),
        suffers=tuple(dict.fromkeys([*cut_off, *(one.name for one in refused)])) or (HOST,),
        directory=directory,
        culprits=(engine.label,),
        key=(engine.inode, host.inode),
    )


def _cause(engine: MountNamespace) -> str:
    why = (
        "It is a snap, and snap-confine gives each snap a mount namespace of its own"
        if (engine.unit or "").startswith("snap.")
        else "It was started so (systemd's MountFlags=slave, PrivateMounts= or PrivateTmp=; a snap; unshare)"
    )
    return (
        f"dockerd is in a mount namespace of its own. {why}. Containers get their mounts from there: with :shared they "
        "agree with each other and not with the host, and the namespaces that dockerd pins are plain files for "
        "programs of the host."
    )


def _mend(view: HostView, engine: MountNamespace, cut_off: list[str], refused: list[str]) -> str:
    kept: list[str] = []
    for directory, places in view.shared:
        host = view.host_place(directory)
        if host is None:
            continue
        known = set(host.usable)
        for place in places:
            lost = sorted(set(place.usable) - known)
            if lost and (place.label == engine.label or place.asked_for):
                kept += keep(lost, place, host.path)
                known.update(lost)
    again = [f"docker start {quote(name)}" for name in refused]
    end = "netmend doctor  # verifies"
    return first_safe(
        view,
        [
            script([*kept, *rejoin_engine(engine, cut_off), *again, end]),
            *([script([*kept, end])] if kept else []),
        ],
    )
