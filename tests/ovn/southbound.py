"""A southbound database alone, filled by hand, and a monitor of it in a thread of this process."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, Self

from tests.unit.sources.ovn.rows import CHASSIS
from tests.waiting import wait_for

from netmend.kernel.ovsdb.columns import Columns
from netmend.kernel.ovsdb.connection import Operation, results
from netmend.kernel.ovsdb.monitor import Monitor
from netmend.kernel.ovsdb.replica import Selection, Selections, Tables
from netmend.kernel.ovsdb.stream import Stream, Tls
from netmend.node.intake.ovn.southbound import ASK, DATABASE
from netmend.sources.ovn.scope import Scope

RUN = Path("/run/sb")
SCHEMA = Path(__file__).parents[2] / ".tools/root/usr/share/ovn/ovn-sb.ovsschema"


class Database:
    """A server of the database; several are a cluster."""

    def __init__(self, name: str = "sb", *options: str) -> None:
        self.name, self._options = name, options
        self.socket, self.file = RUN / f"{name}.sock", RUN / f"{name}.db"
        RUN.mkdir(exist_ok=True)

    @property
    def remote(self) -> str:
        return f"unix:{self.socket}"

    def create(self, *words: str) -> Self:
        """Make its file: alone, or with the words of ovsdb-tool that make it part of a cluster."""
        self.file.unlink(missing_ok=True)
        _run("ovsdb-tool", *(words or ("create", str(self.file), str(SCHEMA))))
        return self

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end()

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        command = ["ovsdb-server", str(self.file), f"--remote=punix:{self.socket}", *self._options, "-vconsole:off"]
        command += [f"--unixctl={RUN}/{self.name}.ctl", f"--log-file={RUN}/{self.name}.log"]
        self.process = subprocess.Popen(command, env=os.environ | {"OVS_RUNDIR": str(RUN)})
        wait_for(self._listens, "the database listens", self.log)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.socket)) == 0

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait()

    def control(self, *words: str) -> str:
        return _run("ovs-appctl", "-t", f"{RUN}/{self.name}.ctl", *words)

    def log(self) -> str:
        return (RUN / f"{self.name}.log").read_text()[-3000:]

    def transact(self, *operations: Operation) -> list[dict[str, Any]]:
        stream = Stream(self.remote, 30.0)
        try:
            stream.send({"method": "transact", "params": [DATABASE, *operations], "id": 0})

            (answer,) = stream.receive(time.monotonic() + 30)
            return results(answer["result"], "write", self.remote)
        finally:
            stream.close()


def _run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"OVS_RUNDIR": str(RUN)}
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def insert(table: str, row: Mapping[str, Any], named: str = "") -> Operation:
    return {"op": "insert", "table": table, "row": row, **({"uuid-name": named} if named else {})}


def chassis(name: str = CHASSIS) -> list[Operation]:
    encap = insert("Encap", {"type": "geneve", "ip": name, "chassis_name": name}, f"e{name.replace('-', '_')}")
    row = {"name": name, "encaps": ["named-uuid", f"e{name.replace('-', '_')}"]}
    return [encap, insert("Chassis", row), insert("Chassis_Private", {"name": name})]


class Watched:
    """A monitor with the scope of one chassis, as the node has it."""

    def __init__(self, remotes: Sequence[str], tls: Tls | None = None, name: str = CHASSIS, **options: Any) -> None:
        self.scope = Scope(name)
        self.said: list[str] = []
        self.connections: list[str] = []
        self.tables: Tables = {}
        self.monitor = Monitor(remotes, DATABASE, ASK, self, tls=tls, longest_retry=0.5, **options)

    def selections(self, columns: Columns, tables: Tables) -> Selections:
        wanted = self.scope.wanted(columns, tables)
        return {table: Selection(one.columns, one.clauses) for table, one in wanted.items()}

    def questions(self, tables: Tables) -> Sequence[Operation]:
        return self.scope.questions(tables)

    def answered(self, results: Sequence[Mapping[str, Any]]) -> None:
        self.scope.answered(results)

    def settled(self, tables: Tables) -> None:
        self.tables = {table: dict(rows) for table, rows in tables.items()}

    def connected(self, remote: str) -> None:
        self.connections.append(remote)

    def silent(self, why: str) -> None:
        self.said.append(why)

    def ports(self) -> set[str]:
        return {row["logical_port"] for row in self.tables.get("Port_Binding", {}).values()}

    def wait_for_ports(self, *names: str) -> None:
        wait_for(lambda: self.ports() == set(names), f"ports {names}", lambda: (self.ports(), self.said))


@contextmanager
def watched(remotes: Sequence[str], tls: Tls | None = None, **options: Any) -> Iterator[Watched]:
    made = Watched(remotes, tls, **options)
    thread = Thread(target=made.monitor.run)
    thread.start()
    try:
        yield made
    finally:
        made.monitor.stop()
        thread.join()


def chassis_row(database: Database, name: str = CHASSIS) -> str:
    where = [["name", "==", name]]
    select = {"op": "select", "table": "Chassis", "where": where, "columns": ["_uuid"]}
    (found,) = database.transact(select)
    return str(found["rows"][0]["_uuid"][1])
