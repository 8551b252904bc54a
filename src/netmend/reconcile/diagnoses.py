"""Faults of the host that a pass meets: what shows them, and their diagnoses."""

from netmend.ground.diagnosis import Diagnosis
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netnsids import find_link_there, namespace_ids
from netmend.reconcile.breaker import HostFault
from netmend.reconcile.diff_switch import is_dead
from netmend.reconcile.observe import Snapshot


def sign_of_life(route: RouteSocket, own: str, snapshot: Snapshot) -> str | None:
    """What shows that a network's own device, `own` on the host, is in a namespace whose name is dead here; None when
    nothing shows it. Raises KernelError."""
    veth = snapshot.links.get(own)
    if veth is not None and veth.peer_netnsid is not None:
        return f"device {own}: its far end is in another network namespace (link-netnsid {veth.peer_netnsid})"
    if veth is None and own in snapshot.switch.ports:  # an internal port, of which nothing stays on the host
        for netnsid in namespace_ids(route):
            inner = find_link_there(route, netnsid, own)
            if inner is not None and not is_dead(inner):
                return f"device {own}, the switch's, is in another network namespace (netnsid {netnsid})"
    return None


def not_propagated(path: str, alive: str, better: Diagnosis | None) -> Diagnosis:
    """The diagnosis of a name that is dead here, while a device of netmend shows its namespace alive, as `alive` says.
    Cause and mend are those of `better`, where the doctor has one."""
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
    """The fault of a host that cannot even be looked at."""
    return HostFault(Diagnosis("the host cannot be looked at", (str(error),), error.meaning or "see the evidence", ""))
