"""The incident on the real kernel: every trigger leaks, netmend never does, and the log tells which it was."""

import io
import json
import tempfile
from pathlib import Path

from click.testing import CliRunner

from netmend.cli.lab import lab
from netmend.forensics import report
from netmend.kernel import links, mounts
from netmend.kernel.netlink import RouteSocket
from netmend.lab.incident import logs
from netmend.lab.incident.progress_display import Silence
from netmend.lab.incident.replay import Outcome, play
from netmend.lab.incident.setup import Setup, setup_from
from netmend.lab.scenario.run import predict
from netmend.lab.scenario.scenario import load
from netmend.lab.search import report as search_report
from netmend.lab.search import search

ROUNDS = 4


def played(setup: Setup, rounds: int = ROUNDS) -> Outcome:
    with tempfile.TemporaryFile() as log:
        return play(setup, Silence(), interval=0.0, rounds=rounds, netmend_log=log)


def test_every_trigger_that_the_search_finds_leaks_and_is_named_by_the_timeline(tmp_path: Path) -> None:
    found = search.search()
    assert found.disagreements == []
    assert {trigger.id for trigger in found.triggers} >= {"creator-restarted", "reader-never-received"}
    for number, trigger in enumerate(found.triggers):
        outcome = played(trigger.setup)
        assert outcome.leaked_each_round, trigger.scenario.name
        assert outcome.never_above_intent, (trigger.scenario.name, outcome.state)
        directory = tmp_path / str(number)
        logs.write(outcome, directory)
        verdicts = report.read([str(directory)]).verdicts
        assert [(verdict.signature, verdict.variant) for verdict in verdicts] == [("stale-namespace-name", trigger.id)]


def test_each_reproduction_is_a_scenario_file_whose_last_probe_fails_for_the_user(tmp_path: Path) -> None:
    found = search.search()
    for trigger, path in zip(found.triggers, search_report.write_scenarios(found, tmp_path), strict=True):
        (scenario,) = load(str(path), path.read_text())
        assert search.outcome_of(trigger.setup, predict(scenario)) == "endless"
        for position in range(len(scenario.steps) - 1):  # none of its restarts can be left out
            if scenario.steps[position].verb == "restart":
                steps = scenario.steps[:position] + scenario.steps[position + 1 :]
                shorter = type(scenario)(scenario.name, steps, scenario.host, scenario.containers, scenario.engine)
                assert search.outcome_of(trigger.setup, predict(shorter)) == "fine"


def test_with_the_missing_word_nothing_leaks() -> None:
    outcome = played(setup_from(["a=shared"], None))
    assert all(one.failed is None for one in outcome.rounds)
    assert {one.old_agent for one in outcome.rounds} == {outcome.wanted}
    assert not outcome.ok
    assert outcome.most("netmend") == outcome.wanted
    assert outcome.state["state"] == "served"


def test_rounds_before_the_restart_are_healthy() -> None:
    outcome = played(setup_from(["a=private"], ["a@3"]), rounds=5)
    assert [one.failed is None for one in outcome.rounds] == [True, True, True, False, False, False]
    assert [one.new for one in outcome.rounds[1:]] == [0, 0, 2, 2, 2]
    assert outcome.ok


def test_the_command_prints_one_document_and_leaves_nothing() -> None:
    with RouteSocket() as route:
        before = links.dump_links(route), mounts.read_mountinfo()
    done = CliRunner().invoke(lab, ["incident", "--once", "--json", "--rounds", "3", "--interval", "0"])
    assert done.exit_code == 0, done.output
    document = json.load(io.StringIO(done.output))
    assert document["ok"] is True
    assert [one["round"] for one in document["rounds"]] == [0, 1, 2, 3]
    assert all(one["old_agent_new"] >= 1 for one in document["rounds"][1:])
    assert max(count for _, count in document["netmend"]["changes"]) == document["intent"] == 2
    assert document["old_agent"]["left_behind"] == 6
    with RouteSocket() as route:
        assert (links.dump_links(route), mounts.read_mountinfo()) == before


def test_what_the_engine_refuses_is_one_sentence() -> None:
    done = CliRunner().invoke(lab, ["incident", "--once", "--propagation", "a=shared", "--run", "private"])
    assert done.exit_code == 2
    assert "path /run/netns is mounted on /run but it is not a shared mount" in done.output
