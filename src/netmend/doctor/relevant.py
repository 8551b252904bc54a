"""The few lines of many mountinfo files that a diagnosis needs. Pure.

A host of a thousand mount namespaces has a million lines, and what matters for namespace directories is perhaps one in
a hundred: mounts of network namespaces, mounts on the way to a directory of them, and mounts of the same part of the
same file system anywhere else. The rest is passed over before it is parsed. Cost: a few passes over each file.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from netmend.propagation.mount_tree import MountTree
from netmend.propagation.mountinfo import Mount, Parser, unescape
from netmend.propagation.paths import is_under

WELL_KNOWN: Final = (
    "/run/netns",
    "/var/run/netns",
    "/run/docker/netns",
    "/var/run/docker/netns",
    "/run/snap.docker/netns",
    "/var/run/snap.docker/netns",
)
"""Where programs look for network namespaces; the engine's own directories from the third on."""

_NAMESPACE_MOUNT: Final = re.compile(rb" net:\[[0-9]+\](?://deleted)? (/[^ \n]*)/[^ /\n]+ ")
_PROC_MOUNT: Final = re.compile(rb" / (/[^ \n]*/netns)/[^ /\n]+ [^\n]* - proc ")
"""Before Linux 3.19 a namespace is a file of proc, whose inode mountinfo does not tell: known by its directory."""
_UNNUMBERED: Final = 1 << 48
"""Stands before the numbers given to such namespaces, by their names, since their inodes are not known."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept of one file. Files that differ in ids only have one and the same `tree`."""

    tree: MountTree
    total: int  # lines in the whole file
    ids: array[int]  # id and parent id of each mount of the tree in *this* file, two by two


def keep_relevant(files: Mapping[str, bytes], also: Iterable[str] = ()) -> dict[str, Kept]:
    """The relevant mounts of each file, by its label. `also`: directories that count beside those that hold namespaces.

    Raises MountinfoError where a line is not of the format.
    """
    directories = {_escaped(path) for path in (*WELL_KNOWN, *also)}
    for data in files.values():
        directories.update(_NAMESPACE_MOUNT.findall(data))
        if not _numbered(data):
            directories.update(_PROC_MOUNT.findall(data))
    search = _Search(Parser(), _prefixes(directories) | {b"/sys"}, {})  # /sys: see checks/nameless, former_name
    found: dict[str, Kept] = {}
    learnt: set[int] = set()

    def scan(label: str, data: bytes) -> None:
        found[label] = search.scan(data)
        if id(found[label].tree) not in learnt:
            learnt.add(id(found[label].tree))
            search.learn(found[label].tree, directories)

    for label, data in files.items():
        scan(label, data)
    for _ in range(4):  # what a later file taught may concern an earlier one; two rounds are the rule
        before = search.state()
        for label, data in files.items():
            if search.touches(data, found[label]):
                scan(label, data)
        if search.state() == before:
            break
    return found


