# ruff: noqa: E501 - a file is kept on one line
"""Signature files: mistakes are named by place, and own signatures are added to those that come with netmend."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.forensics.logs import Night

from netmend.forensics.report import read
from netmend.forensics.signatures import BadSignature, load


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("id: x\nrequires: [{see: agent-start}]\n", "title: must be a text"),
        ("id: x\ntitle: t\nconfidence: 2\n", "requires: a signature needs"),
        ("id: x\ntitle: t\nrequires: [{see: nothing}]\n", "requires[0].see: there is no event 'nothing'"),
        ("events: {a: {any: ['12']}}\n", "events.a.any: needs texts"),
        ("events: {a: {any: [text], pattern: '('}}\n", "events.a.pattern: no regular expression"),
        ("events: {a: {any: [text], colour: red}}\n", "events.a.colour: unknown"),
        ("events: [\n", "YAML"),
        ("- 1\n", "must be a mapping"),
        ("events: {agent-start: {any: [text]}}\n", "defined twice"),
    ],
)
def test_a_bad_signature_file_is_told_by_place(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(BadSignature) as error:
        load([tmp_path])
    assert "mine.yaml" in str(error.value)
    assert why in str(error.value)


def test_own_signatures_can_be_added(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "id: my-own\ntitle: The disk is full\nconfidence: 0.9\nexplains: It is.\ndo: [delete files]\n"
        "events: {full: {kind: failure, any: ['The disk is mine']}}\nrequires: [{see: full}]\n"
    )
    night = Night()
    night.record(1, "dhcp-agent", "ERROR", "OSError: The disk is mine")
    found = read(night.write(tmp_path), signatures=[tmp_path / "mine.yaml"])
    assert [v.signature for v in found.verdicts] == ["my-own"]


def test_a_mistake_has_its_line_and_no_is_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "events:\n  one:\n    any: [no route, off-line]\n    services: [no, on]\n  two:\n    any: [text]\n    kind: odd\n"
    )
    with pytest.raises(BadSignature) as error:
        load([path])
    assert str(error.value).startswith(f"{path}:7: events.two.kind: must be one of")
    path.write_text(path.read_text().replace("    kind: odd\n", ""))
    assert load([path]).events["one"].services == {"no", "on"}
