"""The client of Open vSwitch's database, against a real ovsdb-server: what it writes, reads, hears and says."""

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

import pytest
from tests.cost import calls_made_by
from tests.kernel.vswitch import SOCKET, VSwitch
from tests.unit.services.metadata.io.certificates import make_certificates
from tests.waiting import PATIENCE

from netmend.kernel.errors import KernelError
from netmend.kernel.ovsdb import ports
from netmend.kernel.ovsdb.connection import Connection
from netmend.kernel.ovsdb.ports import DEAD_VLAN, NewPort
from netmend.kernel.ovsdb.stream import Tls
from netmend.kernel.ovsdb.watch import PortsChanged, PortWatch

OWNER = ("managed-by", "netmend")
REMOTE = f"unix:{SOCKET}"


def new_port(name: str, *, tag: int | None = None, bridge: str = "br-int") -> NewPort:
    ids = {"iface-id": f"id-of-{name}", "iface-status": "active", **dict([OWNER]), "mark": f"mark-of-{name}"}
    return NewPort(name, bridge, "internal", ids, {**dict([OWNER]), "mark": f"mark-of-{name}"}, 1400, tag)


@contextmanager
def database() -> Iterator[tuple[VSwitch, Connection]]:
    with VSwitch(vswitchd=False) as switch, Connection(REMOTE) as connection:
        yield switch, connection


def test_many_ports_are_added_in_one_transaction_and_read_back() -> None:
    with database() as (switch, connection):
        switch.vsctl("--no-wait", "add-port", "br-int", "theirs")
        ports.add(connection, [new_port("tap1"), new_port("tap2", tag=7)])
        found = ports.read(connection, OWNER)
        assert set(found.ports) == {"tap1", "tap2"} and found.bridges == {"br-int": "netdev"}
        first, second = found.ports["tap1"], found.ports["tap2"]
        assert (first.type, first.mtu, first.tag, first.dead) == ("internal", 1400, DEAD_VLAN, True)
        assert (second.tag, second.dead, second.ids["iface-id"]) == (7, False, "id-of-tap2")
        assert ports.tags_in_use(connection) == {DEAD_VLAN, 7}
        assert ports.find(connection, ["theirs", "tap1", "none"]).keys() == {"theirs", "tap1"}
        ports.remove(connection, [first])
        assert switch.ports() == {"theirs", "tap2"}
        ports.remove(connection, [first])  # gone already
        assert switch.ports() == {"theirs", "tap2"}


def test_the_library_that_neutrons_agents_use_reads_what_was_written() -> None:
    from ovsdbapp.backend.ovs_idl import connection as idl_connection
    from ovsdbapp.schema.open_vswitch import impl_idl

    with database() as (switch, connection):
        ports.add(connection, [new_port("tap1")])
        idl = idl_connection.OvsdbIdl.from_server(REMOTE, "Open_vSwitch")
        api = impl_idl.OvsdbIdl(idl_connection.Connection(idl=idl, timeout=30))
        try:
            assert api.list_ports("br-int").execute(check_error=True) == ["tap1"]
            assert api.iface_to_br("tap1").execute(check_error=True) == "br-int"
            ids = api.db_get("Interface", "tap1", "external_ids").execute(check_error=True)
            assert ids["iface-id"] == "id-of-tap1" and ids["iface-status"] == "active"
            assert api.db_get("Port", "tap1", "tag").execute(check_error=True) == DEAD_VLAN
            assert api.db_get("Port", "tap1", "trunks").execute(check_error=True) == DEAD_VLAN
            # what neutron-openvswitch-agent does to a port that it has wired
            switch.vsctl("--no-wait", "set", "Port", "tap1", "tag=3")
            for column in ("trunks", "vlan_mode"):
                switch.vsctl("--no-wait", "clear", "Port", "tap1", column)
            port = ports.read(connection, OWNER).ports["tap1"]
            assert (port.tag, port.dead) == (3, False)
        finally:
            api.ovsdb_connection.stop()


