"""What Open vSwitch's database knows is kept: a real ovsdb-server where there is one, and an awkward peer anywhere."""

import json
import os
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.kernel.sweep.host import Host, has_tun, plug
from tests.kernel.vswitch import VSwitch
from tests.waiting import wait_for

from netmend.kernel import links, ovsdb
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.tap import Tap
from netmend.sweep import sweep
from netmend.sweep.journal import read_journal
from netmend.sweep.known import NOTHING_KNOWN, Known
from netmend.sweep.restore import restore
from netmend.sweep.scene import DEAD, Reason

OPTIONS = sweep.Options(kinds=("tap",), min_age=0, assume_all_seen=True, state=Path("/run/state"))
SOCKET = "/run/openvswitch/db.sock"
_UNPACKED = Path(__file__).parents[3] / ".tools/root/usr/share/openvswitch/vswitch.ovsschema"
SCHEMAS = ("/usr/share/openvswitch/vswitch.ovsschema", str(_UNPACKED), os.environ.get("NETMEND_OVS_SCHEMA", ""))


def reasons() -> dict[str, Reason]:
    return {link.name: unit.reason for unit in sweep.find(OPTIONS).units for link in unit.links}


@contextmanager
def server(*datagrams: bytes) -> Iterator[None]:
    """A peer at the socket's path that sends these bytes, one after the other, and hangs up."""
    Path(SOCKET).parent.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(SOCKET)
        listener.listen()

        def answer() -> None:
            with listener.accept()[0] as connection:
                connection.recv(4096)
                for data in datagrams:
                    connection.sendall(data)
                    time.sleep(0.01)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield
        finally:
            thread.join()
            Path(SOCKET).unlink()


def test_the_answer_may_come_in_pieces_and_after_the_servers_own_requests() -> None:
    rows = [{"name": "tap1", "ofport": 7}, {"name": "tapü", "ofport": ["set", []]}]
    text = json.dumps({"id": "echo", "method": "echo", "params": []}) + json.dumps(
        {"id": 0, "result": [{"rows": rows}], "error": None}, ensure_ascii=False
    )
    data = text.encode()
    for cut in range(0, len(data), 7):
        with server(data[:cut], data[cut:]):
            found = ovsdb.interfaces(SOCKET)
            assert {name: row.number for name, row in found.items()} == {"tap1": 7, "tapü": None}


@pytest.mark.parametrize("said", [b"", b"nonsense", b'{"id":0,"result":[{"error":"no"}],"error":null}', b"[1]", b"{}"])
def test_a_database_that_cannot_be_asked_is_an_error(said: bytes) -> None:
    with server(said), pytest.raises(KernelError, match=SOCKET):
        ovsdb.interfaces(SOCKET)


def test_a_database_that_does_not_answer_keeps_all() -> None:
    if not has_tun():
        pytest.skip("needs /dev/net/tun")
    name = Host(random.Random(0)).tap()
    Path(SOCKET).parent.mkdir()
    Path(SOCKET).touch()
    assert reasons() == {name: Reason.OVS_UNKNOWN}


def test_what_a_real_database_has_is_kept() -> None:
    schema = next((path for path in SCHEMAS if path and Path(path).exists()), None)
    if schema is None or not all(shutil.which(name) for name in ("ovsdb-tool", "ovsdb-server", "ovs-vsctl")):
        pytest.skip("no Open vSwitch here")
    if not has_tun():
        pytest.skip("needs /dev/net/tun")
    host = Host(random.Random(0))
    port, dead = host.tap(), host.tap()
    Path(SOCKET).parent.mkdir()
    subprocess.run(["ovsdb-tool", "create", "/run/conf.db", schema], check=True)
    command = ["ovsdb-server", f"--remote=punix:{SOCKET}", "--unixctl=/run/ctl", "/run/conf.db"]
    with subprocess.Popen(command) as process:
        try:
            ask = ["ovs-vsctl", f"--db=unix:{SOCKET}", "--no-wait", "--retry", "--"]
            subprocess.run([*ask, "add-br", "br0", "--", "add-port", "br0", port], check=True, timeout=60)
            assert reasons() == {port: Reason.OVS_PORT, dead: Reason.TAP_UNUSED}
        finally:
            process.terminate()


# What the control plane does not know.

PORT = "99999999-9999-4999-8999-99999999999{}"
NEUTRON = sweep.Options(
    kinds=("neutron",),
    min_age=0,
    assume_all_seen=True,
    state=Path("/run/state"),
    known=Known(ids=frozenset({PORT.format(0)})),
)


