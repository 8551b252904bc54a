"""A file applied where others have made networks of the same names: they are meant, and lose nothing."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.sources.store.served import Client, serve

from netmend.sources.store import Store
from netmend.sources.store.exchange.adopt import AmbiguousError, adopt
from netmend.sources.store.exchange.change import Change
from netmend.sources.store.exchange.changes import changes_between
from netmend.sources.store.exchange.perform import perform, read_all
from netmend.sources.store.exchange.wanted import wanted_of

BOTH = "    ports: [{name: web, fixed_ips: [10.0.0.5], hostname: web}, {name: db, fixed_ips: [10.0.0.6]}]\n"
BLUE = "networks:\n  - name: blue\n    subnets: [{cidr: 10.0.0.0/24}]\n"


@pytest.fixture
def api(tmp_path: Path):  # type: ignore[no-untyped-def]
    with serve(tmp_path) as (store, client):
        yield store, client


def blue(client: Client, **fields: Any) -> str:
    network = client.make("network", name="blue")
    client.make("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4, **fields)
    return str(network["id"])


def apply(store: Store, directory: Path, text: str) -> list[Change]:
    path = directory / "intent.yaml"
    path.write_text(text)
    current, wanted = read_all(store.read()), wanted_of(path)
    changes = changes_between(current, adopt(current, wanted), prune=False)
    for change in changes:
        store.write(lambda tx, change=change: perform(tx, change)).result()  # type: ignore[misc]
    return changes


def test_what_others_made_is_adopted_and_keeps_what_the_file_does_not_say(
    api: tuple[Store, Client], tmp_path: Path
) -> None:
    store, client = api
    pools = [{"start": "10.0.0.100", "end": "10.0.0.200"}]
    network_id = blue(client, name="four", gateway_ip=None, allocation_pools=pools, dns_nameservers=["10.0.0.9"])
    port = client.make(
        "port", network_id=network_id, name="web", device_owner="compute:nova", dns_name="www",
        fixed_ips=[{"ip_address": "10.0.0.5"}],
    )  # fmt: skip
    assert apply(store, tmp_path, BLUE + "    ports: [{name: web, fixed_ips: [10.0.0.5]}]\n") == []

    changes = apply(
        store,
        tmp_path,
        BLUE + "    mtu: 1400\n" + BOTH,
    )
    assert [str(change) for change in changes] == [
        "update network blue: mtu",
        "update port web: dns_name",
        "create port db",
    ]
    (only,) = client.get("networks?name=blue")["networks"]
    assert (only["id"], only["mtu"]) == (network_id, 1400)
    (subnet,) = client.get("subnets")["subnets"]
    assert (subnet["name"], subnet["gateway_ip"], subnet["allocation_pools"]) == ("four", None, pools)
    changed = client.get(f"ports/{port['id']}")["port"]
    assert (changed["dns_name"], changed["mac_address"], changed["device_owner"]) == (
        "web", port["mac_address"], "compute:nova",
    )  # fmt: skip
    assert (
        apply(
            store,
            tmp_path,
            BLUE
            + "    ports: [{name: web, fixed_ips: [10.0.0.5], hostname: web}, {name: db, fixed_ips: [10.0.0.6]}]\n",
        )
        == []
    )


@pytest.mark.parametrize(
    ("second", "ports", "words"),
    [
        (True, "", "2 networks have the name blue"),
        (False, "", "has the port web, which the file does not have"),
        (False, "    ports: [{name: web, fixed_ips: []}, {name: twin, fixed_ips: []}]\n", "2 ports have the name twin"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_changes_nothing(
    api: tuple[Store, Client], tmp_path: Path, second: bool, ports: str, words: str
) -> None:
    store, client = api
    network_id = blue(client)
    client.make("port", network_id=network_id, name="web")
    if ports:
        for _ in range(2):
            client.make("port", network_id=network_id, name="twin")
    if second:
        blue(client)
    before = read_all(store.read())
    with pytest.raises(AmbiguousError, match=words):
        apply(store, tmp_path, BLUE + ports)
    assert read_all(store.read()) == before


def test_a_network_with_an_id_in_the_file_is_that_one(api: tuple[Store, Client], tmp_path: Path) -> None:
    store, client = api
    blue(client)
    network_id = "8b299bd6-649b-52e4-be12-e8c96b3c5b4a"
    changes = apply(store, tmp_path, BLUE.replace("name: blue", f"name: blue\n    id: {network_id}"))
    assert [change.action for change in changes] == ["create", "create"]
    assert sorted(one["name"] for one in client.get("networks")["networks"]) == ["blue", "blue"]


def test_another_projects_network_is_not_meant(api: tuple[Store, Client], tmp_path: Path) -> None:
    store, client = api
    blue(client)
    changes = apply(store, tmp_path, BLUE + "    project_id: other\n")
    assert [change.action for change in changes] == ["create", "create"]
