"""``/proc/PID/mountinfo``: text in, mounts out. No I/O. `mount_tree` answers where a path leads.

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
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

_ESCAPE = re.compile(rb"\\([0-3][0-7]{2})")
_DEVICE = re.compile(r"[0-9]+:[0-9]+\Z")
_FIELDS = re.compile(r"[0-9]+:[0-9]+ [^ ]+ /[^ ]* [^ ]+ (?:[^ ]+ )*?- [^ ]+ [^ ]* .+")
_DELETED = "//deleted"  # the kernel's own mark, unescaped; a path in a mount has no empty component


_ID_DIGITS_MAX = 19  # of any number of 64 bits; the kernel's have 32 (proc_pid_mountinfo(5))


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
    text: str  # the line from its third field on
    device: str  # `major:minor`
    root: str  # path within the file system, without `//deleted`; `net:[4026531840]` for nsfs
    mount_point: str  # path from the reading process's root, without `//deleted`
    options: str
    shared: int | None  # peer group of the mount
    master: int | None  # peer group it receives from
    # nearest dominating peer group seen under the process's root, where that is not `master`
    propagate_from: int | None
    unbindable: bool
    unknown: tuple[str, ...]  # optional fields this parser does not know, as they stood
    fs_type: str
    source: str
    super_options: str
    root_deleted: bool  # the directory or file that is the mount's root was unlinked
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
                if len(ids) > _ID_DIGITS_MAX and max(len(mount_id), len(parent_id)) > _ID_DIGITS_MAX:
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
        if not (part.isascii() and part.isdigit() and len(part) <= _ID_DIGITS_MAX):
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