def verdicts(options: sweep.Options = NEUTRON) -> dict[str, Reason]:
    found = sweep.find(options)
    units = {link.name: unit.reason for unit in found.units for link in unit.links}
    return units | {port.row.name: port.reason for port in found.ports}


def carry_out(options: sweep.Options = NEUTRON) -> sweep.Result:
    result = sweep.carry_out(options, sweep.find(options), lambda count: None)
    assert not result.outcome.failed and not result.outcome.spared
    return result


def records(switch: VSwitch) -> list[object]:
    """All that is configured on ports, without what the database numbers."""
    columns = "name,tag,vlan_mode,trunks,external_ids,other_config"
    ports = json.loads(switch.vsctl("--format=json", f"--columns={columns}", "list", "Port"))["data"]
    columns = "name,type,external_ids,options,mtu_request"
    devices = json.loads(switch.vsctl("--format=json", f"--columns={columns}", "list", "Interface"))["data"]
    return sorted(ports, key=str) + sorted(devices, key=str)


def names(start: str, count: int) -> list[str]:
    return [f"tap{start * 8}-{number:02x}" for number in range(count)]


def test_rows_and_devices_that_the_control_plane_does_not_know_go_together_and_come_back() -> None:
    if not has_tun():
        pytest.skip("needs /dev/net/tun")
    host = Host(random.Random(0))
    dead, gone, known, other = names("5", 4), names("6", 4), names("7", 2), ["tap0", "patch-tun"]
    with VSwitch(vswitchd=False) as switch:
        for name in (*dead, known[0], other[0]):
            with Tap(name) as made:
                made.persist()
        for number, name in enumerate((*dead, *gone, *known, *other)):
            iface_id = PORT.format(0) if name in known else PORT.format(number % 9 + 1)
            port = ["set", "Port", name, f"tag={number + 1}", "external_ids:of=somebody"]
            interface = ["set", "Interface", name, f"external_ids:iface-id={iface_id}", "mtu_request=1400"]
            kind = ["type=internal"] if name in gone[:2] else []
            switch.vsctl("--no-wait", "add-port", "br-int", name, "--", *port, "--", *interface, *kind)
        before, devices = records(switch), sorted(link.name for link in links.dump_links(host.route))
        assert verdicts() == {
            **dict.fromkeys(dead, Reason.OVS_PORT_UNKNOWN),
            **dict.fromkeys(gone, Reason.OVS_ROW_UNKNOWN),
            **dict.fromkeys(known, Reason.KNOWN),
        }
        asked_nothing = replace(NEUTRON, known=NOTHING_KNOWN)
        assert set(verdicts(asked_nothing).values()) == {Reason.OVS_PORT, Reason.OVS_ROW_UNASKED}
        result = carry_out()
        assert result.outcome.deleted == 8 and result.journal is not None
        assert switch.ports() == {*known, *other}
        assert not {link.name for link in links.dump_links(host.route)} & {*dead, *gone}
        recorded = read_journal(result.journal)
        assert {one.name for one in restore(recorded) if one.problem} == set()
        assert records(switch) == before
        assert sorted(link.name for link in links.dump_links(host.route)) == devices
        # the same as a sweep that was killed after all was gone and before it could say so
        again = replace(recorded, gone=frozenset())
        carry_out()
        assert [one.problem for one in restore(again) if one.problem] == []
        assert records(switch) == before
        assert all(one.there for one in restore(again))


def test_a_port_whose_device_is_in_a_namespace_is_kept() -> None:
    """As Neutron's agents do with ports of type `internal`."""
    name, dead = "tap88888888-aa", "tap88888888-bb"
    with VSwitch(vswitchd=False) as switch:
        for one in (name, dead):
            switch.vsctl("--no-wait", "add-port", "br-int", one, "--", "set", "Interface", one, "type=internal")
        with Netns.create("held") as place, RouteSocket() as inside:
            links.create_bridge(inside, name, 1500, 0, "02:00:00:00:00:01")
        with place:
            assert verdicts() == {name: Reason.NAMESPACE_ALIVE, dead: Reason.OVS_ROW_UNKNOWN}
            carry_out()
            assert verdicts() == {name: Reason.NAMESPACE_ALIVE}


