"""``/proc/PID/mountinfo``: text in, mounts and their tree out. No I/O.

The format is that of proc_pid_mountinfo(5); one line is

    36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    |  |  |    |     |     |          |          |    |         super options
    |  |  |    |     |     |          |          |    source
    |  |  |    |     |     |          |          file system type
    |  |  |    |     |     |          optional fields, none or more, ended by a lone `-`
    |  |  |    |     |     options of this mount
    |  |  |    |     mount point, seen from the root of the process asked
    |  |  |    root of the mount within its file system
    |  |  st_dev, major:minor
    |  id of the parent mount
    id of the mount

Space, tab, newline, backslash (and `#` in some fields) come as octal escapes.

Most lines of most processes differ in their first two fields only, so everything after them is parsed once per
distinct text and shared: that is what makes a thousand namespaces of a thousand mounts cheap in time and memory.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple

_ESCAPE = re.compile(rb"\\([0-3][0-7]{2})")
_DEVICE = re.compile(r"[0-9]+:[0-9]+\Z")
_FIELDS = re.compile(r"[0-9]+:[0-9]+ [^ ]+ /[^ ]* [^ ]+ (?:[^ ]+ )*?- [^ ]+ [^ ]* .+")
_DELETED = "//deleted"  # the kernel's own mark, unescaped; a path in a mount has no empty component


class MountinfoError(ValueError):
    """A line that is not of the format; ``line`` counts from 1."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


