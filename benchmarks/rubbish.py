"""Cold start and restart beside 10,000 devices that are not netmend's and are down.

python -m benchmarks rubbish [--quick]
"""

from typing import Any

from benchmarks import floor
from benchmarks.confined import confined
from benchmarks.record import Figure, Record, Sample, ratio_at_most
from benchmarks.restart import restarts

from netmend.kernel import links
from netmend.kernel.errors import KernelError
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.tap import Tap

TITLE = "Rubbish: the same beside foreign devices that are down"


def litter(count: int) -> str:
    """Make `count` persistent taps, or, where /dev/net/tun cannot be opened, as many ends of veths; returns which."""
    try:
        for number in range(count):
            with Tap(f"tapffff{number:07x}") as tap:
                tap.persist()
    except KernelError as error:
        if error.operation != "open tun":
            raise
        with RouteSocket() as route, Netns.current() as here:
            for number in range(0, count, 2):
                ends = [VethEnd(f"tapffff{number + end:07x}", 1500, 0) for end in (0, 1)]
                near = links.create_veth(route, ends[0], ends[1], here)
                links.set_link(route, near, up=False)
        return "veth ends"
    return "taps"


def beside(rubbish: int, measurement: Any, *arguments: Any) -> Any:
    """What `measurement` finds beside so much rubbish."""

    def run() -> Any:
        if rubbish:
            litter(rubbish)
        return measurement(*arguments)

    return confined(run)


def measure(*, quick: bool) -> Record:
    count, rounds, rubbish = (100, 2, 2_000) if quick else (1_000, 3, 10_000)
    kind = confined(litter, 1)
    found: list[dict[str, Any]] = []
    for _ in range(rounds):
        run: dict[str, Any] = {}
        for amount, key in ((0, "without"), (rubbish, "with")):
            taken = beside(amount, restarts, count, 1, ("SIGKILL",))
            again = taken["restarts"][0]
            run[f"cold {key}"], run[f"restart {key}"], run[f"first {key}"] = taken["cold"], again["all"], again["first"]
            run[f"floor {key}"] = beside(amount, floor.make, count)
        found.append(run)

    def figure(what: str, key: str, *, aimed: bool = True) -> Figure:
        ours, without = (Sample.of([run[f"{key} {which}"] for run in found]) for which in ("with", "without"))
        return Figure(what, "s", ours, without, "the same without rubbish", ratio_at_most(1.1) if aimed else None)

    record = Record(f"{TITLE}: {count:,} networks, {rubbish:,} {kind}")
    record.figures = [
        figure("cold start: process start to all answering", "cold"),
        figure("restart after SIGKILL: process start to first answer", "first"),
        figure("restart after SIGKILL: process start to all answering", "restart"),
        figure("the bare kernel making the same objects", "floor", aimed=False),
    ]
    record.details["runs"] = found
    return record
