"""The monitor beside real servers of the southbound database: one, and a cluster of three."""

import signal
import socket
from contextlib import ExitStack
from threading import Thread
from typing import Any

import pytest
from tests.ovn.southbound import RUN, SCHEMA, Database, chassis, chassis_row, insert, watched
from tests.unit.services.metadata.io.certificates import make_certificates
from tests.waiting import wait_for

from netmend.kernel.errors import KernelError
from netmend.kernel.ovsdb.connection import Operation
from netmend.kernel.ovsdb.stream import Tls

METADATA = {"type": "localport", "external_ids": ["map", [["neutron:device_owner", "network:distributed"]]]}
SWITCH = "neutron-0b0c0d0e-0000-4000-8000-000000000001"


def fill(database: Database, *, elsewhere: int = 50) -> tuple[str, str]:
    """Two chassis, a network with its localport, one guest here and many elsewhere; returns the UUIDs of our chassis
    and of the datapath."""
    database.transact(insert("SB_Global", {"nb_cfg": 1}), *chassis(), *chassis("compute-2"))
    here, there = chassis_row(database), chassis_row(database, "compute-2")
    ids = ["map", [["name", SWITCH]]]
    (made,) = database.transact(insert("Datapath_Binding", {"tunnel_key": 1, "external_ids": ids}))
    datapath = str(made["uuid"][1])
    database.transact(
        port(datapath, "local", None, 1, **METADATA),
        port(datapath, "guest", here, 2),
        *(port(datapath, f"other{number}", there, 3 + number) for number in range(elsewhere)),
    )
    return here, datapath


def port(datapath: str, name: str, place: str | None, key: int, **more: Any) -> Operation:
    row = {
        "logical_port": name,
        "datapath": ["uuid", datapath],
        "tunnel_key": key,
        "mac": f"fa:16:3e:00:00:01 10.0.0.{key}",
    }
    return insert("Port_Binding", row | ({"chassis": ["uuid", place]} if place else {}) | more)


def change(name: str, row: dict[str, Any]) -> Operation:
    return {"op": "update", "table": "Port_Binding", "where": [["logical_port", "==", name]], "row": row}


def delete(name: str) -> Operation:
    return {"op": "delete", "table": "Port_Binding", "where": [["logical_port", "==", name]]}


def test_a_chassis_sees_its_own_and_follows_each_change() -> None:
    with Database().create() as database:
        here, datapath = fill(database)
        with watched([database.remote]) as seen:
            seen.wait_for_ports("guest", "local")
            database.transact(change("other3", {"chassis": ["uuid", here]}))
            seen.wait_for_ports("guest", "local", "other3")
            database.transact(change("guest", {"mac": ["set", ["fa:16:3e:00:00:02 10.0.0.77", "unknown"]]}))
            macs = ("fa:16:3e:00:00:02 10.0.0.77", "unknown")
            wait_for(
                lambda: any(row["mac"] == macs for row in seen.tables["Port_Binding"].values()), "the changed column"
            )
            database.transact(delete("local"))
            wait_for(lambda: "local" not in seen.ports(), "the localport is gone", seen.ports)
            database.transact(port(datapath, "anew", None, 900, **METADATA))
            seen.wait_for_ports("guest", "other3", "anew")
            database.transact(delete("guest"), change("other3", {"chassis": ["set", []]}))
            seen.wait_for_ports()
            assert not seen.tables["Datapath_Binding"] and seen.monitor.full_loads == 1


def test_after_a_lost_connection_what_changed_meanwhile_comes() -> None:
    """A server that is no part of a cluster keeps no history, and gives all that is wanted again (ovsdb-server(7))."""
    with Database().create() as database:
        here, _ = fill(database)
        with watched([database.remote]) as seen:
            seen.wait_for_ports("guest", "local")
            database.control("ovsdb-server/reconnect")
            wait_for(lambda: seen.monitor.full_loads == 2, "it is there again", lambda: seen.said)
            database.transact(change("other1", {"chassis": ["uuid", here]}))
            seen.wait_for_ports("guest", "local", "other1")
            database.end(signal.SIGKILL)
            wait_for(lambda: any("nobody listens there" in one for one in seen.said), "why", lambda: seen.said)
            database.start()
            database.transact(delete("other1"))
            seen.wait_for_ports("guest", "local")


def test_a_write_is_done_and_what_goes_wrong_with_it_is_said() -> None:
    said: list[KernelError | None] = []
    with Database().create() as database:
        fill(database)
        with watched([database.remote]) as seen:
            seen.monitor.write([change("guest", {"external_ids": ["map", [["a", "b"]]]})], "a port", said.append)
            wait_for(lambda: said == [None], "it is written", lambda: said)
            seen.monitor.write([{"op": "nonsense"}], "a port", said.append)
            wait_for(lambda: len(said) == 2, "it is refused", lambda: said)
            assert "write a port" in str(said[1]) and len(seen.connections) == 1