class MountFields:
    """What a line says beyond the two ids: ``text``, checked for its form, and taken apart when first asked.

    Escapes are undone; bytes that are not UTF-8 become surrogates (PEP 383). Equal where the text is equal.
    """

    __slots__ = (
        "device",
        "fs_type",
        "master",
        "mount_point",
        "mount_point_deleted",
        "options",
        "propagate_from",
        "root",
        "root_deleted",
        "shared",
        "source",
        "super_options",
        "text",
        "unbindable",
        "unknown",
    )
    text: str
    """The line from its third field on."""
    device: str
    """``major:minor``"""
    root: str
    """Path within the file system, without ``//deleted``; ``net:[4026531840]`` for nsfs."""
    mount_point: str
    """Path from the reading process's root, without ``//deleted``."""
    options: str
    shared: int | None
    """Peer group of the mount."""
    master: int | None
    """Peer group it receives from."""
    propagate_from: int | None
    """Nearest dominating peer group seen under the process's root, where that is not ``master``."""
    unbindable: bool
    unknown: tuple[str, ...]
    """Optional fields this parser does not know, as they stood."""
    fs_type: str
    source: str
    super_options: str
    root_deleted: bool
    """The directory or file that is the mount's root was unlinked."""
    mount_point_deleted: bool

    def __init__(self, text: str) -> None:
        self.text = text

    def __getattr__(self, name: str) -> Any:
        # Called only while the slot is empty: on a host of a million mounts most are never looked at.
        if name not in MountFields.__slots__:
            raise AttributeError(name)
        self._take_apart()
        return getattr(self, name)

    def _take_apart(self) -> None:
        parts = self.text.split(" ")
        dash = parts.index("-", 4)
        self.shared = self.master = self.propagate_from = None
        self.unbindable = False
        unknown: list[str] = []
        for optional in parts[4:dash]:
            tag, _, number = optional.partition(":")
            if tag in ("shared", "master", "propagate_from") and number.isascii() and number.isdigit():
                setattr(self, tag, int(number))
            elif optional == "unbindable":
                self.unbindable = True
            else:
                unknown.append(optional)
        self.unknown = tuple(unknown)
        self.device = parts[0]
        self.root, self.root_deleted = _path(parts[1])
        self.mount_point, self.mount_point_deleted = _path(parts[2])
        self.options = parts[3]
        self.fs_type, self.source = unescape(parts[dash + 1]), unescape(parts[dash + 2])
        self.super_options = unescape(" ".join(parts[dash + 3 :]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MountFields) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"MountFields({self.text!r})"


class Mount(NamedTuple):
    """One mount. Ids are unique in the kernel at one moment and reused soon after."""

    id: int
    parent_id: int
    fields: MountFields

    @property
    def device(self) -> str:
        return self.fields.device

    @property
    def root(self) -> str:
        return self.fields.root

    @property
    def mount_point(self) -> str:
        return self.fields.mount_point

    @property
    def options(self) -> str:
        return self.fields.options

    @property
    def shared(self) -> int | None:
        return self.fields.shared

    @property
    def master(self) -> int | None:
        return self.fields.master

    @property
    def propagate_from(self) -> int | None:
        return self.fields.propagate_from

    @property
    def unbindable(self) -> bool:
        return self.fields.unbindable

    @property
    def fs_type(self) -> str:
        return self.fields.fs_type

    @property
    def source(self) -> str:
        return self.fields.source

    @property
    def super_options(self) -> str:
        return self.fields.super_options

    @property
    def deleted(self) -> bool:
        return self.fields.root_deleted

    @property
    def propagation(self) -> str:
        """``private``, ``shared``, ``slave``, ``slave+shared`` or ``unbindable``."""
        fields = self.fields
        if fields.master is not None:
            return "slave" if fields.shared is None else "slave+shared"
        if fields.shared is not None:
            return "shared"
        return "unbindable" if fields.unbindable else "private"


class Pasted(NamedTuple):
    """What could be read of a copy that may be incomplete."""

    mounts: list[Mount]
    skipped: list[MountinfoError]


def unescape(field: str) -> str:
    r"""Undo the kernel's octal escapes (``\040`` and so on; fs/seq_file.c, mangle_path)."""
    if "\\" not in field:
        return field
    raw = field.encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(lambda found: bytes((int(found[1], 8),)), raw).decode("utf-8", "surrogateescape")


def _path(field: str) -> tuple[str, bool]:
    deleted = field.endswith(_DELETED)
    if deleted:
        field = field[: -len(_DELETED)] or "/"
    return unescape(field), deleted


class Parser:
    """Parses many files and shares between them all text they have in common. Keep one for one snapshot of a host."""

    def __init__(self) -> None:
        self._fields: dict[str, MountFields] = {}

    def parse(self, data: bytes | str) -> list[Mount]:
        """Mounts in the order of the file. Raises MountinfoError at the first line that is not of the format."""
        errors: list[MountinfoError] = []
        with _uncollected():
            mounts = self._parse(data, errors, stop_at_error=True)
        if errors:
            raise errors[0]
        return mounts

    def parse_pasted(self, data: bytes | str) -> Pasted:
        """As ``parse``, for text a person pasted: indented, cut, with lines in between that are something else."""
        text = _text(data)
        skipped: list[MountinfoError] = []
        mounts = self._parse("\n".join(line.strip(" \t\r") for line in text.split("\n")), skipped, stop_at_error=False)
        return Pasted(mounts, skipped)

    def _parse(self, data: bytes | str, errors: list[MountinfoError], *, stop_at_error: bool) -> list[Mount]:
        mounts: list[Mount] = []
        append = mounts.append
        known = self._fields
        well_formed = _FIELDS.fullmatch
        new, cls = tuple.__new__, Mount
        # Not splitlines(): a path may contain \r, \v or U+2028 unescaped.
        for number, line in enumerate(_text(data).split("\n"), 1):
            try:
                mount_id, parent_id, rest = line.split(" ", 2)
                ids = mount_id + parent_id
                if not (ids.isdigit() and ids.isascii()):  # int() takes more: -1, 1_0, other scripts' digits
                    raise ValueError
                fields = known.get(rest)
                if fields is None:
                    if well_formed(rest) is None:
                        raise ValueError
                    fields = known[rest] = MountFields(rest)
                append(new(cls, (int(mount_id), int(parent_id), fields)))
            except ValueError:
                if not line.strip():
                    continue
                errors.append(MountinfoError(number, _why(line)))
                if stop_at_error:
                    break
        return mounts


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hold the cycle collector: parsing makes no cycles, and walking the growing result costs a third of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _text(data: bytes | str) -> str:
    text = data.decode("utf-8", "surrogateescape") if isinstance(data, bytes) else data
    return text.replace("\r\n", "\n") if "\r\n" in text else text


def _why(line: str) -> str:
    """What is wrong with a line that was refused."""
    parts = line.split(" ")
    if len(parts) < 3:
        return f"{line[:60]!r} is not a line of mountinfo"
    for part, name in zip(parts, ("mount id", "parent id"), strict=False):
        if not (part.isascii() and part.isdigit()):
            return f"{part[:60]!r} is not a {name}"
    if not _DEVICE.match(parts[2]):
        return f"{parts[2][:60]!r} is not major:minor"
    if len(parts) < 6:
        return f"only {len(parts)} fields, the line is cut off"
    if not parts[4].startswith("/"):
        return f"mount point {parts[4][:60]!r} is not an absolute path"
    if not parts[3] or not parts[5]:
        return "the mount's root or its options are empty"
    if "-" not in parts[6:]:
        return "no ' - ' before the file system type, the line is cut off or not mountinfo"
    return "after ' - ' come a file system type, a source and super options; the line is cut off"


def parse(data: bytes | str) -> list[Mount]:
    """Parse one mountinfo file; see Parser.parse."""
    return Parser().parse(data)


def parse_pasted(data: bytes | str) -> Pasted:
    """Parse what may be a partial copy; see Parser.parse_pasted."""
    return Parser().parse_pasted(data)


def is_under(path: str, directory: str) -> bool:
    """Whether ``path`` is ``directory`` or below it, by components."""
    return directory in ("/", path) or path.startswith(directory + "/")


def join_below(base: str, path: str, top: str) -> str:
    """Put what ``path`` has below ``top`` below ``base``; needs ``is_under(path, top)``."""
    rest = path[len(top) :].strip("/") if top != "/" else path.strip("/")
    if not rest:
        return base
    return f"{base.rstrip('/')}/{rest}"


class Location(NamedTuple):
    """Where a path leads: the mount that shows it, and the place within that mount's file system."""

    mount: Mount
    inner: str


class MountTree:
    """The mounts of one namespace as one process sees them, with lookups as the kernel makes them.

    A lookup starts at the process's root mount and, at every component, goes to the mount whose parent is the mount it
    stands on, until there is none (fs/namei.c, __traverse_mounts). The order of lines plays no part.

    Files may be partial, as pasted into bug reports: a mount whose parent is not in the file is taken to be reachable
    at its mount point. Where several such mounts claim one path the last in the file is taken, as nothing better is
    known, and ``complete`` is False.
    """

    def __init__(self, mounts: Iterable[Mount]) -> None:
        self.mounts: Sequence[Mount] = tuple(mounts)

    @cached_property
    def by_id(self) -> dict[int, Mount]:
        return {mount.id: mount for mount in self.mounts}

    @cached_property
    def _at(self) -> dict[str, Mount | list[Mount]]:
        # A list only where mounts are stacked: the index of a thousand namespaces must stay small.
        at: dict[str, Mount | list[Mount]] = {}
        for mount in self.mounts:
            fields = mount.fields
            if fields.mount_point_deleted:
                continue  # an unlinked mount point cannot be walked to
            there = at.setdefault(fields.mount_point, mount)
            if there is mount:
                continue
            if isinstance(there, list):
                there.append(mount)
            else:
                at[fields.mount_point] = [there, mount]
        return at

    @cached_property
    def _orphan_ids(self) -> frozenset[int]:
        ids = {mount.id for mount in self.mounts}
        return frozenset(m.id for m in self.mounts if m.parent_id not in ids or m.parent_id == m.id)

    @cached_property
    def root(self) -> Mount | None:
        """The mount on which absolute lookups start; None where the file does not show it (partial, or a chroot)."""
        roots = [m for m in self.at("/") if m.id in self._orphan_ids]
        return roots[-1] if roots else None

    @property
    def complete(self) -> bool:
        """Whether every mount but the root has its parent in the file."""
        return self.root is not None and len(self._orphan_ids) == 1

    def at(self, path: str) -> list[Mount]:
        """Every mount with this mount point, visible or not, in the order of the file."""
        there = self._at.get(path)
        if there is None:
            return []
        return list(there) if isinstance(there, list) else [there]

    def children(self, mount: Mount) -> list[Mount]:
        """Mounts that stand directly on this one."""
        return self._children.get(mount.id, [])

    @cached_property
    def _children(self) -> dict[int, list[Mount]]:
        children: dict[int, list[Mount]] = {}
        for mount in self.mounts:
            if mount.parent_id != mount.id:
                children.setdefault(mount.parent_id, []).append(mount)
        return children

    def topmost(self, path: str) -> Mount | None:
        """The mount that a lookup of ``path`` ends on; None only where a partial file does not show it."""
        current = self.root
        for prefix in _prefixes(path):
            there = self._at.get(prefix)
            if there is not None:
                current = self._descend(current, [there] if isinstance(there, Mount) else there)
        return current

    def _descend(self, current: Mount | None, candidates: list[Mount]) -> Mount | None:
        start = current
        if current is self.root and current is not None and current in candidates:
            return current  # the walk starts on the root, not on what was mounted over it later
        if start is None or not any(m.parent_id == start.id for m in candidates):
            orphans = [m for m in candidates if m.id in self._orphan_ids]
            current = orphans[-1] if orphans else current
        above = {m.parent_id: m for m in candidates if m.parent_id != m.id}
        seen: set[int] = set()
        while current is not None and current.id in above and current.id not in seen:
            seen.add(current.id)  # a file stitched together by hand may hold a loop
            current = above[current.id]
        return current

    def locate(self, path: str) -> Location | None:
        """The mount a lookup of ``path`` ends on and the place in its file system. Symbolic links are not followed."""
        path = normal(path)
        mount = self.topmost(path)
        if mount is None or not is_under(path, mount.mount_point):
            return None
        return Location(mount, join_below(mount.root, path, mount.mount_point))

    def is_visible(self, mount: Mount) -> bool:
        """Whether a lookup of the mount's mount point ends on it: nothing hides it, and it hides what is beneath."""
        return not mount.fields.mount_point_deleted and self.topmost(mount.mount_point) is mount

    def stack(self, path: str) -> list[Mount]:
        """The mounts at exactly this path, topmost last; those that no lookup can reach come first."""
        top = self.topmost(path)
        there = self.at(path)
        if top not in there or top is None:
            return there
        chain = [top]
        while (below := self.by_id.get(chain[-1].parent_id)) is not None and below in there and below not in chain:
            chain.append(below)
        chain.reverse()
        return [m for m in there if m not in chain] + chain

    def under(self, directory: str) -> dict[str, Mount]:
        """Mount point → topmost mount for every path below ``directory`` that has a mount a lookup can reach."""
        prefix = normal(directory).rstrip("/") + "/"
        found: dict[str, Mount] = {}
        for point in self._at:
            if point.startswith(prefix) and len(point) > len(prefix):
                top = self.topmost(point)
                if top is not None and top.mount_point == point:
                    found[point] = top
        return found

    def __iter__(self) -> Iterator[Mount]:
        return iter(self.mounts)

    def __len__(self) -> int:
        return len(self.mounts)


def normal(path: str) -> str:
    """An absolute path without empty components or a trailing slash. Raises ValueError for a relative one."""
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is not an absolute path")
    return "/" + "/".join(part for part in path.split("/") if part)


def _prefixes(path: str) -> list[str]:
    prefixes = ["/"]
    prefix = ""
    for part in path.split("/"):
        if part:
            prefix = f"{prefix}/{part}"
            prefixes.append(prefix)
    return prefixes
