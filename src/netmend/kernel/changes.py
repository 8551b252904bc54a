"""The gate through which every call that changes the system passes.

An observer sees each change before and after it is made. The fault tests install one that numbers the changes, makes
the n-th fail, or ends the process right before or after it; in production there is none.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Literal

Moment = Literal["before", "after"]
Observer = Callable[[Moment, str, str], None]  # moment, operation, target; may raise KernelError "before"

_UNOBSERVED: Final = nullcontext()
_observer: Observer | None = None


def observe_changes(observer: Observer | None) -> None:
    """Install the observer of this process (None: remove it)."""
    global _observer
    _observer = observer


def changing(operation: str, target: str) -> AbstractContextManager[None]:
    """Enclose one call that changes the system."""
    return _UNOBSERVED if _observer is None else _observed(_observer, operation, target)


@contextmanager
def _observed(observer: Observer, operation: str, target: str) -> Iterator[None]:
    observer("before", operation, target)
    try:
        yield
    finally:
        observer("after", operation, target)  # also when the kernel refused
