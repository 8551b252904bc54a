"""The incident on a real Docker engine."""

import tempfile

import pytest

from netmend.lab.engines.docker import NEEDED
from netmend.lab.engines.programs import environment
from netmend.lab.engines.world import EngineMissing
from netmend.lab.incident.progress_display import Silence
from netmend.lab.incident.replay import play
from netmend.lab.incident.setup import setup_from


@pytest.mark.parametrize("propagation", ["a=private", "a=shared,b=private"])
def test_the_incident_on_docker(propagation: str) -> None:
    try:
        environment("docker", NEEDED)
    except EngineMissing as missing:
        pytest.skip(str(missing))
    with tempfile.TemporaryFile() as log:
        setup = setup_from([propagation], None, engine="docker")
        outcome = play(setup, Silence(), interval=0.0, rounds=3, netmend_log=log)
    assert outcome.leaked_each_round
    assert outcome.never_above_intent, outcome.state
    assert outcome.state["state"] == "served"
