"""A guest's first boot by Debian's cloud-init, which finds its data source by itself, by DHCP of its own."""

import json
import tempfile
from pathlib import Path

from tests.neutron.guests import Guest

_CONFIGURATION = {
    "disable_root": False,
    "users": [],
    "preserve_hostname": True,
    "network": {"config": "disabled"},
    "datasource_list": ["OpenStack"],
    "datasource": {"OpenStack": {"max_wait": 60, "timeout": 10, "retries": 3}},
    "cloud_init_modules": ["write-files"],
    "cloud_config_modules": ["runcmd"],
    "cloud_final_modules": ["scripts-user"],
    "system_info": {
        "distro": "debian",
        "paths": {"cloud_dir": "/var/lib/cloud", "templates_dir": "/etc/cloud/templates"},
    },
}
# What a machine keeps is the guest's own; by the environment of its process 1 it knows that it is Nova's.
_SCRIPT = """
set -e
for directory in /etc/cloud /var/lib/cloud /var/lib/dhcp /var/log /var/tmp /run/cloud-init; do
  mkdir -p $directory; mount -t tmpfs tmpfs $directory
done
cp {home}/cloud.cfg /etc/cloud/
mount --bind {home}/environ /proc/1/environ
mount --bind {home}/resolv.conf /etc/resolv.conf
for stage in 'init --local' init 'modules --mode=config' 'modules --mode=final'; do
  cloud-init $stage >>{home}/said 2>&1
done
cp /var/tmp/written /var/tmp/ran /run/cloud-init/result.json {home}/
cp /var/lib/cloud/data/instance-id /var/lib/cloud/instance/user-data.txt {home}/
"""


def boot(guest: Guest) -> dict[str, str]:
    """All stages of cloud-init, as systemd runs them; the files that tell what came of it, by name."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        (home / "cloud.cfg").write_text(json.dumps(_CONFIGURATION))
        (home / "environ").write_bytes(b"HOME=/\0product_name=OpenStack Nova\0")
        (home / "resolv.conf").write_text("")  # of the machine's: there is no way to it, and cloud-init waits for that
        script = _SCRIPT.replace("{home}", directory)
        guest.inside("unshare", "--mount", "sh", "-c", script, check=False, timeout=300)
        return {path.name: path.read_text(errors="replace") for path in home.iterdir()}
