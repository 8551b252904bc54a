"""The verbs between an intent file, the store and its API: what they print, and how they end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.sources.store.served import serve
from tests.unit.sources.store.writes import make_network, make_port

from netmend.ground.diagnosis import Diagnosis
from netmend.sources.store import Store
from netmend.sources.store.records import ReasonRecord, record

FILE = """\
networks:
  - name: blue
    subnets: [{cidr: 10.0.0.0/24, gateway: 10.0.0.1}]
    ports:
      - {name: web, mac: "fa:16:3e:00:00:01", fixed_ips: [10.0.0.11]}
      - {name: db, mac: "fa:16:3e:00:00:02", fixed_ips: [10.0.0.12], plug: {netns: db}}
"""


def netmend(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "netmend.cli", *map(str, words)]
    known = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=known, timeout=120)


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    return ["--state-dir", str(tmp_path), "--runtime-dir", str(tmp_path)]


def test_import_and_export(tmp_path: Path, places: list[str]) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text(FILE)
    tried = netmend("import", "-c", path, "--dry-run", *places)
    assert tried.stdout.splitlines()[-1] == "would be 4 created"
    done = netmend("import", "-c", path, *places)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "4 created")
    assert netmend("import", "-c", path, *places).stdout == "nothing to do\n"
    path.write_text(FILE.replace("10.0.0.11", "10.0.0.99").replace("name: db,", "name: data,"))
    changed = json.loads(netmend("import", "-c", path, "--json", *places).stdout)
    found = {(change["action"], change["kind"], change["name"]): change["fields"] for change in changed["changes"]}
    assert found == {
        ("delete", "port", "db"): [],
        ("create", "port", "data"): [],
        ("update", "port", "web"): ["fixed_ips"],
    }
    exported = netmend("export", "--state-dir", tmp_path)
    assert exported.returncode == 0
    out = tmp_path / "out.yaml"
    assert netmend("export", "--state-dir", tmp_path, "-o", out).returncode == 0
    assert out.read_text() == exported.stdout
    assert netmend("check", "-c", out).stdout == "1 network, 1 subnet, 2 ports\n"
    assert json.loads(netmend("export", "--state-dir", tmp_path, "--json").stdout)["networks"][0]["name"] == "blue"


def test_an_import_is_refused_wholly(tmp_path: Path, places: list[str]) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text(FILE)
    store = Store(tmp_path / "store.sqlite")
    make_port(store, make_network(store), netmend={"plug": {"netns": "db"}})
    store.close()
    refused = netmend("import", "-c", path, "--keep", *places)
    assert refused.returncode == 2
    assert refused.stderr == "netmend import: create port db: Another port is plugged into db as eth0\n"
    store = Store(tmp_path / "store.sqlite")
    assert len(store.intent.networks) == 1
    store.close()


def test_apply_is_declarative(tmp_path: Path) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text(FILE)
    with serve(tmp_path) as (store, client):
        other = make_network(store, "10.0.0.0/24", name="other")
        where = ["--runtime-dir", str(tmp_path)]
        tried = netmend("apply", "-f", path, "--dry-run", *where)
        assert (tried.returncode, tried.stdout.splitlines()[-1]) == (0, "would be 4 created")
        assert len(store.intent.networks) == 1
        done = netmend("apply", "-f", path, *where)
        lines = done.stdout.splitlines()
        assert lines[1] == "create subnet 10.0.0.0/24"
        assert [lines[0], *lines[2:]] == ["create network blue", "create port web", "create port db", "4 created"]
        assert netmend("apply", "-f", path, *where).stdout == "nothing to do\n"
        blue = next(network for network in store.intent.networks.values() if network.name == "blue")
        made = client.make("port", network_id=blue.id, name="stray")
        client.make("port", network_id=other["id"], name="not mine")
        web = next(port for port in blue.ports.values() if port.name == "web")
        client.ask("PUT", f"/v2.0/ports/{web.id}", {"port": {"name": "renamed"}})
        again = netmend("apply", "-f", path, *where)
        assert again.stdout.splitlines() == ["delete port stray", "update port web: name", "1 updated, 1 deleted"]
        assert client.refused("GET", f"ports/{made['id']}")[0] == 404
        assert netmend("apply", "-f", path, "--prune", *where).stdout.splitlines()[-1] == "3 deleted"
        assert [network.name for network in store.intent.networks.values()] == ["blue"]
        url = f"http://127.0.0.1:{client.port}"
        assert netmend("apply", "-f", path, "--api", url).stdout == "nothing to do\n"


GROUPS = """\
networks:
  - name: blue
    subnets: [{cidr: 10.0.0.0/24}]
    ports: [{name: web, fixed_ips: [10.0.0.11], security_groups: [web, default]}]
security_groups:
  - {name: web, egress: false, rules: [{protocol: tcp, ports: 443, remote_address_group: office}]}
  - {name: default, rules: [{remote_group: web}]}
