"""A real Open vSwitch with the userspace datapath, inside a test's sandbox: database, ovs-vswitchd, ovs-vsctl."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Self

import pytest
from tests.waiting import wait_for

RUN = Path("/run/openvswitch")
SOCKET = RUN / "db.sock"
_PROGRAMS = ("ovsdb-server", "ovsdb-tool", "ovs-vswitchd", "ovs-vsctl", "ovs-appctl")
_SCHEMA = Path(__file__).parents[2] / ".tools/root/usr/share/openvswitch/vswitch.ovsschema"


def need_switch(*, tun: bool = True) -> None:
    """Fail where the programs are missing; skip where this user may not open /dev/net/tun, which ovs-vswitchd must."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing or not _SCHEMA.exists():
        pytest.fail(f"not there: {', '.join(missing) or _SCHEMA}; run tools/setup-programs switch", pytrace=False)
    if tun and not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("this user may not open /dev/net/tun")


class VSwitch:
    """Runs while entered, with bridge br-int (`datapath_type=netdev`)."""

    def __init__(self, *, vswitchd: bool = True) -> None:
        need_switch(tun=vswitchd)
        self._with_vswitchd = vswitchd
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = os.environ | {
            "OVS_RUNDIR": str(RUN),
            "OVS_LOGDIR": str(RUN),
            "OVS_DBDIR": str(RUN),
            "OVS_SYSCONFDIR": str(RUN),
            "OVS_PKGDATADIR": str(_SCHEMA.parent),
        }

    def __enter__(self) -> Self:
        RUN.mkdir(exist_ok=True)
        self.make_database()
        self.start_database()
        self.vsctl("--no-wait", "init")
        if self._with_vswitchd:
            self.start_vswitchd()
        self.add_bridge()
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._processes):
            self.kill(name)

    def make_database(self) -> None:
        (RUN / "conf.db").unlink(missing_ok=True)
        self._run("ovsdb-tool", "create", str(RUN / "conf.db"), str(_SCHEMA))

    def start_database(self, *more: str) -> None:
        remotes = (f"--remote=punix:{SOCKET}", "--remote=db:Open_vSwitch,Open_vSwitch,manager_options")
        self._start("ovsdb-server", str(RUN / "conf.db"), *remotes, *more)
        wait_for(SOCKET.exists, "ovsdb-server listens", self.log)

    def start_vswitchd(self) -> None:
        self._start("ovs-vswitchd", f"unix:{SOCKET}", "--disable-system")

    def add_bridge(self, name: str = "br-int") -> None:
        wait = [] if self._with_vswitchd else ["--no-wait"]
        self.vsctl(
            *wait, "--", "add-br", name, "--", "set", "Bridge", name, "datapath_type=netdev", "fail_mode=standalone"
        )

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End ovsdb-server or ovs-vswitchd, and wait until it has."""
        process = self._processes.pop(name)
        process.send_signal(number)
        process.wait()
        if name == "ovsdb-server":
            SOCKET.unlink(missing_ok=True)

    def send(self, name: str, number: signal.Signals) -> None:
        self._processes[name].send_signal(number)

    def vsctl(self, *arguments: str) -> str:
        return self._run("ovs-vsctl", f"--db=unix:{SOCKET}", "--timeout=30", *arguments)

    def ports(self, bridge: str = "br-int") -> set[str]:
        return set(self.vsctl("list-ports", bridge).split())

    def get(self, table: str, record: str, column: str) -> str:
        return self.vsctl("--if-exists", "get", table, record, column).strip()

    def log(self) -> str:
        return "\n".join(path.read_text() for path in RUN.glob("*.log"))

    def _start(self, name: str, *arguments: str) -> None:
        command = [name, *arguments, f"--log-file={RUN}/{name}.log", f"--unixctl={RUN}/{name}.ctl", "-vconsole:off"]
        self._processes[name] = subprocess.Popen(command, env=self._environment)

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout
