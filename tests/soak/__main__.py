"""A node under churn for as long as one has time: does it hold more and more, and are devices what intent asks for?

python -m tests.soak [--minutes 60] [--kill-every 20] [--rate 4]

In the first sixth of the time the node is killed (SIGKILL) and started again, over and over; then one life lasts to the
end, and is looked at each ten seconds; then the node is killed once more in mid-churn, and has to put all in order.
Exit code 1 when memory, descriptors or threads grow, or devices and names are not those that intent asks for.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.soak.churn import Churn, resolver
from tests.soak.samples import Sample, sample, slope_an_hour
from tests.waiting import wait_for

from netmend.attach.client import Api, NoApi
from netmend.kernel import links, nsdir, sandbox
from netmend.kernel.netlink import RouteSocket
from netmend.node.http.status_client import NoNode, ask

RUNTIME, STATE, LOG = Path("/run/netmend"), Path("/run/state"), Path("/run/node.log")
_EVERY = 10.0  # seconds between two samples
_KIB_AN_HOUR = 2048.0  # what is called flat: the history of devices fills for two days, to its limit
_PATIENCE = 300.0  # seconds


class Node:
    """The node, life after life."""

    def __init__(self) -> None:
        self.lives = 0
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "netmend.cli", "run", "--store", "--api-listen", "socket"]
        with LOG.open("wb") as log:
            self._process = subprocess.Popen([*command, "--state-dir", str(STATE)], stderr=log)
        self.started, self.lives = time.monotonic(), self.lives + 1

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
        self._process.wait()

    def check(self) -> None:
        assert self._process.poll() is None, f"the node ended: {LOG.read_text()[-3000:]}"


def all_served() -> bool:
    try:
        status = ask(RUNTIME / "netmend.sock")
    except NoNode:
        return False
    return bool(status["node"]["healthy"]) and all(one["state"] == "served" for one in status["networks"])


def answers(api: Api) -> bool:
    try:
        api.ports()
    except NoApi:
        return False
    return True


def differences(churn: Churn) -> list[str]:
    """What there is and should not be, or the other way round: bridges, and names of namespaces."""
    bridges, namespaces = churn.expected()
    with RouteSocket() as route:
        found = {link.name for link in links.dump_links(route) if link.name.startswith("brq")}
    names = {name for name in os.listdir(nsdir.DEFAULT) if name.startswith("qdhcp-")}
    return [
        *(f"bridge {name}" for name in sorted(bridges ^ found)),
        *(f"namespace {name}" for name in sorted(namespaces ^ names)),
    ]


def soak(minutes: float, kill_every: float, rate: float) -> int:
    """Carry it out in the sandbox that we are in; returns the exit code."""
    source = random.Random(time.time_ns())
    answering = resolver()
    node = Node()
    api = Api(RUNTIME / "api.sock")
    wait_for(lambda: answers(api), "the API answers", LOG.read_text, seconds=_PATIENCE)
    churn = Churn(api, source)
    churn.fill()
    began = time.monotonic()
    kills_end, end = began + minutes * 10, began + minutes * 60
    next_kill = began + kill_every
    while time.monotonic() < kills_end:
        _round(churn, rate)
        node.check()
        if time.monotonic() > next_kill:
            node.end(signal.SIGKILL)
            node.start()
            next_kill = time.monotonic() + kill_every * source.uniform(0.2, 1.8)
    wait_for(lambda: answers(api), "the API answers", LOG.read_text, seconds=_PATIENCE)
    print(f"{node.lives} lives in {minutes * 10:.0f} s of kills; one life to the end from here", flush=True)
    samples: list[Sample] = []
    rounds_before = churn.done.total()
    while time.monotonic() < end:
        _round(churn, rate)
        node.check()
        if not samples or time.monotonic() - node.started - samples[-1].at >= _EVERY:
            samples.append(sample(node.pid, time.monotonic() - node.started))
            if len(samples) % 30 == 1:
                print(samples[-1], dict(churn.done), flush=True)
    life = time.monotonic() - node.started
    node.end(signal.SIGKILL)
    _round(churn, rate)
    node.start()
    wait_for(lambda: answers(api), "the API answers", LOG.read_text, seconds=_PATIENCE)
    churn.fill()
    wait_for(all_served, "all is served", LOG.read_text, seconds=_PATIENCE, every=0.5)
    left = wait_or_tell(churn)
    node.end(signal.SIGTERM)
    answering.close()
    print(f"things done in the last life: {churn.done.total() - rounds_before:,}; in all: {dict(churn.done)}")
    return verdict(samples, life, node.lives, left)


def wait_or_tell(churn: Churn) -> list[str]:
    deadline = time.monotonic() + 60
    while (found := differences(churn)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def _round(churn: Churn, rate: float) -> None:
    """One round of churn, and a rest that makes it so many rounds a second."""
    began = time.monotonic()
    churn.round()
    time.sleep(max(0.0, began + 1 / rate - time.monotonic()))


def verdict(samples: list[Sample], life: float, lives: int, left: list[str]) -> int:
    """Print what was found; 1 when it is not flat, or not as intent wants it."""
    settled = [one for one in samples if one.at > life / 3]  # caches have filled, and rings
    private = slope_an_hour([(one.at, one.private) for one in settled])
    first, last = settled[0], settled[-1]
    print(f"{lives} lives; the last: {life / 60:.1f} min, of which the last two thirds, {len(settled)} samples, say:")
    print(
        f"  resident    {first.resident} -> {last.resident} KiB, "
        f"{slope_an_hour([(one.at, one.resident) for one in settled]):+.0f} KiB an hour"
    )
    print(f"  private     {first.private} -> {last.private} KiB, {private:+.0f} KiB an hour")
    for name in ("descriptors", "threads"):
        values = [getattr(one, name) for one in settled]
        print(f"  {name:11} {values[0]} -> {values[-1]} (least {min(values)}, most {max(values)})")
    print(f"  devices and names that are not as intent wants them: {', '.join(left) or 'none'}")
    slopes = [slope_an_hour([(one.at, getattr(one, name)) for one in settled]) for name in ("descriptors", "threads")]
    flat = private <= _KIB_AN_HOUR and all(abs(slope) < 1.0 for slope in slopes)
    print("flat" if flat else "NOT flat")
    return 0 if flat and not left else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--kill-every", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--rate", type=float, default=4.0, metavar="ROUNDS", help="a second, each some 35 exchanges")
    options = parser.parse_args()
    sys.stdout.flush()
    return sandbox.run(
        lambda: soak(options.minutes, options.kill_every, options.rate), user_namespace=os.geteuid() != 0
    )


if __name__ == "__main__":
    sys.exit(main())
