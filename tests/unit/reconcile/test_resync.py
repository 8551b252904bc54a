"""Reasons are kept until resolved; back-off doubles, with jitter, up to a cap; the breaker tells once."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmend.ground.diagnosis import Diagnosis
from netmend.kernel.errors import KernelError
from netmend.reconcile.breaker import Breaker, BreakerState, exhaustion_fault, host_fault
from netmend.reconcile.resync import FIRST_DELAY, LONGEST_DELAY, Problem, Resync, back_off


@given(st.integers(1, 10_000))
def test_back_off_doubles_up_to_the_cap_with_jitter(failures: int) -> None:
    whole = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(failures - 1, 40))
    assert whole / 2 <= back_off(failures) <= whole


def test_a_reason_lasts_until_it_is_resolved_and_is_new_once() -> None:
    resync = Resync()
    (fresh,) = resync.report("a", [Problem(None, "it fails")], 10.0)
    assert (fresh.since, fresh.failures) == (10.0, 1)
    assert resync.report("a", [Problem(None, "it fails")], 20.0) == []
    (reason,) = resync.all()
    assert (reason.since, reason.failures) == (10.0, 2)
    resync.report("a", [], 30.0)
    assert resync.all() == [] and resync.next_try() is None


def test_a_new_reason_of_a_failing_network_keeps_its_back_off() -> None:
    resync = Resync()
    for number in range(5):
        resync.report("a", [Problem(None, f"failure {number}")], float(number))
    (reason,) = resync.all()
    assert reason.failures == 5 and reason.text == "failure 4"


def test_networks_are_due_one_by_one() -> None:
    resync = Resync()
    resync.report("a", [Problem(None, "x")], 0.0)
    resync.report("b", [Problem("port", "y", serves=True)], 100.0)
    assert resync.due(50.0) == {"a"}
    assert resync.due(1_000.0) == {"a", "b"}
    resync.forget("a")
    assert resync.due(1_000.0) == {"b"}


DIAGNOSIS = Diagnosis("broken", ("seen",), "cause", "mend")


def test_the_breaker_tells_once_and_probes_further_and_further_apart() -> None:
    told: list[BreakerState | None] = []
    breaker = Breaker(told.append)
    now, waits = 0.0, []
    for _ in range(12):
        breaker.open(DIAGNOSIS, now)
        assert breaker.state is not None and not breaker.may_probe(now)
        waits.append(breaker.state.next_try - now)
        now = breaker.state.next_try
        assert breaker.may_probe(now)
    assert len(told) == 1
    assert waits[0] <= FIRST_DELAY and LONGEST_DELAY / 2 <= waits[-1] <= LONGEST_DELAY
    breaker.close()
    breaker.close()
    assert told[1:] == [None] and not breaker.is_open


def test_a_fault_met_by_many_workers_counts_once() -> None:
    breaker = Breaker()
    breaker.open(DIAGNOSIS, 0.0)
    breaker.open(DIAGNOSIS, 0.001)
    assert breaker.state is not None and breaker.state.failures == 1


def test_what_is_a_fault_of_the_host() -> None:
    fault = host_fault(KernelError("create", "qdhcp-x", 1))
    assert fault is not None and "CAP_SYS_ADMIN" in fault.diagnosis.cause
    assert host_fault(KernelError("pin", "qdhcp-x", 24)) is not None  # EMFILE
    assert host_fault(KernelError("create link", "tapx", 17)) is None  # EEXIST is one network's


@pytest.mark.parametrize(
    ("error", "cause", "mend"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "no file descriptor left (EMFILE", "# raise LimitNOFILE"),
        (KernelError("create link", "tapx", errno.ENOMEM), "no memory left", "# give the host"),
        (MemoryError(), "no memory left", "# give the host"),
        (RuntimeError("can't start new thread"), "no thread can be started", "# raise TasksMax"),
    ],
)
def test_a_limit_is_a_fault_of_the_host_that_names_it(error: Exception, cause: str, mend: str) -> None:
    fault = exhaustion_fault(error)
    assert fault is not None
    assert fault.diagnosis.summary.startswith("a limit is reached: ")
    assert cause in fault.diagnosis.cause
    assert fault.diagnosis.mend.startswith(mend)


def test_a_defect_is_no_limit() -> None:
    assert exhaustion_fault(ValueError("a defect")) is None
