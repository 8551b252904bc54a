"""The host's own mount is private, and containers ask it to be shared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote

from netmend.doctor.blame import Standing, line, reference_of, refused_by_engine, stand
from netmend.doctor.mends import reconnect, share_host
from netmend.doctor.observation import HOST, Container, Directory, MountNamespace
from netmend.doctor.places import HostView, Place
from netmend.doctor.rehearsal.losses import first_safe
from netmend.doctor.sentences import script, several
from netmend.ground.finding import Finding, Severity
from netmend.propagation.mountinfo import Mount

CHECK = "private-run"
_REFUSED = re.compile(r"path (\S+) is mounted on (\S+) but it is not a shared( or slave)? mount")
"""In Docker's words (moby, daemon/oci_linux.go)."""
_VERIFY = "netmend doctor  # verifies"


def check(view: HostView) -> Iterator[Finding]:
    refused = refused_by_engine(view)
    told: set[str] = set()
    for directory, places in view.shared:
        reference = reference_of(view, places)
        if reference.label != HOST or reference.mount.shared is not None:
            continue
        found = _of_directory(view, directory, places, reference, refused)
        if found is not None:
            finding, turned_away = found
            told.update(container.name for container in turned_away)
            yield finding
    yield from _refused_alone(view, [one for one in refused if one.name not in told])


def _of_directory(
    view: HostView, directory: Directory, places: list[Place], reference: Place, refused: list[Container]
) -> tuple[Finding, list[Container]] | None:
    cut_off = [
        one
        for one in (stand(view, place, reference) for place in places if place.asked_for)
        if one.standing is Standing.REFERENCE_PRIVATE and one.place.namespace.may_use_namespaces is not False
    ]
    turned_away = [
        container
        for container in refused
        if any(reference.path in (bind.source, bind.source.replace("/var/run", "/run", 1)) for bind in container.binds)
    ]
    if not cut_off and not turned_away:
        return None
    who = [one.place.label for one in cut_off] + [container.name for container in turned_away]
    start = [f"docker start {quote(container.name)}" for container in turned_away]
    mends = (
        [[*reconnect(cut_off), *start], [*share_host(reference.mount), *start]]
        if cut_off
        else [[*share_host(reference.mount), *start]]
    )
    finding = Finding(
        check=CHECK,
        severity=Severity.ERROR if turned_away else Severity.WARNING,
        summary=f"the host's {reference.mount.mount_point} is private, and {several(who)} would share "
        f"{reference.path} with it",
        evidence=(
            line(reference),
            *(line(one.place) for one in cut_off[:4]),
            *(f"docker: {container.name}: {container.last_error}" for container in turned_away[:4]),
        ),
        cause=_cause(reference.path, reference.mount, refused=bool(turned_away)),
        mend=first_safe(view, [script([*lines, _VERIFY]) for lines in mends]),
        suffers=tuple(who),
        directory=reference.path,
        culprits=(HOST,),
        key=(directory, reference.mount.id, *who),
    )
    return finding, turned_away


def _refused_alone(view: HostView, refused: list[Container]) -> Iterator[Finding]:
    """Containers that Docker turned away, with nobody else who shows the directory: by what Docker said."""
    host = next(
        (one for one in (*view.engines_apart, view.observation.namespace(HOST)) if one is not None and one.is_engine),
        view.observation.namespace(HOST),
    )
    if host is None:
        return
    groups: dict[tuple[str, str], list[Container]] = {}
    for container in refused:
        said = _REFUSED.search(container.last_error)
        if said is None:
            continue
        mount = _mount_at(host, said[2])
        if mount is None or mount.shared is not None or (said[3] and mount.master is not None):
            continue  # it is shared by now
        groups.setdefault((said[1], said[2]), []).append(container)
    for (path, point), containers in groups.items():
        top = _mount_at(host, point)
        assert top is not None
        names = [container.name for container in containers]
        yield Finding(
            check=CHECK,
            severity=Severity.ERROR,
            summary=f"the host's {point} is private, and Docker refused to start {several(names)}, which would share "
            f"{path} with it",
            evidence=(
                f"{host.label}: {top.id} {top.parent_id} {top.fields.text}",
                *(f"docker: {container.name}: {container.last_error}" for container in containers[:4]),
            ),
            cause=_cause(path, top, refused=True),
            mend=first_safe(
                view,
                [
                    script([*share_host(top, host), *(f"docker start {quote(name)}" for name in names), _VERIFY]),
                    script([*share_host(top, host), _VERIFY]),
                ],
            ),
            suffers=tuple(names),
            directory=path,
            culprits=(host.label,),
            key=(path, point, top.id, *names),
        )


def _mount_at(namespace: MountNamespace, point: str) -> Mount | None:
    mount = namespace.tree.topmost(point)
    return mount if mount is not None and mount.mount_point == point else None


def _cause(path: str, mount: Mount, *, refused: bool) -> str:
    text = (
        f"{path} lies on the mount {mount.mount_point}, which is {mount.propagation} on the host: "
        "the kernel carries no mount from or to a private one. systemd makes every mount shared at boot; other init "
        "systems (WSL2, Synology, Alpine, containers), and what mounted it again since, leave it private."
    )
    if refused:
        return text + " Docker refuses to start a container that asks for shared or slave there."
    return text + " Podman starts such containers without a word, and Docker does so where private is asked for."
