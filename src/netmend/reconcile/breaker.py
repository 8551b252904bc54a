"""The breaker: a fault of the host stops the line for the whole node, and is reported once (invariant I5)."""

import errno
from collections.abc import Callable
from threading import Lock

from msgspec import Struct
from msgspec.structs import replace

from netmend.ground.diagnosis import Diagnosis
from netmend.ground.exhaustion import exhausted
from netmend.kernel.errors import KernelError
from netmend.reconcile.resync import back_off


class HostFault(Exception):
    """A fault of the host, not of one network; the line stops."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.summary)
        self.diagnosis = diagnosis


# Operation and errno of failures that the next network would meet just the same.
_HOST_FAULTS = {
    ("create", errno.EPERM),
    ("create", errno.ENOSPC),
    ("enter", errno.EPERM),
    ("create link", errno.EPERM),
    ("set link", errno.EPERM),
    ("attach", errno.EPERM),
    ("delete link", errno.EPERM),
    ("add address", errno.EPERM),
    ("list links", errno.EPERM),
    ("set sysctl", errno.EROFS),
    ("set sysctl", errno.EPERM),
    ("set sysctl", errno.EACCES),
}
_LIMITS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}  # of the process or the host, whatever the operation is


def exhaustion_fault(error: BaseException) -> HostFault | None:
    """The fault of the host when `error` means that a limit of descriptors, memory or threads is reached, or the disk
    is full: then nothing else can be made either, and it is no defect of netmend."""
    limit = exhausted(error)
    if limit is None:
        return None
    cause, _, mend = limit.rpartition(": ")
    evidence = str(error) or type(error).__name__
    return HostFault(Diagnosis(f"a limit is reached: {cause}", (evidence,), cause, f"# {mend}"))


def host_fault(error: KernelError) -> HostFault | None:
    """The fault of the host that `error` shows, if it is one."""
    if error.code in _LIMITS:
        return exhaustion_fault(error)
    if (error.operation, error.code) not in _HOST_FAULTS:
        return None
    meaning = error.meaning or "the kernel refuses this to netmend as it runs now"
    cause, _, mend = meaning.partition("; ")
    summary = f"the host does not let netmend work: {error.operation}: {errno.errorcode.get(error.code, error.code)}"
    return HostFault(
        Diagnosis(summary, (str(error),), cause, mend or "run netmend as root or in a privileged container")
    )


class BreakerState(Struct, frozen=True):
    """An open breaker. Times are in seconds on the caller's clock."""

    diagnosis: Diagnosis
    network_id: str | None  # the network that met the fault last, if one did
    since: float
    failures: int  # tries that met the fault, the first included
    next_try: float


class Breaker:
    """Closed (`state` None) while the host is sound; open, it lets one probe through now and then, by back-off."""

    def __init__(self, on_change: Callable[[BreakerState | None], None] = lambda _: None) -> None:
        """`on_change` is called with the new state once the breaker opens, changes its diagnosis, or closes."""
        self._on_change = on_change
        self._lock = Lock()
        self.state: BreakerState | None = None

    def open(self, diagnosis: Diagnosis, now: float, network_id: str | None = None) -> None:
        """A pass met a fault of the host, on its way with that network."""
        with self._lock:
            before = self.state
            if before is not None and now < before.next_try:
                return  # met by a worker that was on its way already
            failures = before.failures + 1 if before else 1
            since = before.since if before else now
            self.state = BreakerState(diagnosis, network_id, since, failures, now + back_off(failures))
        if before is None or before.diagnosis.summary != diagnosis.summary:
            self._on_change(self.state)

    def close(self) -> None:
        """A probe went through."""
        with self._lock:
            before, self.state = self.state, None
        if before is not None:
            self._on_change(None)

    def hasten(self, now: float) -> None:
        """Somebody asks for a try: the next one is due."""
        with self._lock:
            if self.state is not None:
                self.state = replace(self.state, next_try=min(now, self.state.next_try))

    @property
    def is_open(self) -> bool:
        return self.state is not None

    def may_probe(self, now: float) -> bool:
        """Whether the breaker is open and the time for a try has come."""
        return self.state is not None and self.state.next_try <= now