def test_the_other_database_is_named() -> None:
    other = Database("nb")
    schema = str(RUN / "nb.ovsschema")
    (RUN / "nb.ovsschema").write_text('{"name": "OVN_Northbound", "version": "1.0.0", "tables": {}}')
    with other.create("create", str(other.file), schema), watched([other.remote]) as seen:
        wait_for(lambda: seen.said, "why")
        assert "it has no database OVN_Southbound, but OVN_Northbound" in seen.said[0]


@pytest.mark.parametrize("expired", ["client", "server", None])
def test_certificates_and_the_reason_where_one_has_expired(expired: str | None) -> None:
    RUN.mkdir(exist_ok=True)
    made = make_certificates(RUN, expired=expired)
    files = (f"--private-key={made.server_key}", f"--certificate={made.server}", f"--ca-cert={made.authority}")
    with Database("tls", *files, "--remote=pssl:16642:127.0.0.1").create() as database:
        fill(database)
        tls = Tls(str(made.client_key), str(made.client), str(made.authority))
        with watched(["ssl:127.0.0.1:16642"], tls) as seen:
            if expired is None:
                seen.wait_for_ports("guest", "local")
                return
            wait_for(lambda: seen.said, "why")
            wanted = "has expired; give it a new one" if expired == "client" else "certificate has expired"
            assert wanted in seen.said[0] and not seen.connections, seen.said


@pytest.mark.parametrize("leader_only", [False, True])
def test_a_cluster_that_loses_the_server_that_was_followed(leader_only: bool) -> None:
    servers = {str(number): Database(f"s{number}") for number in (1, 2, 3)}
    addresses = {number: f"tcp:127.0.0.1:1664{number}" for number in servers}
    with ExitStack() as stack:
        first = servers["1"]
        first.create("create-cluster", str(first.file), str(SCHEMA), addresses["1"])
        stack.enter_context(first)
        for number in ("2", "3"):
            one = servers[number]
            one.create("join-cluster", str(one.file), "OVN_Southbound", addresses[number], addresses["1"])
            stack.enter_context(one)
        wait_for(lambda: "leader" in first.control("cluster/status", "OVN_Southbound"), "a leader", first.log)
        wait_for(lambda: all(map(_has_joined, servers.values())), "all have joined", first.log)
        here, _ = fill(first)
        by_remote = {one.remote: one for one in servers.values()}
        with watched(list(by_remote), leader_only=leader_only) as seen:
            seen.wait_for_ports("guest", "local")
            followed = by_remote[seen.connections[-1]]
            if leader_only:
                assert "Role: leader" in followed.control("cluster/status", "OVN_Southbound")
            followed.end()
            other = next(one for one in servers.values() if one is not followed)
            wait_for(lambda: len(seen.connections) > 1, "another server", lambda: seen.said)
            wait_for(lambda: _try(other, change("other1", {"chassis": ["uuid", here]})), "a leader again", other.log)
            seen.wait_for_ports("guest", "local", "other1")
            assert seen.monitor.resumed >= 1 and seen.connections[-1] != followed.remote


def _has_joined(one: Database) -> bool:
    return "Status: cluster member" in one.control("cluster/status", "OVN_Southbound")


def _try(database: Database, operation: Operation) -> bool:
    try:
        database.transact(operation)
    except KernelError:
        return False
    return True


def test_a_defect_of_ours_is_said_and_ends_nothing() -> None:
    with Database().create() as database:
        fill(database)
        with watched([database.remote]) as seen:
            seen.wait_for_ports("guest", "local")
            settled, seen.settled = seen.settled, _fails  # type: ignore[method-assign]
            database.transact(change("guest", {"external_ids": ["map", [["a", "b"]]]}))
            wait_for(lambda: any("defect: ZeroDivisionError" in one for one in seen.said), "why", lambda: seen.said)
            seen.settled = settled  # type: ignore[method-assign]
            database.transact(delete("local"))
            seen.wait_for_ports("guest", *(f"other{number}" for number in range(50)))


def _fails(tables: object) -> None:
    raise ZeroDivisionError(str(tables)[:10])


class Older:
    """Stands between a client and the database, and makes of it one that knows no `monitor_cond_since`."""

    def __init__(self, database: Database) -> None:
        self.path, self._database = RUN / "older.sock", database
        self.path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen()
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            client, _ = self._server.accept()
            behind = socket.socket(socket.AF_UNIX)
            behind.connect(str(self._database.socket))
            for source, sink in ((client, behind), (behind, client)):
                Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        while data := source.recv(1 << 16):
            sink.sendall(data.replace(b'"monitor_cond_since"', b'"monitor_cond_sinse"'))
        sink.shutdown(socket.SHUT_WR)


def test_a_server_that_cannot_tell_what_changed_since_is_followed_too() -> None:
    with Database().create() as database:
        here, _ = fill(database)
        with watched([f"unix:{Older(database).path}"]) as seen:
            seen.wait_for_ports("guest", "local")
            database.transact(change("other1", {"chassis": ["uuid", here]}))
            seen.wait_for_ports("guest", "local", "other1")
            assert seen.monitor.full_loads == 1 and not seen.said
