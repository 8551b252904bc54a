"""Containers, units and pods that a mend ends or starts, on the copy of a host. Pure."""

from __future__ import annotations

from dataclasses import replace

from netmend.doctor.observation import HOST, Container
from netmend.doctor.rehearsal.replica import Performance, end, exists, relevant_binds
from netmend.doctor.rehearsal.shell import NotUnderstood
from netmend.propagation.model.container import Container as ModelContainer
from netmend.propagation.model.system import ModelSystem
from netmend.propagation.options.docker import parse_volume
from netmend.propagation.options.request import MountRequest, OptionError


def engine(performance: Performance, words: list[str], remark: str) -> None:
    replica = performance.replica
    verb = words[1]
    if verb == "compose":
        project = words[words.index("-p") + 1] if "-p" in words else ""
        for container in list(replica.containers.values()):
            managed = container.managed_by
            if managed.get("com.docker.compose.project") == project and (
                managed.get("com.docker.compose.service", container.name) == words[-1]
            ):
                restart(performance, container)
        return
    if verb in ("restart", "start", "stop", "kill"):
        for name in words[2:]:
            known = replica.containers.get(name)
            if known is None:
                raise NotUnderstood(f"{words[0]} {verb} {name}: there is no such container")
            if verb in ("stop", "kill"):
                stop(performance, name)
            else:
                restart(performance, known)
        return
    if verb == "rename":
        performance.renamed[words[3]] = words[2]
        return
    if verb == "rm":
        for name in words[2:]:
            if not name.startswith("-") and name not in performance.renamed:
                stop(performance, name)
        return
    if verb == "run":
        _docker_run(performance, words)
        return
    raise NotUnderstood(f"{words[0]} {verb}")


def _docker_run(performance: Performance, words: list[str]) -> None:
    name = next((words[n + 1] for n, word in enumerate(words) if word == "--name"), "")
    requests = []
    for number, word in enumerate(words):
        if word in ("-v", "--volume"):
            try:
                requests.append(parse_volume(words[number + 1]))
            except OptionError as error:
                raise NotUnderstood(str(error)) from error
    stop(performance, name)
    start(performance, name, requests)


def systemctl(performance: Performance, words: list[str]) -> None:
    replica = performance.replica
    if words[1] not in ("restart", "stop", "start", "try-restart"):
        raise NotUnderstood(" ".join(words[:2]))
    for unit in words[2:]:
        for container in list(replica.containers.values()):
            if container.managed_by.get("PODMAN_SYSTEMD_UNIT") == unit:
                restart(performance, container)
        engine = False
        for namespace in replica.observation.namespaces:
            if unit in (namespace.label, namespace.unit):
                engine = engine or namespace.is_engine
                if namespace.label != HOST:
                    end(replica, namespace.label)
        if engine:
            for container in list(replica.containers.values()):
                if container.engine == "docker" and container.running:
                    restart(performance, container)


def kubectl(performance: Performance, words: list[str]) -> None:
    if "delete" not in words or "pod" not in words:
        raise NotUnderstood(" ".join(words))
    for container in list(performance.replica.containers.values()):
        if container.managed_by.get("io.kubernetes.pod.name") == words[-1]:
            restart(performance, container)


def stop(performance: Performance, name: str) -> None:
    for namespace in performance.replica.observation.namespaces:
        if namespace.container is not None and namespace.container.name == name:
            end(performance.replica, namespace.label)


def restart(performance: Performance, container: Container) -> None:
    stop(performance, container.name)
    requests = []
    for bind in relevant_binds(container, performance.replica):
        modes = [mode for mode in (bind.propagation, "ro" if bind.read_only else "") if mode]
        try:
            requests.append(
                parse_volume(":".join([bind.source, bind.destination, *([",".join(modes)] if modes else [])]))
            )
        except OptionError:
            continue
    start(performance, container.name, requests)


def start(performance: Performance, name: str, requests: list[MountRequest]) -> None:
    """A container with these mounts, from the host's mounts of now."""
    replica = performance.replica
    host = replica.host
    if host is None:
        return
    kept = []
    for request in requests:
        source = request.source
        if source.startswith("/var/run"):
            source = source.removeprefix("/var")
        if source.startswith("/") and (exists(host, source) or "netns" in source):
            kept.append(replace(request, source=source, create_source=True))
    container = ModelContainer(name, kept)
    container.start(ModelSystem(host))
    assert isinstance(container.system, ModelSystem)
    label = next(
        (n.label for n in replica.observation.namespaces if n.container is not None and n.container.name == name), name
    )
    replica.tasks[label] = container.system.task
    replica.labels[label] = label
    replica.ended.discard(label)
    replica.restarted.add(label)
