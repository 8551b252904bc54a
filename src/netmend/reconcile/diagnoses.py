"""Faults of the host that a pass meets, in words."""

from netmend.kernel.errors import KernelError
from netmend.reconcile.breaker import Diagnosis, HostFault


def not_propagated(path: str, alive: str, better: Diagnosis | None) -> Diagnosis:
    """A name that is dead here, while a device of ours shows its namespace alive, as `alive` says; `better` knows more,
    if it is there."""
    directory = path.rpartition("/")[0]
    evidence = (
        f"{path}: not nsfs, so entering it would fail with EINVAL",
        alive,
        "no mount namespace that netmend can look into has that namespace mounted under the name",
    )
    return Diagnosis(
        summary=f"{path} is a plain file here, and the namespace of that name is alive elsewhere",
        evidence=evidence + (better.evidence if better else ()),
        cause=better.cause
        if better
        else f"mount propagation: what is mounted below {directory} does not reach netmend's mount namespace",
        mend=better.mend if better else f"start netmend's container again with -v {directory}:{directory}:shared",
    )


def unreadable(error: KernelError) -> HostFault:
    """The host did not even let itself be looked at."""
    return HostFault(Diagnosis("the host cannot be looked at", (str(error),), error.meaning or "see the evidence", ""))