def test_what_is_mended_is_set_and_nothing_else() -> None:
    with database() as (switch, connection):
        ports.add(connection, [new_port("tap1")])
        switch.vsctl("--no-wait", "set", "Interface", "tap1", "external_ids:iface-id=odd", "external_ids:theirs=kept")
        ports.mend(connection, "tap1", ids={"iface-id": "even"}, port_ids={"k": "v"}, mtu=1300, tag=9)
        port = ports.read(connection, OWNER).ports["tap1"]
        assert port.ids["iface-id"] == "even" and port.ids["theirs"] == "kept" and port.ids["mark"] == "mark-of-tap1"
        assert (port.port_ids["k"], port.mtu, port.tag, port.dead) == ("v", 1300, 9, False)


@pytest.mark.parametrize("table", ["Port", "Interface"])
def test_a_port_that_lost_our_mark_on_one_row_is_still_ours(table: str) -> None:
    with database() as (switch, connection):
        ports.add(connection, [new_port("tap1")])
        before = ports.read(connection, OWNER).ports["tap1"]
        switch.vsctl("--no-wait", "clear", table, "tap1", "external_ids")
        port = ports.read(connection, OWNER).ports["tap1"]
        assert (port.uuid, port.type) == (before.uuid, "internal")
        assert (port.ids == {}) == (table == "Interface") and (port.port_ids == {}) == (table == "Port")


def test_all_or_nothing_and_what_the_database_said() -> None:
    with database() as (switch, connection):
        switch.vsctl("--no-wait", "add-port", "br-int", "tap2")
        with pytest.raises(KernelError, match=r"constraint violation.*which netmend did not make") as taken:
            ports.add(connection, [new_port("tap1"), new_port("tap2")])
        assert taken.value.code == errno.EEXIST
        with pytest.raises(KernelError, match="no such bridge") as missing:
            ports.add(connection, [new_port("tap1", bridge="br-none")])
        assert missing.value.code == errno.ENOENT
        assert switch.ports() == {"tap2"}
        with pytest.raises(KernelError, match="the database says"):
            connection.transact([{"op": "select", "table": "Nothing", "where": []}], "read", "nothing")
        with pytest.raises(KernelError, match="the database says"):
            connection.transact([{"op": "fly"}], "read", "nothing")
        assert ports.read(connection, OWNER).ports == {}  # the connection goes on


def test_nobody_listens_hangs_or_answers_nonsense() -> None:
    with pytest.raises(KernelError, match="start ovsdb-server"):
        ports.read(Connection("unix:/run/nothing.sock"), OWNER)
    with pytest.raises(KernelError, match="none of unix:PATH"):
        ports.read(Connection("/run/nothing.sock"), OWNER)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind("/run/silent.sock")
        silent.listen()
        with pytest.raises(KernelError, match="does not answer in time"):
            ports.read(Connection("unix:/run/silent.sock", 0.2), OWNER)


def test_a_connection_that_broke_is_made_again() -> None:
    with database() as (switch, connection):
        ports.add(connection, [new_port("tap1")])
        switch.kill("ovsdb-server")
        with pytest.raises(KernelError, match="start ovsdb-server"):
            ports.read(connection, OWNER)
        switch.start_database()
        assert set(ports.read(connection, OWNER).ports) == {"tap1"}


