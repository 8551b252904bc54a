"""The rows of the southbound database as they last were, on disk: guests are served from them while the database is
away, also after a restart in that time."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Final

from netmend.sources.neutron.last_known import LastKnown
from netmend.sources.ovn.intents import Place
from netmend.sources.ovn.rows import Row, Rows, Tables

_PLACE: Final = "place"
_KEPT: Final = ("Chassis", "Datapath_Binding", "Port_Binding")  # what intent is made of
_SETS: Final = frozenset(("mac", "additional_chassis"))  # columns that are tuples, and lists in JSON


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was last known, and when (seconds since the epoch) the database last confirmed it."""

    place: Place
    tables: Tables
    confirmed_at: float | None


class Memory:
    """Writes only what has changed. Thread-safe."""

    def __init__(self, kept: LastKnown) -> None:
        self._kept = kept
        self._written: dict[str, Mapping[str, Any]] = {}
        self._lock = Lock()

    @property
    def problem(self) -> str | None:
        """Why nothing can be remembered."""
        return self._kept.problem

    def close(self) -> None:
        with self._lock:
            self._kept.close()

    def read(self) -> Recalled | None:
        """What was last known; None: nothing that can be used."""
        with self._lock:
            found, confirmed_at = self._kept.read()
        self._written = dict(found)
        tables: dict[str, dict[str, Row]] = {}
        try:
            place = Place(**found[_PLACE])
            for key, raw in found.items():
                table, _, uuid = key.partition("/")
                if table in _KEPT:
                    tables.setdefault(table, {})[uuid] = {
                        name: tuple(value) if name in _SETS else value for name, value in raw.items()
                    }
        except (KeyError, TypeError, AttributeError):
            return None
        return Recalled(place, tables, confirmed_at)

    def write(self, place: Place, tables: Tables, confirmed_at: float) -> None:
        """Keep these rows."""
        wanted: dict[str, Mapping[str, Any]] = {_PLACE: asdict(place)}
        for table in _KEPT:
            rows: Rows = tables.get(table, {})
            wanted.update((f"{table}/{uuid}", row) for uuid, row in rows.items())
        changed: dict[str, Mapping[str, Any] | None] = {
            key: row for key, row in wanted.items() if (before := self._written.get(key)) is not row and before != row
        }
        changed.update(dict.fromkeys(self._written.keys() - wanted.keys()))
        with self._lock:
            self._kept.write(changed, confirmed_at)
        self._written = wanted

    def confirm(self, confirmed_at: float) -> None:
        """Keep when the database last said that all is so."""
        with self._lock:
            self._kept.write({}, confirmed_at)
