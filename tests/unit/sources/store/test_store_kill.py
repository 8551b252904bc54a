"""Killed at any instant, a node's store has lost nothing that was answered with success.

A process serves the API; clients write as fast as they can, each with a journal of its own of what was answered. The
process is killed (SIGKILL) at a random moment, started again on the same file, and what the API then says is held
against the journals; over and over on the same store.
"""

import http.client
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.unit.sources.store.served import Client

ROUNDS = 6
CLIENTS = 4

_SERVE = """
import sys, time
from pathlib import Path
from tests.unit.sources.store.served import serve
with serve(Path(sys.argv[1])) as (store, client):
    print(client.port, flush=True)
    time.sleep(600)
"""


class Journal:
    """What one client knows: ports that must be there, those that must not, and the one write it has no answer to."""

    def __init__(self) -> None:
        self.there: dict[str, dict[str, Any]] = {}
        self.gone: set[str] = set()
        self.unknown: str | None = None  # the id of a port whose update or deletion was not answered

    def write(self, client: Client, network: str, chance: random.Random) -> None:
        roll = chance.random()
        if roll < 0.6 or len(self.there) < 3:
            port = client.make("port", network_id=network, name=f"{roll}")
            self.there[port["id"]] = port
            return
        port_id = chance.choice(list(self.there))
        self.unknown = port_id
        if roll < 0.8:
            status, found = client.ask("PUT", f"/v2.0/ports/{port_id}", {"port": {"name": f"{roll}"}})
            assert status == 200
            self.there[port_id] = found["port"]
        else:
            status, _ = client.ask("DELETE", f"/v2.0/ports/{port_id}")
            assert status == 204
            del self.there[port_id]
            self.gone.add(port_id)
        self.unknown = None

    def check(self, ports: dict[str, dict[str, Any]]) -> None:
        for port_id, port in self.there.items():
            if port_id == self.unknown:
                if port_id in ports:
                    assert ports[port_id]["revision_number"] - port["revision_number"] in (0, 1)
                continue
            assert ports[port_id] == port
        assert not self.gone & ports.keys()
        if self.unknown is not None:
            if self.unknown in ports:
                self.there[self.unknown] = ports[self.unknown]
            else:
                del self.there[self.unknown]
            self.unknown = None


def test_nothing_that_was_answered_is_lost(tmp_path: Path) -> None:
    chance = random.Random(7)
    journals = [Journal() for _ in range(CLIENTS)]
    network: str | None = None
    written = 0
    for _ in range(ROUNDS):
        process = subprocess.Popen([sys.executable, "-c", _SERVE, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            client = Client(port)
            if network is None:
                network = client.make("network")["id"]
                client.make("subnet", network_id=network, cidr="10.0.0.0/16", ip_version=4)
            found = client.get("ports")["ports"]
            held = [entry["ip_address"] for item in found for entry in item["fixed_ips"]]
            assert len(held) == len(set(held))
            for journal in journals:
                journal.check({item["id"]: item for item in found})
            written = sum(len(journal.there) + len(journal.gone) for journal in journals)
            _write_until_killed(process, port, str(network), journals, chance)
        finally:
            process.kill()
            process.wait()
            process.stdout and process.stdout.close()
    assert written > CLIENTS  # of what was answered before a kill, there was something to lose


def _write_until_killed(
    process: "subprocess.Popen[str]", port: int, network: str, journals: list[Journal], chance: random.Random
) -> None:
    problems: list[BaseException] = []

    def work(journal: Journal, seed: int) -> None:
        client, own = Client(port), random.Random(seed)
        try:
            while True:
                journal.write(client, network, own)
        except (OSError, http.client.HTTPException):
            pass  # killed
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(journal, chance.randrange(1 << 30))) for journal in journals]
    for thread in threads:
        thread.start()
    time.sleep(0.2 + 0.5 * chance.random())
    process.send_signal(signal.SIGKILL)
    process.wait()
    for thread in threads:
        thread.join()
    assert not problems, problems
