"""An observation from copies of /proc/PID/mountinfo, as people paste them in bug reports; partial ones too. Pure."""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping

from netmend.doctor.observation import HOST, MountNamespace, Observation, Unread
from netmend.doctor.paste_text import PastedText, decoded, is_clean, read_lines, what_it_is
from netmend.doctor.relevant import Kept, keep_relevant, network_namespace
from netmend.propagation.mount_tree import MountTree
from netmend.propagation.mountinfo import MountinfoError, Parser

ALL = "all"
"""The label for a file with lines of several processes, each with `/proc/PID/mountinfo:` before it."""
_MOST_UNREAD = 20
_ROOT = re.compile(rb"(?m)^[0-9]+ [0-9]+ [0-9:]+ [^ ]+ / ")


class BadCopy(ValueError):
    """A file that holds no line of mountinfo; the text names it, and the line."""


def observe_copies(copies: Mapping[str, tuple[str, bytes]]) -> Observation:
    """From label → (name of the file, its content). Raises BadCopy."""
    unread: list[Unread] = []
    data: dict[str, bytes] = {}
    files: dict[str, str] = {}
    for label, (file, content) in copies.items():
        for whose, lines in _clean(label, file, content, unread).items():
            data[whose] = data[whose] + lines if whose in data else lines
            files[whose] = file
    try:
        try:
            kept = keep_relevant(data)
        except MountinfoError:  # what stands in the midst of a file that begins and ends as the kernel writes it
            for label, content in data.items():
                if (again := read_lines(content)).lines:
                    data[label] = b"\n".join(line for lines in again.lines.values() for line in lines)
                    unread += _unread(files[label], again)
            kept = keep_relevant(data)
        for label, found in kept.items():
            if not found.tree.mounts and not Parser().parse_pasted(data[label]).mounts:
                raise MountinfoError(1, "not a line of mountinfo")
    except MountinfoError:
        kept = {}
        for label, content in data.items():
            pasted = Parser().parse_pasted(content)
            unread += [Unread(f"{files[label]}:{error.line}", error.why) for error in pasted.skipped[:_MOST_UNREAD]]
            if not pasted.mounts:
                why = pasted.skipped[0] if pasted.skipped else None
                raise BadCopy(
                    f"{files[label]}:{why.line if why else 1}: {why.why if why else 'the file is empty'}"
                ) from None
            ids = array("Q", [number for mount in pasted.mounts for number in mount[:2]])
            kept[label] = Kept(MountTree(pasted.mounts), len(pasted.mounts), ids)
    for label, found in kept.items():
        if _has_two_roots(found.tree):
            raise BadCopy(
                f"{files[label]}: holds the mounts of more than one mount namespace (several / that lie on nothing in "
                "it): give each in a file, with a --mountinfo of its own"
            )
    namespaces = tuple(MountNamespace(label, found.tree, found.total, found.ids) for label, found in kept.items())
    parts = {label: missing for label, found in kept.items() if (missing := _missing(data[label], found.tree))}
    return Observation("mountinfo", 0.0, namespaces, unread=tuple(unread), parts=parts)


def _clean(label: str, file: str, content: bytes, unread: list[Unread]) -> dict[str, bytes]:
    """The lines of mountinfo by label. Raises BadCopy where there are none."""
    content = decoded(content)
    if not content.strip():
        raise BadCopy(f"{file}:1: the file is empty")
    if is_clean(content):
        return {label: content}
    found = read_lines(content)
    if not found.lines:
        instead = what_it_is(content)
        if instead is not None:
            raise BadCopy(f"{file}:1: {instead}")
        return {label: content}  # the parser says what is wrong with it
    unread += _unread(file, found)
    return {
        _label(label, whose, several=len(found.lines) > 1): b"\n".join(lines) + b"\n"
        for whose, lines in found.lines.items()
    }


def _unread(file: str, found: PastedText) -> list[Unread]:
    return [
        Unread(f"{file}:{number}", f"{text.decode('utf-8', 'replace')!r} is not a line of mountinfo")
        for number, text in found.skipped[:_MOST_UNREAD]
    ]


def _label(given: str, whose: str, *, several: bool) -> str:
    """What the mount namespace of a process is called in findings."""
    if given == ALL and whose in ("1", "self", "thread-self"):
        return HOST
    if whose and not whose.isdigit() and whose not in ("self", "thread-self"):
        return whose if given == ALL or several else given
    if whose and (given == ALL or (several and whose not in ("1", "self", "thread-self"))):
        return f"pid {whose}"
    return given


def _has_two_roots(tree: MountTree) -> bool:
    """Whether two mounts at / lie on none of the others: a mount namespace, as a process sees it, has one such."""
    roots = {mount.id: mount.parent_id for mount in tree.at("/")}
    return sum(parent not in roots or parent == number for number, parent in roots.items()) > 1


def _missing(data: bytes, tree: MountTree) -> str:
    """What a part of a file leaves out without which nothing can be called in order; empty for a whole one."""
    adrift = [m for m in tree if m.parent_id not in tree.by_id and network_namespace(m) is not None]
    if not adrift and _ROOT.search(data):
        return ""
    points = {fields[4] for line in data.split(b"\n") if len(fields := line.split(b" ", 5)) > 5}
    absent = [path for path in ("/", "/run", "/run/netns") if path.encode() not in points]
    if adrift:
        return f"no line for {_either(absent)}" if absent else "no line for the mounts that the namespaces stand on"
    return "no line for /"


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
