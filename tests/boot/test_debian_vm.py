"""A whole Debian with cloud-init: from power-on, through klibc's ipconfig in its initramfs, dhclient and
systemd-networkd, to what its user data does."""

import base64
import gzip
import re
from collections.abc import Mapping
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from ipaddress import IPv4Address, IPv4Interface

import pytest
from tests.boot import machine
from tests.peers.guests import make_guest, network, run_in, wait_for_device
from tests.peers.node import Document, Node
from tests.waiting import wait_for

from netmend.intent.names import id_from_name, tap_name
from netmend.kernel.addresses import add_address
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns

MAC = "52:54:00:31:00:01"
TAP = tap_name(id_from_name("port", "vms", "vm"))
LIMIT = 900.0  # seconds: it takes 80 to 150
pytestmark = pytest.mark.timeout(LIMIT + 60)
NOVA = {"manufacturer": "OpenStack Foundation", "product": "OpenStack Nova"}
IPCONFIG = {
    "IPV4ROUTE0SUBNET": "169.254.169.254/32", "IPV4ROUTE0GATEWAY": "10.20.0.2",
    "IPV4ROUTE1SUBNET": "0.0.0.0/0", "IPV4ROUTE1GATEWAY": "10.20.0.1",
    "IPV4DNS0": "10.20.0.2", "HOSTNAME": "apple", "DNSDOMAIN": "example.org", "DHCPLEASETIME": "86400",
}  # fmt: skip
AMAZON = {
    "manufacturer": "Amazon EC2",
    "uuid": "ec2d2d2d-0000-4000-8000-000000000001",
    "serial": "ec2d2d2d-0000-4000-8000-000000000001",
}
# Each line is one write, so it stays whole among what others say on the console.
SCRIPT = """#!/bin/sh
say() { echo "guest: $1=$2." >/dev/ttyS0; }
say hostname "$(hostname)"
say address "$(ip -4 -o address show dev eth0 | awk '{print $4}')"
say other "$(getent ahostsv4 other.example.org | awk '{print $1; exit}')"
say networkd "$(networkctl --no-pager status eth0 | grep -c 'DHCP4 via')"
say written "$(cat /var/tmp/written)"
"""
CLOUD_CONFIG = """#cloud-config
write_files:
  - {path: /var/tmp/written, content: "by write_files"}
"""


def packed() -> str:
    """A script and a cloud-config as MIME parts, with gzip around them."""
    whole = MIMEMultipart()
    whole.attach(MIMEText(CLOUD_CONFIG, "cloud-config"))
    whole.attach(MIMEText(SCRIPT, "x-shellscript"))
    return base64.b64encode(gzip.compress(whole.as_bytes())).decode()


def plain() -> str:
    """A cloud-config alone, whose commands are the script."""
    body = "".join(f"      {line}\n" for line in SCRIPT.splitlines()[1:])
    return f"{CLOUD_CONFIG}runcmd:\n  - - sh\n    - -c\n    - |\n{body}"


def boot(addresses: list[str], smbios: Mapping[str, str], **instance: object) -> tuple[IPv4Address, str, Document]:
    """Power on, until cloud-init says that it has finished; its address, the console, and the network's status."""
    guest = make_guest("other")
    key = (machine.DEBIAN / "key.pub").read_text().strip()
    described = {"id": "i-vm", "public_keys": {"k": key}, **instance}
    plug = {"tap": {"owner": 0}}
    vm = {"name": "vm", "hostname": "apple", "mac": MAC, "fixed_ips": addresses, "plug": plug, "instance": described}
    other = {"name": "other", "hostname": "other", "fixed_ips": ["10.20.0.12"], "plug": {"netns": "other"}}
    vms = network("vms", vm, other, dynamic=True, pools=["10.20.0.100 - 10.20.0.120"], domain="example.org")
    with Node({**vms, "dns": True, "metadata": "embedded"}) as node:
        node.wait_until_right()
        with machine.debian(TAP, MAC, smbios) as debian:
            wait_for(
                lambda: re.search(r"Cloud-init v\. .* finished at .*\n", debian.console),
                "cloud-init says that it has finished",
                lambda: f"{debian.explain()}\n{node.explain()}",
                seconds=LIMIT,
                every=1,
            )
            address = right(debian.console)
            assert log_in(guest, address) == "apple\n"
            return address, debian.console, node.status("vms")


def right(console: str) -> IPv4Address:
    """Check what does not depend on the cloud; the one address that the guest had all the while."""
    said = dict(re.findall(r"guest: (\w+)=(.*)\.\n", console))
    address = IPv4Interface(said.pop("address"))
    assert address.network.prefixlen == 24
    assert said == {"hostname": "apple", "other": "10.20.0.12", "networkd": "1", "written": "by write_files"}, console
    by_ipconfig = dict(re.findall(r"ipconfig: (\w+)='(.*)'\n", console))
    assert by_ipconfig == {**by_ipconfig, **IPCONFIG, "IPV4ADDR": str(address.ip)}
    assert "[WARNING]" not in console
    return address.ip


def log_in(guest: Netns, address: IPv4Address) -> str:
    """Ask for the host name by SSH, from another port of the network, as the user that cloud-init made."""
    device = wait_for_device(guest)
    with guest.entered(), RouteSocket() as route:
        add_address(route, device, IPv4Interface("10.20.0.12/24"))
    options = ["-F", "none", "-i", str(machine.DEBIAN / "key")]
    options += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"]
    return run_in(guest, "ssh", *options, f"debian@{address}", "hostname")


@pytest.fixture(autouse=True)
def system() -> None:
    if not (machine.DEBIAN / "set-up").exists():
        pytest.fail("there is no .tools/debian-vm; run make setup-vm", pytrace=False)


def test_openstack() -> None:
    """A fixed address; user data packed with gzip, in parts."""
    address, console, status = boot(["10.20.0.11"], NOVA, user_data_base64=packed())
    assert address == IPv4Address("10.20.0.11")
    assert "Datasource DataSourceOpenStackLocal [net,ver=2]" in console
    assert set(status["services"]["metadata"]["answers"]) <= {"200", "404"}


def test_ec2() -> None:
    """An address of the pool, the same for each of its clients; tokens required; user data as they are."""
    address, console, status = boot([], AMAZON, user_data=plain(), tokens="required")
    assert IPv4Address("10.20.0.100") <= address <= IPv4Address("10.20.0.120")
    assert "Datasource DataSourceEc2Local" in console
    assert status["services"]["metadata"]["tokens"] > 0
