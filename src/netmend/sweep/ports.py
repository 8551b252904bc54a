"""Ports of Open vSwitch's database for a sweep: read whole once, and deleted by their rows only if unchanged."""

from collections.abc import Iterable, Sequence

from netmend.kernel import ovsdb
from netmend.kernel.ovsdb import InterfaceRow, WholePort, foreign
from netmend.kernel.ovsdb.connection import Connection


class Ports:
    """The database of the local switch, where there is one."""

    def __init__(self) -> None:
        path = ovsdb.present()
        self._connection = Connection(f"unix:{path}") if path is not None else None
        self._whole: dict[str, WholePort] | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def of(self, rows: Iterable[InterfaceRow]) -> dict[str, WholePort]:
        """The whole ports of these interfaces, by name, less those that are part of a bond or gone. Raises
        KernelError."""
        wanted = {row.name for row in rows}
        if not wanted or self._connection is None:
            return {}
        if self._whole is None:
            self._whole = foreign.whole_ports(self._connection)
        return {name: self._whole[name] for name in wanted if name in self._whole}

    def unchanged(self, rows: Sequence[InterfaceRow]) -> dict[str, WholePort]:
        """The ports of these interfaces that are still there, whole and unchanged. Raises KernelError."""
        ports = self.of(rows)
        if not ports or self._connection is None:
            return {}
        same = foreign.unchanged(self._connection, ports.values())
        return {name: port for name, port in ports.items() if name in same}

    def take_away(self, ports: Sequence[WholePort]) -> None:
        """Raises KernelError."""
        if ports and self._connection is not None:
            foreign.take_away(self._connection, ports)
