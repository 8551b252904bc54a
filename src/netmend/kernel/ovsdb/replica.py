"""A copy of the rows that a monitor gives, kept in step by its updates (ovsdb-server(7), "Update2 Notification")."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from netmend.kernel.ovsdb.columns import Columns

Row = Mapping[str, Any]  # by column
Rows = Mapping[str, Row]  # by UUID
Tables = Mapping[str, Rows]


class Selection(Struct, frozen=True):
    """The part of a table that is monitored: `columns`, of rows of which any clause of `where` holds; none does: no
    row. A clause is a column, a function and a value in JSON (RFC 7047 section 5.1), or `True`: all rows."""

    columns: tuple[str, ...]
    where: tuple[Any, ...] = (True,)

    @property
    def clauses(self) -> list[Any]:
        """`where` for the server."""
        return [list(clause) if isinstance(clause, tuple) else clause for clause in self.where] or [False]


Selections = Mapping[str, Selection]  # by table


class Replica:
    """The rows. A row is replaced when it changes, and never changed: who holds one may compare by identity."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, Row]] = {}
        self._columns: Columns = {}

    @property
    def tables(self) -> Tables:
        return self._tables

    def begin(self, columns: Columns) -> None:
        """Read what comes by these columns; the rows stay."""
        self._columns = columns

    def clear(self) -> None:
        """Forget all rows: the server gives them anew."""
        self._tables = {}

    def take(self, updates: Any, selections: Selections) -> bool:
        """Take in `updates`; returns whether any row differs now. Raises ValueError when they are not such."""
        different = False
        try:
            for table, rows in updates.items():
                selected = selections[table].columns
                kept = self._tables.setdefault(table, {})
                for uuid, change in rows.items():
                    different |= self._take_row(table, kept, uuid, change, selected)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"an update that is none: {error!r}") from error
        return different

    def _take_row(
        self, table: str, kept: dict[str, Row], uuid: str, change: Mapping[str, Any], selected: Sequence[str]
    ) -> bool:
        columns = self._columns[table]
        before = kept.get(uuid)
        if "delete" in change:
            return kept.pop(uuid, None) is not None
        if "modify" in change:
            if before is None:
                raise ValueError(f"row {uuid} of {table} changed, and was never there")
            changed = {name: columns[name].changed(before[name], raw) for name, raw in change["modify"].items()}
            kept[uuid] = {**before, **changed}
        else:
            raw_row = change["initial"] if "initial" in change else change["insert"]
            kept[uuid] = {
                name: columns[name].value(raw_row[name]) if name in raw_row else columns[name].default
                for name in selected
            }
        return kept[uuid] != before
