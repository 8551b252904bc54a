"""An observation as one file, and back: `netmend doctor --snapshot`, `--from`.

JSON, format 1. Texts of mountinfo are kept once each. What an observation does not hold cannot be in it: environments,
arguments, the mounts that have nothing to do with namespaces.
"""

from __future__ import annotations

import json
from array import array
from dataclasses import asdict, fields, replace
from typing import Any

from msgspec import structs

from netmend.doctor.observation import (
    Bind,
    Container,
    Directory,
    Holder,
    MountNamespace,
    Name,
    NetworkNamespace,
    Observation,
    SeenHelper,
    SeenLink,
    Unread,
)
from netmend.ground.neutron_processes import HelperProcess, Rival
from netmend.propagation.mount_tree import MountTree
from netmend.propagation.mountinfo import MountinfoError, Parser

FORMAT = 1


class BadSnapshot(ValueError):
    """The file is no snapshot; the text says why."""


def write(observation: Observation) -> str:
    """The content of the file."""
    texts: dict[str, int] = {}
    shapes: dict[int, list[list[int]]] = {}
    order: dict[int, int] = {}
    namespaces = []
    for namespace in observation.namespaces:
        tree = namespace.tree
        if id(tree) not in shapes:
            order[id(tree)] = len(order)
            shapes[id(tree)] = [[m.id, m.parent_id, texts.setdefault(m.fields.text, len(texts))] for m in tree]
        one = _plain(namespace, leave_out=("tree", "container", "ids"))
        one["container"] = asdict(_without_labels(namespace.container)) if namespace.container else None
        one["mounts"] = order[id(tree)]
        one["ids"] = None if namespace.ids is None else list(namespace.ids)
        namespaces.append(one)
    document = {
        "netmend_doctor_snapshot": FORMAT,
        "taken_at": observation.taken_at,
        "source": observation.source,
        "complete": observation.complete,
        "host_network": observation.host_network,
        "texts": list(texts),
        "mounts": list(shapes.values()),
        "mount_namespaces": namespaces,
        "names": [
            {"device": directory.device, "inner": directory.inner, "entries": {k: asdict(v) for k, v in names.items()}}
            for directory, names in observation.names.items()
        ],
        "network_namespaces": [asdict(network) for network in observation.networks],
        "stopped": [asdict(_without_labels(container)) for container in observation.stopped],
        "unread": [{"what": item.what, "why": item.why} for item in observation.unread],
        "settings": dict(observation.settings),
        "helpers": [{"process": structs.asdict(one.process), "where": one.where} for one in observation.helpers],
    }
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True) + "\n"


def read(content: bytes | str) -> Observation:
    """The observation that a file holds. Raises BadSnapshot."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadSnapshot(f"not JSON: {error}") from error
    if not isinstance(document, dict) or "netmend_doctor_snapshot" not in document:
        raise BadSnapshot("not a snapshot of netmend doctor: no field netmend_doctor_snapshot")
    if document["netmend_doctor_snapshot"] != FORMAT:
        raise BadSnapshot(
            f"netmend_doctor_snapshot: format {document['netmend_doctor_snapshot']!r}, this netmend reads {FORMAT}"
        )
    try:
        return _observation(document)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        what = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise BadSnapshot(f"the snapshot is damaged: {what}") from error


def _observation(document: dict[str, Any]) -> Observation:
    parser = Parser()
    texts = [str(text) for text in document["texts"]]
    trees = []
    for rows in document["mounts"]:
        try:
            trees.append(MountTree(parser.parse("\n".join(f"{int(a)} {int(b)} {texts[c]}" for a, b, c in rows))))
        except MountinfoError as error:
            raise ValueError(f"mounts {len(trees)}: {error}") from error
    namespaces = []
    for one in document["mount_namespaces"]:
        tree, container, ids = trees[one.pop("mounts")], one.pop("container"), one.pop("ids")
        if ids is not None and len(ids) != 2 * len(tree):
            raise ValueError(f"{one.get('label')}: {len(ids)} ids for {len(tree)} mounts")
        namespaces.append(
            MountNamespace(
                tree=tree,
                ids=None if ids is None else array("Q", ids),
                container=_container(container) if container else None,
                **one,
            )
        )
    return Observation(
        source="snapshot",
        taken_at=float(document["taken_at"]),
        namespaces=tuple(namespaces),
        names={
            Directory(str(entry["device"]), str(entry["inner"])): {k: Name(**v) for k, v in entry["entries"].items()}
            for entry in document["names"]
        },
        networks=tuple(_network(entry) for entry in document["network_namespaces"]),
        host_network=document["host_network"],
        stopped=tuple(_container(entry) for entry in document["stopped"]),
        unread=tuple(Unread(str(entry["what"]), str(entry["why"])) for entry in document["unread"]),
        complete=bool(document["complete"]),
        settings={str(key): str(value) for key, value in document.get("settings", {}).items()},
        helpers=tuple(_helper(entry) for entry in document.get("helpers", ())),
    )


def _container(entry: dict[str, Any]) -> Container:
    binds = tuple(Bind(**bind) for bind in entry.pop("binds"))
    lists: Any = {key: tuple(entry.pop(key)) for key in ("rebuild", "command", "lost")}
    return Container(binds=binds, **lists, **entry)


def _helper(entry: dict[str, Any]) -> SeenHelper:
    process = entry["process"]
    lists: Any = {"listens": tuple(process.pop("listens")), "rivals": tuple(Rival(*r) for r in process.pop("rivals"))}
    return SeenHelper(HelperProcess(**process, **lists), str(entry["where"]))


def _network(entry: dict[str, Any]) -> NetworkNamespace:
    seen = entry.pop("links")
    return NetworkNamespace(
        residents=tuple(Holder(**holder) for holder in entry.pop("residents")),
        openers=tuple(Holder(**holder) for holder in entry.pop("openers")),
        links=None if seen is None else tuple(SeenLink(**link) for link in seen),
        peers={int(key): int(value) for key, value in entry.pop("peers").items()},
        **entry,
    )


def _plain(value: Any, leave_out: tuple[str, ...]) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name not in leave_out}


def _without_labels(container: Container) -> Container:
    """Without what may hold secrets: arguments of the command, and labels in what makes the container again."""
    kept: list[str] = []
    words = iter(container.rebuild)
    for word in words:
        if word in ("--label", "--add-host", "--sysctl"):
            next(words, None)
        else:
            kept.append(word)
    lost = container.lost if kept == list(container.rebuild) else (*container.lost, "labels and host names")
    if container.command:
        lost = (*lost, "the command and its arguments")
    return replace(container, rebuild=tuple(kept), command=(), lost=lost)
