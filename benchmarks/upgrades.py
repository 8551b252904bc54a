"""Upgrades under load: an earlier netmend and this one take turns, some killed, while the guests of all networks ask.

EARLIER=COMMIT python -m benchmarks.upgrades [--networks 1000] [--upgrades 20] [--requests 100000] [--pace 100]

A keeper holds the sockets meanwhile (docs/running.md). Every third node is killed with SIGKILL, the others end by
SIGTERM; the next is started when the one before has gone, and the following upgrade comes once each guest has had
answers of all kinds from the new node. Without EARLIER, this netmend is restarted. Exit code 1: a request stayed
unanswered within the patience of its client.
"""

import argparse
import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import Any

from benchmarks.confined import confined
from benchmarks.earlier import EARLIER, earlier_source
from benchmarks.node_process import NodeProcess
from benchmarks.upgrade_guests import GUEST, MAC, METADATA, SERVER, Count, Load

from netmend.kernel import addresses, descriptors, links, netns, nsdir, routes
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns

_EVERY = 4.0  # seconds at least between requests of one guest: netmend limits them
_FIRST_PATIENCE = 600.0  # seconds for the first node


def write_intent(path: Path, count: int) -> None:
    lines = ["networks:"]
    for number in range(count):
        lines += [
            f"- name: net-{number}",
            "  dns: true",
            "  metadata: embedded",
            f"  subnets: [{{cidr: 10.0.0.0/24, gateway: 10.0.0.1, server_address: {SERVER}}}]",
            f"  ports: [{{name: one, mac: '{MAC}', fixed_ips: [{GUEST}], plug: {{netns: guest-{number}}}}}]",
        ]
    path.write_text("\n".join(lines) + "\n")


def make_guests(stack: contextlib.ExitStack, count: int) -> list[Netns]:
    nsdir.prepare()
    made = []
    for number in range(count):
        namespace = stack.enter_context(Netns.create(f"guest-{number}")).duplicate()
        stack.callback(namespace.close)
        netns.pin(namespace, f"/run/netns/guest-{number}", "somebody")
        made.append(namespace)
    return made


def configure(guest: Netns, patience: float) -> None:
    """Give a guest its address, once its interface is there. Raises TimeoutError."""
    deadline = time.monotonic() + patience
    with guest.entered(), RouteSocket() as route:
        while (found := links.find_link(route, "eth0")) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{guest} has no eth0")
            time.sleep(0.05)
        links.set_link(route, found, up=True)
        addresses.add_address(route, found, ip_interface(f"{GUEST}/24"))
        routes.add_route(route, found, ip_network(METADATA), None)


def exchange(
    load: Load, first: NodeProcess, room: Path, sources: list[Path | None], ends: int
) -> Iterator[dict[str, Any]]:
    """End the node and start the next, `ends` times, while `load` goes on; what each took, in seconds."""
    node = first
    try:
        for number in range(ends):
            killed = number % 3 == 2
            ended = time.monotonic()
            node.send(signal.SIGKILL if killed else signal.SIGTERM)
            while node.is_running():
                load.turn()
            gone = time.monotonic()
            source = sources[number % len(sources)]
            node = NodeProcess(room / "intent.yaml", room, source=source)
            first_answer = 0.0
            while (answered := load.answered_since(gone)) < len(load.guests):
                if answered and not first_answer:
                    first_answer = time.monotonic()
                load.turn()
                node.check()
            served = time.monotonic()
            yield {
                "to": "earlier" if source else "this",
                "killed": killed,
                "ending": gone - ended,
                "first": first_answer - gone,
                "all": served - gone,
            }
    finally:
        node.end()


def campaign(count: int, ends: int, requests: int, pace: float, source: str | None) -> dict[str, Any]:
    """What each exchange took, and what became of the requests by kind."""
    descriptors.raise_open_files()
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        room = Path(directory)
        runtime = room / "runtime"
        runtime.mkdir(mode=0o700)
        write_intent(room / "intent.yaml", count)
        guests = make_guests(stack, count)
        keeper = subprocess.Popen([sys.executable, "-m", "netmend.node.keeping.keeper", str(runtime)])
        stack.callback(keeper.wait)
        stack.callback(keeper.terminate)
        while not (runtime / "keeper.sock").exists():
            time.sleep(0.05)
        # The first is the earlier one; each exchange is from one to the other.
        sources: list[Path | None] = [None, Path(source)] if source else [None]
        node = NodeProcess(room / "intent.yaml", room, source=Path(source) if source else None)
        stack.callback(node.end)
        for guest in guests:
            configure(guest, _FIRST_PATIENCE)
            node.check()
        load = Load(guests, min(pace, count / _EVERY))
        load.open()
        stack.callback(load.close)
        began = time.monotonic()
        while load.answered_since(began) < count:  # and nothing of this counts: services begin one by one
            load.turn()
            node.check()
        while load.is_waiting():
            load.turn(ask=False)
        load.counts = {kind: Count() for kind in load.counts}
        exchanges = []
        for one in exchange(load, node, room, sources, ends):
            exchanges.append(one)
            print(f"  {len(exchanges)}: to {one['to']}{', killed' if one['killed'] else ''}: ended in "
                  f"{one['ending']:.2f} s; first answer after {one['first']:.2f} s, all after {one['all']:.2f} s",
                  flush=True)  # fmt: skip
            if len(exchanges) == ends:
                while sum(kind.asked for kind in load.counts.values()) < requests:
                    load.turn()
                while load.is_waiting():
                    load.turn(ask=False)
        memory = Path(f"/proc/{keeper.pid}/status").read_text().split("VmRSS:")[1].split()[0]
        held = len(list(Path(f"/proc/{keeper.pid}/fd").iterdir()))
        return {
            "exchanges": exchanges,
            "counts": {kind: asdict(found) for kind, found in load.counts.items()},
            "keeper": {"descriptors": held, "resident_kib": int(memory)},
            "seconds": time.monotonic() - began,
        }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.upgrades")
    parser.add_argument("--networks", type=int, default=1_000)
    parser.add_argument("--upgrades", type=int, default=20)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--pace", type=float, default=100.0, help="guests a second, each with three requests")
    options = parser.parse_args()
    with earlier_source(EARLIER) if EARLIER else contextlib.nullcontext() as source:
        numbers = (options.networks, options.upgrades, options.requests, options.pace)
        found = confined(campaign, *numbers, None if source is None else str(source))
    for kind, count in found["counts"].items():
        print(f"{kind}: {count['asked']:,} asked, {count['unanswered']} unanswered, {count['again']} asked again, "
              f"{count['longest']:.2f} s at most")  # fmt: skip
    print(f"keeper: {found['keeper']['descriptors']:,} descriptors, {found['keeper']['resident_kib'] / 1024:.1f} MiB; "
          f"{found['seconds']:.0f} s in all")  # fmt: skip
    return 1 if any(count["unanswered"] for count in found["counts"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
