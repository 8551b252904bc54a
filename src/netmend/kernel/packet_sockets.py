"""Packet sockets of the network namespace (packet(7)): who listens on a device below the protocols. Read-only."""

from pathlib import Path

from netmend.kernel.errors import KernelError

_TABLE = "/proc/thread-self/net/packet"


def bound_indexes() -> set[int]:
    """Indexes of the links to which a packet socket is bound: a DHCP server's or client's, a sniffer's, that of Open
    vSwitch's userspace datapath. Raises KernelError."""
    try:
        lines = Path(_TABLE).read_text().splitlines()[1:]
    except OSError as error:
        raise KernelError("read", _TABLE, error.errno or 0) from error
    return {int(fields[4]) for line in lines if len(fields := line.split()) > 4} - {0}
