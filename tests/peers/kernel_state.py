"""What is in the kernel, so that a test can say that nothing was torn down: same namespaces, same devices."""

from contextlib import suppress

from netmend.kernel import links, nsdir
from netmend.kernel.errors import NotANamespace
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns

State = dict[str, tuple[int, dict[str, int]]]


def kernel_state() -> State:
    """By name of each namespace ("" is the host's): its inode, and its devices' indexes by name; names that lead to no
    namespace are left out."""
    with Netns.current() as host:
        state = {"": (host.inode, _devices())}
    for name in nsdir.names():
        with (
            suppress(NotANamespace),
            Netns.open(f"{nsdir.DEFAULT}/{name}") as namespace,
            namespace.entered(),
        ):
            state[name] = (namespace.inode, _devices())
    return state


def _devices() -> dict[str, int]:
    with RouteSocket() as route:
        return {link.name: link.index for link in links.dump_links(route)}
