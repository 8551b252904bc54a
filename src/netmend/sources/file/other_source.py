"""A file that holds no networks, but says where they are: `source: neutron`, and Neutron's own files."""

from pathlib import Path
from typing import Any

from netmend.ground.document import DocumentError
from netmend.ground.located_yaml import parse
from netmend.ground.problem import Problem
from netmend.sources.problem import IntentError

_KEYS = ("source", "config_files")


def neutron_files(path: Path) -> list[Path] | None:
    """The `config_files` of a file that says `source: neutron`; None when it says nothing of a source, so that it is an
    intent file, or none. Raises IntentError."""
    try:
        text = path.read_bytes()
    except OSError:
        return None
    if b"source" not in text or len(text) > 65_536:  # an intent file has no such key at its top
        return None
    try:
        document = parse(text, located=True)
    except DocumentError:
        return None
    root: Any = document.root
    if not isinstance(root, dict) or "source" not in root:
        return None
    problems = [
        Problem(str(path), document.line((key,)), key, f"no such field; there are {', '.join(_KEYS)}")
        for key in root
        if key not in _KEYS
    ]
    if root["source"] != "neutron":
        problems.append(Problem(str(path), document.line(("source",)), "source", "expected neutron"))
    files = root.get("config_files")
    if not isinstance(files, list) or not files or not all(isinstance(file, str) for file in files):
        why = "expected a list of paths: neutron.conf, dhcp_agent.ini, metadata_agent.ini"
        problems.append(Problem(str(path), document.line(("config_files",)), "config_files", why))
    if problems:
        raise IntentError(tuple(problems))
    return [path.parent / file for file in files or ()]
