"""One name that leads to different namespaces, depending on who asks."""

from __future__ import annotations

from collections.abc import Iterator

from netmend.doctor.blame import explain, line, reference_of, stand
from netmend.doctor.mends import reconnect
from netmend.doctor.places import HostView, alike
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
                mend=script([*reconnect(off), "netmend doctor  # verifies"]),
                suffers=tuple(place.label for place in having),
                netns=name,
                usable_in=tuple(place.label for place in having),
                directory=view.title(directory),
                culprits=tuple(one.place.label for one in off),
                key=(directory, name, *sorted(inodes)),
            )
