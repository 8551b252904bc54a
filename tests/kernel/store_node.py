"""A node on its store, in the sandbox of a test, and its API over the unix socket."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import wait_for

from netmend.attach.client import Api, Document, NoApi
from netmend.kernel import netns
from netmend.kernel.netns import Netns

SOCKET = Path("/run/netmend/api.sock")


@contextmanager
def store_node() -> Iterator[Api]:
    """`netmend run --store`, on its socket alone, until the block ends."""
    command = [sys.executable, "-m", "netmend.cli", "run", "--store", "--api-listen", "socket"]
    with Path("/run/node.log").open("wb") as log:
        process = subprocess.Popen([*command, "--state-dir", "/run/state"], stderr=log)
    api = Api(SOCKET)
    try:

        def answers() -> bool:
            try:
                api.ports()
            except NoApi:
                assert process.poll() is None, Path("/run/node.log").read_text()
                return False
            return True

        wait_for(answers, "the node's API answers", Path("/run/node.log").read_text)
        yield api
    finally:
        process.terminate()
        process.wait(30)


def make_network(api: Api, name: str, cidr: str = "192.0.2.0/24", **subnet: object) -> Document:
    """A network with one subnet."""
    network: Document = api.ask("POST", "/v2.0/networks", {"network": {"name": name}})["network"]
    values = {"network_id": network["id"], "ip_version": 6 if ":" in cidr else 4, "cidr": cidr, **subnet}
    api.ask("POST", "/v2.0/subnets", {"subnet": values})
    return network


def make_guest(name: str) -> Netns:
    """A namespace under a name, as a container runtime makes one."""
    Path("/run/netns").mkdir(exist_ok=True)
    with Netns.create(name) as guest:
        pass
    netns.pin(guest, f"/run/netns/{name}", "somebody")
    return guest


def process_apart() -> subprocess.Popen[bytes]:
    """A process in a network namespace of its own; the caller ends it."""
    made = subprocess.Popen(["unshare", "--net", "sleep", "600"])
    ours = Path("/proc/self/ns/net").readlink()
    wait_for(lambda: Path(f"/proc/{made.pid}/ns/net").readlink() != ours, "it has left our network namespace")
    return made
