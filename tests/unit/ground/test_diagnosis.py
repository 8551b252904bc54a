"""A diagnosis has one shape in JSON, whoever made it."""

import pytest

from netmend.ground.diagnosis import Diagnosis
from netmend.ground.finding import Finding, Severity
from netmend.lint.declared import LintFinding

SHAPE = {"summary": "s", "evidence": ["read"], "cause": "c", "mend": "m"}
PLAIN = Diagnosis("s", ("read",), "c", "m")
FOUND = Finding(check="x", severity=Severity.ERROR, netns="n", summary="s", evidence=("read",), cause="c", mend="m")
LINTED = LintFinding(
    check="x",
    severity=Severity.NOTE,
    file="f",
    line=3,
    container="k",
    summary="s",
    evidence=("read",),
    cause="c",
    mend="m",
)


@pytest.mark.parametrize("diagnosis", [PLAIN, FOUND, LINTED])
def test_the_four_fields_are_those_of_every_diagnosis(diagnosis: Diagnosis) -> None:
    assert SHAPE.items() <= diagnosis.as_json().items()


def test_what_findings_say_beside() -> None:
    beside = {"check": "x", "severity": "error", "suffers": [], "culprits": []}
    assert FOUND.as_json() == SHAPE | beside | {"netns": "n", "usable_in": [], "broken_in": []}
    assert LINTED.as_json() == SHAPE | {"check": "x", "severity": "note", "file": "f", "line": 3, "container": "k"}
