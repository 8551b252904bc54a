"""How a port reaches its guest."""

from dataclasses import dataclass

DEFAULT_GUEST_DEVICE = "eth0"


@dataclass(frozen=True, slots=True)
class NoPlug:
    """Somebody else wires the guest; netmend only answers it."""


@dataclass(frozen=True, slots=True)
class TapPlug:
    """A persistent tap on the network's bridge, for a VM whose process runs as user `owner` (a uid)."""

    owner: int


@dataclass(frozen=True, slots=True)
class NetnsPlug:
    """A veth whose far end is `device` in the namespace pinned under `netns` in the namespace directory."""

    netns: str
    device: str = DEFAULT_GUEST_DEVICE


@dataclass(frozen=True, slots=True)
class PidPlug:
    """A veth whose far end is `device` in the network namespace of process `pid`."""

    pid: int
    device: str = DEFAULT_GUEST_DEVICE


Plug = NoPlug | TapPlug | NetnsPlug | PidPlug
