"""What the control plane knows, from files (lines or JSON) and from its API: names of devices, ids of ports, networks
and routers."""

import json
import re
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHORT_ID: Final = re.compile(r"([0-9a-f]{8}-[0-9a-f])[0-9a-f]?\Z")
_OVN_METADATA: Final = re.compile(r"tap([0-9a-f]{8}-[0-9a-f])[01]")
"""neutron-ovn-metadata-agent's pair: 10 characters of the network's id, and 0 or 1 for the end (agent.py, VETH_SUFFIX
and _get_veth_name)."""
_LINE: Final = re.compile(r"[!-~]+")
_ABOUT_IDS: Final = ("id", "network_id", "device_id", "device", "name", "networkid")
_LISTS: Final = ("ports", "networks", "routers")
_LINES: Final = frozenset({"networks", "routers"})  # lines do not say what they list: they count as both
_SIGNS: Final = {  # a field of an entry → what all entries together then list
    "network_id": "networks",
    "subnets": "networks",
    "router:external": "networks",
    "device_id": "routers",
    "external_gateway_info": "routers",
    "distributed": "routers",
    "routes": "routers",
}


class BadPortsFile(Exception):
    """The file cannot be used; the text names it, the line and the reason."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the control plane knows, as its files list it."""

    names: frozenset[str] = frozenset()  # of devices and namespaces
    ids: frozenset[str] = frozenset()  # of ports, networks, routers; and their first 10 and 11 characters, as in names
    about: frozenset[str] = frozenset()  # "networks", "routers": whether the files list these
    asked_at: float = 0.0  # seconds since the epoch when it was asked; of several files the oldest

    def knows(self, name: str) -> bool:
        """True when a device or namespace of that name belongs to something in the file."""
        if name in self.names:
            return True
        found = _ID.search(name) or _SHORT_ID.search(name)
        if found is not None and found[0] in self.ids:
            return True
        pair = _OVN_METADATA.fullmatch(name)
        return pair is not None and pair[1] in self.ids

    @property
    def given(self) -> bool:
        """True when a file was given: what is not in it is then unknown to the control plane."""
        return bool(self.names or self.ids)

    def __or__(self, other: "Known") -> "Known":
        asked = min(self.asked_at or other.asked_at, other.asked_at)
        return Known(self.names | other.names, self.ids | other.ids, self.about | other.about, asked)


NOTHING_KNOWN: Final = Known()


def read_ports_files(paths: Iterable[Path]) -> Known:
    """Read all of the files into one; raises BadPortsFile."""
    known = NOTHING_KNOWN
    for path in paths:
        known |= read_ports_file(path)
    return known


def read_ports_file(path: Path) -> Known:
    """What is in the file, or on standard input for `-`; raises BadPortsFile. An empty one is refused: it would say
    that the control plane knows nothing."""
    try:
        piped = str(path) == "-"
        text = sys.stdin.buffer.read().decode() if piped else path.read_text(encoding="utf-8")
        asked_at = time.time() if piped else min(path.stat().st_mtime, time.time())
    except OSError as error:
        raise BadPortsFile(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadPortsFile(f"{path}: is not text") from None
    words, about = _from_json(path, text) if text.lstrip()[:1] in ("[", "{") else (_from_lines(path, text), _LINES)
    if not words:
        raise BadPortsFile(f"{path}: has no port in it; without the option nothing is compared with a control plane")
    return _known(words, about, asked_at)


def known_of_lists(
    asked_at: float,
    ports: Iterable[Mapping[str, object]],
    networks: Iterable[Mapping[str, object]],
    routers: Iterable[Mapping[str, object]] | None,
) -> Known:
    """What the API's entries say; `routers` is None where it has no such list. Raises BadPortsFile for no entries."""
    words = {
        value
        for entry in (*ports, *networks, *(routers or ()))
        for key in _ABOUT_IDS
        if isinstance(value := entry.get(key), str) and value
    }
    if not words:
        raise BadPortsFile("the control plane has no port and no network: everything would be unknown to it")
    return _known(words, _LINES if routers is not None else _LINES - {"routers"}, asked_at)


def _known(words: set[str], about: frozenset[str], asked_at: float) -> Known:
    ids = {word.lower() for word in words if _ID.fullmatch(word.lower())}
    short = {found[:length] for found in ids for length in (10, 11)}
    return Known(frozenset(words), frozenset(ids | short), about, asked_at)


def _from_lines(path: Path, text: str) -> set[str]:
    words = set()
    for number, line in enumerate(text.splitlines(), 1):
        word = line.partition("#")[0].strip()
        if not word:
            continue
        if not _LINE.fullmatch(word):
            raise BadPortsFile(f"{path}:{number}: one name or id a line, not {line.strip()[:60]!r}")
        words.add(word)
    return words


def _from_json(path: Path, text: str) -> tuple[set[str], frozenset[str]]:
    try:
        found = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise BadPortsFile(f"{path}:{line}: is not JSON: {getattr(error, 'msg', error)}") from None
    if isinstance(found, dict):  # the API's own answer: {"ports": [...]}
        found = next((found[key] for key in _LISTS if key in found), None)
    if not isinstance(found, list):
        raise BadPortsFile(
            f"{path}:1: expected a list of ports, networks or routers, as `openstack port list -f json` prints it"
        )
    words: set[str] = set()
    about: set[str] = set()
    for position, port in enumerate(found):
        if isinstance(port, str):
            words.add(port)
            about |= _LINES
            continue
        named = (
            {str(key).lower().replace(" ", "_"): value for key, value in port.items()} if isinstance(port, dict) else {}
        )
        if not isinstance(named.get("id"), str):
            raise BadPortsFile(f"{path}: entry {position}: a port needs a field `id` or `ID`")
        words.update(value for key in _ABOUT_IDS if isinstance(value := named.get(key), str) and value)
        about.update(listed for field, listed in _SIGNS.items() if field in named)
    return words, frozenset(about)
