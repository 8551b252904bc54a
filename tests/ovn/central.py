"""A real OVN inside a test's sandbox: its two databases, ovn-northd, and on the one host, Open vSwitch (userspace
datapath) with ovn-controller. Networks and ports are made as Neutron's ML2/OVN makes them."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from uuid import UUID, uuid5

import pytest
from tests.kernel.vswitch import SOCKET as SWITCH_SOCKET
from tests.kernel.vswitch import VSwitch
from tests.waiting import wait_for

RUN = Path("/run/ovn")
SOUTHBOUND = RUN / "ovnsb_db.sock"
NORTHBOUND = RUN / "ovnnb_db.sock"
CHASSIS = "5b2c9d5e-1c0b-4c4b-9f53-0d8a4f6a0001"
_PROGRAMS = ("ovn-northd", "ovn-controller", "ovn-nbctl", "ovn-sbctl", "ovsdb-server")
_SCHEMAS = Path(__file__).parents[2] / ".tools/root/usr/share/ovn"
_IDS = UUID("f2f5bd0c-9a42-4c5f-8f12-20a1f1d7f001")
PROJECT = "6f70656e737461636b2d6f766e2d3031"


def uuid_of(*names: object) -> str:
    """A lasting id of something that a test names."""
    return str(uuid5(_IDS, "/".join(map(str, names))))


@dataclass(frozen=True)
class Guest:
    """A port of a network, as Neutron has it in OVN."""

    network: int
    number: int
    addresses: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return uuid_of("port", self.network, self.number)

    @property
    def instance(self) -> str:
        return uuid_of("instance", self.network, self.number)

    @property
    def mac(self) -> str:
        return f"fa:16:3e:{self.network & 255:02x}:{self.number >> 8:02x}:{self.number & 255:02x}"

    @property
    def ips(self) -> tuple[str, ...]:
        return self.addresses or (f"10.0.0.{self.number}", f"fd00::{self.number:x}")

    @property
    def device(self) -> str:
        return f"tap{self.id[:11]}"


def network_id(number: int) -> str:
    return uuid_of("network", number)


def metadata_port(number: int) -> str:
    return uuid_of("metadata port", number)


@dataclass
class Central:
    """Runs while entered."""

    controller: bool = True
    vswitchd: bool = True
    remotes: tuple[str, ...] = ()  # where the southbound database listens beside its socket
    options: tuple[str, ...] = ()  # more of its server's
    switch: VSwitch = field(init=False)
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        missing = [name for name in _PROGRAMS if shutil.which(name) is None]
        if missing:
            pytest.fail(f"not there: {', '.join(missing)}; run tools/setup-programs ovn", pytrace=False)
        self.switch = VSwitch(vswitchd=self.vswitchd)
        self._environment = os.environ | {"OVN_RUNDIR": str(RUN), "OVN_LOGDIR": str(RUN), "OVN_DBDIR": str(RUN)}
        RUN.mkdir(exist_ok=True)
        for name in ("nb", "sb"):
            (RUN / f"{name}.db").unlink(missing_ok=True)
            self.run("ovsdb-tool", "create", str(RUN / f"{name}.db"), str(_SCHEMAS / f"ovn-{name}.ovsschema"))
        self.start_northbound()
        self.start_southbound()
        self.start("ovn-northd", f"--ovnnb-db=unix:{NORTHBOUND}", f"--ovnsb-db=unix:{SOUTHBOUND}")
        self.switch.__enter__()
        ids = {"system-id": CHASSIS, "ovn-remote": f"unix:{SOUTHBOUND}", "ovn-encap-type": "geneve"}
        words = [f"external-ids:{key}={value}" for key, value in (ids | {"ovn-encap-ip": "127.0.0.1"}).items()]
        self.switch.vsctl("--no-wait", "set", "Open_vSwitch", ".", *words)
        if self.controller:
            self.start_controller()
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._processes):
            self.kill(name)
        self.switch.__exit__()

    def start_northbound(self) -> None:
        self._start_database("nb", NORTHBOUND)

    def start_southbound(self) -> None:
        self._start_database("sb", SOUTHBOUND, *self.remotes, *self.options)

    def start_controller(self) -> None:
        self.start("ovn-controller", f"unix:{SWITCH_SOCKET}")
        wait_for(lambda: CHASSIS in self.sbctl("--bare", "--columns=name", "list", "Chassis"), "the chassis", self.log)

    def _start_database(self, name: str, socket: Path, *more: str) -> None:
        self.start("ovsdb-server", str(RUN / f"{name}.db"), f"--remote=punix:{socket}", *more, called=name)
        wait_for(socket.exists, f"the {name} database listens", self.log)

    def start(self, program: str, *arguments: str, called: str = "") -> None:
        name = called or program
        command = [program, *arguments, f"--log-file={RUN}/{name}.log", "-vconsole:off"]
        if program != "ovn-controller":  # it has no such option
            command.append(f"--unixctl={RUN}/{name}.ctl")
        self._processes[name] = subprocess.Popen(command, env=self._environment)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a program (`nb`, `sb`: the databases), and wait until it has."""
        process = self._processes.pop(name)
        process.send_signal(number)
        process.wait()
        if name in {"nb", "sb"}:
            (NORTHBOUND if name == "nb" else SOUTHBOUND).unlink(missing_ok=True)

    def nbctl(self, *arguments: str) -> str:
        return self.run("ovn-nbctl", f"--db=unix:{NORTHBOUND}", "--timeout=30", *arguments)

    def sbctl(self, *arguments: str) -> str:
        return self.run("ovn-sbctl", f"--db=unix:{SOUTHBOUND}", "--timeout=30", "--no-leader-only", *arguments)

    def run(self, *command: str) -> str:
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}\n{self.log()}"
        return done.stdout

    def log(self) -> str:
        return "\n".join(f"{path.name}:\n{path.read_text()[-2000:]}" for path in RUN.glob("*.log"))

    # --- as ML2/OVN does ----------------------------------------------------------------------------------------------

    def add_networks(self, numbers: Iterable[int], *, metadata: bool = True) -> None:
        """Networks with a subnet of each version and their metadata ports."""
        words: list[str] = []
        for number in numbers:
            switch = f"neutron-{network_id(number)}"
            words += ["--", "ls-add", switch]
            words += ["--", "set", "Logical_Switch", switch, f"external_ids:neutron\\:network_name=n{number}"]
            if metadata:
                words += self._metadata_port(number)
        self.nbctl(*words[1:])

    def add_metadata_port(self, number: int) -> None:
        self.nbctl(*self._metadata_port(number)[1:])

    def _metadata_port(self, number: int) -> list[str]:
        switch, port = f"neutron-{network_id(number)}", metadata_port(number)
        ids = {"cidrs": "10.0.0.2/24 fd00::2/64", "device_id": f"ovnmeta-{network_id(number)}", "mtu": "1400"}
        ids |= {"project_id": PROJECT, "device_owner": "network:distributed"}
        return [
            *("--", "lsp-add", switch, port, "--", "lsp-set-type", port, "localport"),
            *("--", "lsp-set-addresses", port, f"fa:16:3f:00:{number >> 8:02x}:{number & 255:02x} 10.0.0.2 fd00::2"),
            *("--", "set", "Logical_Switch_Port", port, *_external_ids(ids)),
        ]

    def add_ports(self, *guests: Guest) -> None:
        """Ports in the databases; they are bound once a device bears their id."""
        words: list[str] = []
        for guest in guests:
            prefixes = " ".join(f"{ip}/{64 if ':' in ip else 24}" for ip in guest.ips)
            ids = {"cidrs": prefixes, "device_id": guest.instance, "project_id": PROJECT, "port_name": ""}
            words += [
                *("--", "lsp-add", f"neutron-{network_id(guest.network)}", guest.id),
                *("--", "lsp-set-addresses", guest.id, f"{guest.mac} {' '.join(guest.ips)}"),
                *("--", "set", "Logical_Switch_Port", guest.id, *_external_ids(ids)),
            ]
        self.nbctl(*words[1:])

    def plug(self, *guests: Guest) -> None:
        """Make devices of the switch for these ports; ovn-controller then binds them."""
        words: list[str] = []
        for guest in guests:
            interface = ("set", "Interface", guest.device, "type=internal", f"external_ids:iface-id={guest.id}")
            words += ["--", "add-port", "br-int", guest.device, "--", *interface]
        self.switch.vsctl(*words[1:])

    def unplug(self, *guests: Guest) -> None:
        words: list[str] = []
        for guest in guests:
            words += ["--", "del-port", "br-int", guest.device]
        self.switch.vsctl(*words[1:])

    def report(self) -> dict[str, str]:
        """external_ids of the chassis's private row."""
        text = self.sbctl("--bare", "--columns=external_ids", "find", "Chassis_Private", f"name={CHASSIS}")
        return dict(pair.split("=", 1) for pair in text.split())


def _external_ids(values: dict[str, str]) -> list[str]:
    return [f'external_ids:neutron\\:{key}="{value}"' for key, value in values.items()]
