"""At every probe of the recorded cases, the doctor says of the name what entering it says.

The cases are those of tests/engine's scenarios: two containers, each with one propagation of `/run/netns`.
"""

from itertools import product

import pytest
from tests.engine.conftest import Engine

MODES = {"default": "", "slave": ":slave", "shared": ":shared"}
WHO = {"host": "host", "a": "dr-a", "b": "dr-b"}


def agree(engine: Engine, name: str) -> None:
    """The doctor's word on a name is the same as that of those who enter it."""
    usable = {label for label in WHO.values() if engine.usable(label, name)}
    _, report = engine.doctor()
    found = [finding for finding in report["findings"] if finding.get("netns") == name]
    if len(usable) == len(WHO):
        assert found == []
        return
    assert len(found) == 1, (name, usable, found)
    assert (set(found[0]["usable_in"]), set(found[0]["broken_in"])) == (usable, set(WHO.values()) - usable)
    assert found[0]["culprits"], found[0]


@pytest.mark.parametrize(("a", "b"), list(product(MODES, MODES)))
def test_every_probe(engine: Engine, a: str, b: str) -> None:
    engine.start("dr-a", "/run/netns:/run/netns" + MODES[a])
    engine.in_container("dr-a", "ip", "netns", "add", "t0")
    engine.start("dr-b", "/run/netns:/run/netns" + MODES[b])
    agree(engine, "t0")
    engine.in_container("dr-a", "ip", "netns", "add", "t1")
    agree(engine, "t1")
    engine.in_container("dr-b", "ip", "netns", "add", "t3")
    agree(engine, "t3")
    engine.host("ip", "netns", "add", "t2")
    agree(engine, "t2")
    engine.docker("restart", "-t", "1", "dr-a")
    for name in ("t0", "t1", "t2", "t3"):
        agree(engine, name)
