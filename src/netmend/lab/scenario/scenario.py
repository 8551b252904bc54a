"""The scenario format: a host, containers, steps. docs/scenarios.md describes it; examples/scenarios shows it.

A YAML file holds one scenario. A .jsonl file holds one a line, bare or as ``{"scenario": …}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from netmend.ground.problem import Problem
from netmend.lab.scenario.text import Document, ScenarioError, Value, documents
from netmend.propagation.flags import WORDS

EngineName = Literal["kernel", "docker", "podman"]
ENGINES: tuple[EngineName, ...] = ("kernel", "docker", "podman")
HOST = "host"
ENGINE = "engine"
"""The place of an engine with mounts of its own, where the scenario gives it some."""
VERBS = ("start", "stop", "restart", "add", "pin", "delete", "probe", "rm", "mount", "umount", "make")
ENGINE_MOUNTS = ("host", "private", "slave", "shared", "slave+shared")
NETNS_MOUNTS = ("none", "bind", *WORDS)


@dataclass(frozen=True, slots=True)
class Host:
    run: Literal["shared", "private"] = "shared"  # propagation of the host's `/run`
    # what is mounted on `/run/netns` at the start: nothing, itself (`bind`), or itself and then made so
    netns_mount: str = "none"
    # the engine's mounts: the host's, or its own copy of them, made private, slave, or slave and then shared
    engine: str = "host"


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    volumes: tuple[str | Mapping[str, object], ...] = ()  # `-v` strings, or compose's long form
    mounts: tuple[str, ...] = ()  # `--mount` strings
    privileged: bool = True  # with CAP_SYS_ADMIN: it can make and enter namespaces, and mount


@dataclass(frozen=True, slots=True)
class Step:
    """``verb`` of VERBS; ``where`` is a container's name, ``host`` or ``engine``, and empty where a probe is made in
    all; the rest as the verb needs it."""

    verb: str
    where: str = HOST
    netns: str = ""
    path: str = ""
    source: str | None = None
    recursive: bool = False
    propagation: str = ""
    lazy: bool = False
    whole: bool = False  # for `rm`: the container itself


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    steps: tuple[Step, ...]
    host: Host = Host()
    containers: Mapping[str, ContainerSpec] = field(default_factory=dict)
    engine: EngineName = "kernel"


def load(name: str, text: str) -> list[Scenario]:
    """The scenarios of a file; ``name`` is its path, for messages and as the default name. Raises ScenarioError."""
    problems: list[Problem] = []
    found = [scenario for document in documents(name, text) if (scenario := _scenario(document, problems)) is not None]
    if problems:
        raise ScenarioError(problems)
    return found


def _scenario(document: Document, problems: list[Problem]) -> Scenario | None:
    before = len(problems)
    top = Value(document, document.content.root, (), problems)
    body = top.mapping()
    if body is not None and isinstance(body.get("scenario"), Mapping):
        top = top.field("scenario")
    top.only("name", "engine", "host", "containers", "steps", "description")
    name = top.field("name").text(default=document.stem)
    engine = top.field("engine").choice(ENGINES, default="kernel")
    host = _host(top.field("host"))
    containers = {key: _container(value) for key, value in top.field("containers").items() if _name_is_free(value, key)}
    places = (HOST, *((ENGINE,) if host.engine != "host" else ()), *containers)
    steps = [_step(value, containers, places) for value in top.field("steps").sequence(required=True)]
    if len(problems) > before:
        return None
    return Scenario(name, tuple(steps), host, containers, engine)


def _name_is_free(value: Value, name: str) -> bool:
    if name in (HOST, ENGINE):
        value.complain(f"a container cannot be called {name}")
    elif not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or not name[0].isalnum():
        value.complain("a container's name has letters, digits, '-', '_' and '.', and begins with one of the first two")
    return True


def _host(value: Value) -> Host:
    value.only("run", "netns_mount", "engine")
    return Host(
        value.field("run").choice(("shared", "private"), default="shared"),
        value.field("netns_mount").choice(NETNS_MOUNTS, default="none"),
        value.field("engine").choice(ENGINE_MOUNTS, default="host"),
    )


def _container(value: Value) -> ContainerSpec:
    value.only("volumes", "mounts", "image", "privileged")
    return ContainerSpec(
        tuple(entry.text_or_mapping() for entry in value.field("volumes").sequence()),
        tuple(entry.text() for entry in value.field("mounts").sequence()),
        value.field("privileged").boolean(default=True),
    )


def _step(value: Value, containers: Mapping[str, ContainerSpec], places: tuple[str, ...]) -> Step:
    body = value.mapping(required=True) or {}
    verbs = [verb for verb in body if verb in VERBS]
    if len(body) != 1 or not verbs:
        if body:
            value.complain(f"a step has one key, one of {', '.join(VERBS)}")
        return Step("probe", where="")
    verb = verbs[0]
    argument = value.field(verb)
    if verb in ("start", "stop", "restart") or (verb == "rm" and isinstance(argument.value, str)):
        return Step(verb, where=argument.choice(tuple(containers), default=""), whole=verb == "rm")
    if verb == "probe" and not isinstance(argument.value, Mapping):
        return Step(verb, where="", netns=_netns(argument))
    if verb == "probe":
        argument.only("in", "netns", "path")
        where = argument.field("in").choice(("", *places), default="")
        if argument.field("path").value is not None:
            return Step(verb, where=where, path=argument.field("path").path())
        return Step(verb, where=where, netns=_netns(argument.field("netns")))
    where = argument.field("in").choice(places, default=HOST)
    if verb == "pin":
        argument.only("in", "path")
        return Step(verb, where=where, path=argument.field("path").path())
    if verb in ("add", "delete"):
        argument.only("in", "netns")
        return Step(verb, where=where, netns=_netns(argument.field("netns")))
    if verb == "rm":
        argument.only("in", "netns", "path")
        if argument.field("path").value is not None:
            return Step(verb, where=where, path=argument.field("path").path())
        return Step(verb, where=where, path=f"/run/netns/{_netns(argument.field('netns'))}")
    if verb == "umount":
        argument.only("in", "path", "target", "lazy")
        return Step(verb, where=where, path=_target(argument), lazy=argument.field("lazy").boolean(default=False))
    if verb == "make":
        argument.only("in", "path", "target", "propagation")
        word = argument.field("propagation").choice(tuple(WORDS), required=True)
        return Step(verb, where=where, path=_target(argument), propagation=word)
    argument.only("in", "source", "path", "target", "type", "recursive", "propagation")
    source = argument.field("source")
    kind = argument.field("type").choice(("bind", "tmpfs"), default="bind")
    return Step(
        verb,
        where=where,
        path=_target(argument),
        source=source.path() if kind == "bind" else None,
        recursive=argument.field("recursive").boolean(default=False),
        propagation=argument.field("propagation").choice(("", *WORDS), default=""),
    )


def _target(argument: Value) -> str:
    """``path``, which may be called ``target`` as in mount(2)."""
    target = argument.field("target")
    return (target if target.value is not None else argument.field("path")).path()


def _netns(value: Value) -> str:
    name = value.text(required=True)
    if "/" in name or name in (".", "..") or len(name.encode()) > 255:
        value.complain("a namespace's name is one component of a path")
    return name
