"""cloudbase-init's own services read embedded metadata, and post the password that it made up."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.nova.conftest import NOVA
from tests.peers.guests import make_guest, network, port, run_in
from tests.peers.metadata_guest import connect
from tests.peers.node import Node

INSTANCE = {
    "id": "5f7c2b3e-8a1d-4c6f-9b0e-3d2a1c4b5e6f",
    "hostname": "windows",
    "public_keys": {"one": "ssh-ed25519 AAAAC3 one", "two": "ssh-ed25519 AAAAC4 two"},
    "user_data": "rem cmd\r\necho hello\r\n",
    "admin_password": "for the first login",
}
COMMON = {
    "loaded": True,
    "instance_id": INSTANCE["id"],
    "host_name": "windows",
    "user_data": INSTANCE["user_data"],
}


@pytest.mark.parametrize("service", ["openstack", "ec2"])
def test_what_it_reads(service: str) -> None:
    guest = make_guest("guest")
    blue = network("blue", port("guest", "fa:16:3e:00:33:11", "10.20.0.11", instance=INSTANCE))
    with Node({**blue, "metadata": "embedded"}) as node:
        node.wait_until_right()
        connect(guest)
        said = run_in(guest, str(NOVA / "bin/python"), str(Path(__file__).with_name("cloudbase.py")), service)
        found: dict[str, Any] = json.loads(said)
    keys = set(found.pop("public_keys"))
    assert keys == {"ssh-ed25519 AAAAC3 one", "ssh-ed25519 AAAAC4 two"}
    if service == "openstack":
        (link,) = found.pop("details")["links"]
        assert link["mac_address"] == "fa:16:3e:00:33:11"
        assert found == {
            **COMMON,
            "certificates": [],
            "admin_password": "for the first login",
            "can_post_password": True,
            "password_was_set": False,
            "posted": True,
            "password_is_set": True,
            "posted_again": 409,
        }
    else:
        assert found == COMMON
