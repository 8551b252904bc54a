"""A guest that boots with Debian's cloud-init, in a root directory of its own. /sys shows the guest's devices, and the
SMBIOS names by which cloud-init tells one cloud from another."""

import yaml
from tests.conftest import PROGRAMS
from tests.peers.guest_root import GuestRoot

from netmend.kernel import mounts
from netmend.kernel.netns import Netns

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


class CloudGuest(GuestRoot):
    """The guest in a namespace; it must be made before anything else is mounted over /run."""

    def __init__(self, guest: Netns, datasource: str, smbios: dict[str, str]) -> None:
        """`datasource` is the only one that cloud-init may find; `smbios` are files of /sys/class/dmi/id."""
        super().__init__(guest)
        for name, value in smbios.items():
            self.write(f"sys/class/dmi/id/{name}", f"{value}\n")
        self._make_etc(datasource)
        self._be_no_container()
        self.make("var/lib/cloud", "var/log", "var/tmp", "var/lib/dhcp", "run/cloud-init")

    def _be_no_container(self) -> None:
        """cloud-init trusts SMBIOS only in what is no container, as a guest is none and this machine may be one."""
        self.write("mnt/bin/systemd-detect-virt", "#!/bin/sh\nexit 1\n", 0o755)
        self.write("mnt/environ", "HOME=/\0")
        mounts.bind(str(self.root / "mnt/environ"), str(self.root / "proc/1/environ"))

    def _make_etc(self, datasource: str) -> None:
        once = {datasource: {"max_wait": 30, "timeout": 5, "retries": 2}}
        configuration = {**_CONFIGURATION, "datasource_list": [datasource], "datasource": once}
        self.write("etc/cloud/cloud.cfg", yaml.safe_dump(configuration))
        debians = PROGRAMS.parent / "root/etc/dhcp/dhclient.conf"  # asks for classless routes
        self.write("etc/dhcp/dhclient.conf", debians.read_text())

    def boot(self) -> None:
        """All stages of cloud-init, as systemd runs them."""
        for stage in _STAGES:
            self.run("cloud-init", *stage)

    def log(self) -> str:
        path = self.root / "var/log/cloud-init.log"
        return path.read_text() if path.exists() else "no log"
