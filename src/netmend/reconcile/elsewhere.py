"""Finding a namespace whose name is a plain file here: in another mount namespace it may still be mounted."""

from contextlib import suppress

from netmend.intent.names import Mark
from netmend.kernel import links
from netmend.kernel.errors import KernelError
from netmend.kernel.mounts import read_mountinfo
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.procfs import mount_namespaces


def find_elsewhere(network_id: str, name: str) -> Netns | None:
    """The namespace pinned under `name` in the mount namespace of some process that we may look into, if it is ours.

    Reads /proc/<pid>/mountinfo once a mount namespace; reaches the mount through /proc/<pid>/root (proc_pid_root(5)).
    """
    for _, pid in mount_namespaces():
        found = _in_mount_namespace(pid, network_id, name)
        if found:
            return found
    return None


def _in_mount_namespace(pid: int, network_id: str, name: str) -> Netns | None:
    with suppress(KernelError):
        needle = f"/{name}".encode()
        for line in read_mountinfo(pid).splitlines():
            fields = line.split(b" ")
            if b"nsfs" in fields and fields[4].endswith(needle):
                namespace = _ours(f"/proc/{pid}/root{fields[4].decode(errors='surrogateescape')}", network_id)
                if namespace:
                    return namespace
    return None


def _ours(path: str, network_id: str) -> Netns | None:
    try:
        namespace = Netns.open(path)
    except KernelError:
        return None
    with suppress(KernelError), namespace.entered(), RouteSocket() as route:
        loopback = links.find_link(route, "lo")
        if loopback and Mark.parse(loopback.alias) == Mark("namespace", network_id):
            return namespace
    namespace.close()
    return None
