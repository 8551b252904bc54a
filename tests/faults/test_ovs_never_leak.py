"""As test_never_leak, with Open vSwitch: each transaction with its database is a change that fails, or is the last."""

from collections.abc import Callable

import pytest
from tests.faults.case import ERRNOS, Case
from tests.faults.ovs_world import (
    OvsWorld,
    with_bridge,
    with_internal,
    with_internal_changed,
    with_own_tags,
    with_veth,
)
from tests.faults.start_states import START_STATES
from tests.faults.world import EMPTY
from tests.kernel.vswitch import VSwitch

from netmend.intent import Intent

pytestmark = pytest.mark.timeout(1_800)
PHASES: dict[str, tuple[Callable[[], Intent], Callable[[], Intent]]] = {
    "create": (lambda: EMPTY, with_internal),
    "create with a veth": (lambda: EMPTY, with_veth),
    "change": (with_internal, with_internal_changed),
    "to tags of our own": (with_internal, with_own_tags),
    "from internal port to veth": (with_internal, with_veth),
    "from bridge to internal port": (with_bridge, with_internal),
    "delete": (with_internal, lambda: EMPTY),
}


def case_of(phase: str, switch: VSwitch) -> Case:
    before, after = PHASES[phase]
    return Case(before(), after(), START_STATES["sound"], OvsWorld(switch))


@pytest.mark.parametrize("phase", PHASES)
def test_every_change_fails(phase: str) -> None:
    with VSwitch() as switch:
        case = case_of(phase, switch)
        calls = case.count()
        assert any("Open vSwitch" in operation for operation, _ in calls), calls
        for n, (operation, _) in enumerate(calls):
            every_way = "Open vSwitch" in operation or operation == "move"
            for code in ERRNOS if every_way else (ERRNOS[n % len(ERRNOS)],):
                case.fail(n, code)


@pytest.mark.parametrize("phase", PHASES)
def test_killed_around_every_change(phase: str) -> None:
    with VSwitch() as switch:
        case = case_of(phase, switch)
        for n in range(len(case.count())):
            case.kill(n, "before")
            case.kill(n, "after")
