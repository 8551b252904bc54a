"""Steps in order; when one fails, what was done is undone in reverse (invariant I3)."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from netmend.kernel.errors import KernelError
from netmend.reconcile.steps import Step

S = TypeVar("S", bound=Step)


class StepFailed(Exception):
    """The kernel refused a step; the steps before it have been undone."""

    def __init__(self, step: Step, error: KernelError) -> None:
        super().__init__(f"{step}: {error}")
        self.step = step
        self.error = error


def perform_or_undo(
    steps: Sequence[S],
    perform: Callable[[S], None],
    undo: Callable[[S], None],
    spare: Callable[[S, KernelError], bool] = lambda step, error: False,
) -> None:
    """Perform the steps; raises StepFailed once those that were done, the one that failed too, are undone.

    A step that fails and that `spare` takes on undoes nothing.
    """
    done: list[S] = []
    for step in steps:
        done.append(step)
        try:
            perform(step)
        except KernelError as error:
            if spare(step, error):
                continue
            for earlier in reversed(done):
                with suppress(KernelError):
                    undo(earlier)
            raise StepFailed(step, error) from error
