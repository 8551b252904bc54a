"""Errors that a person understands: the object, the operation, what the kernel said, what that means, what to do."""

import errno as errno_module
import os

# What an errno means for an operation, and what mends it. Sources: the ERRORS sections of the man pages named.
_NO_NFTABLES = (
    "this kernel lacks a part of nftables for bridges: load the module nf_tables, which needs CONFIG_NF_TABLES_BRIDGE; "
    "a port with `port_security: false` needs none of it"
)
_MEANING: dict[tuple[str, int], str] = {
    ("enter", errno_module.EINVAL): (  # setns(2)
        "the file is there, the namespace is not: the mount that pins it never reached this mount namespace or is gone"
    ),
    ("open", errno_module.ENOENT): "no namespace has that name here",
    ("enter", errno_module.EPERM): "no CAP_SYS_ADMIN over that namespace; run as root or in a privileged container",
    ("create", errno_module.EPERM): "no CAP_SYS_ADMIN; run as root, in a privileged container or in a user namespace",
    ("create", errno_module.ENOSPC): "a limit on namespaces is reached; raise sysctl user.max_net_namespaces",
    ("pin", errno_module.EPERM): "mounting is not allowed here; run as root or in a privileged container",
    ("pin", errno_module.EROFS): "the namespace directory is read-only here; mount it read-write into this container",
    ("pin", errno_module.ENOENT): (
        "the namespace directory was deleted under this mount namespace; restart the container, or mount it again"
    ),
    ("unpin", errno_module.EBUSY): (
        "a second copy of the mount exists in this mount namespace, outside the visible one's peer group"
    ),
    ("mount", errno_module.EINVAL): "no such mount point in this mount namespace, or its propagation forbids it",
    ("create link", errno_module.EPERM): "no CAP_NET_ADMIN in the network namespace",
    ("create link", errno_module.EEXIST): "a device of that name is there already",
    ("attach", errno_module.EXFULL): "the bridge is full: the kernel allows 1,024 ports a bridge",
    ("create link", errno_module.EXFULL): "the bridge is full: the kernel allows 1,024 ports a bridge",
    ("set sysctl", errno_module.EROFS): (
        "/proc/sys is read-only in this container; start it with --privileged, or --security-opt systempaths=unconfined"
    ),
    ("watch", errno_module.EMFILE): (
        "this user has all inotify instances it may have, or this process all descriptors; raise the sysctl "
        "fs.inotify.max_user_instances (inotify_init(2))"
    ),
    ("watch", errno_module.ENOSPC): (
        "this user has all inotify watches it may have; raise the sysctl fs.inotify.max_user_watches"
    ),
    ("set rules", errno_module.EAFNOSUPPORT): _NO_NFTABLES,
    ("set rules", errno_module.EOPNOTSUPP): _NO_NFTABLES,
    ("set rules", errno_module.EPROTONOSUPPORT): _NO_NFTABLES,
    ("set rules", errno_module.ENOENT): _NO_NFTABLES,
    ("set rules", errno_module.EINVAL): _NO_NFTABLES,
    ("set rules", errno_module.EPERM): "no CAP_NET_ADMIN in the network namespace",
    ("look at rules", errno_module.EINVAL): _NO_NFTABLES,
    ("look at rules", errno_module.EPERM): "no CAP_NET_ADMIN in the network namespace",
    ("open tun", errno_module.ENOENT): "no /dev/net/tun: load the module tun, or give the container that device",
    ("open tun", errno_module.EACCES): "this user may not open /dev/net/tun (Debian ships it mode 0666)",
    ("open tun", errno_module.EPERM): "this container may not open /dev/net/tun; give it --device /dev/net/tun",
    ("move", errno_module.EEXIST): "the namespace has a device of that name already",
    ("ask Open vSwitch at", errno_module.ENOENT): (
        "nobody listens there: start ovsdb-server, or mount its /run/openvswitch into this container"
    ),
    ("ask Open vSwitch at", errno_module.ECONNREFUSED): "nobody listens there: start ovsdb-server",
    ("ask Open vSwitch at", errno_module.EACCES): "run netmend as root, or as a user who may write to that socket",
    (
        "ask Open vSwitch at",
        errno_module.ETIMEDOUT,
    ): "ovsdb-server is there and does not answer in time; look at its log",
    ("ask OVN's southbound database at", errno_module.ENOENT): (
        "nobody listens there: is ovn-central running, and ovn_sb_connection right?"
    ),
    ("ask OVN's southbound database at", errno_module.ECONNREFUSED): (
        "nobody listens there: is ovn-central running, and ovn_sb_connection right?"
    ),
    ("ask OVN's southbound database at", errno_module.ETIMEDOUT): (
        "it does not answer in time: is the host reachable, and its ovsdb-server alive?"
    ),
    ("ask the bridge at", errno_module.ENOENT): (
        "Open vSwitch has no bridge of that name, or its /run/openvswitch is not mounted into this container"
    ),
    ("ask the bridge at", errno_module.ECONNREFUSED): "nobody listens there: is ovs-vswitchd running?",
    ("ask the bridge at", errno_module.EACCES): "run netmend as root, or as a user who may write to that socket",
    ("ask the bridge at", errno_module.ETIMEDOUT): "ovs-vswitchd is there and does not answer in time; look at its log",
    ("ask ovs-vswitchd at", errno_module.ENOENT): (
        "nobody listens there: is ovs-vswitchd running, and its /run/openvswitch mounted into this container?"
    ),
    ("ask ovs-vswitchd at", errno_module.ECONNREFUSED): "nobody listens there: is ovs-vswitchd running?",
    ("ask ovs-vswitchd at", errno_module.EACCES): "run netmend as root, or as a user who may write to that socket",
    ("add to Open vSwitch", errno_module.EEXIST): (
        "a port of that name is there already, which netmend did not make; remove it (ovs-vsctl del-port)"
    ),
    ("add to Open vSwitch", errno_module.ENOENT): "there is no such bridge; make it (ovs-vsctl add-br)",
    ("remove from Open vSwitch", errno_module.ETIMEDOUT): "is ovs-vswitchd running?",
    ("find device of", errno_module.ENODEV): "Open vSwitch has not made it; is ovs-vswitchd running?",
}
_GENERAL: dict[int, str] = {
    errno_module.EMFILE: "too many open files in this process; raise LimitNOFILE (ulimit -n)",
    errno_module.ENFILE: "too many open files on this host; raise sysctl fs.file-max",
    errno_module.ENOMEM: "the kernel is out of memory for this",
    errno_module.ENOBUFS: "the kernel is out of buffer space for this",
}


