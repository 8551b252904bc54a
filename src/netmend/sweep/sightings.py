"""Since when a thing has been dead: the kernel keeps no time of a link's creation, so looks are remembered.

It counts as dead since the first look after which every look found it dead, by the clock that runs since the
host was started (CLOCK_BOOTTIME), which nobody can set. Another start of the host, or another network namespace, and
nothing is remembered.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netmend.ground.private_files import make_private_directory, write_private
from netmend.kernel.link_details import LinkDetails
from netmend.kernel.netns import Netns
from netmend.kernel.ovsdb import InterfaceRow


class CannotRemember(Exception):
    """The file of sightings cannot be written; the text says which and what to do."""


def key(link: LinkDetails) -> str:
    """The key under which a device is remembered. Index or name alone may be another device's later."""
    return f"{link.index}/{link.name}/{link.mac}"


def row_key(row: InterfaceRow) -> str:
    """The key under which an interface of Open vSwitch's database is remembered."""
    return f"ovsdb/{row.uuid}"


def _place() -> list[str]:
    """The boot of the host and the network namespace of the sightings."""
    with Netns.current() as here:
        return [Path("/proc/sys/kernel/random/boot_id").read_text().strip(), str(here.inode)]


@dataclass(slots=True)
class Sightings:
    """First looks at devices that have been dead ever since."""

    path: Path
    now: float
    place: list[str]
    first_look: bool = True  # there was no earlier look at this network namespace since the host was started
    _first: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "Sightings":
        """What the file remembers of this network namespace since the host was started; a file that cannot be read or
        understood remembers nothing, which keeps devices."""
        found = cls(path, time.clock_gettime(time.CLOCK_BOOTTIME), _place())
        try:
            document: Any = json.loads(path.read_bytes())
            if document["place"] == found.place:
                found.first_look = False
                found._first = {
                    str(key): float(first) for key, first in document["first_seen"].items() if float(first) <= found.now
                }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return found

    def age(self, key: str) -> float:
        """Seconds since the first look of the row; 0 for what was never seen dead."""
        return self.now - self._first.get(key, self.now)

    def note(self, here: Iterable[str], alive: Iterable[str], dead: Iterable[str]) -> None:
        """Take in a look, by keys: what is gone or was seen alive is forgotten, what was seen dead is remembered."""
        keys = set(here) - set(alive)
        self._first = {key: first for key, first in self._first.items() if key in keys}
        for key in dead:
            self._first.setdefault(key, self.now)

    def save(self) -> None:
        """Raises CannotRemember."""
        try:
            self.path.parent.parent.mkdir(parents=True, exist_ok=True)
            make_private_directory(self.path.parent)
            write_private(self.path, json.dumps({"place": self.place, "first_seen": self._first}))
        except OSError as error:
            raise CannotRemember(
                f"cannot write {self.path}: {error.strerror}; without it no device is ever old enough; "
                "run as root, or give --state-dir"
            ) from error
