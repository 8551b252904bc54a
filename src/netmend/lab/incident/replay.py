"""The incident, played: two hosts, the same set-up, the same restarts; the stand-in on one, netmend on the other."""

from __future__ import annotations

import pickle
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any, Protocol, cast

from netmend.kernel import sandbox
from netmend.lab.incident.agents import load_all
from netmend.lab.incident.device_count import Change
from netmend.lab.incident.host import SideName, Told, serve
from netmend.lab.incident.process import Channel, Ended, Process, start
from netmend.lab.incident.setup import CannotPlay, Setup, intent_text, network, wanted_devices

_SIDES: tuple[SideName, ...] = ("old_agent", "netmend")


@dataclass(frozen=True, slots=True)
class Round:
    """One resync interval; round 0 is the start. `began`, `at`: its beginning and end, in seconds since the start.

    `old_agent`, `netmend`: devices on the hosts; `new`: those of the first that were not there a round ago; `failed`:
    what the old agent's log says.
    """

    number: int
    began: float
    at: float
    restarted: tuple[str, ...]
    old_agent: int
    netmend: int
    new: int
    failed: str | None


@dataclass(slots=True)
class Outcome:
    """All that was seen. `changes`: by side, (seconds since the start, devices on the host)."""

    setup: Setup
    interval: float
    wanted: int
    rounds: list[Round] = field(default_factory=list)
    changes: dict[SideName, list[Change]] = field(default_factory=lambda: {side: [] for side in _SIDES})
    lost: bool = False
    state: dict[str, Any] = field(default_factory=dict)
    # the stand-in's log lines by container, and those of `host`
    logs: dict[str, list[str]] = field(default_factory=dict)

    def most(self, side: SideName) -> int:
        """The highest count at any instant."""
        return max((count for _, count in self.changes[side]), default=0)

    @property
    def counted_rounds(self) -> list[Round]:
        """From the last restart on, or all after the start: those in which the loop is to be seen."""
        first = max((restart.at for restart in self.setup.restarts), default=1)
        return [played for played in self.rounds if played.number >= first]

    @property
    def leaked_each_round(self) -> bool:
        rounds = self.counted_rounds
        return bool(rounds) and all(played.failed and played.new >= 1 for played in rounds)

    @property
    def never_above_intent(self) -> bool:
        """Whether netmend lived, and at no instant had more devices than intent asks for."""
        return bool(self.state.get("settled")) and not self.lost and self.most("netmend") <= self.wanted

    @property
    def ok(self) -> bool:
        return self.leaked_each_round and self.never_above_intent


class Show(Protocol):
    """Is told what happens, as it happens; called in the process that drives both hosts."""

    def began(self, outcome: Outcome) -> None: ...

    def played(self, outcome: Outcome) -> None:
        """A round is over; it is the last of `outcome.rounds`."""

    def finished(self, outcome: Outcome) -> None: ...


def play(setup: Setup, show: Show, *, interval: float, rounds: int | None, netmend_log: IO[bytes]) -> Outcome:
    """Play `rounds` rounds, or until KeyboardInterrupt. Raises CannotPlay.

    The process must have one thread. On the kernel all happens in a sandbox, and dies with it.
    """
    load_all()
    intent_text(), network()  # the hosts will not have the files
    with tempfile.TemporaryFile() as results:

        def body() -> int:
            try:
                answer: Outcome | str = _drive(setup, show, interval, rounds, netmend_log.fileno())
            except CannotPlay as error:
                answer = str(error)
            except SystemExit as error:  # told to end: no fault to tell of
                return int(error.code or 0)
            pickle.dump(answer, results)
            results.flush()
            return 0

        if setup.engine == "kernel":
            try:
                code = sandbox.run(body)
            except sandbox.SandboxUnavailable as error:
                raise CannotPlay(str(error)) from error
            if code > 128:
                raise SystemExit(code)
            if code != 0:
                raise CannotPlay(f"the sandbox ended before the incident did, with code {code}")
        else:
            code = body()
            if code:
                raise SystemExit(code)
        results.seek(0)
        answer = cast("Outcome | str", pickle.load(results))
    if isinstance(answer, str):
        raise CannotPlay(answer)
    return answer


def _drive(setup: Setup, show: Show, interval: float, rounds: int | None, log: int) -> Outcome:
    outcome = Outcome(setup, interval, wanted_devices(network()))
    with _hosts(setup, log) as hosts:
        show.began(outcome)
        start = time.monotonic()
        told = hosts.tell("begin")
        _note(outcome, told, start, 0.0, ())
        show.played(outcome)
        try:
            number = 1
            while rounds is None or number <= rounds:
                began = time.monotonic() - start
                restarted = tuple(restart.what for restart in setup.restarts if restart.at == number)
                for container in restarted:
                    _keep(outcome, hosts.tell(["restart", container]), start)
                _note(outcome, hosts.tell("round"), start, began, restarted)
                show.played(outcome)
                number += 1
                time.sleep(interval)
        except KeyboardInterrupt:
            pass
        _keep(outcome, hosts.tell("settle", "netmend"), start)
        show.finished(outcome)
    return outcome


def _keep(outcome: Outcome, told: dict[SideName, Told], start: float) -> None:
    for side, answer in told.items():
        known = outcome.changes[side]
        known += [(at - start, count) for at, count in answer["changes"][bool(known) :]]
        outcome.lost = outcome.lost or answer["lost"]
        for container, lines in answer["lines"].items():
            outcome.logs.setdefault(container, []).extend(lines if side == "old_agent" else ())
    if "netmend" in told:
        outcome.state = told["netmend"]["state"]


def _note(outcome: Outcome, told: dict[SideName, Told], start: float, began: float, restarted: tuple[str, ...]) -> None:
    _keep(outcome, told, start)
    old, new = told["old_agent"], told["netmend"]
    outcome.rounds.append(
        Round(
            len(outcome.rounds),
            began,
            time.monotonic() - start,
            restarted,
            old["devices"],
            new["devices"],
            old["new"],
            old["failed"],
        )
    )


class _Hosts:
    def __init__(self, channels: dict[SideName, Channel]) -> None:
        self._channels = channels

    def tell(self, message: Any, *only: SideName) -> dict[SideName, Any]:
        """Tell both, or some, and wait for their answers; raises CannotPlay."""
        chosen = {side: channel for side, channel in self._channels.items() if not only or side in only}
        answers: dict[SideName, Any] = {}
        try:
            for channel in chosen.values():
                channel.send(message)
            for side, channel in chosen.items():
                answers[side] = channel.receive()
        except Ended:
            raise CannotPlay("a host of the incident ended by itself; what it said last is above") from None
        for answer in answers.values():
            if isinstance(answer, str):
                raise CannotPlay(answer)
        return answers


@contextmanager
def _hosts(setup: Setup, log: int) -> Iterator[_Hosts]:
    with ExitStack() as stack:
        processes: dict[SideName, Process] = {}
        for side in _SIDES:
            processes[side] = start(lambda channel, side=side: serve(setup, side, log, channel), (log,))  # type: ignore[misc]
            stack.callback(_end, processes[side])
        yield _Hosts({side: process.channel for side, process in processes.items()})


def _end(process: Process) -> None:
    """Let it put its things away, and see that it is gone."""
    with suppress(Ended):
        process.channel.send("end")
    process.wait()
