"""The namespace directory as the calling process sees it: cheap enough for every start and every fault of a step.

It reads two mountinfo files at most, the caller's and, where /proc shows it, that of process 1, and looks at the names
asked about. The checks are the doctor's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection

from netmend.doctor.blame import line
from netmend.doctor.diagnose import diagnose, ranked
from netmend.doctor.look import name_from
from netmend.doctor.observation import HOST, Directory, MountNamespace, Name, Observation
from netmend.doctor.places import HostView, Place, directory_seen
from netmend.doctor.relevant import keep_relevant
from netmend.ground.finding import Finding, Severity
from netmend.kernel import listing, mounts, procfs
from netmend.kernel.errors import KernelError
from netmend.kernel.netns import is_namespace
from netmend.propagation.mountinfo import MountinfoError
from netmend.propagation.paths import normal

SELF = "netmend"
PAUSE = 0.05


def diagnose_directory(directory: str, names: Collection[str] = ()) -> list[Finding]:
    """What is wrong with `directory` and with these names in it, from where the caller stands; the worst first.

    A name that is not there is not wrong. What looks wrong is looked at twice. Empty also where nothing could be read:
    the caller's own error is then all there is to say.
    """
    found = _once(directory, names)
    if not found:
        return []
    time.sleep(PAUSE)
    before = {(finding.check, finding.key) for finding in found}
    return [finding for finding in _once(directory, names) if (finding.check, finding.key) in before]


def _once(directory: str, names: Collection[str]) -> list[Finding]:
    path = normal(os.path.realpath(directory))
    own, host = _inode(os.getpid()), _inode(1)
    raw: dict[str, tuple[int, bytes]] = {}
    for label, pid, inode in ((HOST, 1, host), (SELF, os.getpid(), own)):
        if inode is None or (label == SELF and inode == host):
            continue
        try:
            raw[label] = (pid, mounts.read_mountinfo(pid))
        except KernelError:
            continue
    try:
        kept = keep_relevant({label: data for label, (_, data) in raw.items()}, also=(path,))
    except MountinfoError:
        return []
    namespaces = tuple(
        MountNamespace(
            label,
            kept[label].tree,
            kept[label].total,
            kept[label].ids,
            host if label == HOST else own,
            pid,
            1,
            "netmend",
        )
        for label, (pid, _) in raw.items()
    )
    me = SELF if SELF in raw else HOST
    mine = next((namespace for namespace in namespaces if namespace.label == me), None)
    if mine is None:
        return []
    seen = directory_seen(mine.tree, path)
    if seen is None:
        return []
    entries = _entries(path, names)
    observation = Observation("live", time.time(), namespaces, names={seen: entries})
    found = [finding for finding in diagnose(observation) if finding.directory in (path, None)]
    if me == HOST or not any(me in finding.culprits or HOST in finding.culprits for finding in found):
        found += _private(HostView(observation), seen, me)
    return ranked(found)


def _entries(path: str, names: Collection[str]) -> dict[str, Name]:
    found: dict[str, Name] = {}
    for name in names:
        try:
            entry = listing.entry(f"{path}/{name}")
        except KernelError:
            continue
        if entry is not None:
            found[name] = Name("mounted") if is_namespace(f"{path}/{name}") else name_from(entry)
    return found


def _private(view: HostView, directory: Directory, me: str) -> list[Finding]:
    """The directory's own mount carries nothing to anybody, as far as the caller can see."""
    place = next((place for place in view.directories.get(directory, ()) if place.label == me), None)
    if place is None or place.mount.shared is not None or place.mount.mount_point == "/":
        return []
    return [_private_finding(place)]


def _private_finding(place: Place) -> Finding:
    kind = place.mount.propagation
    return Finding(
        check="directory-private",
        severity=Severity.WARNING,
        summary=f"{place.path} lies on a {kind} mount: names made in it reach no other mount namespace",
        evidence=(line(place),),
        cause=(
            f"The mount {place.mount.mount_point}, seen from here, is {kind}. In a container that is the propagation "
            "its engine was asked for (private, where nothing was said); without systemd it is the kernel's default."
        ),
        mend="\n".join(
            [
                f"docker run -v {place.path}:{place.path}:shared ...  # in a container: start it again with this flag",
                f"mount --make-rshared {place.mount.mount_point}  # on the host itself",
            ]
        ),
        suffers=(place.label,),
        directory=place.path,
        culprits=(place.label,),
        key=(place.directory, place.mount.id, kind),
    )


def _inode(pid: int) -> int | None:
    try:
        return procfs.namespace_inode(pid, "mnt")
    except PermissionError:
        return None
