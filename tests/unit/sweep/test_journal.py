"""What is written is what is read, also when the last line was cut off anywhere."""

import json
from dataclasses import replace
from ipaddress import ip_interface
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sweep.test_rules import FAR, NEAR
from tests.unit.sweep.test_rules import TAP as PLAIN

from netmend.sweep.journal import BadJournal, Journal, Surroundings, read_journal
from netmend.sweep.scene import Reason

TAP = replace(
    PLAIN,
    master=9,
    alternative_names=("port-of-a-guest",),
    flags=0x1003,
    bridge=(("ageing_time", 0),),
)


def written(folder: Path) -> Path:
    journal = Journal(folder, 77)
    around = Surroundings({9: "br-lb"}, {TAP.index: {ip_interface("192.0.2.1/24")}})
    journal.doomed_links([((TAP,), Reason.TAP_UNUSED), ((NEAR, FAR), Reason.PAIR_UNUSED)], around)
    journal.done([TAP.index])
    journal.failed(NEAR.index, "up")
    journal.close()
    return journal.path


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    found = read_journal(written(tmp_path / "new"))
    assert found.group == 77 and found.gone == {TAP.index}
    assert found.links == {link.index: link for link in (TAP, NEAR, FAR)}
    assert found.spared == {NEAR.index}
    assert found.masters == {TAP.index: "br-lb"} and found.addresses[TAP.index] == [ip_interface("192.0.2.1/24")]


@given(st.floats(0, 1))
def test_a_journal_that_was_cut_off_says_what_it_has(tmp_path_factory: pytest.TempPathFactory, at: float) -> None:
    path = written(tmp_path_factory.mktemp("journal"))
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    kept = whole[: first + int(at * (len(whole) - first))]
    path.write_bytes(kept)
    assert len(read_journal(path).links) == min(kept.count(b"\n") - 1, 3)


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused_with_its_name(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("journal") / "odd.jsonl"
    path.write_bytes(data)
    with pytest.raises(BadJournal, match=r"odd\.jsonl"):
        read_journal(path)


def test_no_journal_no_deletion(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadJournal, match="nothing is deleted without a journal"):
        Journal(tmp_path / "file" / "below", 1)


def test_a_journal_of_the_first_kind_is_still_read(tmp_path: Path) -> None:
    """It had neither flags, settings of bridges, masters' names nor addresses."""
    lines = [json.loads(line) for line in written(tmp_path).read_text().splitlines()]
    for line in lines:
        for late in ("flags", "bridge", "master_name", "addresses"):
            line.pop(late, None)
    path = tmp_path / "old.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = read_journal(path)
    assert found.links[TAP.index] == replace(TAP, flags=0, bridge=()) and not found.masters


def test_what_the_kernel_refused_is_not_spared(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 1)
    journal.doomed_links([((TAP,), Reason.TAP_UNUSED)])
    journal.failed(TAP.index, "delete link tap1: Operation not permitted")
    journal.close()
    found = read_journal(journal.path)
    assert not found.spared and not found.gone
