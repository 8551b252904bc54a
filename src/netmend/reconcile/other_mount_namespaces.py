"""Finds living namespaces under names that are plain files here, in the other mount namespaces of the host."""

from contextlib import suppress
from functools import cached_property

from netmend.intent.names import Mark
from netmend.kernel import links
from netmend.kernel.errors import KernelError
from netmend.kernel.mounts import read_mountinfo
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.procfs import mount_namespaces


class OtherMountNamespaces:
    """The namespaces that are mounted in every mount namespace in sight. Mounts are read once, at the first call, and
    reached through /proc/<pid>/root (proc_pid_root(5))."""

    @cached_property
    def _places(self) -> dict[str, list[tuple[int, str]]]:
        """By name, where a namespace is mounted under it: a process of that mount namespace, and the path."""
        found: dict[str, list[tuple[int, str]]] = {}
        for _, pid in mount_namespaces():
            with suppress(KernelError):
                for line in read_mountinfo(pid).splitlines():
                    fields = line.split(b" ")
                    if b"nsfs" in fields and len(fields) > 4:
                        path = fields[4].decode(errors="surrogateescape")
                        found.setdefault(path.rpartition("/")[2], []).append((pid, f"/proc/{pid}/root{path}"))
        return found

    def find(self, network_id: str, name: str) -> Netns | None:
        """The living namespace under `name` that bears the mark of the network; the caller closes it."""
        for _, path in self._places.get(name, ()):
            namespace = _open(path)
            if namespace is None:
                continue
            with suppress(KernelError), namespace.entered(), RouteSocket() as route:
                loopback = links.find_link(route, "lo")
                if loopback and Mark.parse(loopback.alias) == Mark("namespace", network_id):
                    return namespace
            namespace.close()
        return None

    def owner(self, name: str, inode: int) -> int | None:
        """A process that sees a living namespace other than `inode` under `name`, if there is one."""
        for pid, path in self._places.get(name, ()):
            namespace = _open(path)
            if namespace is not None:
                with namespace:
                    if namespace.inode != inode:
                        return pid
        return None


def _open(path: str) -> Netns | None:
    try:
        return Netns.open(path)
    except KernelError:
        return None
