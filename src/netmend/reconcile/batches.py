"""Changes for many networks in one request, in a fraction of the time that one request after the other takes.

Should a batch fail, the steps that follow do what is left, each for one network.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from netmend.intent.names import DOOMED_GROUP
from netmend.kernel import links
from netmend.kernel.errors import KernelError
from netmend.kernel.links import Link
from netmend.kernel.netlink import RouteSocket
from netmend.reconcile.awaited_devices import AwaitedDevices
from netmend.reconcile.observe import Snapshot
from netmend.reconcile.steps import AddPort
from netmend.reconcile.switch import Switch

BATCH_MAX: Final = 32  # devices deleted at once; all other requests wait for the kernel's rtnl lock meanwhile, 0.3 s


def delete_batch(route: RouteSocket, doomed: Sequence[Link], snapshot: Snapshot) -> None:
    """Delete devices, BATCH_MAX at a time, as far as that works."""
    names = {link.name for link in doomed}
    if any(link.group == DOOMED_GROUP and name not in names for name, link in snapshot.links.items()):
        return  # left by a pass that was killed, and wanted again since: it must not go with the others
    with suppress(KernelError):
        for start in range(0, len(doomed), BATCH_MAX):
            links.delete_links(route, doomed[start : start + BATCH_MAX], DOOMED_GROUP)


def add_batch(switch: Switch, steps: Sequence[AddPort]) -> bool:
    """Add ports to the switch in one transaction, and give it time to make their devices; False when none was added."""
    try:
        with AwaitedDevices() as awaited:
            switch.add([(step.device, step.tag) for step in steps])
            awaited.wait(step.device.name for step in steps)
    except KernelError:
        return False
    return True
