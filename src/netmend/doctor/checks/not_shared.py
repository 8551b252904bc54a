"""A container that mounts the directory on purpose and yet is cut off: the next namespace will be a plain file."""

from __future__ import annotations

from collections.abc import Iterator

from netmend.doctor.blame import Stand, Standing, bind_of, explain, line, reference_of, stand
from netmend.doctor.mends import keep, reconnect
from netmend.doctor.observation import HOST
from netmend.doctor.places import HostView
from netmend.doctor.rehearsal.losses import first_safe
from netmend.doctor.sentences import script
from netmend.ground.finding import Finding, Severity

CHECK = "not-shared"
_VERIFY = "netmend doctor  # verifies"
_CUT_OFF = (Standing.PRIVATE, Standing.OTHER_GROUP, Standing.EARLIER, Standing.SHADOWED)


def check(view: HostView) -> Iterator[Finding]:
    for _, places in view.shared:
        reference = reference_of(view, places)
        if reference.label != HOST and len(places) < 2:
            continue
        for place in places:
            if place is reference or not place.asked_for or place.namespace.may_use_namespaces is False:
                continue
            one = stand(view, place, reference)
            if one.standing in _CUT_OFF:
                yield _finding(view, one)


def _finding(view: HostView, one: Stand) -> Finding:
    place, reference = one.place, one.reference
    bind = bind_of(place)
    said = "" if bind is None else f", with {bind.propagation or 'no propagation'} asked for"
    only_there = sorted(set(place.usable) - set(reference.usable))
    kept = keep(only_there, place, reference.path) if only_there and reference.label == HOST else []
    return Finding(
        check=CHECK,
        severity=Severity.WARNING,
        summary=f"{place.label} mounts {place.path} and {one.standing.value}{said}: namespaces made from now on "
        f"will be "
        "plain files on the other side",
        evidence=(line(place), line(reference)),
        cause=explain(one),
        mend=first_safe(
            view, [script([*kept, *reconnect([one]), _VERIFY]), *([script([*kept, _VERIFY])] if kept else [])]
        ),
        suffers=(place.label,),
        directory=reference.path,
        culprits=(place.label,),
        key=(place.directory, place.label, place.mount.id, reference.mount.id, one.standing),
    )
