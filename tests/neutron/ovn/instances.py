"""Nova's metadata API for instances that boot: a few documents, and else who asks."""

import json

from tests.neutron.cloud import wait_until
from tests.neutron.guests import Guest
from tests.neutron.nova import Nova

INSTANCES = ("11111111-2222-4333-8444-000000000001", "11111111-2222-4333-8444-000000000002")
STATEFUL = {"ipv6_address_mode": "dhcpv6-stateful", "ipv6_ra_mode": "dhcpv6-stateful"}

USER_DATA = """#cloud-config
write_files:
  - {path: /var/tmp/written, content: "by write_files"}
runcmd:
  - [sh, -c, "echo by runcmd > /var/tmp/ran"]
"""
WHO = "/who"
_RELEASES = ("2018-08-27", "latest")


class Instances(Nova):
    """OpenStack's tree of documents, as far as cloud-init asks for it, and who asks at WHO."""

    def answer(self, instance: str) -> tuple[int, bytes | None]:
        if self.path == WHO:
            return 200, None
        document = _documents(instance).get(self.path.rstrip("/"))
        return (404, b"") if document is None else (200, document.encode())


def _documents(instance: str) -> dict[str, str]:
    found = {"/openstack": "\n".join(_RELEASES)}
    meta = {"uuid": instance, "name": "vm", "hostname": "vm", "availability_zone": "nova", "meta": {}}
    for release in _RELEASES:
        found[f"/openstack/{release}/meta_data.json"] = json.dumps(meta)
        found[f"/openstack/{release}/user_data"] = USER_DATA
        found[f"/openstack/{release}/vendor_data.json"] = "{}"
    ec2 = {"instance-id": "i-00000001", "local-hostname": "vm"}
    found["/latest/meta-data"] = "\n".join(ec2)
    return found | {f"/latest/meta-data/{name}": value for name, value in ec2.items()}


def ask(guest: Guest, host: str = "169.254.169.254") -> dict[str, str]:
    """What Nova is told of who asks, asked until there is an answer."""
    command = ("curl", "-g", "-s", "-f", "-m", "5", f"http://{host}{WHO}")
    wait_until(lambda: guest.inside(*command, check=False), f"metadata of {host} for {guest.name}")
    found: dict[str, str] = json.loads(guest.inside(*command))
    return found
