"""The incident as a set-up: which containers with which mounts, who makes the name, who uses it, what is restarted.

A set-up can be played for real (`incident_run`) and is a scenario, too, for the model and the engines (`scenario_of`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

from netmend.intent.names import namespace_name
from netmend.intent.network import Network
from netmend.kernel import nsdir
from netmend.lab.scenario.scenario import HOST, ContainerSpec, Host, Scenario, Step
from netmend.propagation.options.docker import PROPAGATION
from netmend.sources.file import load

IncidentEngine = Literal["kernel", "docker"]
Before = Literal["none", "file", "namespace"]
Run = Literal["shared", "private"]
NO_MOUNT = "none"
"""The container has no mount of the host's /run/netns: its names are files on its own disk."""
WORDS = (NO_MOUNT, *PROPAGATION)
INTENT = Path(str(files("netmend.lab.incident") / "incident.yaml"))


class CannotPlay(Exception):
    """The incident cannot be played with these options, or on this machine; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Container `what` is restarted at the beginning of round `at`, which counts from 1."""

    what: str
    at: int


@dataclass(frozen=True, slots=True)
class Setup:
    """One way to play the incident. `propagation`: container → option of its mount of /run/netns, in order of start."""

    propagation: Mapping[str, str] = field(default_factory=lambda: {"a": "private"})
    made_by: str = "a"  # who makes the namespace: a container, or `host`
    used_by: str = "a"  # the container whose agent plugs devices into it
    # what is there under the name before anything starts: nothing, a plain file, a namespace made on the host
    before: Before = "none"
    run: Run = "shared"  # propagation of the host's /run
    restarts: tuple[Restart, ...] = ()
    engine: IncidentEngine = "kernel"


@cache
def intent_text() -> str:
    """The intent, as YAML. Read once: the hosts of the incident do not have the file."""
    return INTENT.read_text(encoding="utf-8")


@cache
def network() -> Network:
    """The one network of the intent. Read once, as above."""
    return next(iter(load(INTENT).networks.values()))


def wanted_devices(of: Network) -> int:
    """Devices on the host that intent asks for: the bridge, and the DHCP port where there is a subnet."""
    return 1 + of.is_served


def setup_from(
    propagation: list[str],
    restarts: list[str] | None,
    *,
    made_by: str | None = None,
    used_by: str | None = None,
    before: str = "none",
    run: str = "shared",
    engine: str = "kernel",
) -> Setup:
    """A set-up from the words of a command line; raises CannotPlay, which names the option.

    `propagation` holds ``NAME=WORD`` each, several separated by commas; `restarts` ``NAME@ROUND``. The first container
    makes the namespace, the last uses it; where they are one, it is restarted in round 1 unless `restarts` says else.
    """
    containers = _containers(propagation)
    made, used = made_by or next(iter(containers)), used_by or list(containers)[-1]
    if made != HOST and made not in containers:
        raise CannotPlay(f"--made-by: {made} is neither {HOST} nor one of the containers {', '.join(containers)}")
    if used not in containers:
        raise CannotPlay(f"--used-by: {used} is none of the containers {', '.join(containers)}")
    for option, value, known in (
        ("--before", before, get_args(Before)),
        ("--run", run, get_args(Run)),
        ("--engine", engine, get_args(IncidentEngine)),
    ):
        if value not in known:
            raise CannotPlay(f"{option}: must be one of {', '.join(known)}, not {value!r}")
    if restarts is None:
        planned: tuple[Restart, ...] = (Restart(used, 1),) if made == used and before == "none" else ()
    else:
        planned = tuple(sorted((_restart(text, containers) for text in restarts), key=lambda restart: restart.at))
    return Setup(
        propagation=containers,
        made_by=made,
        used_by=used,
        before=before,  # type: ignore[arg-type]  # checked above, as are the next two
        run=run,  # type: ignore[arg-type]
        restarts=planned,
        engine=engine,  # type: ignore[arg-type]
    )


def _containers(propagation: list[str]) -> dict[str, str]:
    containers: dict[str, str] = {}
    for text in (part for option in propagation for part in option.split(",")):
        name, equals, word = text.partition("=")
        if not equals or not (name.isascii() and name.isalnum()):
            raise CannotPlay(f"--propagation: {text!r} is not NAME=WORD, such as a=private")
        if name == HOST or name in containers:
            raise CannotPlay(f"--propagation: a container cannot be called {HOST}, and {name!r} can be named once")
        if word not in WORDS:
            raise CannotPlay(f"--propagation: {name}: must be one of {', '.join(WORDS)}, not {word!r}")
        containers[name] = word
    return containers


def _restart(text: str, containers: Mapping[str, str]) -> Restart:
    what, _, at = text.partition("@")
    if what not in containers:
        raise CannotPlay(f"--restart: {text!r}: {what!r} is none of the containers {', '.join(containers)}")
    if not at.isdecimal() or int(at) < 1:
        raise CannotPlay(f"--restart: {text!r} is not NAME@ROUND with a round from 1, such as {what}@1")
    return Restart(what, int(at))


def netns_path(name: str) -> str:
    return f"{nsdir.DEFAULT}/{name}"


def scenario_of(setup: Setup, name: str, netns: str | None = None) -> Scenario:
    """The set-up as a scenario. It ends with a probe of the name: `einval` for the user is where taps are endless.

    Restarts keep their order; rounds are not part of a scenario.
    """
    netns = netns or namespace_name(network().id)
    steps: list[Step] = []
    if setup.before != "none":
        steps.append(Step("add", HOST, netns=netns))
    if setup.before == "file":
        steps.append(Step("umount", HOST, path=netns_path(netns)))
    steps += [Step("start", container) for container in setup.propagation]
    steps.append(Step("add", setup.made_by, netns=netns))
    if setup.used_by != setup.made_by:
        steps.append(Step("add", setup.used_by, netns=netns))  # `exists` unless the name has not come so far
    steps += [Step("restart", restart.what) for restart in setup.restarts]
    steps.append(Step("probe", where="", netns=netns))
    containers = {container: ContainerSpec(_volumes(word)) for container, word in setup.propagation.items()}
    return Scenario(name, tuple(steps), Host(setup.run), containers, setup.engine)


def _volumes(word: str) -> tuple[str, ...]:
    return () if word == NO_MOUNT else (f"{nsdir.DEFAULT}:{nsdir.DEFAULT}:{word}",)