class _Search:
    """Mount points and parts of file systems looked for, as far as is known by now."""

    def __init__(self, parser: Parser, points: set[bytes], inner: dict[bytes, set[bytes]]) -> None:
        self._parser = parser
        self._points = points
        self._inner = inner  # device -> directories within its file system that hold namespaces
        self._scanned: dict[int, tuple[int, int]] = {}
        self._shapes: dict[bytes, MountTree] = {}

    def state(self) -> tuple[int, int]:
        return len(self._points), sum(map(len, self._inner.values()))

    def touches(self, data: bytes, kept: Kept) -> bool:
        """Whether a scan now could find more than the one before."""
        return self._scanned.get(id(data)) != self.state() and kept.total > len(kept.tree)

    def scan(self, data: bytes) -> Kept:
        points, inner = self._points, self._inner
        kept: list[bytes] = []
        texts: list[bytes] = []
        own: list[bytes] = []
        parents: list[bytes] = []
        lines = data.split(b"\n")
        unnumbered = not _numbered(data)
        for line in lines:
            fields = line.split(b" ", 5)
            if len(fields) < 6:
                if line.strip():
                    self._parser.parse(line)  # raises, and says what is wrong with it
                continue
            if (
                fields[4] in points
                or fields[3][:4] == b"net:"
                or (fields[2] in inner and self._covers(fields))
                or (unnumbered and fields[3] == b"/" and b"/netns/" in fields[4] and b" - proc " in line)
            ):
                kept.append(line)
                own.append(fields[0])
                parents.append(fields[1])
                texts.append(line[len(fields[0]) + len(fields[1]) + 2 :])
        self._scanned[id(data)] = self.state()
        total = len(lines) - (not lines[-1])
        tree, ids = self._tree(kept, texts, own, parents)
        return Kept(tree, total, ids)

    def _tree(
        self, kept: list[bytes], texts: list[bytes], own: list[bytes], parents: list[bytes]
    ) -> tuple[MountTree, array[int]]:
        """The tree of these lines, one for all that have the same texts in the same places."""
        position = {number: index for index, number in enumerate(own)}
        places = array("i", [position.get(number, -1) for number in parents])
        shape = b"\n".join(texts) + b"\n" + places.tobytes()
        tree = self._shapes.get(shape)
        if tree is None:
            tree = self._shapes[shape] = MountTree(self._parser.parse(b"\n".join(kept)))
        try:
            ids = array("Q", [int(number) for pair in zip(own, parents, strict=True) for number in pair])
        except (ValueError, OverflowError):
            self._parser.parse(b"\n".join(kept))  # raises, and says which id is none
            raise
        return tree, ids

    def _covers(self, fields: list[bytes]) -> bool:
        root = fields[3].removesuffix(b"//deleted") or b"/"
        if root == b"/":
            return True
        return any(
            directory == root or directory.startswith(root + b"/") or root.startswith(directory + b"/")
            for directory in self._inner[fields[2]]
        )

    def learn(self, tree: MountTree, directories: Iterable[bytes]) -> None:
        """Note where the directories lie, and every mount point on the way to another mount of the same place."""
        holding = {mount.parent_id for mount in tree if network_namespace(mount) is not None}
        for raw in directories:
            path = unescape(raw.decode("utf-8", "surrogateescape"))
            place = tree.locate(path)
            if place is None or (place.mount.id not in holding and tree.topmost(path) not in tree.at(path)):
                continue
            device = place.mount.device.encode()
            self._inner.setdefault(device, set()).add(_escaped(place.inner))
        for mount in tree:
            device = mount.device.encode()
            if device in self._inner and any(
                is_under(unescape(inner.decode("utf-8", "surrogateescape")), mount.root)
                for inner in self._inner[device]
            ):
                self._points |= _prefixes({_escaped(mount.mount_point)})


def _numbered(data: bytes) -> bool:
    """Whether the kernel pins namespaces by nsfs: one that does has none of the form that Linux 3.10 has."""
    return b" - nsfs " in data


def _escaped(path: str) -> bytes:
    """As the kernel writes it (fs/proc_namespace.c, show_mountinfo)."""
    raw = path.encode("utf-8", "surrogateescape")
    return re.sub(rb"[ \t\n\\#]", lambda found: b"\\%03o" % found[0][0], raw)


def _prefixes(paths: Iterable[bytes]) -> set[bytes]:
    found = {b"/"}
    for path in paths:
        end = len(path)
        while end > 0:
            found.add(path[:end])
            end = path.rfind(b"/", 0, end)
    return found


def network_namespace(mount: Mount) -> int | None:
    """The inode that names the network namespace this mount pins; None for any other mount.

    A namespace of Linux 3.10, which is a file of proc, gets a number made from its name.
    """
    fields = mount.fields
    if fields.fs_type == "nsfs":
        if not fields.root.startswith("net:["):
            return None
        digits = fields.root[5:].rstrip("]")
        return int(digits) if digits.isdigit() else None
    if fields.fs_type != "proc":
        return None
    if fields.root.startswith("net:[") and fields.root[5:-1].isdigit():
        return int(fields.root[5:-1])
    directory, _, name = fields.mount_point.rpartition("/")
    if fields.root == "/" and directory.endswith("/netns"):
        return _UNNUMBERED + crc32(name.encode("utf-8", "surrogateescape"))
    return None


def namespace_text(inode: int) -> str:
    """`net:[4026531840]`, or words where the kernel does not tell the number."""
    return f"net:[{inode}]" if inode < _UNNUMBERED else "a namespace without a number (Linux 3.10)"
