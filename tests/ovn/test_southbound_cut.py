"""The connection to the southbound database ends at each of its messages, before it, within it and after it, while the
monitor learns what this chassis has: each time all of it is there in the end, and what changes later."""

import json
import socket
from threading import Lock, Thread

import pytest
from tests.ovn.southbound import RUN, Database, watched
from tests.ovn.test_southbound import METADATA, change, delete, fill, port


class Cutting:
    """Stands between the client and the database; ends a connection at message `n` from the database (from 0, counted
    over all connections), once: before it, after half of it, or after it."""

    def __init__(self, database: Database, n: int, share: float) -> None:
        self.path, self._database = RUN / f"cut{n}-{share}.sock", database
        self.messages, self.cuts = 0, 0
        self._n, self._share, self._lock = n, share, Lock()
        self.path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen()
        Thread(target=self._serve, daemon=True).start()

    @property
    def remote(self) -> str:
        return f"unix:{self.path}"

    def _serve(self) -> None:
        while True:
            client, _ = self._server.accept()
            behind = socket.socket(socket.AF_UNIX)
            behind.connect(str(self._database.socket))
            Thread(target=self._ask, args=(client, behind), daemon=True).start()
            Thread(target=self._answer, args=(behind, client), daemon=True).start()

    def _ask(self, client: socket.socket, behind: socket.socket) -> None:
        with behind:
            try:
                while data := client.recv(1 << 16):
                    behind.sendall(data)
                behind.shutdown(socket.SHUT_WR)
            except OSError:
                return

    def _answer(self, behind: socket.socket, client: socket.socket) -> None:
        text, decoder = "", json.JSONDecoder()
        with client:
            try:
                while data := behind.recv(1 << 16):
                    text += data.decode()
                    while text:
                        try:
                            _, end = decoder.raw_decode(text)
                        except ValueError:
                            break
                        if not self._pass_on(text[:end].encode(), client):
                            client.shutdown(socket.SHUT_RDWR)
                            behind.shutdown(socket.SHUT_RDWR)
                            return
                        text = text[end:]
            except OSError:
                return

    def _pass_on(self, message: bytes, client: socket.socket) -> bool:
        with self._lock:
            number, self.messages = self.messages, self.messages + 1
            is_it = number == self._n
            self.cuts += is_it
        client.sendall(message[: round(len(message) * self._share)] if is_it else message)
        return not is_it


def learn(database: Database, here: str, datapath: str, cutting: Cutting) -> None:
    """Follow from the start over a guest that comes, a metadata port made anew, and the end of it all."""
    with watched([cutting.remote]) as seen:
        seen.wait_for_ports("guest", "local")
        database.transact(change("other1", {"chassis": ["uuid", here]}))
        seen.wait_for_ports("guest", "local", "other1")
        database.transact(delete("local"))
        database.transact(port(datapath, "anew", None, 900, **METADATA))
        seen.wait_for_ports("guest", "other1", "anew")
        database.transact(delete("anew"), port(datapath, "local", None, 901, **METADATA))
        database.transact(change("other1", {"chassis": ["set", []]}))
        seen.wait_for_ports("guest", "local")
        assert all("defect" not in said for said in seen.said), seen.said


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_cut_at_each_message(share: float) -> None:
    with Database().create() as database:
        here, datapath = fill(database, elsewhere=5)
        undisturbed = Cutting(database, -1, 0.0)
        learn(database, here, datapath, undisturbed)
        assert undisturbed.messages > 8 and not undisturbed.cuts
        cuts = 0
        for n in range(undisturbed.messages):
            cutting = Cutting(database, n, share)
            learn(database, here, datapath, cutting)
            cuts += cutting.cuts
        assert cuts >= undisturbed.messages - 3  # what comes together may be one message, or several
