"""Helpers of Neutron's agents that serve nobody are found and ended; all others stay."""

import json
from dataclasses import replace

import pytest
from tests.kernel.agents_helpers import DNSMASQ, Helpers
from tests.kernel.doctor.hosts import ip
from tests.kernel.sweep.verb import STATE, options, run_verb

from netmend.sweep import sweep
from netmend.sweep.journal import read_journal
from netmend.sweep.known import Known
from netmend.sweep.scene import Reason

pytestmark = pytest.mark.skipif(DNSMASQ is None, reason="needs dnsmasq")


def verdicts(findings: sweep.Findings) -> dict[int, Reason]:
    return {process.helper.pid: process.reason for process in findings.processes}


def test_those_that_serve_nobody_are_ended_and_others_stay() -> None:
    helpers = Helpers()
    wanted, gone, nameless = (helpers.network(port=port) for port in (True, False, False))
    older, kept = helpers.serve(wanted), helpers.serve(wanted)
    orphan, hidden = helpers.serve(gone), helpers.serve(nameless)
    ip("netns", "delete", f"qdhcp-{nameless}")
    assert sweep.find(options("tap")).processes == []
    chosen = options("neutron")
    known = replace(chosen, known=Known(ids=frozenset({gone})))
    assert verdicts(sweep.find(known))[orphan] is Reason.KNOWN
    findings = sweep.find(chosen)
    assert verdicts(findings) == {
        older: Reason.HELPER_SURPLUS,
        kept: Reason.HELPER_SERVES,
        orphan: Reason.HELPER_OF_NOTHING,
        hidden: Reason.HELPER_OF_NOTHING,
    }
    result = sweep.carry_out(chosen, findings, lambda count: None)
    assert (result.outcome.deleted, result.outcome.failed, result.outcome.spared) == (3, {}, {})
    alive = {one.pid for one in helpers.started if one.poll() is None}
    assert alive == {kept}
    assert result.journal is not None
    assert len(read_journal(result.journal).gone) == 3


def test_a_network_that_the_control_plane_does_not_know() -> None:
    helpers = Helpers()
    known, unknown = helpers.network(port=True), helpers.network(port=True)
    pids = [helpers.serve(known), helpers.serve(unknown)]
    asked = Known(ids=frozenset({known}), about=frozenset({"networks"}))
    findings = sweep.find(replace(options("neutron"), known=asked))
    assert verdicts(findings) == {pids[0]: Reason.HELPER_SERVES, pids[1]: Reason.HELPER_UNKNOWN}
    of_routers = replace(asked, about=frozenset({"routers"}))
    findings = sweep.find(replace(options("neutron"), known=of_routers))
    assert set(verdicts(findings).values()) == {Reason.HELPER_SERVES}


def test_young_ones_and_what_is_not_all_seen_stay() -> None:
    helpers = Helpers()
    pid = helpers.serve(helpers.network(port=False))
    assert verdicts(sweep.find(options("neutron", min_age=600))) == {pid: Reason.YOUNG}
    assert verdicts(sweep.find(replace(options("neutron"), assume_all_seen=False))) == {pid: Reason.UNSEEN}


def test_the_verb_tells_of_them() -> None:
    helpers = Helpers()
    owner = helpers.network(port=False)
    pid = helpers.serve(owner)
    words = ("--kind", "neutron", "--min-age", "0", "--assume-all-seen")
    document = json.loads(run_verb(*words, "--json", "--list", code=3).stdout)
    rows = [row for row in document["reasons"] if row["what"] == "process"]
    assert rows == [
        {
            "verdict": "dead",
            "reason": "serves a namespace with nothing in it",
            "what": "process",
            "count": 1,
            "examples": [f"dnsmasq {pid} of {owner}"],
        }
    ]
    run_verb(*words, "--yes", code=0)
    assert helpers.started[0].wait(60) is not None
    assert list(STATE.glob("sweep-*.jsonl"))
