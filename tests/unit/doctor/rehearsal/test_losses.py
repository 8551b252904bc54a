"""On hosts put together at random in the model: no printed mend takes away what somebody could use."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netmend.doctor.diagnose import diagnose
from netmend.doctor.observation import Bind, Container, Directory, Name, Observation
from netmend.doctor.pasted import observe_copies
from netmend.doctor.places import HostView
from netmend.doctor.rehearsal import perform
from netmend.doctor.rehearsal.losses import Census, as_commands, losses
from netmend.doctor.rehearsal.replica import Replica
from netmend.lab.engines.built_in_engine import BuiltInEngine
from netmend.lab.engines.world import Refused
from netmend.lab.scenario.scenario import ContainerSpec, Host, Scenario
from netmend.propagation.model import lookup
from netmend.propagation.model.lookup import Task
from netmend.propagation.model.render import mountinfo
from netmend.propagation.model.system import ModelSystem

VOLUMES = (
    ("/run/netns:/run/netns",),
    ("/run/netns:/run/netns:slave",),
    ("/run/netns:/run/netns:shared",),
    ("/run:/run",),
    ("/run:/run:slave",),
    ("/run:/run:shared",),
    ("/run:/run", "/run/netns:/run/netns:shared"),
    ("/run:/run:shared", "/run/netns:/run/netns:shared"),
    ("/run:/hostrun", "/run/netns:/run/netns:shared"),
    ("/run:/hostrun:slave", "/run/netns:/run/netns:slave"),
    ("/run/netns:/host/run/netns",),
)
NAMES = ("n1", "n2", "n3")
WHERE = ("host", "a", "b")

where = st.sampled_from(WHERE)
steps = st.one_of(
    st.tuples(st.just("add"), where, st.sampled_from(NAMES)),
    st.tuples(st.just("add"), where, st.sampled_from(NAMES)),
    st.tuples(st.just("delete"), where, st.sampled_from(NAMES)),
    st.tuples(st.just("pin"), where, st.sampled_from(NAMES)),
    st.tuples(st.just("start"), st.sampled_from(("a", "b"))),
    st.tuples(st.just("restart"), st.sampled_from(("a", "b"))),
    st.tuples(st.just("cover"), where, st.sampled_from(("/run/netns", "/run")), st.booleans()),
    st.tuples(st.just("make"), where, st.sampled_from(("/run/netns", "/run")), st.sampled_from(("shared", "private"))),
    st.tuples(st.just("tmpfs"), where, st.sampled_from(("/run/netns", "/run"))),
    st.tuples(st.just("umount"), where, st.sampled_from(("/run/netns", *(f"/run/netns/{name}" for name in NAMES)))),
    st.tuples(st.just("touch"), where, st.sampled_from(NAMES)),
)
hosts = st.tuples(
    st.sampled_from(("shared", "shared", "private")),
    st.tuples(st.sampled_from(VOLUMES), st.sampled_from(VOLUMES)),
    st.lists(steps, min_size=3, max_size=12),
)


@dataclass(slots=True)
class World:
    """A host of the model and its running containers."""

    tasks: dict[str, Task]
    volumes: dict[str, Sequence[str]]

    @classmethod
    def made(
        cls, run: str, volumes: tuple[Sequence[str], Sequence[str]], sequence: Sequence[tuple[object, ...]]
    ) -> World:
        specs = dict(zip(("a", "b"), volumes, strict=True))
        scenario = Scenario(
            "host",
            (),
            Host("private" if run == "private" else "shared"),
            {name: ContainerSpec(tuple(given)) for name, given in specs.items()},
        )
        system = ModelSystem.boot()
        engine = BuiltInEngine(system, scenario)
        for verb, *arguments in sequence:
            with suppress(OSError, Refused):
                _do(engine, str(verb), [str(one) for one in arguments])
        tasks = {"host": system.task}
        for name in engine.running():
            inside = engine.inside(name)
            assert isinstance(inside, ModelSystem)
            tasks[name] = inside.task
        return cls(tasks, specs)

    def observed(self) -> Observation:
        copies = {label: (label, mountinfo(task).encode()) for label, task in self.tasks.items()}
        observation = observe_copies(copies)
        namespaces = tuple(
            replace(
                one, pid=100 + number, program="agent", may_use_namespaces=True, container=self._container(one.label)
            )
            for number, one in enumerate(observation.namespaces)
        )
        names: dict[Directory, dict[str, Name]] = {}
        for task in self.tasks.values():
            with suppress(OSError):
                place = lookup.lookup(task, "/run/netns")
                inner = place.dentry.path_below()
                directory = Directory(f"0:{place.dentry.filesystem.number}", inner)
                if not place.dentry.unlinked:
                    names[directory] = {
                        name: Name("file", child.number, 1_000.0) for name, child in place.dentry.children.items()
                    }
        return replace(observation, namespaces=namespaces, names=names, complete=True)

    def _container(self, label: str) -> Container | None:
        if label == "host":
            return None
        binds = []
        for volume in self.volumes[label]:
            source, destination, mode = (*volume.split(":"), "")[:3]
            binds.append(Bind(source, destination, mode))
        return Container("docker", label * 64, label, image="image", binds=tuple(binds))

    def replica(self, observation: Observation) -> Replica:
        replica = Replica(observation, dict(self.tasks), {label: label for label in self.tasks})
        for namespace in observation.namespaces:
            if namespace.container is not None:
                replica.containers[namespace.label] = namespace.container
        return replica


def _do(engine: BuiltInEngine, verb: str, arguments: list[str]) -> None:
    match verb, arguments:
        case "add", [place, name]:
            engine.add(place, name)
        case "delete", [place, name]:
            engine.delete(place, name)
        case "pin", [place, name]:  # as an engine does: without mounting the directory on itself
            system = engine.inside(place)
            system.create(f"/run/netns/{name}")
            system.bind_new_netns(f"/run/netns/{name}")
        case "start", [name]:
            engine.start(name)
        case "restart", [name]:
            engine.restart(name)
        case "cover", [place, path, recursive]:
            engine.mount(place, path, path, recursive=recursive == "True")
        case "make", [place, path, word]:
            engine.make(place, path, word)
        case "tmpfs", [place, path]:
            engine.mount(place, None, path, recursive=False)
        case "umount", [place, path]:
            engine.umount(place, path, lazy=True)
        case "touch", [place, name]:
            engine.inside(place).create(f"/run/netns/{name}")


def lost(world: World, observation: Observation, script: str) -> list[str]:
    """What the script, played on the world itself, takes from whom."""
    before = Census.of(world.tasks.items())
    replica = world.replica(observation)
    perform.perform(replica, script)
    after = Census.of(replica.tasks.items())
    usable = set(after.usable.values())
    found = [f"{path} in {label}" for (label, path), one in before.usable.items() if one not in usable]
    found += [f"a pin of {one.name}" for one in before.pinned - after.pinned]
    for (label, path), one in before.usable.items():
        left = label not in replica.ended and label not in replica.restarted
        if left and path.startswith("/run/netns/") and after.usable.get((label, path)) is not one:
            found.append(f"{path} in {label}, which goes on")
    return found


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(hosts)
def test_no_printed_mend_takes_anything_away(host: tuple[object, ...]) -> None:
    world = World.made(*host)  # type: ignore[arg-type]
    observation = world.observed()
    findings = diagnose(observation)
    scripts = {finding.mend for finding in findings}
    scripts |= {as_commands(action) for finding in findings for action in finding.safe}
    for script in sorted(scripts):
        again = World.made(*host)  # type: ignore[arg-type]
        assert lost(again, again.observed(), script) == [], script


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(hosts, st.sampled_from(["umount -l /run/netns", "umount -l /run", "rm /run/netns/n1", "docker restart a"]))
def test_a_copy_loses_what_the_host_would(host: tuple[object, ...], script: str) -> None:
    world = World.made(*host)  # type: ignore[arg-type]
    observation = world.observed()
    if "docker" in script and "a" not in world.tasks:
        return
    told = losses(HostView(observation), script)
    if not told:
        assert lost(world, observation, script) == []


@pytest.mark.parametrize("script", ["shutdown now", "kill 100", "ip netns delete 'n1"])
def test_what_cannot_be_played_is_not_safe(script: str) -> None:
    world = World.made("shared", (VOLUMES[0], VOLUMES[0]), [("add", "host", "n1"), ("start", "a")])
    assert losses(HostView(world.observed()), script)
