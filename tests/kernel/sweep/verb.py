"""What tests of sweep share: options, the verb, and what devices are."""

import subprocess
import sys
from pathlib import Path

from tests.kernel.sweep.host import Host

from netmend.intent import Intent
from netmend.intent.names import id_from_name
from netmend.kernel import link_details
from netmend.sweep import sweep
from netmend.sweep.scene import Reason

STATE = Path("/run/state/sweep")
NETWORK, WANTED = id_from_name("network", "gone"), id_from_name("network", "blue")
INTENT = f"""
networks:
  - name: blue
    id: {WANTED}
    subnets: [{{cidr: 10.0.0.0/24}}]
"""


def options(*kinds: str, intent: Intent | None = None, min_age: float = 0) -> sweep.Options:
    return sweep.Options(intent=intent, kinds=kinds, min_age=min_age, assume_all_seen=True, state=STATE)


def reasons(findings: sweep.Findings) -> dict[str, Reason]:
    found = {link.name: unit.reason for unit in findings.units for link in unit.links}
    return found | {name.name: name.reason for name in findings.names}


def run_verb(*arguments: str, code: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "netmend.cli", "sweep", *arguments, "--state-dir", "/run/state"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def described_links(host: Host, exclude: str = "") -> dict[str, tuple[object, ...]]:
    """All that a device is, by name, with other devices by their names."""
    details = link_details.dump_details(host.route)
    names = {link.index: link.name for link in details}
    addresses = link_details.given_addresses(host.route)
    return {
        link.name: (
            *(link.kind, link.mac, link.mtu, link.up, link.group, link.alias, link.tun, names.get(link.lower)),
            *(link.tx_queues, link.rx_queues, link.bridge, addresses.get(link.index), link.flags & 0x1380),
            *(link.tx_queue_length, link.alternative_names, names.get(link.master)),
        )
        for link in details
        if link.name != exclude
    }
