"""The verb and its parts on the real kernel: ours, names, age, what changes under a sweep, making again."""

import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.sweep.host import Host, device_states, has_tun

from netmend.intent import Intent
from netmend.intent.names import DEVICE_GROUP, Mark, bridge_name, id_from_name, namespace_name
from netmend.kernel import link_details, link_settings, links, netns, nsdir, tap
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.tap import Tap
from netmend.sweep import delete, sweep
from netmend.sweep.journal import Journal, read_journal
from netmend.sweep.known import Known
from netmend.sweep.restore import restore
from netmend.sweep.scene import Reason

STATE = Path("/run/state/sweep")
NETWORK, WANTED = id_from_name("network", "gone"), id_from_name("network", "blue")
INTENT = f"""
networks:
  - name: blue
    id: {WANTED}
    subnets: [{{cidr: 10.0.0.0/24}}]
"""


@pytest.fixture(autouse=True)
def needs_tun() -> None:
    if not has_tun():
        pytest.skip("needs /dev/net/tun")


def options(*kinds: str, intent: Intent | None = None, min_age: float = 0) -> sweep.Options:
    return sweep.Options(intent=intent, kinds=kinds, min_age=min_age, assume_all_seen=True, state=STATE)


def reasons(findings: sweep.Findings) -> dict[str, Reason]:
    found = {link.name: unit.reason for unit in findings.units for link in unit.links}
    return found | {name.name: name.reason for name in findings.names}


