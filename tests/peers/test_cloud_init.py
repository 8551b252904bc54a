"""Debian's cloud-init finds its data source by itself, from DHCP to user data."""

import base64
import gzip
import hashlib
import json
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from tests.peers.cloud_guest import CloudGuest
from tests.peers.guests import make_guest, network, port, wait_for_device
from tests.peers.metadata_guest import connect
from tests.peers.node import Node

MAC = "fa:16:3e:00:31:11"
USER_DATA = """#cloud-config
write_files:
  - {path: /var/tmp/written, content: "by write_files"}
runcmd:
  - [sh, -c, "echo by runcmd > /var/tmp/ran"]
"""
NOVA = {"product_name": "OpenStack Nova", "chassis_asset_tag": "", "sys_vendor": "OpenStack Foundation"}
AMAZON = {
    "product_uuid": "ec2d2d2d-0000-4000-8000-000000000001",
    "product_serial": "ec2d2d2d-0000-4000-8000-000000000001",
    "sys_vendor": "Amazon EC2",
    "chassis_asset_tag": "",
}


def boot(datasource: str, smbios: dict[str, str], *, connected: bool = False, **instance: object) -> str:
    """Boot a guest; the data source that it found. `connected`: it has an address and routes before."""
    guest = make_guest("guest")
    described = {"id": "i-cloud", "user_data": USER_DATA, "public_keys": {"k": "ssh-ed25519 AAAAC3 me"}, **instance}
    blue = {**network("blue", port("guest", MAC, "10.20.0.11", instance=described)), "metadata": "embedded"}
    with Node(blue) as node:
        node.wait_until_right()
        wait_for_device(guest)
        booted = CloudGuest(guest, datasource, smbios)
        if connected:
            connect(guest)
        booted.boot()
        assert booted.file("/var/tmp/written") == "by write_files"
        assert booted.file("/var/tmp/ran") == "by runcmd\n"
        assert booted.file("/var/lib/cloud/instance/user-data.txt") == USER_DATA
        assert booted.file("/var/lib/cloud/data/instance-id") == "i-cloud\n"
        result = json.loads(booted.file("/run/cloud-init/result.json"))["v1"]
        assert result["errors"] == []
        answers = node.status("blue")["services"]["metadata"]
        assert (answers["tokens"] > 0) == (smbios is AMAZON)
        assert set(answers["answers"]) <= {"200", "404"}
    return str(result["datasource"])


def test_openstack() -> None:
    assert boot("OpenStack", NOVA).startswith("DataSourceOpenStackLocal [net,ver=2]")


def test_ec2_with_tokens() -> None:
    assert boot("Ec2", AMAZON, tokens="required").startswith("DataSourceEc2Local")


def test_ec2_without() -> None:
    """Where nothing says that this is Amazon's cloud, it asks without a token, once the network is up."""
    assert boot("Ec2", {}, connected=True).startswith("DataSourceEc2")


def test_user_data_of_64_kib_packed_and_in_parts() -> None:
    """gzip around MIME parts, as `cloud-init devel make-mime` and Terraform make it, and as much as Nova allows."""
    script = "#!/bin/sh\necho by a script > /var/tmp/ran\n"
    filling = base64.b64encode(
        bytes(hashlib.sha256(bytes((n % 256, n // 256))).digest()[0] for n in range(50_000))
    ).decode()
    whole = MIMEMultipart()
    whole.attach(
        MIMEText(f"#cloud-config\nwrite_files:\n  - {{path: /var/tmp/written, content: {filling}}}\n", "cloud-config")
    )
    whole.attach(MIMEText(script, "x-shellscript"))
    packed = gzip.compress(whole.as_bytes())
    assert 45_000 < len(packed) < 65_535 < len(whole.as_bytes())
    guest = make_guest("guest")
    described = {"id": "i-large", "user_data_base64": base64.b64encode(packed).decode()}
    blue = {**network("blue", port("guest", MAC, "10.20.0.11", instance=described)), "metadata": "embedded"}
    with Node(blue):
        wait_for_device(guest)
        booted = CloudGuest(guest, "OpenStack", NOVA)
        booted.boot()
        assert booted.file("/var/tmp/written") == filling
        assert booted.file("/var/tmp/ran") == "by a script\n"
