"""dockerd in a mount namespace of its own: its containers agree with each other, and not with the host."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from netmend.doctor.blame import refused_by_engine
from netmend.doctor.mends import rejoin_engine
from netmend.doctor.observation import HOST, MountNamespace
from netmend.doctor.places import HostView
from netmend.doctor.sentences import script
from netmend.ground.finding import Finding, Severity
from netmend.propagation.groups import Reach

CHECK = "engine-mount-namespace"
_PROBE = "/run/netns/\0"
_ARRIVES = (Reach.DELIVERED, Reach.SAME_MOUNT)


def check(view: HostView) -> Iterator[Finding]:
    host = view.observation.namespace(HOST)
    if host is None:
        return
    for engine in view.engines_apart:
        outside, inside = view.standing_for(host), view.standing_for(engine)
        down = view.graph.verdict(outside, _PROBE, inside, _PROBE)
        up = view.graph.verdict(inside, _PROBE, outside, _PROBE)
        if down.reach in _ARRIVES and up.reach in _ARRIVES:
            continue
        yield _finding(view, host, engine, down.reach in _ARRIVES)


def _finding(view: HostView, host: MountNamespace, engine: MountNamespace, receives: bool) -> Finding:
    cut_off = [place.label for _, places in view.shared for place in places if place.asked_for]
    refused = refused_by_engine(view)
    own, theirs = host.tree.topmost("/run/netns"), engine.tree.topmost("/run/netns")
    return Finding(
        check=CHECK,
        severity=Severity.ERROR if cut_off or refused else Severity.WARNING,
        summary="dockerd has mounts of its own: what its containers mount at /run/netns does not reach the host"
        + ("" if receives else ", nor the host's them"),
        evidence=(
            f"process {engine.pid} (dockerd) is in mnt:[{engine.inode}], process 1 in mnt:[{host.inode}]",
            *(f"dockerd: {m.id} {m.parent_id} {m.fields.text}" for m in (theirs,) if m),
            *(f"docker: {one.name}: {one.last_error}" for one in refused),
            *(f"host: {m.id} {m.parent_id} {m.fields.text}" for m in (own,) if m),
        ),
        cause=(
            "dockerd was started in a mount namespace of its own (systemd's MountFlags=slave, PrivateMounts= or "
            "PrivateTmp=, or unshare), and containers get their mounts from there: with :shared they agree with "
            "each other "
            "and not with the host."
        ),
        mend=script(
            [
                *rejoin_engine(cut_off),
                *(f"docker start {quote(one.name)}" for one in refused),
                "netmend doctor  # verifies",
            ]
        ),
        suffers=tuple(dict.fromkeys([*cut_off, *(one.name for one in refused)])) or (HOST,),
        directory="/run/netns",
        culprits=(engine.label,),
        key=(engine.inode, host.inode),
    )
