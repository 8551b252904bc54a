"""Neutron's own neutron-ovn-metadata-agent, from the virtual environment that tools/nova makes."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kernel.vswitch import SOCKET as SWITCH_SOCKET
from tests.ovn.agent import FILE, HOME
from tests.ovn.central import SOUTHBOUND

NOVA = Path(__file__).parents[2] / ".tools/nova"
LOG = HOME / "neutron.log"


@contextmanager
def real_agent() -> Iterator[subprocess.Popen[bytes]]:
    """Runs in the block, and is killed at its end; its haproxies and privileged helpers stay, as they do."""
    state = HOME / "neutron"
    state.mkdir(exist_ok=True, parents=True)
    FILE.write_text(
        f"[DEFAULT]\nstate_path = {state}\nmetadata_proxy_shared_secret = secret\nmetadata_workers = 0\n"
        f"[agent]\nroot_helper = env\n[ovs]\novsdb_connection = unix:{SWITCH_SOCKET}\n"
        f"[ovn]\novn_sb_connection = unix:{SOUTHBOUND}\n[oslo_concurrency]\nlock_path = {state}/lock\n"
    )
    environment = os.environ | {"PATH": f"{NOVA}/bin:{os.environ['PATH']}"}
    with LOG.open("ab") as log:
        command = [f"{NOVA}/bin/neutron-ovn-metadata-agent", "--config-file", str(FILE)]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
