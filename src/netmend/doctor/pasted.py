"""An observation from copies of /proc/PID/mountinfo, as people paste them in bug reports; partial ones too. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

from netmend.doctor.observation import MountNamespace, Observation, Unread
from netmend.doctor.relevant import Kept, keep_relevant
from netmend.propagation.mount_tree import MountTree
from netmend.propagation.mountinfo import MountinfoError, Parser


class BadCopy(ValueError):
    """A file that holds no line of mountinfo; the text names it, and the line."""


def observe_copies(copies: Mapping[str, tuple[str, bytes]]) -> Observation:
    """From label → (name of the file, its content). Raises BadCopy."""
    unread: list[Unread] = []
    data: dict[str, bytes] = {}
    for label, (file, content) in copies.items():
        data[label] = _clean(file, content, unread)
    try:
        kept = keep_relevant(data)
        for label, found in kept.items():
            if not found.tree.mounts and not Parser().parse_pasted(data[label]).mounts:
                raise MountinfoError(1, "not a line of mountinfo")
    except MountinfoError:
        kept = {}
        for label, (file, content) in copies.items():
            pasted = Parser().parse_pasted(content)
            unread += [Unread(f"{file}:{error.line}", error.why) for error in pasted.skipped[:20]]
            if not pasted.mounts:
                why = pasted.skipped[0] if pasted.skipped else None
                raise BadCopy(f"{file}:{why.line if why else 1}: {why.why if why else 'the file is empty'}") from None
            ids = array("Q", [number for mount in pasted.mounts for number in mount[:2]])
            kept[label] = Kept(MountTree(pasted.mounts), len(pasted.mounts), ids)
    namespaces = tuple(MountNamespace(label, found.tree, found.total, found.ids) for label, found in kept.items())
    return Observation("mountinfo", 0.0, namespaces, unread=tuple(unread))


def _clean(file: str, content: bytes, unread: list[Unread]) -> bytes:
    """The content with line ends and indentation of a paste undone, where it has any."""
    if b"\r" in content or b"\n " in content or b"\n\t" in content or content[:1] in (b" ", b"\t"):
        content = b"\n".join(line.strip(b" \t\r") for line in content.split(b"\n"))
    if not content.strip():
        raise BadCopy(f"{file}:1: the file is empty")
    return content
