"""From a path to an Intent, or to every problem in the file."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any

from netmend.intent import Intent
from netmend.sources.file.build import build_intent
from netmend.sources.file.document import Document, DocumentError, parse, parse_json
from netmend.sources.file.place import field_path
from netmend.sources.file.plain_yaml import parse_plain
from netmend.sources.file.prune import Pruned
from netmend.sources.file.read import UnreadableError, read
from netmend.sources.file.shape import check_shape
from netmend.sources.file.share import share
from netmend.sources.problem import Complaints, IntentError, Problem


def load(path: Path, previous: Intent | None = None) -> Intent:
    """The intent in the file `path`: JSON if its name ends in `.json`, otherwise YAML 1.2.

    With `previous`, every network, subnet and port that did not change is the same object as there; `previous` itself
    is returned if nothing did. Raises IntentError with all problems found (at most 50 are told).
    """
    intent = load_with_root(path)[1]
    return share(intent, previous) if previous else intent


def load_with_root(path: Path) -> tuple[Any, Intent]:
    """The document in the file `path`, as it is written, and its intent, whose networks and ports are in its order."""
    with _collector_paused():
        try:
            text = read(path)
            document = _parse(path, text)
        except UnreadableError as error:
            raise IntentError((Problem(str(path), 0, "", str(error)),)) from None
        except DocumentError as error:
            raise IntentError(tuple(Problem(str(path), line, "", why) for line, why in error.faults)) from None
        complaints = Complaints()
        intent = _build(document.root, complaints, path.parent)
        if intent is None or complaints:
            raise _located(path, text, document.root, complaints)
        return document.root, intent


def _parse(path: Path, text: bytes) -> Document:
    if path.suffix.lower() == ".json":
        try:
            return parse_json(text)
        except (ValueError, RecursionError):
            pass  # JSON is YAML, whose parser tells the place, or takes what JSON does not
    if (plain := parse_plain(text)) is not None:
        return Document(plain, {})
    return parse(text)


def _build(root: Any, complaints: Complaints, directory: Path) -> Intent | None:
    """The intent, or complaints about its shape, and about what the well-shaped part of it says. Files that it names
    are looked for in `directory`."""
    shape = check_shape(root, complaints)
    if shape is not None:
        return build_intent(shape, complaints, directory)
    if isinstance(root, dict):
        pruned = Pruned(root, [place for place, _ in complaints.found])
        of_the_rest = Complaints()
        if (shape := check_shape(pruned.root, of_the_rest)) is not None:
            build_intent(shape, of_the_rest, directory)
            for place, why in of_the_rest.found:
                complaints.add(pruned.original(place), why)
            complaints.omitted += of_the_rest.omitted
    return None


def _located(path: Path, text: bytes, root: Any, complaints: Complaints) -> IntentError:
    """The complaints with the lines and names of their fields."""
    try:
        lines = parse(text, with_lines=True)
    except DocumentError:  # JSON that is no YAML: tabs between tokens
        lines = Document(root, {})
    problems = [Problem(str(path), lines.line(place), field_path(root, place), why) for place, why in complaints.found]
    return IntentError(tuple(sorted(problems, key=attrgetter("line"))), complaints.omitted)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep Python's cycle collector from walking, again and again, a million new values that are no cycles."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
