"""As test_never_leak, on a chassis of OVN: metadata's port is made, changed and removed, and the host changes its role
from ML2/OVS to OVN."""

from collections.abc import Callable

import pytest
from tests.faults.case import ERRNOS
from tests.faults.ovn_world import HALF_MADE, ChassisCase, OvnWorld, with_dhcp, with_metadata, with_metadata_changed
from tests.faults.start_states import START_STATES, StartState
from tests.faults.world import EMPTY
from tests.kernel.vswitch import VSwitch

from netmend.intent import Intent

pytestmark = pytest.mark.timeout(1_800)
SOUND = START_STATES["sound"]
PHASES: dict[str, tuple[Callable[[], Intent], Callable[[], Intent], StartState]] = {
    "create": (lambda: EMPTY, with_metadata, SOUND),
    "create over half a name": (lambda: EMPTY, with_metadata, HALF_MADE),
    "change": (with_metadata, with_metadata_changed, SOUND),
    "delete": (with_metadata, lambda: EMPTY, SOUND),
    "from Open vSwitch to OVN": (with_dhcp, with_metadata, SOUND),
}


def case_of(phase: str, switch: VSwitch) -> ChassisCase:
    before, after, state = PHASES[phase]
    return ChassisCase(before(), after(), state, OvnWorld(switch))


@pytest.mark.parametrize("phase", PHASES)
def test_every_change_fails(phase: str) -> None:
    with VSwitch() as switch:
        case = case_of(phase, switch)
        calls = case.count()
        assert phase == "change" or any("Open vSwitch" in operation for operation, _ in calls), calls
        for n, (operation, _) in enumerate(calls):
            for code in ERRNOS if phase == "create" and "Open vSwitch" in operation else (ERRNOS[n % len(ERRNOS)],):
                case.fail(n, code)


@pytest.mark.parametrize("phase", PHASES)
def test_killed_around_every_change(phase: str) -> None:
    with VSwitch() as switch:
        case = case_of(phase, switch)
        for n in range(len(case.count())):
            case.kill(n, "before")
            case.kill(n, "after")
