"""Lines of the log."""

import json
from collections.abc import Iterator

import pytest

from netmend.ground import log
from netmend.ground.log import Line, as_json, for_a_person, get_logger


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    written: list[str] = []
    for name in ("_write", "_render", "_now"):
        monkeypatch.setattr(log, name, getattr(log, name))
    log.configure(written.append, now=lambda: "now")
    yield written


def test_an_event_and_its_fields_in_order(lines: list[str]) -> None:
    get_logger().warning("it broke", network="n", odd={1}, why=None)
    assert lines == [
        '{"timestamp": "now", "level": "warning", "event": "it broke", "network": "n", "odd": "{1}", "why": null}'
    ]


def test_levels(lines: list[str]) -> None:
    logger = get_logger()
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(logger, level)("x")
    assert [json.loads(line)["level"] for line in lines] == ["debug", "info", "warning", "error", "critical"]


def test_an_exception_is_the_text_of_its_traceback(lines: list[str]) -> None:
    logger = get_logger()
    try:
        raise ValueError("why")
    except ValueError as error:
        logger.exception("a")
        logger.error("b", exc_info=error)
        logger.error("c", exc_info=(ValueError, error, None))
    logger.error("d", exc_info=None)
    found = [json.loads(line) for line in lines]
    assert all(line["exception"].startswith("Traceback") for line in found[:3])
    assert all(line["exception"].endswith("ValueError: why") and "exc_info" not in line for line in found[:3])
    assert found[0]["level"] == "error" and "exception" not in found[3]


def test_a_line_for_a_person() -> None:
    line: Line = {"timestamp": "T", "level": "info", "event": "pass", "steps": 3, "name": "a b"}
    assert for_a_person(line) == "T [info     ] pass                           steps=3 name='a b'"
    assert for_a_person(line | {"exception": "Traceback"}).splitlines()[1:] == ["Traceback"]


def test_a_line_as_json_is_one_line() -> None:
    assert as_json({"event": "a\nb"}) == '{"event": "a\\nb"}'
