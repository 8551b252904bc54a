"""The journal: what each object was, on disk before it goes, one JSON object a line.

The first line says where and when (`sweep`); `doomed` lines describe objects, and reach the disk before any of their
batch is deleted; `done` and `failed` lines say what became of them. What is doomed and neither may be there or not, for
the sweep was interrupted: the next one looks again, and `restore` makes what is gone.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from ipaddress import ip_interface
from pathlib import Path
from typing import Any, Final

from netmend.ground.private_files import make_private_directory
from netmend.kernel.addresses import Interface
from netmend.kernel.link_details import LinkDetails, TunDetails
from netmend.kernel.ovsdb import WholePort
from netmend.sweep.names import Name
from netmend.sweep.processes import Process
from netmend.sweep.scene import Reason

FORMAT: Final = 1
_FIELDS: Final = tuple(one.name for one in fields(LinkDetails) if one.name != "raw")
_LATER: Final = frozenset({"flags", "bridge"})  # fields that the first journals did not have
_REASONS: Final = frozenset(str(reason) for reason in Reason)
_TUN_FIELDS: Final = tuple(one.name for one in fields(TunDetails))


class BadJournal(Exception):
    """A journal that cannot be written, or read; the text names the file, the line and the reason."""


class Journal:
    """A journal that is being written."""

    def __init__(self, folder: Path, group: int) -> None:
        """Start a journal in `folder`; raises BadJournal."""
        self.path = folder / f"sweep-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.jsonl"
        try:
            make_private_directory(folder)
            self._descriptor = os.open(
                self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise BadJournal(
                f"cannot write {self.path}: {error.strerror}; nothing is deleted without a journal; "
                "run as root, or give --state-dir"
            ) from error
        self.group = group
        self._write([{"sweep": FORMAT, "started": time.time(), "group": group}])

    def doomed_links(
        self, units: Iterable[tuple[tuple[LinkDetails, ...], str]], around: "Surroundings | None" = None
    ) -> None:
        """Record units of devices that go together, each with why; on disk when this returns. Raises BadJournal."""
        around = around or Surroundings()
        self._write(
            {"doomed": "link", "because": because, "pair": [one.index for one in unit if one is not link]}
            | _of(link)
            | {
                "master_name": around.names.get(link.master) if link.master else None,
                "addresses": [str(one) for one in sorted(around.addresses.get(link.index, ()), key=str)],
            }
            for unit, because in units
            for link in unit
        )
        self._sync()

    def doomed_names(self, names: Iterable[Name]) -> None:
        """Record names; on disk when this returns. Raises BadJournal."""
        self._write(
            {"doomed": "name", "because": name.reason, "path": name.path, "plain": name.plain, "text": name.text}
            | {"mode": name.entry.mode, "changed": name.entry.changed, "loopback_up": name.loopback_up}
            for name in names
        )
        self._sync()

    def doomed_ports(self, ports: Iterable[tuple[WholePort, str]]) -> None:
        """Record ports of Open vSwitch, each with why; on disk when this returns. Raises BadJournal."""
        self._write(
            {"doomed": "port", "because": because, "uuid": port.uuid, "bridge": port.bridge}
            | {"port": port.port, "interface": port.interface}
            for port, because in ports
        )
        self._sync()

    def doomed_processes(self, processes: Iterable[Process]) -> None:
        """Record processes that are to be ended; on disk when this returns. Raises BadJournal."""
        self._write(
            {"doomed": "process", "because": process.reason, "key": process.key, "program": process.helper.program}
            | {"pid": process.helper.pid, "owner": process.helper.owner, "command": process.words}
            for process in processes
        )
        self._sync()

    def done(self, what: Iterable[int | str]) -> None:
        """Objects that are gone: indexes of devices, paths of names, uuids of ports, keys of processes.

        Raises BadJournal.
        """
        self._write([{"done": list(what)}])

    def failed(self, what: int | str, why: str) -> None:
        """An object that was kept, or that the kernel did not let go. Raises BadJournal."""
        self._write([{"failed": what, "why": why}])

    def close(self) -> None:
        self._sync()
        os.close(self._descriptor)

    def _write(self, lines: Iterable[dict[str, Any]]) -> None:
        data = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            raise BadJournal(
                f"cannot write {self.path}: {error.strerror}; what is not written is not deleted"
            ) from error

    def _sync(self) -> None:
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise BadJournal(
                f"cannot write {self.path}: {error.strerror}; what is not written is not deleted"
            ) from error


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Settings of devices that LinkDetails does not have."""

    names: Mapping[int, str] = field(default_factory=dict)  # by index, of all devices
    addresses: Mapping[int, Iterable[Interface]] = field(default_factory=dict)  # by index


