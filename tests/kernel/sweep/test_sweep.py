"""The verb and its parts on the real kernel: ours, age, what changes under a sweep, what it refuses."""

import json
import os
import random
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.sweep.host import Host, device_states, has_tun
from tests.kernel.sweep.verb import INTENT, NETWORK, STATE, WANTED, options, reasons, run_verb

from netmend.intent.names import DEVICE_GROUP, Mark, bridge_name, id_from_name, namespace_name
from netmend.kernel import link_details, links, netns, nsdir, tap
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.tap import Tap
from netmend.sweep import sweep
from netmend.sweep.journal import read_journal
from netmend.sweep.scene import Reason


@pytest.fixture(autouse=True)
def needs_tun() -> None:
    if not has_tun():
        pytest.skip("needs /dev/net/tun")


def test_what_a_tap_shows_while_and_after_somebody_has_it_open() -> None:
    with RouteSocket() as route:
        with Tap("tap0") as held:
            held.persist()
            (found,) = (link for link in link_details.dump_details(route) if link.name == "tap0")
            assert found.carrier and not found.up and found.tun and found.tun.persist and found.tun.type == 2
        (found,) = (link for link in link_details.dump_details(route) if link.name == "tap0")
        assert not found.carrier
        assert link_details.messages_of(route, [found.index, 999_999]) == {found.index: found.raw}


def test_a_dry_run_counts_and_deletes_nothing_and_yes_deletes() -> None:
    host = Host(random.Random(0))
    dead = {host.tap() for _ in range(3)}
    before = device_states()
    arguments = ("--kind", "tap", "--min-age", "0", "--assume-all-seen", "--json")
    found = json.loads(run_verb(*arguments, code=3).stdout)
    assert (found["dry_run"], found["dead"], found["kept"]) == (True, 3, 0)
    assert [(row["reason"], row["count"]) for row in found["reasons"]] == [("tap that nobody uses", 3)]
    assert device_states() == before
    done = run_verb(*arguments, "--yes", code=0)
    found = json.loads(done.stdout)
    assert (found["dry_run"], found["deleted"], found["failed"], found["spared"]) == (False, 3, [], [])
    assert "3 of 3" in done.stderr
    assert {link.name for link in read_journal(Path(found["journal"])).links.values()} == dead
    assert set(device_states()) == {key for key in before if key[1] not in dead}
    assert "nothing is dead" in run_verb(*arguments[:-1], code=0).stdout


def test_where_not_all_processes_can_be_seen_nothing_of_others_is_deleted() -> None:
    """This sandbox is a pid namespace of its own."""
    host = Host(random.Random(0))
    host.tap()
    found = run_verb("--kind", "tap", "--min-age", "0", "--yes", code=3).stdout
    assert "1 may be dead, and not everything could be looked at" in found and "--pid=host" in found
    assert "0 deleted" in found and "nothing is dead" not in found
    assert len(device_states()) == 2


def test_a_device_counts_as_old_only_after_looks_at_all_of_which_it_was_dead() -> None:
    host = Host(random.Random(0))
    name = host.tap()
    assert reasons(sweep.find(options("tap", min_age=3600))) == {name: Reason.YOUNG}
    seen = json.loads((STATE / "seen.json").read_text())
    (key,) = seen["first_seen"]
    seen["first_seen"][key] -= 3600
    (STATE / "seen.json").write_text(json.dumps(seen))
    assert reasons(sweep.find(options("tap", min_age=3600))) == {name: Reason.TAP_UNUSED}
    with Tap(name, tap.IFF_TAP | tap.IFF_NO_PI):
        assert reasons(sweep.find(options("tap", min_age=3600))) == {name: Reason.CARRIER}
    assert reasons(sweep.find(options("tap", min_age=3600))) == {name: Reason.YOUNG}


def test_the_first_look_says_so_and_when_to_come_back() -> None:
    host = Host(random.Random(0))
    for _ in range(3):
        host.tap()
    arguments = ("--kind", "tap", "--assume-all-seen")
    first = run_verb(*arguments, code=3).stdout
    assert re.search(r"3 look dead; this is the first look: run again after \d\d:\d\d \(or --min-age 0\)", first)
    assert "nothing is dead" not in first
    second = run_verb(*arguments, "--min-age", "1h", code=3).stdout
    assert "3 look dead; not yet for 1h: run again after" in second
    found = json.loads(run_verb(*arguments, "--yes", "--json", code=3).stdout)
    assert (found["young"], found["first_look"], found["deleted"]) == (3, False, 0)
    assert 0 < found["again_at"] - time.time() <= 600
    found = json.loads(run_verb(*arguments, "--min-age", "0", "--yes", "--json", code=0).stdout)
    assert (found["young"], found["again_at"], found["deleted"]) == (0, None, 3)
    assert "nothing is dead" in run_verb(*arguments, code=0).stdout


