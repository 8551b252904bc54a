"""Text as people copy it into tickets: which lines of mountinfo are in it, whose they are, or what it is instead. Pure.

Lines may be numbered, have a log's or grep's words before them, tabs or several blanks between their fields, colours,
ends of lines of Windows, and the whole may be UTF-16. `grep … /proc/*/mountinfo` says whose each line is, and so does
what stands above lines: `tail -n +1`'s headings, the command at a prompt.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass, field
from typing import Final

_CLEAN: Final = re.compile(rb"[0-9]+ [0-9]+ [0-9]+:[0-9]+ [^ ]+ /[^ ]* ")
_LINE: Final = re.compile(
    rb"(?:^|(?<=[\s:|>\"'`\]]))([0-9]+)\s+([0-9]+)\s+([0-9]+:[0-9]+)\s+([^\s]+)\s+(/[^\s]*)\s+([^\s]+)\s+"
    rb"((?:[^\s]+\s+)*?)-\s+([^\s]+)(?:\s+(.*))?$"
)
_OWNER: Final = re.compile(rb"/proc/([0-9]+|self|thread-self)/(?:task/[0-9]+/)?mountinfo")
_HEADING: Final = re.compile(
    rb"==> (?P<file>.+) <==|(?:docker|podman|kubectl|nerdctl|crictl)\b.* exec\b.*?(?P<name>[\w.-]+) (?:-- )?cat "
)
_COLOURS: Final = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
_FIRST_LINES: Final = 50
_SEND: Final = (
    "send the content of /proc/PID/mountinfo, whole: cat /proc/1/mountinfo on the host, and of a container "
    "cat /proc/$(docker inspect -f '{{.State.Pid}}' NAME)/mountinfo"
)
_OTHERS: Final[tuple[tuple[re.Pattern[bytes], str], ...]] = (
    (re.compile(rb"(?m)^\S.* on /.* type \S+ \("), "the output of mount(8), which tells no peer groups and no parents"),
    (
        re.compile(rb"(?m)^\S+ /\S* \S+ \S+ [0-9] [0-9]\s*$"),
        "/proc/mounts or fstab(5), which tells no peer groups and no parents",
    ),
    (
        re.compile(
            rb"\bTARGET\b.*\b(?:SOURCE|PROPAGATION|FSTYPE)\b|\"filesystems\"\s*:|\xe2\x94[\x94\x9c]\xe2\x94\x80"
        ),
        "the output of findmnt(8), which tells whether a mount is shared and not with whom",
    ),
    (re.compile(rb"(?m)^device .* mounted on /.* with fstype "), "/proc/PID/mountstats, which tells no peer groups"),
    (re.compile(rb"(?m)^Filesystem\s.*Mounted on"), "the output of df(1)"),
    (re.compile(rb"(?m)^\s*NS\s+TYPE\s"), "the output of lsns(8)"),
    (re.compile(rb"netmend_doctor_snapshot"), "a snapshot of netmend doctor: give it with --from FILE; otherwise"),
    (
        re.compile(rb"\"HostConfig\"|(?m:^\s*(?:apiVersion|services):)"),
        "a container's description: netmend lint reads those; to diagnose what happened",
    ),
    (re.compile(rb"(?m)^(?:total [0-9]+|[-dl][-rwxsStT]{9}[.+]?\s)"), "the output of ls(1)"),
)


@dataclass(slots=True)
class PastedText:
    """The lines of mountinfo in a text, by the process they are of (empty: not told), and the other lines."""

    lines: dict[str, list[bytes]] = field(default_factory=dict)
    skipped: list[tuple[int, bytes]] = field(default_factory=list)  # number of the line, and what it begins with


def decoded(content: bytes) -> bytes:
    """The text in UTF-8, with line ends of Unix and without colours."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        content = content.decode("utf-16", "replace").encode()
    elif content[1:2] == b"\0" and content[3:4] == b"\0":  # UTF-16 without its mark, as PowerShell's > writes it
        content = content.decode("utf-16-le", "replace").encode()
    content = content.removeprefix(BOM_UTF8)
    if b"\x1b[" in content:
        content = _COLOURS.sub(b"", content)
    if b"\xc2\xa0" in content:  # blanks of a page of HTML
        content = content.replace(b"\xc2\xa0", b" ")
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content


def is_clean(content: bytes) -> bool:
    """Whether the first lines, and the last, begin as the kernel writes them, so that nothing is to be undone, and no
    heading parts them."""
    if b"mountinfo" in content or b"==> " in content:
        return False
    head = content[: 100 * _FIRST_LINES].split(b"\n")[:_FIRST_LINES]
    last = content.rstrip(b"\n").rpartition(b"\n")[2]
    return all(_CLEAN.match(line) is not None for line in (*head[:-1], last) if line)


def read_lines(content: bytes) -> PastedText:
    """The lines of mountinfo in the text, written as the kernel does."""
    found = PastedText()
    above = ""
    for number, line in enumerate(content.split(b"\n"), 1):
        text = line.strip()
        if not text:
            continue
        match = _LINE.search(text)
        if match is None:
            heading = _heading(text)
            if heading is None:
                found.skipped.append((number, text[:60]))
            else:
                above = heading
            continue
        owner = _OWNER.search(text[: match.start()])
        whose = owner[1].decode() if owner else above
        rest = (match[9] or b"").strip(b"\"'`,").split()
        if not rest:
            found.skipped.append((number, text[:60]))
            continue
        source, options = (b"", rest) if len(rest) == 1 else (rest[0], rest[1:])
        parts = [*match.group(1, 2, 3, 4, 5, 6), *match[7].split(), b"-", match[8], source, b" ".join(options)]
        found.lines.setdefault(whose, []).append(b" ".join(parts))
    return found


def _heading(text: bytes) -> str | None:
    """Whose the lines below are, by the command that prints them or a heading; None for another line."""
    if (owner := _OWNER.search(text)) is not None and owner[1].isdigit():
        return owner[1].decode()
    found = _HEADING.search(text)
    if found is None:
        return None
    name = found["name"] or found["file"].rpartition(b"/")[2]
    return name.decode("utf-8", "replace")


def what_it_is(content: bytes) -> str | None:
    """What the text is, where it is no mountinfo, and what to send instead; None where that is not known."""
    head = content[:20_000]
    for pattern, what in _OTHERS:
        if pattern.search(head):
            return f"this is {what}; {_SEND}"
    return None
