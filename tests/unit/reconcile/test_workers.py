"""One worker while all goes well; others as soon as one is slow."""

import gc
from threading import Event, current_thread, get_ident

import pytest
from tests.waiting import wait_for

from netmend.reconcile.host import Host
from netmend.reconcile.workers import work_through


def test_every_item_is_worked_on_once_by_one_thread() -> None:
    done: list[tuple[int, str]] = []
    threads: set[int | None] = set()

    def work(item: int) -> None:
        done.append((item, current_thread().name))
        threads.add(current_thread().ident)

    work_through(work, range(500), 4)
    assert [item for item, _ in done] == list(range(500))
    assert len(threads) == 1


def test_an_item_that_hangs_holds_up_no_other() -> None:
    released, others = Event(), []

    def work(item: int) -> None:
        if item == 0:
            assert released.wait(60)
        else:
            others.append(item)
            if len(others) == 99:
                released.set()

    work_through(work, range(100), 2)
    assert sorted(others) == list(range(1, 100))


def test_as_many_hang_as_there_are_workers() -> None:
    together = [Event() for _ in range(3)]

    def work(item: int) -> None:
        together[item].set()
        assert all(event.wait(60) for event in together)

    work_through(work, range(3), 3)


def test_a_failure_is_raised_once_all_at_work_have_finished() -> None:
    def work(item: int) -> None:
        if item == 3:
            raise ValueError("three")

    with pytest.raises(ValueError, match="three"):
        work_through(work, range(10), 2)


def test_nothing_to_do() -> None:
    work_through(lambda item: None, [], 4)


def test_each_thread_says_that_it_ends() -> None:
    worked, ended = set[int](), list[int]()

    def work(item: int) -> None:
        worked.add(get_ident())

    work_through(work, range(10), 2, lambda: ended.append(get_ident()))
    wait_for(lambda: set(ended) == worked, "the threads have ended")


def test_threads_of_a_pass_leave_nothing_behind() -> None:
    """A socket that is left to Python's end of a thread leaves a dictionary of the thread (CPython 3.11)."""
    host = Host("/run/netns", float, None, None)

    def left() -> int:
        gc.collect()
        return sum(type(found) is dict and "Py_Repr" in found for found in gc.get_objects())

    def work(item: int) -> None:
        host.route()

    before = left()
    for _ in range(20):
        work_through(work, range(2), 2, host.leave)
    assert left() - before < 10
    host.close()
