"""The graph's answers, read from mountinfo, against what the model (which agrees with the kernel) then does."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from netmend.propagation.flags import Propagation
from netmend.propagation.groups import PropagationGraph, Reach
from netmend.propagation.model import kernel, lookup
from netmend.propagation.model.render import mountinfo
from netmend.propagation.model.structures import FileSystem, KernelRefusal
from netmend.propagation.mount_tree import MountTree
from netmend.propagation.mountinfo import parse

PATHS = ("/w", "/w/a", "/w/b", "/w/a/a", "/w/a/b", "/w/b/a", "/w/a/b/a")
NAMES = ("a", "b", "a/a", "a/b", "b/a", "a/b/a")

paths = st.sampled_from(PATHS)
places = st.integers(0, 3)
operations = st.one_of(
    st.tuples(st.just("bind"), places, paths, paths, st.booleans()),
    st.tuples(st.just("bind"), places, paths, paths, st.booleans()),
    st.tuples(st.just("change"), places, paths, st.sampled_from(Propagation), st.booleans()),
    st.tuples(st.just("new"), places, paths),
    st.tuples(st.just("umount"), places, paths),
    st.tuples(st.just("unshare"), places),
)


def new_filesystem() -> FileSystem:
    filesystem = FileSystem("tmpfs")
    for name in NAMES:
        filesystem.make(f"{name}/x")  # where the test mounts, and nothing else does
    filesystem.make("x")
    return filesystem


def world(sequence: list[tuple[Any, ...]]) -> list[lookup.Task]:
    root = FileSystem("tmpfs")
    root.make("/w")
    tasks = [kernel.boot(root)]
    kernel.mount_new(tasks[0], new_filesystem(), "/w")
    kernel.change(tasks[0], "/w", Propagation.SHARED)
    for name, *arguments in sequence:
        task = tasks[arguments[0] % len(tasks)]
        with suppress(KernelRefusal):
            match name:
                case "bind":
                    kernel.bind(task, arguments[1], arguments[2], recursive=arguments[3])
                case "change":
                    kernel.change(task, arguments[1], arguments[2], recursive=arguments[3])
                case "new":
                    kernel.mount_new(task, new_filesystem(), arguments[1])
                case "umount":
                    kernel.unmount(task, arguments[1], lazy=True)
                case "unshare" if len(tasks) < 4:
                    tasks.append(kernel.at_root(kernel.unshare(task).namespace))
    return tasks


def trees(tasks: list[lookup.Task]) -> dict[str, MountTree]:
    return {str(number): MountTree(parse(mountinfo(task))) for number, task in enumerate(tasks)}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.lists(operations, min_size=3, max_size=25), places, paths)
def test_a_mount_arrives_where_the_graph_says(sequence: list[tuple[Any, ...]], place: int, path: str) -> None:
    tasks = world(sequence)
    path += "/x"
    source = str(place % len(tasks))
    before = PropagationGraph(trees(tasks))
    made = new_filesystem()
    try:
        kernel.mount_new(tasks[int(source)], made, path)
    except KernelRefusal:
        assume(False)
    after = trees(tasks)
    device = f"0:{made.number}"

    deliveries = before.deliveries(source, path)
    start = before.locate(source, path)
    assert start is not None
    expected = {(d.namespace, d.mount.id) for d in deliveries if d.path is not None} | {(source, start.mount.id)}
    arrived = {(name, mount.parent_id) for name, tree in after.items() for mount in tree if mount.device == device}
    assert arrived == expected

    for delivery in deliveries:
        if delivery.path is not None:
            top = after[delivery.namespace].topmost(delivery.path)
            assert top is not None
            assert (top.device == device and top.parent_id == delivery.mount.id) == delivery.visible

    for target, tree in after.items():
        top = tree.topmost(path)
        seen = top is not None and top.device == device
        reach = before.verdict(source, path, target).reach
        assert (reach in (Reach.DELIVERED, Reach.SAME_MOUNT)) == seen, (target, reach)
