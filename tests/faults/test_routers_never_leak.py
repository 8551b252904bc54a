"""Each change that a pass makes for routers is made to fail, and the process is ended right after it; then one pass
without faults must leave exactly what intent asks for."""

from collections.abc import Callable

import pytest
from tests.faults.case import ERRNOS, Case
from tests.faults.router_world import RouterWorld, changed, routed
from tests.faults.start_states import START_STATES
from tests.faults.world import EMPTY

from netmend.intent import Intent

pytestmark = pytest.mark.timeout(1_800)  # hundreds of cases, on a machine that may be busy
PHASES: dict[str, tuple[Callable[[], Intent], Callable[[], Intent]]] = {
    "create": (lambda: EMPTY, routed),
    "change": (routed, changed),
    "delete": (routed, lambda: EMPTY),
}


@pytest.mark.parametrize("phase", PHASES)
def test_every_change_fails_or_is_the_last(phase: str) -> None:
    before, after = PHASES[phase]
    case = Case(before(), after(), START_STATES["sound"], RouterWorld())
    calls = case.count()
    assert len(calls) >= 7, calls
    for n in range(len(calls)):
        case.fail(n, ERRNOS[n % len(ERRNOS)])
        case.kill(n, "after")  # after one call is before the next