def test_what_comes_alive_between_look_and_deletion_is_spared() -> None:
    host = Host(random.Random(0))
    revived, attached, dead = host.tap(), host.tap(), host.tap()
    pair = host.pair()
    findings = sweep.find(options("tap", "veth"))
    links.set_link(host.route, host.find(revived), up=True)
    links.set_link(host.route, host.find(pair[1]), up=True)
    before = device_states()
    with Tap(attached, tap.IFF_TAP | tap.IFF_NO_PI):
        outcome = sweep.carry_out(options("tap", "veth"), findings, lambda count: None).outcome
    assert outcome.deleted == 1 and not outcome.failed
    assert {name: outcome.spared[name] for name in (revived, attached)} == {revived: "up", attached: "has carrier"}
    assert set(outcome.spared) == {revived, attached, *pair}
    assert device_states() == {key: state for key, state in before.items() if key[1] != dead}


def test_another_device_with_the_index_of_a_dead_one_is_spared() -> None:
    host = Host(random.Random(0))
    name = host.tap()
    was = host.find(name)
    findings = sweep.find(options("tap"))
    links.delete_link(host.route, was)
    host.other.link("add", ifname="other", kind="bridge", index=was.index, group=5)
    outcome = sweep.carry_out(options("tap"), findings, lambda count: None).outcome
    assert outcome.spared == {name: "changed since it was looked at"} and outcome.deleted == 0
    assert host.find("other").index == was.index and host.find("other").group == 5


def test_what_comes_alive_in_the_group_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at its name and the look in the group that is to be deleted."""
    host = Host(random.Random(0))
    name, dead = host.tap(), host.tap()
    links.set_link(host.route, host.find(name), group=3)
    findings = sweep.find(options("tap"))
    original = link_details.move_and_look

    def move_and_look(*arguments: Any) -> dict[int, bytes]:
        links.set_link(host.route, host.find(name), up=True)
        return original(*arguments)

    monkeypatch.setattr(link_details, "move_and_look", move_and_look)
    outcome = sweep.carry_out(options("tap"), findings, lambda count: None).outcome
    assert outcome.spared == {name: "up"} and outcome.deleted == 1
    assert host.find(name).group == 3
    assert links.find_link(host.route, dead) is None


def test_ours_that_intent_does_not_have_goes_and_nothing_else() -> None:
    nsdir.prepare()
    host = Host(random.Random(0))
    theirs = host.tap()
    for network_id in (NETWORK, WANTED):
        made = links.create_bridge(host.route, bridge_name(network_id), 1500, DEVICE_GROUP, "02:00:00:00:00:01")
        links.set_link(host.route, made, up=True, alias=str(Mark("bridge", network_id)))
        with Netns.create("ours") as place, RouteSocket() as inside:
            links.set_link(inside, links.LOOPBACK, alias=str(Mark("namespace", network_id)))
        with place:
            netns.pin(place, f"{nsdir.DEFAULT}/{namespace_name(network_id)}", str(Mark("namespace", network_id)))
    half_made = links.create_bridge(host.route, "half-made", 1500, DEVICE_GROUP, "02:00:00:00:00:02")
    marked = id_from_name("network", "marked")
    Path(nsdir.DEFAULT, namespace_name(marked)).write_text(str(Mark("namespace", marked)))
    Path(nsdir.DEFAULT, namespace_name(id_from_name("network", "theirs"))).touch()
    Path("/run/intent.yaml").write_text(INTENT)
    found = json.loads(run_verb("-c", "/run/intent.yaml", "--yes", "--json", code=0).stdout)
    assert (found["deleted"], found["kept"]) == (4, 2)
    assert {name for _, name in device_states()} == {"lo", theirs, bridge_name(WANTED)}
    assert nsdir.names() == {namespace_name(WANTED), namespace_name(id_from_name("network", "theirs"))}
    assert half_made.name == "half-made"


def test_a_veth_whose_peers_namespace_nobody_in_sight_holds() -> None:
    """Alive by a socket alone: nobody can be seen to hold it, and the near end is down."""

    host = Host(random.Random(0))
    with Netns.create("far") as far:
        holder = socket.socket()
    near = links.create_veth(host.route, links.VethEnd("tapfar", 1500, 0), links.VethEnd("far", 1500, 0), far)
    links.set_link(host.route, near, up=False)
    assert reasons(sweep.find(options("veth"))) == {"tapfar": Reason.PEER_NAMESPACE_ALIVE}
    far.close()
    assert reasons(sweep.find(options("veth"))) == {"tapfar": Reason.PEER_NAMESPACE_GONE}
    holder.close()


def test_bad_input_is_told_in_a_sentence() -> None:
    assert "nothing to sweep" in run_verb(code=2).stderr
    assert "--kind odd: no such kind; there are: neutron," in run_verb("--kind", "odd", code=2).stderr
    assert "--min-age soon" in run_verb("--kind", "tap", "--min-age", "soon", code=2).stderr
    Path("/run/ports").write_text("tap1\nnot a name\n")
    assert (
        "/run/ports:2: one name or id a line" in run_verb("--kind", "tap", "--ports-file", "/run/ports", code=2).stderr
    )
    Path("/run/journal").write_text('{"sweep": 1, "group": 1}\nnonsense\n')
    assert "/run/journal:2: is not JSON" in run_verb("--restore", "/run/journal", code=2).stderr
    assert "/run/none: cannot be read" in run_verb("--restore", "/run/none", code=2).stderr


def test_two_sweeps_at_once_are_refused() -> None:
    STATE.mkdir(parents=True)
    import fcntl

    descriptor = os.open(STATE / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert "a sweep runs already" in run_verb("--kind", "tap", "--yes", code=2).stderr