def _of(link: LinkDetails) -> dict[str, Any]:
    described = {name: getattr(link, name) for name in _FIELDS} | {"bridge": dict(link.bridge)}
    if link.tun is not None:
        described["tun"] = {name: getattr(link.tun, name) for name in _TUN_FIELDS}
    return described


@dataclass(frozen=True, slots=True)
class DoomedName:
    """A name as a journal describes it."""

    path: str
    plain: bool
    text: str
    mode: int
    loopback_up: bool | None = None  # of a namespace with nothing but a loopback in it; None for all others


@dataclass(frozen=True, slots=True)
class Recorded:
    """A journal read back. An object that is neither gone nor spared was planned: the sweep was killed, or the kernel
    refused, and it may be there or not."""

    group: int
    links: dict[int, LinkDetails]  # by index
    masters: dict[int, str]  # index of a device → name of the bridge or other device that it was a port of
    addresses: dict[int, list[Interface]]  # by index
    names: dict[str, DoomedName]  # by path
    ports: dict[str, WholePort]  # by name
    gone: frozenset[int | str]  # indexes, paths and uuids of what was deleted
    spared: frozenset[int | str]  # the same of what was kept after all


def read_journal(path: Path) -> Recorded:
    """Raises BadJournal. A last line that is cut off, as a killed sweep leaves it, is no error."""
    group = 0
    links: dict[int, LinkDetails] = {}
    masters: dict[int, str] = {}
    addresses: dict[int, list[Interface]] = {}
    spared: set[int | str] = set()
    names: dict[str, DoomedName] = {}
    ports: dict[str, WholePort] = {}
    gone: set[int | str] = set()
    for number, document in _lines(path):
        try:
            if number == 1:
                if document["sweep"] != FORMAT:
                    raise BadJournal(f"{path}:1: sweep: format {document['sweep']} is not known, only {FORMAT}")
                group = int(document["group"])
            elif document.get("doomed") == "link":
                link = _link(document)
                links[link.index] = link
                if document.get("master_name"):
                    masters[link.index] = str(document["master_name"])
                addresses[link.index] = [ip_interface(one) for one in document.get("addresses", ())]
            elif document.get("doomed") == "name":
                name = DoomedName(
                    str(document["path"]),
                    bool(document["plain"]),
                    str(document["text"]),
                    int(document["mode"]),
                    document.get("loopback_up"),
                )
                names[name.path] = name
            elif document.get("doomed") == "port":
                port = _port(document)
                ports[port.name] = port
            elif "done" in document:
                gone.update(document["done"])
            elif document.get("why") in _REASONS:
                spared.add(document["failed"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadJournal(f"{path}:{number}: {error}: not a line of a sweep's journal") from None
    return Recorded(group, links, masters, addresses, names, ports, frozenset(gone), frozenset(spared))


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadJournal(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not text'}") from None
    lines = text.split("\n")
    if not text:
        raise BadJournal(f"{path}:1: is empty: not a sweep's journal")
    for number, line in enumerate(lines[:-1] or lines, 1):  # what follows the last line feed was cut off
        try:
            document = json.loads(line)
        except ValueError:
            raise BadJournal(f"{path}:{number}: is not JSON: not a sweep's journal") from None
        if not isinstance(document, dict):
            raise BadJournal(f"{path}:{number}: is not an object: not a sweep's journal")
        yield number, document


def _link(document: dict[str, Any]) -> LinkDetails:
    values = {name: document[name] for name in _FIELDS if name in document or name not in _LATER}
    values["bridge"] = tuple(document.get("bridge", {}).items())
    values["alternative_names"] = tuple(values["alternative_names"])
    if values["tun"] is not None:
        values["tun"] = TunDetails(**values["tun"])
    return LinkDetails(**values)


def _port(document: dict[str, Any]) -> WholePort:
    port, interface = document["port"], document["interface"]
    if not isinstance(port, dict) or not isinstance(interface, dict) or port["name"] != interface["name"]:
        raise ValueError("port and interface are not rows of one name")
    return WholePort(str(document["uuid"]), str(document["bridge"]), port, interface)
