"""The groups of intent follow the store at the cost of what changed, and are what a store that is opened anew has."""

import sqlite3
from concurrent.futures import wait
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.sources.store.test_schema_migrations import make_version
from tests.unit.sources.store.writes import add_network, add_port, add_subnet, make_network, make_port

from netmend.intent import SecurityRule
from netmend.sources.store import Store, address_groups, ports, security_group_rules, security_groups
from netmend.sources.store.errors import RefusedError
from netmend.sources.store.intents import Intents
from netmend.sources.store.shapes.security_group import (
    AddressGroupCreate,
    SecurityGroupCreate,
    SecurityGroupRuleCreate,
)
from netmend.sources.store.transaction import Document, Transaction


def add_group(tx: Transaction, **fields: Any) -> Document:
    return security_groups.create(tx, SecurityGroupCreate.model_validate(fields).model_dump(by_alias=True), "")


def add_rule(tx: Transaction, group_id: str, direction: str = "ingress", **fields: Any) -> Document:
    shape = SecurityGroupRuleCreate.model_validate({"security_group_id": group_id, "direction": direction, **fields})
    return security_group_rules.create(tx, shape.model_dump(by_alias=True), "")


def add_addresses(tx: Transaction, *addresses: str) -> Document:
    shape = AddressGroupCreate.model_validate({"addresses": [*addresses]})
    return address_groups.create(tx, shape.model_dump(by_alias=True), "")


def test_a_port_that_joins_changes_its_group_alone(store: Store) -> None:
    network = make_network(store, "10.0.0.0/24")
    web = store.write(lambda tx: add_group(tx, name="web")).result()
    other = store.write(lambda tx: add_group(tx, name="other")).result()
    assert not store.intent.security_groups  # no port is in one
    make_port(store, network, security_groups=[other["id"]])
    first = make_port(store, network, security_groups=[web["id"]], fixed_ips=[{"ip_address": "10.0.0.9"}],
                      allowed_address_pairs=[{"ip_address": "192.0.2.0/24"}])  # fmt: skip
    before = store.intent
    value = before.security_groups[web["id"]]
    assert value.members == {ip_network("10.0.0.9"), ip_network("192.0.2.0/24")}
    assert before.networks[network["id"]].ports[first["id"]].security_groups == (web["id"],)
    make_port(store, network, security_groups=[web["id"]], fixed_ips=[{"ip_address": "10.0.0.10"}])
    after = store.intent
    assert after.security_groups[web["id"]].members == {*value.members, ip_network("10.0.0.10")}
    assert after.security_groups[web["id"]].rules is value.rules
    assert after.security_groups[other["id"]] is before.security_groups[other["id"]]
    store.write(lambda tx: ports.update(tx, first["id"], {"name": "renamed"})).result()
    assert store.intent.security_groups[web["id"]] is after.security_groups[web["id"]]
    store.write(lambda tx: ports.update(tx, first["id"], {"security_groups": []})).result()
    assert store.intent.security_groups[web["id"]].members == {ip_network("10.0.0.10")}
    assert store.intent.networks[network["id"]].ports[first["id"]].security_groups == ()


def test_rules_and_what_they_name_are_in_intent(store: Store) -> None:
    network = make_network(store, "10.0.0.0/24")
    web = store.write(lambda tx: add_group(tx, name="web")).result()
    db = store.write(lambda tx: add_group(tx, name="db")).result()
    partners = store.write(lambda tx: add_addresses(tx, "192.0.2.0/24")).result()

    def rules(tx: Transaction) -> None:
        add_rule(tx, db["id"], protocol="tcp", port_range_min=5432, port_range_max=5432, remote_group_id=web["id"])
        add_rule(tx, db["id"], protocol="icmp", port_range_min=8, remote_address_group_id=partners["id"])
        add_rule(tx, db["id"], "egress", ethertype="IPv6", protocol="icmp", remote_ip_prefix="2001:db8::1/32")

    store.write(rules).result()
    make_port(store, network, security_groups=[db["id"]])
    intent = store.intent
    assert set(intent.security_groups) == {web["id"], db["id"]}
    assert set(intent.security_groups[db["id"]].rules) == {
        SecurityRule("egress", 4),
        SecurityRule("egress", 6),
        SecurityRule("ingress", 4, 6, (5432, 5432), remote_group_id=web["id"]),
        SecurityRule("ingress", 4, 1, (8, None), remote_address_group_id=partners["id"]),
        SecurityRule("egress", 6, 58, None, ip_network("2001:db8::/32")),
    }
    assert intent.address_groups[partners["id"]].addresses == {ip_network("192.0.2.0/24")}
    store.write(lambda tx: address_groups.add_addresses(tx, partners["id"], ["192.0.2.9"])).result()
    assert len(store.intent.address_groups[partners["id"]].addresses) == 2
    assert store.intent.security_groups[db["id"]] is intent.security_groups[db["id"]]
    store.write(lambda tx: security_groups.delete(tx, web["id"])).result()
    assert set(store.intent.security_groups) == {db["id"]}
    assert len(store.intent.security_groups[db["id"]].rules) == 4


