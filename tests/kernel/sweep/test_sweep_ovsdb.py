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
from pathlib import Path

import pytest
from tests.kernel.sweep.host import Host, has_tun

from netmend.kernel import ovsdb
from netmend.kernel.errors import KernelError
from netmend.sweep import sweep
from netmend.sweep.scene import Reason

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
    rows = [{"name": "tap1"}, {"name": "tapü"}]
    text = json.dumps({"id": "echo", "method": "echo", "params": []}) + json.dumps(
        {"id": 0, "result": [{"rows": rows}], "error": None}, ensure_ascii=False
    )
    data = text.encode()
    for cut in range(0, len(data), 7):
        with server(data[:cut], data[cut:]):
            assert ovsdb.interface_names(SOCKET) == {"tap1", "tapü"}


@pytest.mark.parametrize("said", [b"", b"nonsense", b'{"id":0,"result":[{"error":"no"}],"error":null}', b"[1]", b"{}"])
def test_a_database_that_cannot_be_asked_is_an_error(said: bytes) -> None:
    with server(said), pytest.raises(KernelError, match=SOCKET):
        ovsdb.interface_names(SOCKET)


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
