"""The host's own mount is private, and containers ask it to be shared."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from netmend.doctor.blame import Standing, line, reference_of, refused_by_engine, stand
from netmend.doctor.mends import reconnect, share_host
from netmend.doctor.observation import HOST
from netmend.doctor.places import HostView, Place
from netmend.doctor.sentences import script, several
from netmend.ground.finding import Finding, Severity

CHECK = "private-run"


def check(view: HostView) -> Iterator[Finding]:
    refused = refused_by_engine(view)
    for directory, places in view.shared:
        reference = reference_of(view, places)
        if reference.label != HOST or reference.mount.shared is not None:
            continue
        cut_off = [
            one
            for one in (stand(view, place, reference) for place in places if place.asked_for)
            if one.standing is Standing.REFERENCE_PRIVATE and one.place.namespace.may_use_namespaces is not False
        ]
        turned_away = [
            container
            for container in refused
            if any(
                reference.path in (bind.source, bind.source.replace("/var/run", "/run", 1)) for bind in container.binds
            )
        ]
        if cut_off or turned_away:
            who = [one.place.label for one in cut_off] + [container.name for container in turned_away]
            yield Finding(
                check=CHECK,
                severity=Severity.ERROR if turned_away else Severity.WARNING,
                summary=f"the host's {reference.mount.mount_point} is private, and {several(who)} would share "
                f"{reference.path} with it",
                evidence=(
                    line(reference),
                    *(line(one.place) for one in cut_off[:4]),
                    *(f"docker: {container.name}: {container.last_error}" for container in turned_away[:4]),
                ),
                cause=_cause(reference, bool(turned_away)),
                mend=script(
                    [
                        *(reconnect(cut_off) if cut_off else share_host(reference)),
                        *(f"docker start {quote(container.name)}" for container in turned_away),
                        "netmend doctor  # verifies",
                    ]
                ),
                suffers=tuple(who),
                directory=reference.path,
                culprits=(HOST,),
                key=(directory, reference.mount.id, *who),
            )


def _cause(reference: Place, refused: bool) -> str:
    text = (
        f"{reference.path} lies on the mount {reference.mount.mount_point}, which is {reference.mount.propagation} "
        f"on the host: "
        "the kernel carries no mount from or to a private one. systemd makes every mount shared at boot; other init "
        "systems, and what mounted it again since, leave it private."
    )
    if refused:
        return text + " Docker refuses to start a container that asks for shared or slave there."
    return text + " Podman starts such containers without a word, and Docker does so where private is asked for."