address_groups: [{name: office, addresses: [192.0.2.0/24]}]
"""


def test_apply_groups(tmp_path: Path) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text(GROUPS)
    with serve(tmp_path) as (store, client):
        where = ["--runtime-dir", str(tmp_path)]
        done = netmend("apply", "-f", path, *where)
        assert done.stdout.splitlines() == [
            "create address group office",
            "create security group web",
            "update security group web: security_group_rules",
            "update security group default: security_group_rules",
            "create network blue",
            "create subnet 10.0.0.0/24",
            "create port web",
            "5 created, 2 updated",
        ]
        assert netmend("apply", "-f", path, *where).stdout == "nothing to do\n"
        found = {group.name: group for group in store.intent.security_groups.values()}
        assert sorted(len(group.rules) for group in found.values()) == [2, 4]
        path.write_text(GROUPS.replace("192.0.2.0/24", "198.51.100.0/24").replace("ports: 443", "ports: 80-81"))
        assert netmend("apply", "-f", path, *where).stdout.splitlines()[-1] == "2 updated"
        (office,) = store.intent.address_groups.values()
        assert [str(block) for block in office.addresses] == ["198.51.100.0/24"]
        path.write_text("networks: []")
        assert netmend("apply", "-f", path, "--prune", *where).stdout.splitlines()[-1] == "5 deleted"
        assert [group["name"] for group in client.get("security-groups")["security_groups"]] == ["default"]


def test_addresses_change_places(tmp_path: Path, places: list[str]) -> None:
    """Two ports swap address and MAC: neither can be first, yet it is done."""
    path = tmp_path / "intent.yaml"
    path.write_text(FILE)
    netmend("import", "-c", path, *places)
    swapped = FILE.replace("10.0.0.11", "@").replace("10.0.0.12", "10.0.0.11").replace("@", "10.0.0.12")
    path.write_text(swapped.replace(":01", ":@").replace(":02", ":01").replace(":@", ":02"))
    assert netmend("import", "-c", path, *places).returncode == 0
    assert netmend("import", "-c", path, *places).stdout == "nothing to do\n"


def test_what_is_not_there(tmp_path: Path, places: list[str]) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text(FILE)
    for words, said in (
        (["export", *places[:2]], f"store {tmp_path}/store.sqlite: there is no such file"),
        (["history", *places[:2]], f"store {tmp_path}/store.sqlite: there is no such file"),
        (["apply", "-f", path, *places[2:]], f"no API here: there is no {tmp_path}/api.sock"),
        (["apply", "-f", path, "--api", "127.0.0.1"], "127.0.0.1: give a URL such as http://"),
        (["apply", "-f", path, "--api", "http://127.0.0.1:1"], "no API here: nobody listens at"),
        (["apply", "-f", path, "--token-file", tmp_path / "no"], f"{tmp_path}/no: cannot be read"),
        (["run"], "give the intent file with -c FILE, or --store"),
        (["run", "--store", "--api-listen", "x", *places], "--api-listen x: give ADDRESS:PORT"),
        (
            ["run", "--store", "--api-no-tokens", "--api-listen", "0.0.0.0:1", *places],
            "--api-no-tokens is for loopback",
        ),
        (
            ["run", "--store", "--api-listen", "192.0.2.1:1", *places],
            "--api-listen 192.0.2.1:1: tokens would cross the network unencrypted",
        ),
        (["run", "--store", "--api-listen", "[::]:1", *places], "--api-listen [::]:1: tokens would cross the network"),
        (["run", "--store", "--api-listen", "192.0.2.1:1", "--api-plain-http", *places], "API: cannot listen"),
    ):
        ended = netmend(*words)
        assert ended.returncode == 2, words
        # an ordinary user is told first which capabilities are missing
        lines = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
        assert lines[0].startswith(f"netmend {words[0]}: {said}"), ended.stderr


def test_history_tells_what_was_wrong(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    reason = ReasonRecord("n1", None, "no device", 1_700_000_000.0, 1)
    finding = Diagnosis("names cannot be made", ("read-only",), "a mount", "remount it")
    store.write(lambda tx: record(tx, [reason], [finding])).result()
    store.write(lambda tx: record(tx, [ReasonRecord("n1", None, "no device", 1_700_000_000.0, 3)], [])).result()
    store.write(lambda tx: record(tx, [], [])).result()
    store.write(lambda tx: record(tx, [reason], [])).result()
    store.close()
    found = json.loads(netmend("history", "--state-dir", tmp_path, "--json").stdout)
    assert [(row["failures"], row["resolved"] is None) for row in found["reasons"]] == [(1, True), (3, False)]
    assert found["findings"][0]["evidence"] == ["read-only"]
    assert found["findings"][0]["resolved"] is not None
    lines = netmend("history", "--state-dir", tmp_path).stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("host: names cannot be made")
    assert lines[2].endswith("still  n1: no device (tried 1x)")
