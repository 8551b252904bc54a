"""A guest's metadata comes from Nova's own API, over TLS with certificates on both sides."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.nova.conftest import NOVA
from tests.peers.cloud_guest import CloudGuest
from tests.peers.guests import Document, make_guest, network, port, wait_for_device
from tests.peers.metadata_guest import connect, curl
from tests.peers.node import HOME, Node
from tests.peers.test_cloud_init import NOVA as SMBIOS
from tests.unit.services.metadata.io.certificates import Certificates, make_certificates

MAC, INSTANCE, PROJECT = "fa:16:3e:00:32:11", "5f7c2b3e-8a1d-4c6f-9b0e-3d2a1c4b5e6f", "1d2c3b4a"
SECRET = "a secret of Nova's and ours"


@contextmanager
def nova(certificates: Certificates) -> Iterator[str]:
    """Nova's metadata API; its URL."""
    directory = certificates.authority.parent
    command = [str(NOVA / "bin/python"), str(Path(__file__).with_name("api.py")), str(directory), SECRET]
    with (directory / "nova.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (directory / "nova.log").read_text()
        yield f"https://127.0.0.1:{int(line)}"
    finally:
        process.kill()
        process.wait()


def proxied(**fields: Any) -> Document:
    return {**network("blue", port("guest", MAC, "10.20.0.11", **fields)), "metadata": "proxy", "project_id": PROJECT}


def settings(certificates: Certificates, url: str, secret: str = SECRET) -> Document:
    return {
        "metadata_proxy": {
            "endpoints": [url],
            "shared_secret": secret,
            "ca_file": str(certificates.authority),
            "client_certificate": str(certificates.client),
            "client_key": str(certificates.client_key),
        }
    }


def test_a_guest_boots_with_what_nova_says() -> None:
    guest = make_guest("guest")
    certificates = make_certificates(HOME / "certificates")
    with nova(certificates) as url, Node(proxied(device_id=INSTANCE), **settings(certificates, url)) as node:
        node.wait_until_right()
        wait_for_device(guest)
        booted = CloudGuest(guest, "OpenStack", SMBIOS)
        booted.boot()
        assert booted.file("/var/tmp/written") == "by Nova"
        assert booted.file("/var/lib/cloud/data/instance-id") == f"{INSTANCE}\n"
        found = node.status("blue")["services"]["metadata"]
        assert found["mode"] == "proxy" and found["answers"]["200"] >= 5
        assert SECRET not in json.dumps(node.status()) + json.dumps(found) + node.log.read_text()


def test_what_nova_refuses() -> None:
    guest = make_guest("guest")
    certificates = make_certificates(HOME / "certificates")
    with nova(certificates) as url, Node(proxied(device_id=INSTANCE), **settings(certificates, url)) as node:
        node.wait_until_right()
        connect(guest)
        assert curl(guest, "/latest/meta-data/instance-id") == (200, "i-00000001")
        assert curl(guest, "/latest/meta-data/no-such-thing")[0] == 404
        node.write(proxied(device_id=INSTANCE), **settings(certificates, url, "another secret"))
        node.wait_for_answer(lambda: curl(guest, "/latest/meta-data/instance-id")[0] == 403)
        node.write(proxied(device_id="6f7c2b3e-8a1d-4c6f-9b0e-3d2a1c4b5e6f"), **settings(certificates, url))
        node.wait_for_answer(lambda: curl(guest, "/latest/meta-data/instance-id")[0] == 404)
        node.write({**proxied(device_id=INSTANCE), "project_id": "another"}, **settings(certificates, url))
        node.wait_for_answer(lambda: curl(guest, "/latest/meta-data/instance-id")[0] == 404)
        node.write(proxied(device_id=INSTANCE), **settings(certificates, url))
        node.wait_for_answer(lambda: curl(guest, "/latest/meta-data/instance-id")[0] == 200)
    # Nova's own check of the certificate, and what a guest hears when Nova is away, are in the unit tests