def test_ports_of_ovns_metadata_agent() -> None:
    """Called after their networks, with the id of the metadata port: known by either, and kept while the far end of the
    pair is in a namespace that lives."""
    network = "f992a46b-8dae-4eef-b80f-2d980466a361"
    by_network, by_port, unknown, alive = "tapf992a46b-80", "tapaaaaaaaa-a0", "tapbbbbbbbb-b0", "tapcccccccc-c0"
    known = replace(NEUTRON, known=Known(ids=frozenset({network, network[:10], PORT.format(0)})))
    host = Host(random.Random(0))
    with Netns.create("ovnmeta-far") as made:
        far = made.duplicate()
    with VSwitch(vswitchd=False) as switch, far:
        links.create_veth(host.route, links.VethEnd(alive, 1500, 0), links.VethEnd(f"{alive[:-1]}1", 1500, 0), far)
        for number, name in enumerate((by_network, by_port, unknown, alive)):
            iface_id = PORT.format(0) if name == by_port else PORT.format(number + 3)
            ids = f"external_ids:iface-id={iface_id}"
            switch.vsctl("--no-wait", "add-port", "br-int", name, "--", "set", "Interface", name, ids)
        found = verdicts(known)
        assert found[by_network] == found[by_port] == Reason.KNOWN and found[alive] not in DEAD
        assert found[unknown] == Reason.OVS_ROW_UNKNOWN
        assert carry_out(known).outcome.deleted == 1
        assert switch.ports() == {by_network, by_port, alive}
        assert alive in {link.name for link in links.dump_links(host.route)}


def test_a_port_made_after_the_control_plane_was_asked_is_kept() -> None:
    asked = Known(ids=frozenset({PORT.format(0)}), asked_at=time.time())
    options = replace(NEUTRON, known=asked, min_age=1.0)
    (name,) = names("6", 1)
    with VSwitch(vswitchd=False) as switch:
        switch.vsctl("--no-wait", "add-port", "br-int", name)
        assert verdicts(options) == {name: Reason.YOUNG}
        time.sleep(1.1)
        assert verdicts(options) == {name: Reason.ASKED_BEFORE}
        asked_anew = replace(options, known=replace(asked, asked_at=time.time()))
        assert verdicts(asked_anew) == {name: Reason.OVS_ROW_UNKNOWN}


def test_what_a_running_switch_has_goes_with_its_ports() -> None:
    """Its own devices, taps that it listens on, and hybrid plugs, of which one has a guest and one is known."""
    if not has_tun():
        pytest.skip("needs /dev/net/tun")
    host = Host(random.Random(0))
    own, own_up, tap_of, missing = "tap11111111-aa", "tap11111111-bb", "tap22222222-aa", "tap33333333-aa"
    with VSwitch() as switch:
        plugs = {what: plug(host, guest=what == "guest") for what in ("dead", "guest", "known")}
        with Tap(tap_of) as made:
            made.persist()
        for one in (own, own_up):
            switch.vsctl("add-port", "br-int", one, "--", "set", "Interface", one, "type=internal")
        for one in (tap_of, *(found["qvo"] for found in plugs.values())):
            switch.vsctl("add-port", "br-int", one)
        switch.vsctl("--no-wait", "add-port", "br-int", missing)
        links.set_link(host.route, host.find(own_up), up=True)
        mac = host.find(own).mac
        wait_for(lambda: "No such device" in switch.get("Interface", missing, "error"), "the switch misses the device")
        known = Known(ids=frozenset({PORT.format(0)}), names=frozenset({plugs["known"]["qbr"]}))
        with Tap(plugs["guest"]["tap"]):
            found = verdicts(replace(NEUTRON, known=known))
            assert found == {
                own: Reason.OVS_PORT_UNKNOWN,
                own_up: Reason.UP,
                tap_of: Reason.OVS_PORT_UNKNOWN,
                missing: Reason.OVS_ROW_UNKNOWN,
                **dict.fromkeys(plugs["dead"].values(), Reason.HYBRID_UNUSED),
                **dict.fromkeys(plugs["guest"].values(), Reason.CARRIER),
                **dict.fromkeys(plugs["known"].values(), Reason.KNOWN),
            }
            asked_nothing = verdicts(replace(NEUTRON, known=NOTHING_KNOWN))
            assert not DEAD & set(asked_nothing.values())
            result = carry_out(replace(NEUTRON, known=known))
            assert result.outcome.deleted == 6 and result.journal is not None
            assert switch.ports() == {own_up, plugs["guest"]["qvo"], plugs["known"]["qvo"]}
            here = {link.name for link in links.dump_links(host.route)}
            assert not here & {own, tap_of, *plugs["dead"].values()}
            assert here >= {own_up, *plugs["guest"].values(), *plugs["known"].values()}
            assert [one.problem for one in restore(read_journal(result.journal)) if one.problem] == []
            assert host.find(own).mac == mac
            assert verdicts(replace(NEUTRON, known=known)) == found
