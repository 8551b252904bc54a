"""One name that leads to different namespaces, depending on who asks."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from netmend.doctor.blame import Stand, explain, line, reference_of, stand
from netmend.doctor.mends import bind_names, reconnect, whose
from netmend.doctor.observation import HOST
from netmend.doctor.places import HostView, Place, alike
from netmend.doctor.rehearsal.losses import first_safe
from netmend.doctor.sentences import script, several
from netmend.ground.finding import Finding, Severity

CHECK = "split-name"


def check(view: HostView) -> Iterator[Finding]:
    for directory, every in view.shared:
        places = [place for place in every if place.counts]
        if len(places) < 2:
            continue
        leads: dict[str, dict[int, list[str]]] = {}
        for same in alike(places):
            for name, (inode, _) in same[0].usable.items():
                leads.setdefault(name, {}).setdefault(inode, []).extend(place.label for place in same[:8])
        reference = reference_of(view, places)
        for name, inodes in leads.items():
            if len(inodes) < 2:
                continue
            having = [place for place in places if name in place.usable]
            off = [one for one in (stand(view, p, reference) for p in having) if not (one.sends and one.receives)]
            said = "; ".join(f"net:[{inode}] in {several(labels)}" for inode, labels in inodes.items())
            yield Finding(
                check=CHECK,
                severity=Severity.ERROR,
                summary=f"{name} leads to {len(inodes)} different namespaces: {said}",
                evidence=(f"{view.title(directory)}/{name}: {said}", *(line(place) for place in having[:6])),
                cause=" ".join(explain(one) for one in off[:4])
                or "The name was pinned a second time, over a file that another mount namespace still had as its own.",
                mend=_mend(view, off, reference),
                suffers=tuple(place.label for place in having),
                netns=name,
                usable_in=tuple(place.label for place in having),
                directory=view.title(directory),
                culprits=tuple(one.place.label for one in off),
                key=(directory, name, *sorted(inodes)),
            )


def _mend(view: HostView, off: list[Stand], reference: Place) -> str:
    """Give what only somebody cut off has a second name on the host, then set right who is cut off."""
    kept: list[str] = []
    names = dict(reference.usable)
    known = {inode for inode, _ in names.values()}
    if reference.label == HOST:
        for one in off:
            namespace = one.place.namespace
            there = f"/proc/{namespace.pid or 'PID'}/root{one.place.path}"
            for name, (inode, _) in sorted(one.place.usable.items()):
                if inode in known or one.place.label == HOST:
                    continue
                known.add(inode)
                here = f"{reference.path}/{name}" + (f"-of-{namespace.label.split()[0]}" if name in names else "")
                (bind,) = bind_names([name], there, reference.path, whose(namespace))
                command, _, remark = bind.partition("  # ")
                command = command.rpartition(" ")[0]
                kept.append(f"touch {quote(here)} && {command} {quote(here)}  # {remark}")
    end = "netmend doctor  # verifies"
    return first_safe(view, [script([*kept, *reconnect(off), end]), *([script([*kept, end])] if kept else [])])
