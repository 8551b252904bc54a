"""Each change that a takeover from another agent makes fails, or is the last; what was taken over stays as it was."""

import errno
import signal
from collections.abc import Callable
from contextlib import suppress

from tests.faults.injection import FailNth, KillAtNth, Recording, in_child, observing
from tests.kernel.reconcile.test_adoption_ovs import PORT, adopt, made_by_another, rows
from tests.kernel.vswitch import VSwitch
from tests.kernel.wiring.test_ovs import INTERNAL, inside, intent, run_until_right

from netmend.intent import Intent, Network
from netmend.kernel import nsdir
from netmend.kernel.errors import KernelError
from netmend.kernel.netns import Netns
from netmend.reconcile.reconciler import Reconciler


def take_over(switch: VSwitch, disturbed: Callable[[Network], None]) -> None:
    """One takeover that is `disturbed`, then a pass that is not, then nothing is left of it."""
    one = made_by_another(switch, INTERNAL)
    before = (rows(switch), {name: (link.index, link.mac) for name, link in inside(one).items()})
    inode = Netns.open(f"/run/netns/qdhcp-{one.id}").inode
    disturbed(one)
    adopt(one)
    reconciler = Reconciler()
    run_until_right(reconciler, intent(one))
    assert (rows(switch), {name: (link.index, link.mac) for name, link in inside(one).items()}) == before
    assert Netns.open(f"/run/netns/qdhcp-{one.id}").inode == inode
    assert "netmend-mark" in switch.get("Interface", f"tap{PORT.id[:11]}", "external_ids")
    run_until_right(reconciler, Intent())
    assert switch.ports() == set() and nsdir.names() == set()
    reconciler.close()


def once(observer: Recording) -> Callable[[Network], None]:
    def disturbed(one: Network) -> None:
        with observing(observer), suppress(KernelError):
            adopt(one)
            reconciler = Reconciler()
            reconciler.run(intent(one))
            reconciler.close()

    return disturbed


def test_a_takeover_that_fails_or_is_killed_anywhere_is_finished_by_the_next() -> None:
    with VSwitch() as switch:
        recording = Recording()
        take_over(switch, once(recording))
        operations = {operation for operation, _ in recording.calls}
        assert "set in Open vSwitch" in operations and len(recording.calls) >= 2
        for n in range(len(recording.calls)):
            for code in (errno.EINVAL, errno.ENODEV, errno.EPERM):
                take_over(switch, once(FailNth(n, code)))

            def killed(one: Network, n: int = n) -> None:
                assert in_child(lambda: once(KillAtNth(n, "after"))(one)) == -signal.SIGKILL

            take_over(switch, killed)
