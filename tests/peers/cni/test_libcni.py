"""netmend-cni, called by libcni (Debian's, 1.1.2): the code by which containerd, CRI-O and Podman call CNI plugins.

It speaks the specification up to 1.0: GC and STATUS of 1.1 are tested in tests/kernel/attach/test_cni.py alone.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.store_node import make_guest, make_network, store_node

TOP = Path(__file__).parents[3]
OURS = Path(sys.executable).parent
DEBIANS = TOP / ".tools" / "cni-root" / "usr" / "lib" / "cni"


@pytest.fixture(scope="module", autouse=True)
def libcni() -> None:
    """Built, outside the sandbox, when it is not there."""
    subprocess.run([str(TOP / "tools" / "cni-runtime")], check=True)


def runtime(verb: str, configuration: str, container: str, *more: str, code: int = 0) -> Any:
    done = subprocess.run(
        ["cni-runtime", verb, configuration, container, f"/run/netns/{container}", "eth0", *more],
        env={**os.environ, "CNI_PATH": f"{OURS}:{DEBIANS}", "CNI_CACHE": "/run/cni-cache"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def write(version: str, *after: dict[str, Any]) -> str:
    path = Path(f"/run/lab-{version}.conflist")
    ours = {"type": "netmend-cni", "network": "lab", "capabilities": {"ips": True}}
    path.write_text(json.dumps({"cniVersion": version, "name": "lab", "plugins": [ours, *after]}))
    return str(path)


@pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.0.0"])
def test_two_containers_are_joined_and_reach_each_other(version: str) -> None:
    with store_node() as api:
        make_network(api, "lab", gateway_ip=None)
        configuration = write(version, {"type": "tuning", "sysctl": {"net.ipv4.conf.eth0.arp_filter": "1"}})
        assert runtime("validate", configuration, "any") == ["ips"]
        make_guest("one")
        make_guest("two")
        first = runtime("add", configuration, "one")
        second = runtime("add", configuration, "two", "192.0.2.99")
        assert second["ips"][0]["address"] == "192.0.2.99/24"
        inside = ["nsenter", "--net=/run/netns/one", "busybox"]
        said = subprocess.run(
            [*inside, "ping", "-c", "1", "-W", "2", "192.0.2.99"], capture_output=True, text=True, check=False
        )
        assert said.returncode == 0, said.stdout + said.stderr
        if version != "0.3.1":  # which knows no CHECK
            runtime("check", configuration, "one")
        address = first["ips"][0]["address"]
        subprocess.run(
            ["nsenter", "--net=/run/netns/one", "busybox", "ip", "addr", "del", address, "dev", "eth0"], check=True
        )
        if version != "0.3.1":
            assert f"eth0 has no address {address}" in runtime("check", configuration, "one", code=1)
        for container in ("one", "two", "two"):
            runtime("del", configuration, container)
        assert api.ports(device_owner="cni:netmend") == []


def test_libcni_tells_the_runtime_why() -> None:
    with store_node() as api:
        network = make_network(api, "lab", "192.0.2.0/29")
        configuration = write("1.0.0")
        said = runtime("add", configuration, "nobody", code=1)
        assert "open /run/netns/nobody" in said
        for number in range(6):
            make_guest(f"c{number}")
        for number in range(4):
            runtime("add", configuration, f"c{number}")
        assert "No more IP addresses available" in runtime("add", configuration, "c5", code=1)
        assert len(api.ports(network_id=network["id"], device_owner="cni:netmend")) == 4
