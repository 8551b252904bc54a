"""The names of dynamic leases, for DNS: each address with its holder, and the name that the holder sent.

DHCP writes, DNS reads, each in its own thread: a reader sees a lease before or after a change, never half of one. There
is at most one entry an address, so the leases bound it (`table.CAPACITY`). Names are kept in memory only: after a
restart a guest's name is known again once the guest renews.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

LABEL_MAX = 63  # octets, RFC 1035 section 2.3.4
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
# A guest that took one of these would be asked for the settings, or taken for the gateway, of all others.
_NEVER = frozenset((b"localhost", b"wpad", b"isatap", b"_gateway", b"gateway", b"router"))
_WIRE_FORM = 4  # flag E of the FQDN option, RFC 4702 section 2.1


class NamedLease(NamedTuple):
    """A lease. `hardware` is its holder's hardware address, `label` what that calls itself, both b"" if not known."""

    hardware: bytes
    label: bytes
    expires: float  # seconds since the epoch


class LeasedNames:
    """The leases of one network."""

    def __init__(self, clock: Callable[[], float] = float) -> None:
        """`clock` gives seconds since the epoch; without one, no lease ends but by a change."""
        self.version = 0  # grows with each change of what `holders` and the others say, but by the end of a lease
        self._clock = clock
        self._leases: dict[bytes, NamedLease] = {}  # by address in wire form
        self._by_hardware: dict[bytes, tuple[bytes, ...]] = {}
        self._by_label: dict[bytes, tuple[bytes, ...]] = {}  # in the order in which guests took it

    def __bool__(self) -> bool:
        return bool(self._leases)

    def put(self, address: bytes, hardware: bytes, label: bytes, expires: float) -> None:
        """Enter a lease that was given or extended; without a label, a holder keeps its old one."""
        old = self._leases.get(address)
        if old is not None and old.hardware == hardware and (not label or old.label == label):
            self._leases[address] = old._replace(expires=expires)
            self.version += expires < old.expires  # it was released
            return
        self.drop(address)
        self._leases[address] = NamedLease(hardware, label, expires)
        if hardware:
            self._by_hardware[hardware] = (*self._by_hardware.get(hardware, ()), address)
        if label:
            self._by_label[label] = (*self._by_label.get(label, ()), address)
        self.version += 1

    def drop(self, address: bytes) -> None:
        """Forget a lease that ended. No error when there is none."""
        old = self._leases.pop(address, None)
        if old is None:
            return
        for index, key in ((self._by_hardware, old.hardware), (self._by_label, old.label)):
            left = tuple(other for other in index.pop(key, ()) if other != address)
            if left:
                index[key] = left
        self.version += 1

    def at(self, address: bytes) -> NamedLease | None:
        """The lease of an address now; None when there is none."""
        lease = self._leases.get(address)
        return lease if lease is not None and lease.expires > self._clock() else None

    def of_hardware(self, hardware: bytes) -> Iterator[bytes]:
        """The addresses that a hardware address holds now."""
        return (address for address in self._by_hardware.get(hardware, ()) if self.at(address))

    def of_label(self, label: bytes) -> Iterator[tuple[bytes, NamedLease]]:
        """The addresses, with their leases, of the guest that took this name first and holds one now."""
        first = None
        for address in self._by_label.get(label, ()):
            lease = self.at(address)
            if lease is not None and first in (None, lease.hardware):
                first = lease.hardware
                yield address, lease


def label_of(name: bytes) -> bytes:
    """The first label of a name that a guest sent as text (RFC 2132 section 3.14), in lower case; b"" when that is no
    host name, or one that no guest may take."""
    label = name.rstrip(b"\0").split(b".", 1)[0].lower()
    if not 1 <= len(label) <= LABEL_MAX or label in _NEVER or not _LETTERS.issuperset(label.replace(b"-", b"")):
        return b""
    return b"" if label[0] == ord("-") or label[-1] == ord("-") else label


def label_of_fqdn(option: bytes) -> bytes:
    """`label_of` for the value of DHCPv4's client FQDN option (RFC 4702 section 2)."""
    if len(option) < 4:
        return b""
    return label_of_wire(option[3:]) if option[0] & _WIRE_FORM else label_of(option[3:])


def label_of_wire(name: bytes) -> bytes:
    """`label_of` for a name in wire form (RFC 1035 section 3.1)."""
    size = name[0] if name else 0
    return label_of(name[1 : 1 + size]) if size <= LABEL_MAX and len(name) > size else b""
