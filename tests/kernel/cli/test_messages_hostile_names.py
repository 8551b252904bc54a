"""A name as hostile as the store takes it, in a running node: no verb, list, log or metric shows any of it raw."""

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

from tests.kernel.store_node import SOCKET, make_guest, store_node
from tests.waiting import wait_for

from netmend.cli.main import VERBS
from netmend.kernel.unix_http import UnixConnection

NAME = "a\x1b]0;owned\x07\x1b[2Jb\u202etxt\u2066c\x9b31m\x7fe\u200bf\ufeffg\nfake line\x85fake line\u2028fake line"
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
STATUS = Path("/run/netmend/netmend.sock")
LOG = Path("/run/node.log")
WALKED = {
    "status": [["status"], ["status", "--json"], ["status", "{id}"], ["status", "{name}"], ["status", "absent{name}"]],
    "reach": [
        ["reach", "{name}", "world"],
        ["reach", "{port}", "10.0.0.9", "--json"],
        ["reach", "absent{name}", "{port}"],
    ],
    "retry": [["retry", "{name}"], ["retry", "absent{name}"], ["retry", "--json"]],
    "flows": [["flows", "show"], ["flows", "audit", "--json"], ["flows", "trace", "{name}", "arp"]],
    "health": [["health"], ["health", "whole"], ["health", "whole", "--json"]],
    "attach": [["attach", "{name}", "--tap"], ["attach", "{port}", "--netns", "absent", "--timeout", "1"]],
    "detach": [["detach", "{name}"], ["detach", "absent{name}"]],
    "check": [["check", "{file}"], ["check", "{file}", "--json"]],
    "plan": [["plan", "-c", "{file}"], ["plan", "-c", "{file}", "--json"]],
    "apply": [["apply", "-f", "{file}", "--dry-run"], ["apply", "-f", "{file}"]],
    "export": [["export", "--state-dir", "/run/state"]],
    "history": [["history", "--state-dir", "/run/state"], ["history", "--state-dir", "/run/state", "--json"]],
    "import": [["import", "-c", "{file}", "--state-dir", "/run/other"]],
    "doctor": [["doctor"], ["doctor", "--json"]],
    "sweep": [["sweep", "-c", "{file}"], ["sweep", "-c", "{file}", "--json"]],
    "explain": [["explain", "{word}"], ["explain", "-v /{word}:/run/netns:rslave"]],  # what is typed may have lines
    "lint": [["lint", "{file}"], ["lint", "{name}"]],
    "timeline": [["timeline", "/run/node.log"], ["timeline", "/run/node.log", "--json"]],
    "down": [["down", "-c", "{file}"]],
}
WITHOUT_NAMES = {
    "demo": "its names are its own",
    "lab": "the same",
    "run": "what it logs is looked at",
    "agent": "as run",
}
VIEWS = (
    "/status",
    "/metrics",
    "/health/whole",
    "/view/overview",
    "/view/networks",
    "/view/ports",
    "/view/topology",
    "/view/reach?from={port}&to=world",
    "/view/ports/{port}",
    "/view/events?since=0",
)
OF_A_NETWORK = ("/status/{id}", "/view/networks/{id}", "/view/networks/{id}/ports", "/view/networks/{id}/leases")
OF_THE_API = (
    "/v2.0/networks",
    "/v2.0/ports",
    "/v2.0/subnets",
    "/v2.0/agents",
    "/v2.0/security-groups",
    "/v2.0/address-groups",
    "/v2.0/networks?name=absent",
    "/v2.0/nothing",
)


def looks_raw(text: str) -> list[str]:
    """The characters that steer, and the lines that a name has made. Further lines of a message are indented."""
    steering = {one for one in text if unicodedata.category(one) in STEERING and one not in "\n\t"}
    return [repr(one) for one in steering] + [line for line in text.splitlines() if line.startswith("fake line")]


def get(socket: Path, path: str) -> str:
    connection = UnixConnection(socket, 30)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_each_verb_is_walked_or_has_no_names() -> None:
    assert VERBS.keys() - WALKED.keys() - WITHOUT_NAMES.keys() == set()


def test_nothing_of_a_hostile_name_is_shown_raw() -> None:
    name = NAME
    with store_node() as api:
        network = api.ask("POST", "/v2.0/networks", {"network": {"name": name, "description": name}})["network"]["id"]
        values = {"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24", "name": name}
        api.ask("POST", "/v2.0/subnets", {"subnet": values})
        for kind in ("security_group", "address_group"):
            api.ask("POST", f"/v2.0/{kind}s".replace("_", "-"), {kind: {"name": name, "description": name}})
        port = {"network_id": network, "name": name, "description": name, "binding:profile": {"netns": "guest"}}
        with make_guest("guest") as guest, guest.entered():  # whose eth0 is another's, which is a reason
            subprocess.run(["ip", "link", "add", "eth0", "type", "veth", "peer", "name", "other"], check=True)
        made = api.ask("POST", "/v2.0/ports", {"port": port})["port"]["id"]
        wait_for(lambda: json.loads(get(STATUS, "/status"))["reasons"], "a reason", LOG.read_text)
        intent = Path("/run/intent.yaml")
        intent.write_text(
            json.dumps({"networks": [{"name": name, "subnets": [{"cidr": "10.1.0.0/24", "name": name}]}]})
        )
        raw = {path: looks_raw(get(STATUS, path.format(id=network, port=made))) for path in (*VIEWS, *OF_A_NETWORK)}
        raw |= {path: looks_raw(get(SOCKET, path)) for path in OF_THE_API}
        for verb in (verb for runs in WALKED.values() for verb in runs):
            words = [
                word.format(name=name, id=network, port=made, file=intent, word=name.partition("\n")[0])
                for word in verb
            ]
            ran = subprocess.run(
                [sys.executable, "-m", "netmend.cli", *words], check=False, capture_output=True, timeout=120
            )
            assert ran.stdout + ran.stderr, words
            raw[" ".join(verb)] = looks_raw((ran.stdout + ran.stderr).decode())
        raw["the log"] = looks_raw(LOG.read_text())
    shown_raw = {where: found for where, found in raw.items() if found}
    assert not shown_raw, json.dumps(shown_raw, indent=1)
