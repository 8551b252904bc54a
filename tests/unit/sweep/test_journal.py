"""What is written is what is read, also when the last line was cut off anywhere."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sweep.test_rules import FAR, NEAR, TAP

from netmend.sweep.journal import BadJournal, Journal, read_journal
from netmend.sweep.scene import Reason


def written(folder: Path) -> Path:
    journal = Journal(folder, 77)
    journal.doomed_links([((TAP,), Reason.TAP_UNUSED), ((NEAR, FAR), Reason.PAIR_UNUSED)])
    journal.done([TAP.index])
    journal.failed(NEAR.index, "up")
    journal.close()
    return journal.path


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    found = read_journal(written(tmp_path / "new"))
    assert found.group == 77 and found.gone == {TAP.index}
    assert found.links == {link.index: link for link in (TAP, NEAR, FAR)}
    assert found.pairs == {NEAR.index: FAR.index, FAR.index: NEAR.index}


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
