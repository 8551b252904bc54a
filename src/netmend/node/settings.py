"""The settings of a node: its paths, and how it reaches Open vSwitch."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netmend.kernel import nsdir

if TYPE_CHECKING:
    from netmend.kernel.ovsdb.stream import Tls


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one node."""

    netns_directory: str = nsdir.DEFAULT  # where names of namespaces live
    state: Path = Path("/var/lib/netmend")  # outlives restarts of the host: leases
    runtime: Path = Path("/run/netmend")  # does not: socket, lock
    resolv_conf: Path = Path("/etc/resolv.conf")  # names the forwarders of networks that name none
    full_look: float = 60.0  # seconds between looks at everything, beside those that events ask for
    ovsdb: str | None = None  # where the database of Open vSwitch listens (unix:PATH, tcp:ADDRESS:PORT); None: as usual
    ovsdb_tls: "Tls | None" = None  # for ssl:ADDRESS:PORT
    take_over: bool = False  # take over namespaces of networks that Neutron's own agents made

    @property
    def socket(self) -> Path:
        return self.runtime / "netmend.sock"

    @property
    def keeper(self) -> Path:
        return self.runtime / "keeper.sock"

    @property
    def lock(self) -> Path:
        return self.runtime / "lock"

    @property
    def leases(self) -> Path:
        return self.state / "leases.sqlite"

    @property
    def metadata(self) -> Path:
        return self.state / "metadata.sqlite"
