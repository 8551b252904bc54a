"""What was last known comes back as it was, and what cannot be used is nothing."""

from pathlib import Path

from tests.unit.sources.ovn.rows import CHASSIS, guest, tables, uuid
from tests.unit.sources.ovn.test_intents import builder

from netmend.sources.neutron.last_known import LastKnown
from netmend.sources.ovn.intents import Place
from netmend.sources.ovn.memory import Memory

PLACE = Place(CHASSIS, "br-int", "netdev")


def memory(directory: Path) -> Memory:
    return Memory(LastKnown(directory / "ovn.sqlite", "ovn"))


def test_the_intent_of_what_was_kept_is_the_intent_that_was(tmp_path: Path) -> None:
    rows = tables(guest(1, 5), guest(2, 6), networks=(1, 2))
    first = memory(tmp_path)
    first.write(PLACE, rows, 1000.0)
    gone = rows["Port_Binding"].pop(uuid("row", uuid("port", 2, 6)))
    first.write(PLACE, rows, 1001.0)
    first.confirm(1002.0)
    first.close()
    found = memory(tmp_path).read()
    assert gone and found is not None and found.place == PLACE and found.confirmed_at == 1002.0
    assert builder().build(found.tables) == builder().build(rows)


def test_nothing_comes_of_an_empty_or_foreign_file(tmp_path: Path) -> None:
    assert memory(tmp_path).read() is None
    (tmp_path / "ovn.sqlite").write_bytes(b"not a database" * 100)
    assert memory(tmp_path).read() is None
