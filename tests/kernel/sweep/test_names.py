"""Names without a namespace, and namespaces with nothing in them, go; all others stay."""

import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from pyroute2 import IPRoute
from tests.kernel.sweep.host import has_tun
from tests.kernel.sweep.verb import NETWORK, STATE, WANTED, reasons

from netmend.intent.names import Mark, id_from_name
from netmend.kernel import links, netns, nsdir
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.sweep import sweep
from netmend.sweep.journal import read_journal
from netmend.sweep.known import NOTHING_KNOWN, Known
from netmend.sweep.restore import restore
from netmend.sweep.scene import Reason


@pytest.fixture(autouse=True)
def needs_tun() -> None:
    if not has_tun():
        pytest.skip("needs /dev/net/tun")


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
        known=Known(ids=frozenset({known.removeprefix("qdhcp-"), alive.removeprefix("qdhcp-")})),
    )
    findings = sweep.find(chosen)
    assert reasons(findings) == {
        dead: Reason.NAME_WITHOUT_NAMESPACE,
        alive: Reason.KNOWN,
        known: Reason.KNOWN,
        mounted_elsewhere: Reason.NAMESPACE_ALIVE,
    }
    result = sweep.carry_out(chosen, findings, lambda count: None)
    assert result.outcome.deleted == 1 and nsdir.names() == set(names) - {dead}
    assert result.journal is not None
    assert [one.problem for one in restore(read_journal(result.journal))] == [None]
    assert nsdir.names() == set(names)


def empty_namespace(name: str, *, up: bool = False) -> Netns:
    """At its name in the namespace directory; the caller closes it."""
    with Netns.create(name) as place:
        if up:
            with RouteSocket() as inside:
                links.set_link(inside, links.LOOPBACK, up=True)
    netns.pin(place, f"{nsdir.DEFAULT}/{name}", "")
    return place


def test_empty_namespaces_of_networks_that_nobody_knows_go_and_come_back() -> None:
    nsdir.prepare()
    known_id = id_from_name("network", "known")
    asked = Known(ids=frozenset({known_id}), about=frozenset({"networks", "routers"}))
    chosen = sweep.Options(kinds=("neutron",), min_age=0, assume_all_seen=True, state=STATE, known=asked)
    ids = iter(id_from_name("network", str(number)) for number in range(20))
    dead = {f"{kind}-{next(ids)}": up for kind, up in (("qdhcp", False), ("ovnmeta", True), ("qrouter", True))}
    for name, up in dead.items():
        empty_namespace(name, up=up).close()
    kept: dict[str, Reason] = {f"qdhcp-{known_id}": Reason.KNOWN}
    empty_namespace(f"qdhcp-{known_id}").close()
    made: dict[str, Netns] = {}
    for what in ("open", "device", "address", "socket", "two names", "process", "mark"):
        name = f"qdhcp-{next(ids)}"
        made[what] = empty_namespace(name, up=what == "address")
        kept[name] = Reason.NAMESPACE_ALIVE
    with made["device"].entered(), RouteSocket() as inside:
        links.create_bridge(inside, "br0", 1500, 0, "02:00:00:00:00:01")
    with made["address"].entered(), IPRoute() as inside_address:
        inside_address.addr("add", index=1, address="169.254.169.254", prefixlen=32)
    with made["socket"].entered():
        socket_inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        socket_inside.bind(("0.0.0.0", 0))
    with made["mark"].entered(), RouteSocket() as inside:
        links.set_link(inside, links.LOOPBACK, alias=str(Mark("namespace", "n")))
    Path("/run/other").touch()
    netns.pin(made["two names"], "/run/other", "")
    with made["process"].entered():
        sleeper = subprocess.Popen(["sleep", "1000"])
    for what, place in made.items():
        if what != "open":
            place.close()
    try:
        findings = sweep.find(chosen)
        assert reasons(findings) == kept | dict.fromkeys(dead, Reason.NAMESPACE_EMPTY)
        for less, reason in (
            (replace(chosen, known=NOTHING_KNOWN), Reason.NAMESPACE_ALIVE),
            (replace(chosen, known=replace(asked, about=frozenset())), Reason.NAMESPACE_UNASKED),
        ):
            found = reasons(sweep.find(less))
            assert {found[name] for name in dead} == {reason}
        findings = sweep.find(chosen)
        result = sweep.carry_out(chosen, findings, lambda count: None)
        assert result.outcome.deleted == len(dead) and not result.outcome.failed and result.journal is not None
        assert nsdir.names() == set(kept)
        assert [one.problem for one in restore(read_journal(result.journal))] == [None] * len(dead)
        assert reasons(sweep.find(chosen)) == kept | dict.fromkeys(dead, Reason.NAMESPACE_EMPTY)
        for name, up in dead.items():
            with Netns.open(f"{nsdir.DEFAULT}/{name}") as place, place.entered(), RouteSocket() as inside:
                loopback = links.find_link(inside, "lo")
                assert loopback is not None and loopback.up is up
    finally:
        sleeper.kill()
        sleeper.wait()
        socket_inside.close()
        made["open"].close()


def test_a_namespace_that_gets_something_between_look_and_deletion_is_spared() -> None:
    nsdir.prepare()
    asked = Known(ids=frozenset({WANTED}), about=frozenset({"networks"}))
    chosen = sweep.Options(kinds=("neutron",), min_age=0, assume_all_seen=True, state=STATE, known=asked)
    name = f"qdhcp-{NETWORK}"
    with empty_namespace(name) as place:
        pass
    findings = sweep.find(chosen)
    assert [one.name for one in findings.dead_names] == [name]
    with Netns.open(f"{nsdir.DEFAULT}/{name}") as place, place.entered(), RouteSocket() as inside:
        links.create_bridge(inside, "br0", 1500, 0, "02:00:00:00:00:01")
    assert sweep.carry_out(chosen, findings, lambda count: None).outcome.deleted == 0
    assert nsdir.names() == {name} and netns.is_namespace(f"{nsdir.DEFAULT}/{name}")