def run_verb(*arguments: str, code: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "netmend.cli", "sweep", *arguments, "--state-dir", "/run/state"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


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


def test_dead_names_go_and_living_ones_stay() -> None:
    nsdir.prepare()
    names = [f"qdhcp-{id_from_name('network', str(number))}" for number in range(4)]
    dead, alive, known, mounted_elsewhere = names
    for name in (dead, known):
        Path(nsdir.DEFAULT, name).touch()
    with Netns.create(alive) as place:
        netns.pin(place, f"{nsdir.DEFAULT}/{alive}", "theirs")
    # a second copy of the mount, at another place: `rm` of the name would end it
    Path(nsdir.DEFAULT, mounted_elsewhere).touch()
    Path("/run/hidden").mkdir()
    Path("/run/hidden", mounted_elsewhere).touch()
    with place, Netns.create("hidden") as hidden, hidden:
        netns.pin(hidden, f"/run/hidden/{mounted_elsewhere}", "")
    chosen = sweep.Options(
        kinds=("neutron",),
        min_age=0,
        assume_all_seen=True,
        state=STATE,
        known=Known(frozenset(), frozenset({known.removeprefix("qdhcp-")})),
    )
    findings = sweep.find(chosen)
    assert reasons(findings) == {
        dead: Reason.NAME_WITHOUT_NAMESPACE,
        alive: Reason.NAMESPACE_ALIVE,
        known: Reason.KNOWN,
        mounted_elsewhere: Reason.NAMESPACE_ALIVE,
    }
    result = sweep.carry_out(chosen, findings, lambda count: None)
    assert result.outcome.deleted == 1 and nsdir.names() == set(names) - {dead}
    assert result.journal is not None
    assert [one.problem for one in restore(read_journal(result.journal))] == [None]
    assert nsdir.names() == set(names)


def test_a_veth_whose_peers_namespace_nobody_in_sight_holds() -> None:
    """Alive by a socket alone: nobody can be seen to hold it, and the near end is down."""
    import socket

    host = Host(random.Random(0))
    with Netns.create("far") as far:
        holder = socket.socket()
    near = links.create_veth(host.route, links.VethEnd("tapfar", 1500, 0), links.VethEnd("far", 1500, 0), far)
    links.set_link(host.route, near, up=False)
    assert reasons(sweep.find(options("veth"))) == {"tapfar": Reason.PEER_NAMESPACE_ALIVE}
    far.close()
    assert reasons(sweep.find(options("veth"))) == {"tapfar": Reason.PEER_NAMESPACE_GONE}
    holder.close()


def test_what_a_killed_sweep_left_in_its_group_is_put_back() -> None:
    host = Host(random.Random(0))
    name, somebodys = host.tap(), host.tap()
    links.set_link(host.route, host.find(name), group=7)
    (unit,) = (unit for unit in sweep.find(options("tap")).dead_units if unit.links[0].name == name)
    journal = Journal(STATE, delete.GROUPS[5])
    journal.doomed_links([(unit.links, unit.reason)])
    journal.close()
    for one in (name, somebodys):
        links.set_link(host.route, host.find(one), group=delete.GROUPS[5])
    assert sweep.recover(options("tap")) == 1
    assert host.find(name).group == 7
    assert host.find(somebodys).group == delete.GROUPS[5]


def test_devices_are_made_again_from_the_journal() -> None:
    host = Host(random.Random(0))
    with Tap("tap-full", tap.IFF_TAP | tap.IFF_MULTI_QUEUE | tap.IFF_VNET_HDR) as made:
        made.set_owner(0)
        made.set_group(0)
        made.persist()
    links.set_link(host.route, host.find("tap-full"), mtu=1400, group=9, alias="for a guest", mac="02:00:00:00:00:09")
    host.tap()
    near, far = host.pair()
    links.set_link(host.route, host.find(near), mtu=1300, alias="near")
    links.set_link(host.route, host.find(far), mtu=1200, alias="far")
    bridge = links.create_bridge(host.route, "br-lb", 1500, 0, "02:00:00:00:00:77")
    for name in ("tap-full", far):
        links.set_link(host.route, host.find(name), master=bridge.index)
    links.set_link(host.route, host.find("tap-full"), up=True)
    link_settings.set_queue_length(host.route, host.find("tap-full"), 77)
    link_settings.add_names(host.route, host.find("tap-full"), ["a-name-longer-than-any-of-a-device", "another"])
    link_settings.set_flags(host.route, host.find(far), 0x200)

    def described() -> dict[str, tuple[object, ...]]:
        return described_links(host, exclude="br-lb")

    before = described()
    assert before["tap-full"][-3:] == (77, ("a-name-longer-than-any-of-a-device", "another"), "br-lb")
    arguments = ("--kind", "tap", "--kind", "veth", "--min-age", "0", "--assume-all-seen", "--yes", "--json")
    journal = json.loads(run_verb(*arguments, code=0).stdout)["journal"]
    assert list(described()) == ["lo"]
    assert "4 made again, 0 not" in run_verb("--restore", journal, code=0).stdout
    assert described() == before
    assert "File exists" in run_verb("--restore", journal, code=1).stdout
    assert described() == before


def described_links(host: Host, exclude: str = "") -> dict[str, tuple[object, ...]]:
    """All that a device is, by name, with other devices by their names."""
    details = link_details.dump_details(host.route)
    names = {link.index: link.name for link in details}
    addresses = link_details.given_addresses(host.route)
    return {
        link.name: (
            *(link.kind, link.mac, link.mtu, link.up, link.group, link.alias, link.tun, names.get(link.lower)),
            *(link.tx_queues, link.rx_queues, link.bridge, addresses.get(link.index), link.flags & 0x1380),
            *(link.tx_queue_length, link.alternative_names, names.get(link.master)),
        )
        for link in details
        if link.name != exclude
    }


def test_a_bridge_of_ours_is_made_again_with_its_settings_ports_and_addresses() -> None:
    host = Host(random.Random(0))
    made = links.create_bridge(host.route, bridge_name(NETWORK), 1400, DEVICE_GROUP, "02:00:00:00:00:01")
    links.set_link(host.route, made, up=True, alias=str(Mark("bridge", NETWORK)))
    link_settings.set_bridge(host.route, made, {"ageing_time": 0, "stp_state": 0, "priority": 7, "mcast_snooping": 1})
    for address in ("192.0.2.1/24", "2001:db8::1/64"):
        host.other.addr("add", index=made.index, address=address.split("/")[0], prefixlen=int(address.split("/")[1]))
    port = host.tap()
    links.set_link(host.route, host.find(port), alias=str(Mark("guest", NETWORK, "p")), master=made.index, up=True)
    Path("/run/intent.yaml").write_text(INTENT)
    before = described_links(host)
    journal = json.loads(run_verb("-c", "/run/intent.yaml", "--yes", "--json", code=0).stdout)["journal"]
    assert list(described_links(host)) == ["lo"]
    assert "2 made again, 0 not" in run_verb("--restore", journal, code=0).stdout
    assert described_links(host) == before


@pytest.mark.parametrize("cut", ["whole lines", "half a line"])
def test_what_a_killed_sweep_planned_and_is_gone_is_made_again(cut: str) -> None:
    """The kernel had deleted a batch, and the line that says so was never written."""
    host = Host(random.Random(0))
    gone = [host.tap() for _ in range(3)] + list(host.pair())
    arguments = ("--kind", "tap", "--kind", "veth", "--min-age", "0", "--assume-all-seen")
    before = described_links(host)
    journal = Path(json.loads(run_verb(*arguments, "--yes", "--json", code=0).stdout)["journal"])
    text = journal.read_text()
    assert text.count('"done"') == 1
    text = text[: text.index('{"done"')] + ('{"done":[' if cut == "half a line" else "")
    journal.write_text(text)
    found = json.loads(run_verb("--restore", str(journal), "--json", code=0).stdout)
    assert (found["restored"], found["there"], found["failed"]) == (5, 0, [])
    assert described_links(host) == before
    found = json.loads(run_verb("--restore", str(journal), "--json", code=0).stdout)
    assert (found["restored"], found["there"], found["failed"]) == (0, 5, [])
    host.other.link("del", index=host.find(gone[0]).index)
    assert "1 made again, 4 never went, 0 not" in run_verb("--restore", str(journal), code=0).stdout
    assert described_links(host) == before


def test_a_name_that_somebody_else_took_is_not_touched() -> None:
    host = Host(random.Random(0))
    name = host.tap()
    arguments = ("--kind", "tap", "--min-age", "0", "--assume-all-seen", "--yes", "--json")
    journal = Path(json.loads(run_verb(*arguments, code=0).stdout)["journal"])
    journal.write_text("".join(line for line in journal.open() if '"done"' not in line))
    host.other.link("add", ifname=name, kind="bridge")
    before = described_links(host)
    assert f"failed  {name}: " in run_verb("--restore", str(journal), code=1).stdout
    assert described_links(host) == before


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
