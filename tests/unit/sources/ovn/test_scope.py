"""Which rows a chassis asks for: never more than its own, always all of them, and it comes to an end."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sources.ovn.rows import CHASSIS, SCHEMA, guest, health_monitor, tables, uuid

from netmend.sources.ovn.scope import Scope


class Server:
    """A database that gives the rows that clauses ask for, as ovsdb-server does."""

    def __init__(self, rows: dict[str, Any]) -> None:
        self.rows = rows
        self.selects = 0

    def given(self, wanted: dict[str, Any]) -> dict[str, Any]:
        return {
            table: {
                uuid: row for uuid, row in rows.items() if any(_holds(one, uuid, row) for one in wanted[table].clauses)
            }
            for table, rows in self.rows.items()
        }

    def select(self, question: dict[str, Any]) -> dict[str, Any]:
        self.selects += 1
        found = [
            {
                "_uuid": ["uuid", uuid],
                "logical_port": row["logical_port"],
                "external_ids": ["map", [list(pair) for pair in row["external_ids"].items()]],
            }
            for uuid, row in self.rows["Port_Binding"].items()
            if all(_holds(one, uuid, row) for one in question["where"])
        ]
        return {"rows": found}


def _holds(clause: Any, uuid: str, row: dict[str, Any]) -> bool:
    if clause is True:
        return True
    column, function, value = clause
    value = value[1] if isinstance(value, list | tuple) else value
    found = uuid if column == "_uuid" else row[column]
    return value in found if function == "includes" else found == value


def settle(scope: Scope, server: Server, has: dict[str, Any], schema: dict[str, set[str]] = SCHEMA) -> dict[str, Any]:
    """The rows that are there once nothing more is asked for, as the monitor works."""
    asked: Any = None
    for _ in range(12):
        questions = scope.questions(has)
        if questions:
            scope.answered([server.select(one) for one in questions])
        wanted = scope.wanted(schema, has)
        if wanted == asked and not questions:
            return has
        asked, has = wanted, server.given(wanted)
    raise AssertionError(f"no end of asking: {asked}")


def ports(has: dict[str, Any]) -> set[str]:
    return {row["logical_port"] for row in has["Port_Binding"].values()}


def test_a_chassis_sees_its_own_guests_and_the_localports_of_their_networks_alone() -> None:
    elsewhere = [guest(1, number, uuid("elsewhere")) for number in range(20, 40)]
    server = Server(tables(guest(1, 5), guest(2, 6), *elsewhere, guest(3, 7, None), networks=(1, 2, 3)))
    has = settle(Scope(CHASSIS), server, {})
    assert ports(has) == {uuid("port", 1, 5), uuid("port", 2, 6), uuid("metadata", 1), uuid("metadata", 2)}
    assert has["Datapath_Binding"].keys() == {uuid("datapath", 1), uuid("datapath", 2)} and server.selects == 2


def test_a_localport_that_comes_later_or_is_made_anew_is_found() -> None:
    rows = tables(guest(1, 5), guest(1, 9, uuid("elsewhere")), localports=False)
    scope, server = Scope(CHASSIS), Server(rows)
    has = settle(scope, server, {})
    assert uuid("metadata", 1) not in ports(has)
    full = tables(guest(1, 5), guest(1, 9, uuid("elsewhere")))
    server.rows = full
    has = settle(scope, server, server.given(scope.wanted(SCHEMA, has)))
    assert ports(has) == {uuid("port", 1, 5), uuid("metadata", 1)}
    row = full["Port_Binding"].pop(uuid("row", uuid("metadata", 1)))
    full["Port_Binding"][uuid("made anew")] = row
    has = settle(scope, server, server.given(scope.wanted(SCHEMA, has)))
    assert uuid("made anew") in has["Port_Binding"]


def test_another_localport_than_the_metadata_port_is_not_taken_for_it() -> None:
    rows = tables(guest(1, 5), health_monitor(1))
    has = settle(Scope(CHASSIS), Server(rows), {})
    assert ports(has) == {uuid("port", 1, 5), uuid("metadata", 1)}


def test_a_schema_that_lacks_what_is_needed_is_named() -> None:
    for table, column in (("Chassis_Private", None), ("Port_Binding", "mac")):
        schema = {name: set(columns) for name, columns in SCHEMA.items()}
        if column is None:
            del schema[table]
        else:
            schema[table].discard(column)
        with pytest.raises(ValueError, match=f"no (table|column) {column or table}"):
            Scope(CHASSIS).wanted(schema, {})


def test_an_older_schema_without_additional_chassis_will_do() -> None:
    schema = {name: columns - {"additional_chassis"} for name, columns in SCHEMA.items()}
    wanted = Scope(CHASSIS).wanted(schema, tables(guest(1, 5)))
    assert "additional_chassis" not in str(wanted)


STEPS = st.lists(
    st.tuples(st.sampled_from(["bind", "unbind", "localport", "no localport", "anew"]), st.integers(1, 3)), max_size=14
)


@given(STEPS)
def test_whatever_happens_it_ends_with_all_rows_that_are_needed(steps: list[tuple[str, int]]) -> None:
    rows = tables(networks=(1, 2, 3), localports=False)
    scope, server = Scope(CHASSIS), Server(rows)
    has = settle(scope, server, {})
    for number, (what, network) in enumerate(steps):
        bindings = rows["Port_Binding"]
        local = [key for key, row in bindings.items() if row["type"] and row["datapath"] == uuid("datapath", network)]
        if what == "bind":
            bindings[uuid("guest", network)] = guest(network, 5)
        elif what == "unbind":
            bindings.pop(uuid("guest", network), None)
        else:
            for key in local:
                del bindings[key]
            if what != "no localport":
                one = tables(networks=(network,))["Port_Binding"].popitem()[1]
                bindings[uuid("local", network, number if what == "anew" else 0)] = one
        has = settle(scope, server, server.given(scope.wanted(SCHEMA, has)))
        here = {row["datapath"] for row in bindings.values() if not row["type"]}
        wanted = {key for key, row in bindings.items() if row["datapath"] in here}
        assert has["Port_Binding"].keys() == wanted
