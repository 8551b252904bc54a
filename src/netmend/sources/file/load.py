"""Reads an intent file: an Intent, or every problem in the file."""

import json
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from netmend.ground.collector import uncollected
from netmend.ground.document import Document, DocumentError, Fault
from netmend.ground.located_yaml import parse, parse_json
from netmend.ground.problem import Problem, field_path
from netmend.intent import Intent
from netmend.sources.file.build import build_intent
from netmend.sources.file.read import UnreadableError, read
from netmend.sources.file.shape import check_shape
from netmend.sources.file.share import share
from netmend.sources.problem import PROBLEMS_MAX, Complaints, IntentError


def load(path: Path, previous: Intent | None = None) -> Intent:
    """The intent in the file `path`: JSON if its name ends in `.json`, otherwise YAML 1.2.

    With `previous`, every network, subnet and port that did not change is the same object as there; `previous` itself
    is returned if nothing did. Raises IntentError with all problems found, the first 50 in words.
    """
    intent = load_with_root(path)[1]
    return share(intent, previous) if previous else intent


def load_with_root(path: Path) -> tuple[Any, Intent]:
    """The document in the file `path`, as it is written, and its intent: networks and ports in the same order."""
    with uncollected():
        try:
            text = read(path)
        except UnreadableError as error:
            raise IntentError((Problem(str(path), 0, "", str(error)),)) from error
        faults: tuple[Fault, ...] = ()
        try:
            document = _parse(path, text)
        except DocumentError as error:
            faults, document = error.faults, error.document or Document(None)
            if error.document is None:
                raise IntentError(*_told([Problem(str(path), line, "", why) for line, why, _ in faults])) from None
        complaints = Complaints()
        intent = _build(document.root, complaints, path.parent)
        if intent is None or complaints or faults:
            raise _located(path, text, document.root, complaints, faults)
        return document.root, intent


def _parse(path: Path, text: bytes) -> Document:
    if path.suffix.lower() == ".json":
        try:
            document = parse_json(text)
            if not text.isascii() or b"\\u" in text or b"\0" in text:
                json.dumps(document.root, ensure_ascii=False).encode()  # half of a surrogate pair is no text
            return document
        except ValueError:
            pass  # JSON is YAML: its reader knows the place of a mistake, or takes what JSON does not
    return parse(text)


def _build(root: Any, complaints: Complaints, directory: Path) -> Intent | None:
    """The intent, or complaints about its shape, and about what the rest of it says. Files that it names are looked
    for in `directory`."""
    shape = check_shape(root, complaints)
    if shape is not None:
        return build_intent(shape, complaints, directory)
    if isinstance(root, dict):
        from netmend.sources.file.substitutes import Substituted  # which a good file does without

        rest = Substituted(root, [place for place, _ in complaints.found])
        of_the_rest = Complaints()
        if (shape := check_shape(rest.root, of_the_rest)) is not None:
            build_intent(shape, of_the_rest, directory)
            for place, why in of_the_rest.found:
                if not rest.covers(place):
                    complaints.add(place, why)
            complaints.omitted += of_the_rest.omitted
    return None


def _located(path: Path, text: bytes, root: Any, complaints: Complaints, faults: Sequence[Fault]) -> IntentError:
    """The faults, and the complaints with the lines and names of their fields."""
    try:
        document = parse(text, located=True)
    except DocumentError as error:
        document = error.document or Document(root)
    problems = [Problem(str(path), fault.line, "", fault.why) for fault in faults]
    faulty = {fault.line for fault in faults if not fault.key}  # a value there may be wrong because of the fault
    for place, why in complaints.found:
        line = document.line(place)
        if line not in faulty:
            problems.append(Problem(str(path), line, field_path(root, place), why))
    # What an alias repeats is wrong once.
    told, omitted = _told(sorted(dict.fromkeys(problems), key=attrgetter("line")))
    return IntentError(told, omitted + complaints.omitted)


def _told(problems: Sequence[Problem]) -> tuple[tuple[Problem, ...], int]:
    """The problems to tell, and how many more there are."""
    return tuple(problems[:PROBLEMS_MAX]), max(0, len(problems) - PROBLEMS_MAX)
