"""Containers, units and pods that a mend ends or starts, on the copy of a host. Pure."""

from __future__ import annotations

from netmend.doctor.observation import HOST, Container
from netmend.doctor.rehearsal.replica import Performance, empty_namespace, end, exists, relevant_binds
from netmend.doctor.rehearsal.shell import NotUnderstood
from netmend.propagation.flags import Propagation
from netmend.propagation.model import kernel, lookup, propagate
from netmend.propagation.model.lookup import Place, Task
from netmend.propagation.model.structures import Mount
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
    """A container with these mounts, from the host's mounts of now.

    What the calls of a runtime come to (`propagation.model.container` makes each of them, at the cost of a copy of all
    of the host's mounts): its own root, and below it copies of the sources, each a peer, a slave or neither.
    """
    replica = performance.replica
    host = replica.host
    if host is None:
        return
    task = empty_namespace(host.namespace.user)
    for request in sorted(requests, key=lambda request: request.target.count("/")):
        source = request.source
        if source.startswith("/var/run"):
            source = source.removeprefix("/var")
        if not source.startswith("/") or not (exists(host, source) or "netns" in source):
            continue
        kernel.make_directories(host, source)
        kernel.make_directories(task, request.target)
        _bind(task, lookup.lookup(host, source), request)
    label = next(
        (n.label for n in replica.observation.namespaces if n.container is not None and n.container.name == name), name
    )
    replica.tasks[label] = task
    replica.labels[label] = label
    replica.ended.discard(label)
    replica.restarted.add(label)


def _bind(task: Task, source: Place, request: MountRequest) -> None:
    word = request.propagation.removeprefix("r")

    def copy(mount: Mount) -> Mount:
        root = source.dentry if mount is source.mount else mount.root
        made = propagate.clone_as_slave(mount, root, shared=False) if word == "slave" else propagate.clone(mount, root)
        if word == "shared":
            propagate.make_shared(made)
        elif word != "slave":
            propagate.change(made, Propagation.PRIVATE)
        return made

    top = propagate.copy_tree(source.mount, copy, root=source.dentry) if request.recursive else copy(source.mount)
    place = lookup.lookup(task, request.target)
    for mount in top.tree():
        mount.namespace = task.namespace
        task.namespace.mounts += 1
    top.read_only = request.read_only
    top.hang(place.mount, place.dentry)
