"""A guest that boots with Debian's cloud-init, in a root directory of its own: nothing of the host's can be written.

The root is the host's, bound and made read-only, with empty tmpfs where a system keeps what is its own. /sys shows the
guest's devices, and the SMBIOS names by which cloud-init tells one cloud from another.
"""

import subprocess

import yaml
from tests.conftest import PROGRAMS
from tests.peers.node import HOME

from netmend.kernel import mounts, syscalls
from netmend.kernel.netns import Netns

_OWN = ("etc", "var", "run", "tmp", "root", "home", "sys", "mnt")
_CONFIGURATION = {
    "disable_root": False,
    "users": [],
    "preserve_hostname": True,
    "network": {"config": "disabled"},
    "cloud_init_modules": ["bootcmd", "write-files"],
    "cloud_config_modules": ["runcmd"],
    "cloud_final_modules": ["scripts-user"],
    "system_info": {
        "distro": "debian",
        "paths": {"cloud_dir": "/var/lib/cloud", "templates_dir": "/etc/cloud/templates"},
    },
}
_STAGES = (("init", "--local"), ("init",), ("modules", "--mode=config"), ("modules", "--mode=final"))


class CloudGuest:
    """The guest in a namespace; it must be made before anything else is mounted over /run."""

    def __init__(self, guest: Netns, datasource: str, smbios: dict[str, str]) -> None:
        """`datasource` is the only one that cloud-init may find; `smbios` are files of /sys/class/dmi/id."""
        self.guest = guest
        self.root = HOME / f"root-{guest.label}"
        self.root.mkdir(parents=True)
        mounts.bind("/", str(self.root), recursive=True)
        mounts.make_read_only(str(self.root))
        for name in _OWN:
            if (self.root / name).is_dir():
                mounts.mount_tmpfs(str(self.root / name))
        tools = self.root / PROGRAMS.parent.relative_to("/")
        if not tools.exists():  # the checkout lies below one of those
            tools.mkdir(parents=True)
            mounts.bind(str(PROGRAMS.parent), str(tools))
        self._make_sys(smbios)
        self._make_etc(datasource)
        self._be_no_container()
        (self.root / "tmp").chmod(0o1777)
        for directory in ("var/lib/cloud", "var/log", "var/tmp", "var/lib/dhcp", "run/cloud-init"):
            (self.root / directory).mkdir(parents=True)

    def _be_no_container(self) -> None:
        """cloud-init trusts SMBIOS only in what is no container, as a guest is none and this machine may be one."""
        (self.root / "mnt/bin").mkdir()
        detect = self.root / "mnt/bin/systemd-detect-virt"
        detect.write_text("#!/bin/sh\nexit 1\n")
        detect.chmod(0o755)
        (self.root / "mnt/environ").write_text("HOME=/\0")
        mounts.bind(str(self.root / "mnt/environ"), str(self.root / "proc/1/environ"))

    def _make_sys(self, smbios: dict[str, str]) -> None:
        sys, real = self.root / "sys", self.root / "mnt" / "sys"
        real.mkdir()
        with self.guest.entered():
            syscalls.mount("sysfs", str(real), "sysfs", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
        for directory in ("devices", "class/net"):
            (sys / directory).mkdir(parents=True)
            mounts.bind(str(real / directory), str(sys / directory))
        identity = sys / "class/dmi/id"
        identity.mkdir(parents=True)
        for name, value in smbios.items():
            (identity / name).write_text(f"{value}\n")

    def _make_etc(self, datasource: str) -> None:
        etc = self.root / "etc"
        (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        (etc / "group").write_text("root:x:0:\nadm:x:4:\nsyslog:x:5:\n")
        (etc / "cloud").mkdir()
        once = {datasource: {"max_wait": 30, "timeout": 5, "retries": 2}}
        configuration = {**_CONFIGURATION, "datasource_list": [datasource], "datasource": once}
        (etc / "cloud/cloud.cfg").write_text(yaml.safe_dump(configuration))
        (etc / "dhcp").mkdir()
        debians = PROGRAMS.parent / "root/etc/dhcp/dhclient.conf"  # asks for classless routes
        (etc / "dhcp/dhclient.conf").write_text(debians.read_text())

    def run(self, *command: str) -> str:
        """Run a command in the guest; what it says. Raises AssertionError with that when it fails."""
        with self.guest.entered():
            done = subprocess.run(
                ["busybox", "chroot", str(self.root), *command], check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL, cwd="/",
                env={"PATH": f"/mnt/bin:{PROGRAMS}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"},
            )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{self.log()}"
        return done.stdout

    def boot(self) -> None:
        """All stages of cloud-init, as systemd runs them."""
        for stage in _STAGES:
            self.run("cloud-init", *stage)

    def log(self) -> str:
        path = self.root / "var/log/cloud-init.log"
        return path.read_text() if path.exists() else "no log"

    def file(self, name: str) -> str:
        return self.run("cat", name)
