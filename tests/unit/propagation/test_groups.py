"""Peer groups as a graph: the cases of the incident, and shapes that are hard."""

from __future__ import annotations

from netmend.propagation.groups import PropagationGraph, Reach
from netmend.propagation.mount_tree import MountTree
from netmend.propagation.mountinfo import parse

HOST = """\
1 0 8:1 / / rw shared:1 - ext4 d rw
20 1 0:20 / /run rw shared:5 - tmpfs t rw
"""


def container(start: int, propagation: str, root: str = "/netns", point: str = "/run/netns") -> str:
    return (
        f"{start} 0 0:{start} / / rw - overlay o rw\n"
        f"{start + 1} {start} 0:20 {root} {point} rw {propagation}- tmpfs t rw\n"
    )


def graph(**files: str) -> PropagationGraph:
    return PropagationGraph({name: MountTree(parse(text)) for name, text in files.items()})


def reach(graph_: PropagationGraph, source: str, target: str, path: str = "/run/netns/x") -> Reach:
    return graph_.verdict(source, path, target).reach


def test_the_table_of_the_incident() -> None:
    g = graph(
        host=HOST, shared=container(100, "shared:5 "), slave=container(200, "master:5 "), private=container(300, "")
    )
    assert reach(g, "host", "shared") == reach(g, "shared", "host") == Reach.DELIVERED
    assert reach(g, "host", "slave") == reach(g, "shared", "slave") == Reach.DELIVERED
    assert reach(g, "slave", "host") == Reach.SOURCE_SLAVE
    assert reach(g, "host", "private") == Reach.TARGET_PRIVATE
    assert reach(g, "private", "host") == Reach.SOURCE_PRIVATE
    assert reach(g, "host", "host") == Reach.SAME_MOUNT


def test_shared_with_another_number_proves_nothing() -> None:
    g = graph(host=HOST, a=container(100, "shared:9 "), b=container(200, "shared:8 master:5 "))
    assert reach(g, "host", "a") == Reach.OTHER_GROUP
    assert reach(g, "host", "b") == Reach.DELIVERED
    assert reach(g, "b", "host") == Reach.WRONG_DIRECTION


def test_a_slave_shadowed_by_the_hosts_first_netns_add() -> None:
    text = container(100, "shared:9 master:5 ") + "102 101 0:20 /netns /run/netns rw master:7 - tmpfs t rw\n"
    host = HOST + "30 20 0:20 /netns /run/netns rw shared:6 - tmpfs t rw\n"
    g = graph(host=host, a=text)
    assert reach(g, "host", "a") == Reach.OTHER_GROUP
    hidden = graph(host=HOST, a=text)
    assert reach(hidden, "host", "a") == Reach.SHADOWED
    assert [(d.path, d.visible) for d in hidden.deliveries("host", "/run/netns/x")] == [("/run/netns/x", False)]


def test_events_follow_chains_of_slaves_and_report_the_groups_passed() -> None:
    g = graph(
        host=HOST,
        a=container(100, "shared:6 master:5 "),
        b=container(200, "shared:7 master:6 "),
        c=container(300, "master:7 "),
    )
    assert g.verdict("host", "/run/netns/x", "c").via == (5, 6, 7)
    assert g.masters(7) == [6, 5]
    assert {d.namespace for d in g.deliveries("a", "/run/netns/x")} == {"b", "c"}


def test_propagate_from_bridges_namespaces_that_are_not_seen() -> None:
    g = graph(host=HOST, a=container(100, "master:8 propagate_from:5 "))
    assert not g.groups[8].seen
    assert reach(g, "host", "a") == Reach.DELIVERED
    assert [d.namespace for d in g.deliveries("host", "/run/netns/x")] == ["a"]


def test_a_mount_of_a_subdirectory_receives_only_what_lies_in_it() -> None:
    g = graph(host=HOST, a=container(100, "shared:5 ", root="/docker"), b=container(200, "shared:5 ", "/", "/hostrun"))
    assert reach(g, "host", "a") == Reach.OUT_OF_ROOT
    found = {d.namespace: (d.path, d.visible) for d in g.deliveries("host", "/run/netns/x")}
    assert found == {"a": (None, False), "b": ("/hostrun/netns/x", True)}
    assert g.verdict("host", "/run/netns/x", "b", "/hostrun/netns/x").reach == Reach.DELIVERED
    assert g.verdict("host", "/run/netns/x", "b", "/hostrun/netns").reach == Reach.ELSEWHERE


def test_views_puts_alike_namespaces_together() -> None:
    many = {f"c{n}": container(100 * n, "shared:5 ") for n in range(1, 50)}
    g = graph(host=HOST, p=container(9000, ""), q=container(9100, ""), s=container(9200, "master:5 "), **many)
    views = g.views("/run/netns")
    assert sorted((v.group or 0, v.receives_from or 0, len(v.namespaces)) for v in views) == [
        (0, 0, 1),
        (0, 0, 1),
        (0, 5, 1),
        (5, 0, 50),
    ]


def test_a_partial_file_gives_unknown() -> None:
    g = graph(host=HOST, a="101 100 0:20 /netns /run/docker rw - tmpfs t rw\n")
    assert reach(g, "host", "a") == Reach.UNKNOWN


def test_a_loop_of_masters_from_a_forged_file_ends() -> None:
    g = graph(a=container(100, "shared:1 master:2 "), b=container(200, "shared:2 master:1 "))
    assert g.masters(1) == [2]
    assert len(g.deliveries("a", "/run/netns/x")) == 1
