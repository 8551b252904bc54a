"""The network part of Tempest's API tests against a node.

    python -m tests.peers.api.tempest_run      prints how many pass, and which do not

Tempest knows from the list of extensions what to leave out: tests of whatever is not offered are skipped.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.peers.api.store_node import CLIENTS, ENDPOINT, StoreNode
from tests.peers.node import HOME

from netmend.cli.api_client import ApiClient
from netmend.kernel.sandbox import run

IDENTITY_PORT = 5000
PROJECTS = ("admin", "admin2", "p1", "p2")
_OUTCOME = re.compile(r"^\{\d+\} (?:setUpClass \()?([\w.]+)\)?.* \.\.\. (ok|FAILED|SKIPPED)", re.MULTILINE)
_CONFIGURATION = """
[DEFAULT]
log_file = tempest.log
[oslo_concurrency]
lock_path = {workspace}/lock
[auth]
use_dynamic_credentials = False
test_accounts_file = {workspace}/etc/accounts.yaml
create_isolated_networks = False
[identity]
uri_v3 = http://127.0.0.1:{port}/v3
auth_version = v3
region = RegionOne
[service_available]
neutron = True
nova = False
glance = False
cinder = False
swift = False
horizon = False
[network]
project_network_cidr = 10.100.0.0/16
project_network_mask_bits = 28
[network-feature-enabled]
ipv6 = True
ipv6_subnet_attributes = True
floating_ips = False
port_security = True
api_extensions = {extensions}
"""


def outcomes() -> dict[str, str]:
    """What became of each test, or class of tests: ok, FAILED, SKIPPED. In a sandbox; starts a node of its own."""
    HOME.mkdir(exist_ok=True)
    (HOME / "state").mkdir()
    tokens = HOME / "state/api-tokens"
    tokens.write_text("".join(f"token-of-project-{project} {project}\n" for project in PROJECTS))
    tokens.chmod(0o600)
    with StoreNode():
        identity = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("identity.py")), str(IDENTITY_PORT), ENDPOINT, str(tokens)]
        )
        try:
            return dict(_OUTCOME.findall(_tempest(HOME / "tempest")))
        finally:
            identity.terminate()
            identity.wait()


def _tempest(workspace: Path) -> str:
    environment = {"PATH": f"{CLIENTS}:{os.environ['PATH']}", "HOME": str(HOME)}
    subprocess.run(["tempest", "init", str(workspace)], env=environment, check=True, capture_output=True)
    extensions = ApiClient(HOME / "runtime/api.sock").ask("GET", "/v2.0/extensions")["extensions"]
    (workspace / "etc/tempest.conf").write_text(
        _CONFIGURATION.format(
            workspace=workspace,
            port=IDENTITY_PORT,
            extensions=",".join(extension["alias"] for extension in extensions),
        )
    )
    account = "- {{username: {0}, project_name: {1}, password: x, domain_name: Default, types: [{2}], roles: [{3}]}}\n"
    accounts = [account.format(project, project, "admin", "admin") for project in PROJECTS if project[:5] == "admin"]
    accounts += [
        account.format(f"{project}-{role}{number}", project, "", role)
        for project in ("p1", "p2")
        for role in ("member", "reader")
        for number in (1, 2)
    ]
    (workspace / "etc/accounts.yaml").write_text("".join(accounts))
    command = ["tempest", "run", "--regex", r"^tempest\.api\.network", "--concurrency", "1"]
    ended = subprocess.run(command, cwd=workspace, env=environment, check=False, capture_output=True, text=True)
    return ended.stdout


def report(found: dict[str, str]) -> str:
    counts = Counter(found.values())
    lines = [f"{counts['ok']} pass, {counts['FAILED']} fail, {counts['SKIPPED']} are skipped (not offered)"]
    lines += [f"  fails: {name}" for name, outcome in sorted(found.items()) if outcome == "FAILED"]
    return "\n".join(lines)


def main() -> int:
    print(report(outcomes()))
    return 0


if __name__ == "__main__":
    sys.exit(run(main, user_namespace=os.geteuid() != 0))
