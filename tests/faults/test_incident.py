"""The incident: names that are files and no namespaces, because mounts do not propagate. What the old agent answered
with 10,000 taps must cost us none."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec.structs import replace
from tests.faults.injection import in_child
from tests.faults.world import DHCP_TAP, DIRECTORY, FIRST, NETWORK_ID, counting_devices, small
from tests.waiting import wait_for

from netmend.intent import Intent, Network, NoPlug
from netmend.kernel import links, mounts, netns, nsdir, syscalls
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.reconcile.breaker import Breaker
from netmend.reconcile.reconciler import Reconciler

NAME = f"{DIRECTORY}/qdhcp-{NETWORK_ID}"


def intent() -> Intent:
    """The small network with no guests plugged in: a bridge and the DHCP port."""
    network = small().networks[NETWORK_ID]
    ports = {port.id: replace(port, plug=NoPlug()) for port in network.ports.values()}
    return Intent({network.id: replace(network, ports=ports)})


@contextmanager
def another_container(made: Callable[[], Intent] | None = None) -> Iterator[int]:
    """A container that made the namespaces, with `/run/netns` private: its mounts reach nobody, its files everybody."""
    ready_read, ready_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            syscalls.unshare(syscalls.CLONE_NEWNS)
            mounts.make("/", syscalls.MS_PRIVATE, recursive=True)
            maker = Reconciler()
            maker.run((made or intent)())
            maker.close()  # the namespace lives on by its name alone, here
            os.write(ready_write, b"x")
            signal.pause()
        finally:
            os._exit(1)
    os.close(ready_write)
    assert os.read(ready_read, 1) == b"x"
    os.close(ready_read)
    try:
        yield pid
    finally:
        end(pid)


def end(pid: int) -> None:
    """End a child of ours; once more is no error."""
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def without_sight_of_others(function: Callable[[], None]) -> int:
    """Run `function` as in a container with a pid namespace of its own; returns the exit code."""

    def outer() -> None:
        syscalls.unshare(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID)

        def inner() -> None:
            mounts.make("/", syscalls.MS_SLAVE, recursive=True)
            syscalls.mount("proc", "/proc", "proc", 0)
            function()

        assert in_child(inner) == 0

    return in_child(outer)


def test_the_number_of_devices_never_exceeds_intent_in_100_rounds() -> None:
    nsdir.prepare()
    with another_container():
        assert not netns.is_namespace(NAME) and Path(NAME).exists()

        def rounds() -> None:
            now = [0.0]
            reconciler = Reconciler(clock=lambda: now[0])
            with counting_devices(set()) as counts:
                for _ in range(100):
                    now[0] += 1_000.0  # every back-off has run out
                    report = reconciler.run(intent())
                    assert report.planned_steps == 0
                    state = reconciler.breaker.state
                    assert state is not None and NAME in state.diagnosis.summary
                    assert any("not nsfs" in line for line in state.diagnosis.evidence)
                    assert any(DHCP_TAP in line for line in state.diagnosis.evidence)
                    assert "propagation" in state.diagnosis.cause
                    assert f"-v {DIRECTORY}:{DIRECTORY}:shared" in state.diagnosis.mend
            assert set(counts) == {2}, counts

        assert without_sight_of_others(rounds) == 0


def test_the_breaker_opens_once_and_closes_when_the_host_is_sound() -> None:
    nsdir.prepare()
    told: list[object] = []
    with another_container() as holder:

        def rounds() -> None:
            now = [0.0]
            reconciler = Reconciler(clock=lambda: now[0], breaker=Breaker(told.append))
            for _ in range(5):
                now[0] += 1_000.0
                reconciler.run(intent())
            assert len(told) == 1
            # the operator ends the container that hides the namespace; with it, namespace and veth are gone
            Path("/run/end").touch()
            with RouteSocket() as route:
                wait_for(lambda: links.find_link(route, DHCP_TAP) is None, "the veth to go with the namespace")
            now[0] += 1_000.0
            reconciler.run(intent())
            assert reconciler.breaker.state is None and len(told) == 2
            assert netns.is_namespace(NAME)

        pid = os.fork()
        if pid == 0:
            os._exit(without_sight_of_others(rounds))
        wait_for(Path("/run/end").exists, "the operator to end the container")
        end(holder)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_namespace_in_sight_elsewhere_is_adopted_by_descriptor() -> None:
    nsdir.prepare()
    with another_container():
        reconciler = Reconciler()
        with counting_devices(set()) as counts:
            report = reconciler.run(intent())
        assert reconciler.breaker.state is None
        assert set(counts) == {2}
        assert report.planned_steps == 1  # the name, pinned here
        assert netns.is_namespace(NAME)
        reconciler.close()


def test_names_whose_namespaces_are_dead_everywhere_are_made_anew() -> None:
    nsdir.prepare()
    with another_container():
        pass
    with RouteSocket() as route:
        # the kernel tears namespaces down in the background
        wait_for(lambda: links.find_link(route, DHCP_TAP) is None, "the veth to go with the namespace")
    assert Path(NAME).exists() and not netns.is_namespace(NAME)
    reconciler = Reconciler()
    reconciler.run(intent())
    assert reconciler.breaker.state is None
    assert reconciler.plan(intent()) == []
    assert netns.is_namespace(NAME)


def test_the_network_at_fault_is_the_one_that_probes() -> None:
    """A healthy network beside it must not close the breaker, and have it told again, with every probe."""
    nsdir.prepare()
    told: list[object] = []
    with another_container():

        def rounds() -> None:
            now = [0.0]
            healthy = Network("00000000-cccc-4333-8333-333333333333", "healthy", subnets=(FIRST,))
            both = Intent({healthy.id: healthy, **intent().networks})
            sound = Reconciler()
            sound.run(Intent({healthy.id: healthy}), {healthy.id})
            sound.close()
            reconciler = Reconciler(clock=lambda: now[0], breaker=Breaker(told.append))
            for _ in range(10):
                now[0] += 1_000.0
                report = reconciler.run(both)
                assert report.right == {healthy.id}
            assert len(told) == 1
            assert reconciler.breaker.state is not None and reconciler.breaker.state.failures == 10

        assert without_sight_of_others(rounds) == 0


def test_a_network_that_is_wanted_no_more_is_removed_though_its_namespace_is_out_of_reach() -> None:
    nsdir.prepare()
    with another_container():

        def removal() -> None:
            reconciler = Reconciler()
            reconciler.run(Intent())
            assert not reconciler.breaker.is_open
            with RouteSocket() as route:
                assert [link.name for link in links.dump_links(route)] == ["lo"]
            assert not Path(NAME).exists()

        assert without_sight_of_others(removal) == 0


def test_a_name_that_somebody_else_has_a_living_namespace_under_is_left_to_them() -> None:
    """Unmarked, and a plain file only here: mounting over it, or removing it, would take it from its owner."""
    nsdir.prepare()
    ready_read, ready_write = os.pipe()
    owner = os.fork()
    if owner == 0:
        try:
            syscalls.unshare(syscalls.CLONE_NEWNS)
            mounts.make("/", syscalls.MS_PRIVATE, recursive=True)
            with Netns.create("theirs") as theirs:
                netns.pin(theirs, NAME, "")
            theirs.close()
            os.write(ready_write, b"x")
            while not Path("/run/end").exists():
                time.sleep(0.02)
            os._exit(0 if netns.is_namespace(NAME) else 3)
        finally:
            os._exit(1)
    os.read(ready_read, 1)
    reconciler = Reconciler()
    report = reconciler.run(intent())
    assert report.wrong == {NETWORK_ID} and not netns.is_namespace(NAME)
    (reason,) = reconciler.resync.all()
    assert reason.serves and f"process {owner} has another namespace mounted there" in reason.text
    reconciler.run(Intent())
    reconciler.close()
    assert Path(NAME).exists()
    Path("/run/end").touch()
    assert os.waitstatus_to_exitcode(os.waitpid(owner, 0)[1]) == 0, "its owner has lost the namespace"
