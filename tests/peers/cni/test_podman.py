"""Podman (Debian's 4.3, with its CNI back end) runs containers on networks of the store; and `netmend attach` puts a
port into one that Podman made without a network."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.kernel.store_node import make_guest, make_network, store_node
from tests.sessions import compare_each, sessions_of, typed
from tests.waiting import wait_for

TOP = Path(__file__).parents[3]
HOME = Path("/run/p")
SOCKET = Path("/run/podman/podman.sock")


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    """Set up, outside the sandbox, when they are not there."""
    subprocess.run([str(TOP / "tools" / "setup-programs"), "podman"], check=True)


def prepare(plugin_directory: Path) -> None:
    """Podman with all it keeps below HOME, and a root file system of nothing but busybox."""
    for directory in (
        "net.d",
        "rootfs/bin",
        "rootfs/proc",
        "rootfs/sys",
        "rootfs/dev",
        "rootfs/etc",
        "rootfs/run",
        "tmp",
    ):
        (HOME / directory).mkdir(parents=True)
    shutil.copy(TOP / ".tools" / "root" / "bin" / "busybox", HOME / "rootfs" / "bin" / "busybox")
    (HOME / "rootfs" / "bin" / "sh").symlink_to("busybox")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/sys/fs/cgroup"], check=True)  # crun takes no hybrid hierarchy
    conflist = {"cniVersion": "0.4.0", "name": "lab", "plugins": [{"type": "netmend-cni", "network": "lab"}]}
    (HOME / "net.d" / "lab.conflist").write_text(json.dumps(conflist))
    (HOME / "containers.conf").write_text(
        '[containers]\ncgroups="disabled"\n'
        f'[network]\nnetwork_backend="cni"\ncni_plugin_dirs=["{plugin_directory}"]\n'
        f'network_config_dir="{HOME}/net.d"\ndefault_network="lab"\n'
        '[engine]\ncgroup_manager="cgroupfs"\nevents_logger="file"\nruntime="crun"\n'
        f'conmon_path=["{shutil.which("conmon")}"]\n[engine.runtimes]\ncrun=["{shutil.which("crun")}"]\n'
    )
    (HOME / "storage.conf").write_text(
        f'[storage]\ndriver="vfs"\nrunroot="{HOME}/runroot"\ngraphroot="{HOME}/storage"\n'
    )
    os.environ.pop("DOCKER_CONFIG", None)  # podman reads it too, and fails where it leads nowhere
    os.environ.update(
        CONTAINERS_CONF=f"{HOME}/containers.conf",
        CONTAINERS_STORAGE_CONF=f"{HOME}/storage.conf",
        TMPDIR=f"{HOME}/tmp",
        HOME=str(HOME),
    )


def podman(*arguments: str) -> str:
    done = subprocess.run(
        ["podman", "--network-config-dir", f"{HOME}/net.d", *arguments],
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_container(how: str, name: str, network: str, command: str) -> str:
    where = ("--name", name, "--network", network, "--rootfs", f"{HOME}/rootfs")
    return podman("run", how, *where, "/bin/sh", "-c", command)


@pytest.mark.root_sandbox
def test_podman_joins_a_container_to_a_network_of_the_store_and_takes_it_out() -> None:
    prepare(Path(sys.executable).parent)
    with store_node() as api:
        make_network(api, "lab", gateway_ip="192.0.2.1")
        run_container("-d", "c1", "lab", "exec /bin/busybox sleep 600")
        told = podman("exec", "c1", "/bin/sh", "-c", "/bin/busybox ip -o addr show eth0; /bin/busybox ip route")
        port = api.ports(device_owner="cni:netmend")[0]
        assert f"inet {port['fixed_ips'][0]['ip_address']}/24" in told
        assert "default via 192.0.2.1 dev eth0" in told
        podman("rm", "-f", "-t", "0", "c1")
        assert api.ports(device_owner="cni:netmend") == []


@pytest.mark.root_sandbox
def test_attach_finds_podmans_container_by_name_and_by_id() -> None:
    prepare(Path(sys.executable).parent)
    with store_node() as api, service():
        network = make_network(api, "lab")
        api.create_port({"network_id": network["id"], "name": "guest"})
        identifier = podman(
            "run",
            "-d",
            "--name",
            "web",
            "--network",
            "none",
            "--rootfs",
            f"{HOME}/rootfs",
            "/bin/sh",
            "-c",
            "sleep 600",
        ).strip()
        for called in ("web", identifier[:12]):
            attach = [sys.executable, "-m", "netmend.cli", "attach", "guest", "--container", called, "--device", "eth0"]
            done = subprocess.run(attach, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
        assert api.port("guest")["mac_address"] in podman("exec", "web", "/bin/busybox", "ip", "link", "show", "eth0")
        podman("rm", "-f", "-t", "0", "web")
        gone = subprocess.run(attach, capture_output=True, text=True, timeout=60, check=False)
        assert gone.returncode == 2
        assert f"no container {identifier[:12]} was found" in gone.stderr


@pytest.mark.root_sandbox
def test_the_session_of_the_document() -> None:
    (block,) = sessions_of(__file__, "docs/attach.md")
    prepare(Path(sys.executable).parent)
    with store_node() as api, service():
        network = make_network(api, "lab")
        make_guest("office")
        for name in ("printer", "guest-1", "guest-2"):
            api.create_port({"network_id": network["id"], "name": name})
        typed("netmend attach printer --netns office")
        run_container("-d", "web", "none", "exec /bin/busybox sleep 600")
        run_container("-d", "db", "host", "exec /bin/busybox sleep 600")
        compare_each(block, lambda command: typed(command).replace("192.0.2.4", "192.0.2.3"), generated=True)
        podman("rm", "-f", "-t", "0", "web", "db")


@contextmanager
def service() -> Iterator[None]:
    """Podman's API on its usual socket."""
    SOCKET.parent.mkdir()
    process = subprocess.Popen(
        ["podman", "system", "service", "--time", "0", f"unix://{SOCKET}"], stderr=subprocess.DEVNULL
    )
    try:

        def listens() -> bool:
            assert process.poll() is None
            return SOCKET.exists()

        wait_for(listens, "podman's API listens")
        yield
    finally:
        process.terminate()
        process.wait(20)