def test_ports_of_an_older_store_are_not_filtered_until_they_have_groups(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = Store(path)
    network = make_network(store, "10.0.0.0/24")
    port = make_port(store, network, netmend={"filtered": False})
    text = store.read().execute("SELECT document FROM port WHERE id = ?", (port["id"],)).fetchone()[0]
    store.close()
    path.unlink()
    make_version(path, 3)
    connection = sqlite3.connect(path)
    old = text.replace('"netmend":{"filtered":false}', '"netmend":{}')
    connection.execute(
        "INSERT INTO network (id, change, document) VALUES (?, 1, (SELECT json_set(document, '$.id', ?) FROM network))",
        (network["id"], network["id"]),
    )
    values = (port["id"], network["id"], old)
    connection.execute("INSERT INTO port (id, network_id, change, document) VALUES (?, ?, 1, ?)", values)
    connection.commit()
    connection.close()
    store = Store(path)
    try:
        assert store.intent.networks[network["id"]].ports[port["id"]].security_groups is None
        store.write(lambda tx: ports.update(tx, port["id"], {"name": "x"})).result()
        assert store.intent.networks[network["id"]].ports[port["id"]].security_groups is None
        changed = store.write(lambda tx: ports.update(tx, port["id"], {"security_groups": []})).result()
        assert store.intent.networks[network["id"]].ports[port["id"]].security_groups == ()
        assert changed["netmend"] == {}
    finally:
        store.close()


_ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["port", "join", "off", "gone", "rule", "unrule", "group", "ungroup", "subnet", "network"]),
        st.integers(0, 5),
        st.integers(0, 5),
        st.booleans(),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=25)
@given(actions=_ACTIONS)
def test_whatever_is_done_intent_is_what_a_new_start_would_read(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, int, int, bool]]
) -> None:
    store = Store(tmp_path_factory.mktemp("groups") / "store.sqlite")
    try:
        begun = []
        for action, one, other, alone in actions:
            begun.append(store.write(partial(_act, action=action, one=one, other=other)))
            if alone:
                wait(begun)
        assert all(isinstance(each.exception(), RefusedError | None) for each in begun)
        fresh = store.write(lambda tx: Intents(tx.connection).intent).result()
        assert store.intent == fresh
        for group_id, group in fresh.security_groups.items():
            assert set(store.intent.security_groups[group_id].members) == set(group.members)
    finally:
        store.close()


def _act(tx: Transaction, action: str, one: int, other: int) -> None:
    """One change; what is refused changes nothing."""
    found = {kind: _ids(tx, kind) for kind in ("network", "port", "security_group", "security_group_rule")}

    def pick(kind: str, number: int) -> str:
        return found[kind][number % len(found[kind])] if found[kind] else "-"

    network, port, group = pick("network", one), pick("port", one), pick("security_group", other)
    match action:
        case "network":
            made = add_network(tx)
            add_subnet(tx, made, f"10.{one}.0.0/24")
        case "port":
            add_port(tx, tx.get("network", network), security_groups=None if other == 0 else [group])
        case "join":
            ports.update(tx, port, {"security_groups": sorted({group, pick("security_group", other + 1)})})
        case "off":
            ports.update(tx, port, {"admin_state_up": other % 2 == 0})
        case "gone":
            ports.delete(tx, port)
        case "rule":
            add_rule(tx, group, remote_group_id=pick("security_group", one))
        case "unrule":
            security_group_rules.delete(tx, pick("security_group_rule", one * 6 + other))
        case "group":
            add_group(tx, name=f"g{one}")
        case "ungroup":
            security_groups.delete(tx, group)
        case "subnet":
            add_subnet(tx, tx.get("network", network), f"10.{one}.{other}.0/25")


def _ids(tx: Transaction, kind: str) -> list[str]:
    return [each for (each,) in tx.connection.execute(f"SELECT id FROM {kind} ORDER BY document, id")]


def test_a_rule_more_costs_the_same_in_a_group_of_many(store: Store) -> None:
    group = store.write(lambda tx: add_group(tx, name="many")).result()

    def steps(first: int, count: int) -> int:
        """Of SQLite's machine, for rules of so many ports."""
        taken = 0

        def step() -> None:
            nonlocal taken
            taken += 1

        def work(tx: Transaction) -> None:
            tx.connection.set_progress_handler(step, 1)
            try:
                for port in range(first, first + count):
                    add_rule(tx, group["id"], protocol="tcp", port_range_min=port, port_range_max=port)
            finally:
                tx.connection.set_progress_handler(None, 0)

        store.write(work).result()
        return taken

    few = steps(1, 50)
    steps(100, 1000)
    assert steps(2000, 50) < 2 * few
