"""A kernel that refuses to delete a name while any mount namespace has a mount on it (fs.may_detach_mounts, RHEL 7).

Since Linux 3.18 an unlink takes the mounts away everywhere; Red Hat's 3.10 has that behind a setting, off by default.
"""

from __future__ import annotations

from collections.abc import Iterator

from netmend.doctor.observation import HOST
from netmend.doctor.places import HostView
from netmend.doctor.sentences import count, script
from netmend.ground.finding import Finding, Severity

CHECK = "busy-deletions"
_SETTING = "fs.may_detach_mounts"


def check(view: HostView) -> Iterator[Finding]:
    if view.observation.settings.get(_SETTING) != "0":
        return
    holders = {place.label for _, places in view.all_shared for place in places if place.usable}
    if len(holders) < 2:
        return
    yield Finding(
        check=CHECK,
        severity=Severity.WARNING,
        summary=f"{_SETTING} is 0: a namespace cannot be deleted while another mount namespace has its name mounted",
        evidence=(f"/proc/sys/fs/may_detach_mounts: 0; {count(len(holders), 'mount namespace')} have names mounted",),
        cause=(
            "This kernel refuses to remove a file that is a mount point in any mount namespace (`Device or resource "
            "busy`), and the name is left behind as a plain file. Docker and containerd set it to 1 where they start."
        ),
        mend=script(
            [
                f"sysctl -w {_SETTING}=1",
                f"printf '{_SETTING} = 1\\n' >/etc/sysctl.d/99-may-detach-mounts.conf  # at each boot",
                "netmend doctor  # verifies",
            ]
        ),
        suffers=(HOST,),
        culprits=(HOST,),
        key=(_SETTING,),
    )
