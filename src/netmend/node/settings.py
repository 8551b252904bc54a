"""Where a node keeps its things."""

from dataclasses import dataclass
from pathlib import Path

from netmend.kernel import nsdir
from netmend.kernel.ovsdb.stream import Tls


@dataclass(frozen=True, slots=True)
class Settings:
    """Paths of one node. `state` outlives restarts of the host (leases); `runtime` does not (socket, lock)."""

    netns_directory: str = nsdir.DEFAULT
    state: Path = Path("/var/lib/netmend")
    runtime: Path = Path("/run/netmend")
    resolv_conf: Path = Path("/etc/resolv.conf")  # whom networks ask of names that name no forwarder
    full_look: float = 60.0  # seconds between looks at everything, beside those that events ask for
    ovsdb: str | None = None  # where Open vSwitch's database listens (unix:PATH, tcp:ADDRESS:PORT); None: as usual
    ovsdb_tls: Tls | None = None  # for ssl:ADDRESS:PORT
    take_over: bool = False  # namespaces of the networks that Neutron's own agents made

    @property
    def socket(self) -> Path:
        return self.runtime / "netmend.sock"

    @property
    def lock(self) -> Path:
        return self.runtime / "lock"

    @property
    def leases(self) -> Path:
        return self.state / "leases.sqlite"

    @property
    def metadata(self) -> Path:
        return self.state / "metadata.sqlite"
