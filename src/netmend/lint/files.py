"""Files and directories to their findings: what is to be read, in which encoding, and what was passed over."""

from __future__ import annotations

import os
import re
import sys
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import Any, Final

from netmend.lint.declared import LintFinding, Unreadable
from netmend.lint.lint_file import declared, mistakes

_LONGEST: Final = 4_000_000
"""Bytes of a file in a directory that is still looked at: what declares containers is shorter."""
_SKIPPED: Final = frozenset({".git", ".hg", ".svn", ".tox", ".venv", "node_modules", "__pycache__", ".terraform"})
_MAY_DECLARE: Final = re.compile(
    rb"volume|Volume|mount|HostConfig|ContainerSpec|docker|podman|nerdctl|lxc\.|ignition|MachineConfig|hostPath"
)
"""What a file has that declares a mount in any of the formats."""


@dataclass(slots=True)
class Report:
    """What came of all files together."""

    findings: list[LintFinding] = field(default_factory=list)
    problems: list[dict[str, object]] = field(default_factory=list)  # files that were named and cannot be read
    files: int = 0  # of a known format
    containers: int = 0
    templates: list[str] = field(default_factory=list)  # in directories: not rendered, so not read
    broken: list[str] = field(default_factory=list)  # in directories: neither YAML nor JSON, by their endings
    others: int = 0  # in directories: of no known format
    unevaluated: list[str] = field(default_factory=list)  # FILE:LINE: EXPRESSION, of mounts or privileges

    def looked_at(self) -> dict[str, Any]:
        """The field `looked_at` of `--json`."""
        return {
            "files": self.files,
            "containers": self.containers,
            "templates": self.templates,
            "broken": self.broken,
            "others": self.others,
            "unevaluated": self.unevaluated,
        }


def lint_all(names: Iterable[str]) -> Report:
    """Lint files, all files below directories, and standard input (`-`)."""
    report = Report()
    for name in names:
        if name != "-" and Path(name).is_dir():
            for file in _below(name):
                _lint_found(report, file)
        else:
            _lint_named(report, name)
    return report


def _lint_named(report: Report, name: str) -> None:
    try:
        _take(report, name, _text(_read(name)))
    except Unreadable as error:
        report.problems.append({"file": name, "line": error.line, "why": error.why})


def _lint_found(report: Report, name: str) -> None:
    """A file of a directory: it need not be of a known format."""
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        report.problems.append({"file": name, "line": 0, "why": error.strerror or str(error)})
        return
    if not _is_utf16(data) and (b"\0" in data[:4096] or _MAY_DECLARE.search(data) is None):
        report.others += 1
        return
    try:
        _take(report, name, _text(data))
    except Unreadable as error:
        if error.kind == "template":
            report.templates.append(name)
        elif error.kind == "broken" and name.endswith((".yaml", ".yml", ".json")):
            report.broken.append(f"{name}:{error.line}" if error.line else name)
        else:
            report.others += 1


def _take(report: Report, name: str, text: str) -> None:
    containers = declared(name, text)
    report.files += 1
    report.containers += sum(container.kind != "unread" for container in containers)
    report.findings += mistakes(name, containers)
    unknown = dict.fromkeys(one for container in containers for one in container.unevaluated)
    report.unevaluated += [f"{name}:{one.line}: {one.text}" for one in unknown]


def _below(directory: str) -> Iterator[str]:
    """The files below a directory in a steady order; links are not followed."""
    for path, directories, files in os.walk(directory):
        directories[:] = sorted(name for name in directories if name not in _SKIPPED)
        for name in sorted(files):
            file = Path(path, name)
            try:
                found = file.lstat()
            except OSError:
                continue
            if S_ISREG(found.st_mode) and 0 < found.st_size <= _LONGEST:
                yield str(file)


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise Unreadable(0, error.strerror or str(error)) from error


def _is_utf16(data: bytes) -> bool:
    return data.startswith((BOM_UTF16_LE, BOM_UTF16_BE))


def _text(data: bytes) -> str:
    """Text of UTF-8, or of UTF-16 with its mark, as editors and shells of Windows write it. Raises Unreadable."""
    try:
        return data.decode("utf-16" if _is_utf16(data) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(0, f"not text: {error.reason} at byte {error.start}") from error