def test_over_tcp_with_the_servers_probes_and_over_tls() -> None:
    files = make_certificates(Path("/run/certificates"))
    with database() as (switch, connection):
        ports.add(connection, [new_port("tap1")])
        switch.vsctl("--no-wait", "set-manager", "ptcp:6640:127.0.0.1")
        switch.vsctl("--no-wait", "set", "manager", ".", "inactivity_probe=300")
        with Connection("tcp:127.0.0.1:6640") as over_tcp:
            assert set(ports.read(over_tcp, OWNER).ports) == {"tap1"}
            time.sleep(1.0)  # the server gives up on who does not answer its probes
            assert set(ports.read(over_tcp, OWNER).ports) == {"tap1"}
        switch.vsctl("--no-wait", "set-ssl", str(files.server_key), str(files.server), str(files.authority))
        switch.kill("ovsdb-server")
        switch.start_database(
            "--remote=pssl:6641:127.0.0.1",
            f"--private-key={files.server_key}",
            f"--certificate={files.server}",
            f"--ca-cert={files.authority}",
        )
        tls = Tls(str(files.client_key), str(files.client), str(files.authority))
        with Connection("ssl:127.0.0.1:6641", tls=tls) as over_tls:
            ports.add(over_tls, [new_port(f"tapx{number}") for number in range(200)])
            assert len(ports.read(over_tls, OWNER).ports) == 201
        with pytest.raises(KernelError, match="needs a private key"):
            ports.read(Connection("ssl:127.0.0.1:6641"), OWNER)
        with pytest.raises(KernelError, match=r"ssl:127\.0\.0\.1:6641"):
            stranger = Tls(str(files.server_key), str(files.client), str(files.authority))
            ports.read(Connection("ssl:127.0.0.1:6641", tls=stranger), OWNER)


@contextmanager
def watching() -> Iterator[Callable[..., PortsChanged | None]]:
    """What the watch says next, or None when it says nothing for a while."""
    watch = PortWatch(REMOTE, OWNER, "mark")
    heard: Queue[PortsChanged] = Queue()

    def listen() -> None:
        while (changed := watch.wait()) is not None:
            heard.put(changed)

    thread = threading.Thread(target=listen)
    thread.start()

    def next_heard(seconds: float = 0.5) -> PortsChanged | None:
        try:
            return heard.get(timeout=seconds)
        except Empty:
            return None

    try:
        yield next_heard
    finally:
        watch.stop()
        thread.join()
        watch.close()


def test_changes_of_ours_are_heard_and_no_others() -> None:
    with database() as (switch, connection):
        ports.add(connection, [new_port("tap0")])
        with watching() as heard:
            assert heard() is None
            ports.add(connection, [new_port("tap1")])  # who adds a port knows
            switch.vsctl("--no-wait", "add-port", "br-int", "theirs")
            switch.vsctl("--no-wait", "del-port", "theirs")
            assert heard() is None
            switch.vsctl("--no-wait", "set", "Port", "tap0", "tag=9")
            assert heard(PATIENCE) == PortsChanged(frozenset({"mark-of-tap0"}))
            switch.vsctl("--no-wait", "del-port", "tap1")
            assert heard(PATIENCE) == PortsChanged(frozenset({"mark-of-tap1"}))
            switch.vsctl("--no-wait", "clear", "Interface", "tap0", "external_ids")
            assert heard(PATIENCE) == PortsChanged(frozenset({"mark-of-tap0"}))
            switch.vsctl("--no-wait", "add-br", "br-other")
            assert heard(PATIENCE) == PortsChanged(everything=True)
            switch.vsctl("--no-wait", "del-br", "br-int")
            changed = heard(PATIENCE)
            assert changed is not None and changed.everything
            switch.kill("ovsdb-server")
            switch.start_database()
            assert heard(PATIENCE) == PortsChanged(everything=True)


def test_a_watch_begun_before_there_is_a_database_says_so_once_it_is_there() -> None:
    with watching() as heard:
        assert heard() is None
        with database():
            changed = heard(PATIENCE)
            assert changed is not None and changed.everything


def test_ten_thousand_ports_of_others_are_not_felt() -> None:
    """What netmend asks of the database is looked through by the server; here it costs little, and is little."""
    with database() as (_, connection):
        ports.add(connection, [new_port("tap1")])
        ports.read(connection, OWNER)
        alone = calls_made_by(lambda: ports.read(connection, OWNER))
        for start in range(0, 10_000, 1_000):
            theirs = [NewPort(f"theirs{number}", "br-int", "", {"iface-id": str(number)}, {})
                      for number in range(start, start + 1_000)]  # fmt: skip
            ports.add(connection, theirs)
        assert set(ports.read(connection, OWNER).ports) == {"tap1"}
        assert calls_made_by(lambda: ports.read(connection, OWNER)) <= 2 * alone + 100
