"""Security groups of a file in the store and back, and those that are there already."""

from pathlib import Path

import pytest
from tests.unit.sources.store.test_exchange import check_round_trip, import_file
from tests.unit.sources.store.test_groups import add_group
from tests.unit.sources.store.writes import make_network, make_port

from netmend.sources.file import load
from netmend.sources.store import Store, security_groups
from netmend.sources.store.exchange.changes import changes_between
from netmend.sources.store.exchange.export import export
from netmend.sources.store.exchange.groups import AmbiguousGroupError, adopt_groups
from netmend.sources.store.exchange.perform import perform, read_all
from netmend.sources.store.exchange.wanted import wanted_of
from netmend.sources.store.transaction import Transaction

FILE = """
networks:
  - name: blue
    subnets: [{cidr: 10.0.0.0/24}, {cidr: "2001:db8::/64", address_mode: none}]
    ports:
      - {name: one, fixed_ips: [10.0.0.11, "2001:db8::11"], security_groups: [web, db]}
      - {name: two, fixed_ips: [10.0.0.12], security_groups: [free]}
      - {name: closed, fixed_ips: [10.0.0.13], security_groups: []}
      - {name: open, fixed_ips: [10.0.0.14]}
address_groups:
  - {name: partners, addresses: [198.51.100.0/24, "2001:db8:1::1"]}
security_groups:
  - name: web
    rules:
      - {protocol: tcp, ports: 443}
      - {protocol: icmp, icmp_type: 8, icmp_code: 0, remote_address_group: partners}
  - {name: db, egress: false, rules: [{protocol: tcp, ports: 5432-5433, remote_group: web}]}
  - {name: free, stateful: false, project_id: p1, rules: [{protocol: 47, remote: 192.0.2.0/24}]}
"""


def apply(store: Store, path: Path) -> list[str]:
    """What is done to the store for a file, where it keeps what the file does not have."""
    current = read_all(store.read())
    changes = changes_between(current, adopt_groups(current, wanted_of(path)), prune=False)

    def work(tx: Transaction) -> None:
        for change in changes:
            perform(tx, change)

    store.write(work).result()
    return [str(change) for change in changes]


def test_groups_go_to_the_store_and_come_back(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text(FILE)
    check_round_trip(store, path, load(path))
    path.write_text(
        FILE.replace("ports: 443", "ports: 8443")
        .replace("198.51.100.0/24", "198.51.100.7")
        .replace("security_groups: []", "security_groups: [web]")
        .replace("security_groups: [free]", "port_security: false")
        .replace("[web, db]", "[db, web]")
        .replace("  - {name: free", "  - {name: renamed")
        .replace("fixed_ips: [10.0.0.14]", "fixed_ips: [10.0.0.14], security_groups: [renamed]")
        .replace("egress: false, ", "")
    )
    check_round_trip(store, path, load(path))
    path.write_text(FILE)
    check_round_trip(store, path, load(path))
    path.write_text("networks: []")
    import_file(store, path)
    assert export(store.read()).root == {"networks": []}


def test_groups_of_others_are_meant_by_their_names(store: Store, tmp_path: Path) -> None:
    web = store.write(lambda tx: add_group(tx, name="web")).result()
    default = store.write(lambda tx: security_groups.default_group(tx, "")).result()
    path = tmp_path / "intent.yaml"
    path.write_text(
        """
networks:
  - name: blue
    subnets: [{cidr: 10.0.0.0/24}]
    ports: [{name: one, fixed_ips: [10.0.0.11], security_groups: [web, default]}]
security_groups:
  - {name: web, rules: [{protocol: tcp, version: 4, ports: 22, remote_group: default}]}
  - {name: default, id: 00000000-0000-4000-8000-000000000009, rules: [{remote_group: default}]}
"""
    )
    assert apply(store, path)[0] == "update security group web: security_group_rules"
    (blue,) = store.intent.networks.values()
    (port,) = blue.ports.values()
    assert set(port.security_groups or ()) == {web["id"], default}
    assert {rule.remote_group_id for rule in store.intent.security_groups[web["id"]].rules} == {None, default}
    assert apply(store, path) == []
    store.write(lambda tx: add_group(tx, name="web")).result()
    with pytest.raises(AmbiguousGroupError, match="2 security groups have the name web"):
        apply(store, path)


def test_a_default_group_that_is_not_there_yet_is_made(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "intent.yaml"
    path.write_text("networks: []\nsecurity_groups: [{name: default, project_id: p, rules: [{protocol: tcp}]}]\n")
    apply(store, path)
    assert apply(store, path) == []
    (group,) = [each for each in read_all(store.read()).security_groups.values() if each["project_id"] == "p"]
    assert (group["name"], len(group["security_group_rules"])) == ("default", 4)


def test_a_default_group_is_exported_where_a_port_is_in_it(store: Store, tmp_path: Path) -> None:
    network = make_network(store, "10.0.0.0/24", name="blue")
    assert "security_groups" not in export(store.read()).root
    make_port(store, network, name="one")
    (group,) = export(store.read()).root["security_groups"]
    assert group["name"] == "default"
    path = tmp_path / "out.yaml"
    path.write_text(export(store.read()).text())
    assert load(path) == store.intent
    assert import_file(store, path) <= 1  # the subnet gets a name
