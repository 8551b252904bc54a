"""A router that intent has loses nothing to a sweep; one that it has no more goes, namespace and uplink."""

import json
import subprocess
import sys
from pathlib import Path

from netmend.intent import Intent
from netmend.kernel import links, nsdir
from netmend.kernel.netlink import RouteSocket
from netmend.reconcile.reconciler import Reconciler
from netmend.sources.file import load

NETWORKS = """
networks:
  - name: a
    subnets: [{cidr: 10.1.0.0/24, gateway: 10.1.0.1}]
"""
ROUTERS = "routers: [{name: edge, networks: [a], uplink: host}]\n"


def write(text: str) -> Path:
    path = Path("/run/intent.yaml")
    path.write_text(text)
    return path


def sweep(path: Path, code: int) -> dict[str, object]:
    arguments = ["sweep", "-c", str(path), "--yes", "--json", "--state-dir", "/run/state", "--min-age", "0"]
    command = [sys.executable, "-m", "netmend.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def devices() -> set[str]:
    with RouteSocket() as route:
        return {link.name for link in links.dump_links(route)}


def test_a_living_router_stays_and_one_that_intent_has_no_more_goes() -> None:
    nsdir.prepare()
    path = write(NETWORKS + ROUTERS)
    wanted: Intent = load(path)
    reconciler = Reconciler()
    reconciler.run(wanted)
    before, names = devices(), nsdir.names()
    (router_id,) = wanted.routers
    assert f"qrouter-{router_id}" in names and any(name.startswith("qh-") for name in before)
    sweep(path, 0)
    assert (devices(), nsdir.names()) == (before, names)
    assert reconciler.run(wanted).planned_steps == 0
    reconciler.close()

    sweep(write(NETWORKS), 0)
    assert nsdir.names() == names - {f"qrouter-{router_id}"}
    assert not any(name.startswith(("qh-", "qr-")) for name in devices())
