"""Real DHCP clients for guests in namespaces: BusyBox's udhcpc, or ISC's dhclient, whichever this machine has.

Both call a script with what they have learnt in its environment (busybox networking/udhcp, dhclient-script(8)). The one
here sets up the device as any distribution's does, and leaves each call's environment in a file of its own.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Interface
from pathlib import Path

from netmend.kernel.netns import Netns

_SCRIPT = """\
#!/bin/sh
# Called by udhcpc (the event is its argument) and by dhclient (the event is $reason).
at=$(date +%s%N)
event=${1:-$reason}
records=@RECORDS@
routes() { # prefix length and the octets that it covers, then the router's four: RFC 3442 as dhclient has it
  while [ $# -gt 4 ]; do
    length=$1 destination= number=0
    shift
    while [ $number -lt 4 ]; do
      if [ $((number * 8)) -lt "$length" ]; then
        destination=$destination.$1
        shift
      else
        destination=$destination.0
      fi
      number=$((number + 1))
    done
    echo "${destination#.}/$length $1.$2.$3.$4"
    shift 4
  done
}
set -- "$records"/*.environ
[ -e "$1" ] || shift
number=$(printf %06d $#)
{ cat /proc/self/environ; printf 'event=%s\\0at=%s\\0' "$event" "$at"; } >"$records/$number.new"
case $event in
deconfig | PREINIT | EXPIRE | FAIL | RELEASE | STOP)
  @IP@ link set dev "$interface" up
  @IP@ -4 addr flush dev "$interface"
  ;;
bound | renew | BOUND | RENEW | REBIND | REBOOT)
  @IP@ -4 addr flush dev "$interface"
  @IP@ addr add "${ip:-$new_ip_address}/${mask:-$new_subnet_mask}" dev "$interface"
  set -- $staticroutes $(routes $new_rfc3442_classless_static_routes)
  if [ $# = 0 ]; then # RFC 3442: whoever gets these ignores the router option
    for gateway in ${router:-$new_routers}; do @IP@ route add default via "$gateway" dev "$interface"; done
  fi
  while [ $# -gt 1 ]; do
    @IP@ route add "$1" via "$2" dev "$interface"
    shift 2
  done
  ;;
esac 2>>"$records/errors"
mv "$records/$number.new" "$records/$number.environ"
[ "$event" != TIMEOUT ]
"""

_DHCLIENT = """\
option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
also request rfc3442-classless-static-routes;
"""
_BOUND = frozenset({"bound", "renew", "BOUND", "RENEW", "REBIND", "REBOOT"})


class NoClient(Exception):
    """This machine has no DHCP client, or nothing to set up a device with; the text names the package to install."""


@dataclass(frozen=True, slots=True)
class Client:
    """A DHCP client found on PATH; `ip` is the command that its script sets up devices with."""

    name: str  # "udhcpc" or "dhclient"
    program: str
    ip: tuple[str, ...]


def find_client() -> Client:
    """The first of udhcpc and dhclient on PATH, with an `ip` command; raises NoClient."""
    for name in ("udhcpc", "dhclient"):
        program = _which(name)
        if program:
            return Client(name, program, _find_ip())
    raise NoClient("there is no DHCP client on this machine; install one: apt install udhcpc (or isc-dhcp-client)")


def _find_ip() -> tuple[str, ...]:
    if program := _which("ip"):
        return (program,)
    if program := _which("busybox"):
        return (program, "ip")
    raise NoClient(
        "a guest sets up its device with the command ip, which is not there; install it: apt install iproute2"
    )


def _which(name: str) -> str | None:
    """The program on PATH, or where administrators' programs are, which an ordinary user's PATH may lack."""
    return shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")


@dataclass(frozen=True, slots=True)
class Lease:
    """What a client has been told; `at` is when its script was called, in seconds since the epoch."""

    address: IPv4Interface
    gateway: IPv4Address | None
    dns_servers: tuple[IPv4Address, ...]
    domain: str | None
    lease_time: int | None  # seconds
    server: IPv4Address | None
    at: float


@dataclass(frozen=True, slots=True)
class Record:
    """One call of a client's script: the event's name in the client's own words, and the variables it was given."""

    event: str
    variables: Mapping[str, str]
    at: float

    def lease(self) -> Lease | None:
        """The lease that the client has got or extended; None when the event is another, or its values are no lease."""
        if self.event not in _BOUND:
            return None
        try:
            address = IPv4Interface((self._first("ip", "new_ip_address"), self._first("subnet", "new_subnet_mask")))
            routers = self._addresses("router", "new_routers")
            servers = self._addresses("serverid", "new_dhcp_server_identifier")
            dns_servers = self._addresses("dns", "new_domain_name_servers")
        except (AddressValueError, ValueError):
            return None
        lease_time = self._first("lease", "new_dhcp_lease_time")
        return Lease(
            address=address,
            gateway=routers[0] if routers else None,
            dns_servers=dns_servers,
            domain=self._first("domain", "new_domain_name") or None,
            lease_time=int(lease_time) if lease_time.isdecimal() else None,
            server=servers[0] if servers else None,
            at=self.at,
        )

    def _first(self, *names: str) -> str:
        return next((self.variables[name] for name in names if name in self.variables), "")

    def _addresses(self, *names: str) -> tuple[IPv4Address, ...]:
        return tuple(map(IPv4Address, self._first(*names).split()))


class RunningClient:
    """A client at work on `device` in a namespace; its files are in `directory`, which is made."""

    def __init__(self, client: Client, namespace: Netns, device: str, directory: Path) -> None:
        """Start it; it runs until `close`, or until the pid namespace ends."""
        self._directory = directory
        directory.mkdir(parents=True)
        script = directory / "script"
        text = _SCRIPT.replace("@RECORDS@", shlex.quote(str(directory))).replace("@IP@", shlex.join(client.ip))
        script.write_text(text)
        script.chmod(0o755)
        with (directory / "log").open("wb") as log, namespace.entered():
            self._process = subprocess.Popen(
                [client.program, *self._arguments(client, device, script)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ.get("PATH", os.defpath)},
                start_new_session=True,  # Ctrl-C on the terminal is not for the guests
            )

    def _arguments(self, client: Client, device: str, script: Path) -> list[str]:
        if client.name == "udhcpc":
            # Option 121 is not among those that it asks for by itself.
            options = ["-O", "staticroutes", "-t", "30", "-T", "1", "-A", "1", "-p", self._file("pid")]
            return ["-f", "-i", device, "-s", str(script), *options]
        configuration = self._file("configuration")
        Path(configuration).write_text(_DHCLIENT)
        files = ["-lf", self._file("leases"), "-pf", self._file("pid"), "-cf", configuration]
        return ["-4", "-d", "-sf", str(script), *files, device]

    def _file(self, name: str) -> str:
        return str(self._directory / name)

    def records(self) -> list[Record]:
        """Every call of its script so far, oldest first."""
        return [read_record(path) for path in sorted(self._directory.glob("*.environ"))]

    def lease(self) -> Lease | None:
        """The newest lease, if there is one."""
        return next((lease for record in reversed(self.records()) if (lease := record.lease())), None)

    def last_words(self) -> str:
        """The last line that the client wrote: why it has no lease, in its own words."""
        lines = (self._directory / "log").read_text(errors="replace").split("\n")
        said = next((line for line in reversed(lines) if line.strip()), "nothing")
        ended = self._process.poll()
        return said if ended is None else f"{said} (it ended with exit code {ended})"

    def close(self) -> None:
        """End the client; no error when it has ended by itself."""
        self._process.terminate()
        self._process.wait()


def read_record(path: Path) -> Record:
    """The record that a script left at `path`."""
    pairs = (entry.partition("=") for entry in path.read_bytes().decode(errors="replace").split("\0"))
    variables = {name: value for name, _, value in pairs if name}
    nanoseconds = variables.pop("at")  # a date(1) without %N leaves something else, and the file's time must do
    at = int(nanoseconds) / 1e9 if nanoseconds.isdecimal() else path.stat().st_mtime
    return Record(variables.pop("event"), variables, at)
