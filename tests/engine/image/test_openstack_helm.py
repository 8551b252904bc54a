"""The image as OpenStack-Helm's chart starts it: its commands, read-only roots, a metadata agent that is not root."""

import os
from pathlib import Path

import pytest
from tests.engine.conftest import Engine
from tests.engine.image.conftest import IMAGE
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(0)  # the first test that asks for the image builds it
HOST_FILE = "/tmp/pod-shared/neutron-agent.ini"
INIT = f"set -ex; mkdir -p /tmp/pod-shared; (echo '[DEFAULT]'; echo host = $(hostname --fqdn)) | tee {HOST_FILE}"
DHCP = f"exec neutron-dhcp-agent --config-file /etc/neutron/neutron.conf --config-file {HOST_FILE} \\\n"
DHCP += "  --config-file /etc/neutron/dhcp_agent.ini \\\n"
METADATA = "exec neutron-metadata-agent --config-file /etc/neutron/neutron.conf \\\n"
METADATA += f"  --config-file {HOST_FILE} --config-file /etc/neutron/metadata_agent.ini \\\n"
SOCKET = "/var/lib/neutron/openstack-helm/metadata_proxy"
PROBE = """
import http.client, socket
one = http.client.HTTPConnection("metadata")
one.sock = socket.socket(socket.AF_UNIX)
one.sock.connect("/var/lib/neutron/openstack-helm/metadata_proxy")
headers = {"X-Forwarded-For": "169.254.169.254", "X-Neutron-Router-ID": "pod-health-probe-check-ignore-errors"}
one.request("GET", "/", headers=headers)
print(one.getresponse().status)
"""


def start(engine: Engine, name: str, directory: Path, script: str, *options: str) -> None:
    """A container with the chart's mounts: /tmp, the state path and /run/netmend are empty directories."""
    (directory / f"{name}.sh").write_text(f"#!/bin/bash\nset -x\n{script}  --config-dir /etc/neutron/neutron.conf.d\n")
    (directory / f"{name}.sh").chmod(0o755)
    mounts = []
    for number, place in enumerate(("/tmp", "/var/lib/neutron", "/run/netmend")):
        empty = directory / f"{name}-{number}"
        empty.mkdir()
        empty.chmod(0o777)
        mounts += ["-v", f"{empty}:{place}"]
    mounts += ["-v", f"{directory}/etc:/etc/neutron:ro", "-v", f"{directory}/host:/var/lib/neutron/openstack-helm"]
    mounts += ["-v", f"{directory}/{name}.sh:/tmp/{name}.sh:ro"]
    common = ["--read-only", "--network", "host", "--name", name, *mounts]
    # what the init containers of both pods write, with this image too
    engine.docker("run", "--rm", *common, *options, IMAGE, "bash", "-c", INIT)
    engine.docker("run", "-d", *common, *options, IMAGE, f"/tmp/{name}.sh")


def test_both_agents(engine: Engine, tmp_path: Path) -> None:
    for directory in ("etc/neutron.conf.d", "host"):
        (tmp_path / directory).mkdir(parents=True)
    os.chown(tmp_path / "host", 42424, 0)  # as the chart's neutron-metadata-agent-init does
    (tmp_path / "etc" / "neutron.conf").write_text(
        "[DEFAULT]\ntransport_url = rabbit://a:b@127.0.0.1:5672/\nlog_config_append = /etc/neutron/logging.conf\n"
        f"state_path = /var/lib/neutron\nmetadata_proxy_socket = {SOCKET}\n"
    )
    (tmp_path / "etc" / "dhcp_agent.ini").write_text(
        "[DEFAULT]\ninterface_driver = openvswitch\nforce_metadata = true\n"
    )
    (tmp_path / "etc" / "metadata_agent.ini").write_text("[DEFAULT]\nmetadata_proxy_shared_secret = password\n")
    netns = ("-v", "/run/netns:/run/netns:shared")
    start(engine, "dhcp", tmp_path, DHCP, "--privileged", "--user", "0", *netns)
    start(engine, "metadata", tmp_path, METADATA, "--user", "42424:0")

    def said() -> str:
        return "".join(engine.host("docker", "logs", name, check=False).stderr for name in ("dhcp", "metadata"))

    def answer() -> str:
        return engine.in_container("metadata", "python", "-c", PROBE, check=False).stdout.strip()

    wait_for(lambda: answer() == "404", "the probe's question is answered", said, every=0.5)
    wait_for(
        lambda: "waiting for the server: no networks are known yet" in said(), "the DHCP agent waits", said, every=0.5
    )
    for name, word in (("dhcp", "live"), ("metadata", "ready")):
        assert engine.in_container(name, "netmend", "health", word, check=False).returncode == 0, said()
    assert (tmp_path / "host" / "netmend" / "neutron.sqlite").exists(), "state is on the host"
