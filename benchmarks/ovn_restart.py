"""netmend in OVN's place, killed and started again: seconds until guests of all networks are answered, and memory.

python -m benchmarks.ovn_restart [NETWORKS] [--away]

Without root, in a sandbox. The southbound database is filled by hand, as ovn-northd and ovn-controller would; the
switch has no datapath behind its bridge. With `--away` the database is killed too, and the memory of intent alone is
read. A network is served once a request in its namespace has an answer, whatever it says.
"""

import argparse
import signal
import time

from benchmarks.ovn import cost, until_all
from tests.kernel.vswitch import VSwitch
from tests.ovn.agent import Agent
from tests.ovn.central import CHASSIS
from tests.ovn.filled import network_rows
from tests.ovn.southbound import Database, chassis, chassis_row, insert

from netmend.kernel.sandbox import run

_BATCH = 50  # networks in one transaction


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("networks", nargs="?", type=int, default=500)
    parser.add_argument("--away", action="store_true")
    options = parser.parse_args()
    raise SystemExit(run(lambda: _measure(options.networks, away=options.away)))


def _measure(count: int, *, away: bool) -> int:
    numbers = range(1, count + 1)
    with Database().create() as database, VSwitch() as switch:
        _fill(database, numbers)
        switch.vsctl("--no-wait", "set", "Bridge", "br-int", "datapath_type=system")
        switch.vsctl("--no-wait", "set", "Open_vSwitch", ".", f"external-ids:system-id={CHASSIS}")
        with Agent(database.remote) as agent:
            _say(count, "start", until_all(numbers), agent)
            agent.end(signal.SIGKILL)
            if away:
                database.end()
            began = time.monotonic()
            agent.start()
            _say(count, "again after kill -9", until_all(numbers, began), agent)
    return 0


def _say(count: int, what: str, seconds: float, agent: Agent) -> None:
    used = cost(agent.process.pid)
    print(f"{count} networks, {what}: {seconds:.2f} s, {used.seconds:.2f} s of CPU, {used.megabytes:.1f} MB")


def _fill(database: Database, numbers: range) -> None:
    database.transact(insert("SB_Global", {"nb_cfg": 1}), *chassis(CHASSIS))
    place = chassis_row(database, CHASSIS)
    for first in range(numbers.start, numbers.stop, _BATCH):
        chosen = range(first, min(first + _BATCH, numbers.stop))
        database.transact(*(operation for number in chosen for operation in network_rows(number, place)))


if __name__ == "__main__":
    main()
