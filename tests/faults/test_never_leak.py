"""Each change that a pass makes is made to fail in each way, and the process is ended right before and right after it;
then one pass without faults must leave exactly what intent asks for."""

from collections.abc import Callable

import pytest
from tests.faults.case import ERRNOS, Case
from tests.faults.start_states import START_STATES
from tests.faults.world import EMPTY, World, changed, small

from netmend.intent import Intent

pytestmark = pytest.mark.timeout(1_800)  # hundreds of cases each, on a machine that may be busy
PHASES: dict[str, tuple[Callable[[], Intent], Callable[[], Intent]]] = {
    "create": (lambda: EMPTY, small),
    "change": (small, changed),
    "delete": (small, lambda: EMPTY),
}


def case_of(phase: str, name: str) -> Case:
    (before, after), state = PHASES[phase], START_STATES[name]
    return Case(before(), after(), state, World(state.foreign))


@pytest.mark.parametrize("phase", PHASES)
def test_every_change_fails_in_every_way(phase: str) -> None:
    case = case_of(phase, "sound")
    calls = case.count()
    assert len(calls) >= 7, calls
    for n in range(len(calls)):
        for code in ERRNOS:
            case.fail(n, code)


@pytest.mark.parametrize("phase", PHASES)
def test_killed_around_every_change(phase: str) -> None:
    case = case_of(phase, "sound")
    for n in range(len(case.count())):
        case.kill(n, "before")
        case.kill(n, "after")


@pytest.mark.parametrize("name", [name for name in START_STATES if name != "sound"])
def test_every_change_fails_or_is_the_last_from_a_broken_start(name: str) -> None:
    state = START_STATES[name]
    case = case_of("create", name)
    calls = case.count()
    for n in range(len(calls)):
        case.fail(n, ERRNOS[n % len(ERRNOS)])
        if state.foreign < 1_000:  # with many, each case costs a second: after one call is before the next
            case.kill(n, "before")
        case.kill(n, "after")
