"""Devices and bridges are made again whole, from the journal of a sweep that ended or was killed."""

import json
import random
from pathlib import Path

import pytest
from tests.kernel.sweep.host import Host, has_tun
from tests.kernel.sweep.verb import INTENT, NETWORK, STATE, described_links, options, run_verb

from netmend.intent.names import DEVICE_GROUP, Mark, bridge_name
from netmend.kernel import link_settings, links, tap
from netmend.kernel.tap import Tap
from netmend.sweep import delete, sweep
from netmend.sweep.journal import Journal


@pytest.fixture(autouse=True)
def needs_tun() -> None:
    if not has_tun():
        pytest.skip("needs /dev/net/tun")


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


@pytest.mark.parametrize(
    "change",
    [{"mtu": -1}, {"mtu": "x"}, {"mac": "zz"}, {"bridge": {"priority": 1 << 40}, "kind": "bridge"}, {"group": 1 << 40}],
)
def test_a_journal_that_somebody_edited_is_refused_in_a_sentence(change: dict[str, object]) -> None:
    host = Host(random.Random(0))
    host.tap()
    arguments = ("--kind", "tap", "--min-age", "0", "--assume-all-seen", "--yes", "--json")
    journal = Path(json.loads(run_verb(*arguments, code=0).stdout)["journal"])
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    lines[1].update(change)
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "0 made again, 1 not" in run_verb("--restore", str(journal), code=1).stdout