class KernelError(OSError):
    """A system call that failed.

    `operation` is a short verb of this room ("enter", "pin", "create link"), and `target` the object it was done to.
    `errno` is the kernel's; `detail` is what the kernel said beside it (netlink extended ack), None where it said
    nothing.
    """

    def __init__(self, operation: str, target: str, errno: int, detail: str | None = None) -> None:
        super().__init__(errno, os.strerror(errno))
        self.operation = operation
        self.target = target
        self.detail = detail

    @property
    def code(self) -> int:
        """The errno, always an int."""
        return self.errno or 0

    @property
    def meaning(self) -> str | None:
        """What this errno means for this operation and what to do, where that is known."""
        return _MEANING.get((self.operation, self.code)) or _GENERAL.get(self.code)

    def __str__(self) -> str:
        said = f"{os.strerror(self.code)} ({errno_module.errorcode.get(self.code, self.code)})"
        if self.detail:
            said += f", {self.detail}"
        text = f"{self.operation} {self.target}: {said}"
        return f"{text}: {self.meaning}" if self.meaning else text


class NotANamespace(KernelError):
    """A path that exists and is no namespace (not nsfs): the plain file of the incident."""

    def __init__(self, path: str) -> None:
        super().__init__("enter", path, errno_module.EINVAL)
