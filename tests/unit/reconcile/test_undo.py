"""When a step fails, it and those before it are undone in reverse, whatever else fails meanwhile."""

import pytest

from netmend.kernel.errors import KernelError
from netmend.reconcile.steps import MakeNamespace, PinNamespace, Step
from netmend.reconcile.undo import StepFailed, perform_or_undo

STEPS: list[Step] = [MakeNamespace("a"), PinNamespace("a"), MakeNamespace("b")]


class Kernel:
    """Refuses some steps, to perform or to undo, and remembers all calls."""

    def __init__(self, *refused: tuple[str, Step]) -> None:
        self._refused = refused
        self.calls: list[tuple[str, Step]] = []

    def perform(self, step: Step) -> None:
        self._do("perform", step)

    def undo(self, step: Step) -> None:
        self._do("undo", step)

    def _do(self, what: str, step: Step) -> None:
        self.calls.append((what, step))
        if (what, step) in self._refused:
            raise KernelError(what, str(step), 1)


def test_all_goes_well() -> None:
    kernel = Kernel()
    perform_or_undo(STEPS, kernel.perform, kernel.undo)
    assert kernel.calls == [("perform", step) for step in STEPS]


def test_the_failed_step_is_undone_too_and_a_failing_undo_keeps_no_other_from_it() -> None:
    kernel = Kernel(("perform", STEPS[2]), ("undo", STEPS[1]))
    with pytest.raises(StepFailed) as failed:
        perform_or_undo(STEPS, kernel.perform, kernel.undo)
    assert failed.value.step == STEPS[2] and failed.value.error.code == 1
    assert kernel.calls[3:] == [("undo", step) for step in reversed(STEPS)]


def test_a_step_that_is_spared_undoes_nothing() -> None:
    kernel = Kernel(("perform", STEPS[1]))
    spared: list[Step] = []

    def spare(step: Step, _: KernelError) -> bool:
        spared.append(step)
        return isinstance(step, PinNamespace)

    perform_or_undo(STEPS, kernel.perform, kernel.undo, spare)
    assert spared == [STEPS[1]]
    assert kernel.calls == [("perform", step) for step in STEPS]
