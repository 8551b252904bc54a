"""A port's bindings to hosts, as Nova uses them for a live migration (Neutron's extension `binding-extended`)."""

from pathlib import Path

from tests.unit.sources.store.served import HOST, Client, serve


def hosts(client: Client, port_id: str) -> dict[str, str]:
    return {one["host"]: one["status"] for one in client.get(f"ports/{port_id}/bindings")["bindings"]}


def test_a_second_binding_waits_until_it_is_activated(tmp_path: Path) -> None:
    with serve(tmp_path) as (_, client):
        network = client.make("network")
        port = client.make("port", network_id=network["id"], binding__host_id="other")
        path = f"/v2.0/ports/{port['id']}/bindings"
        assert hosts(client, port["id"]) == {"other": "ACTIVE"}
        status, made = client.ask("POST", path, {"binding": {"host": HOST, "profile": {"migrating_to": HOST}}})
        assert (status, made["binding"]["status"], made["binding"]["vif_type"]) == (201, "INACTIVE", "bridge")
        assert hosts(client, port["id"]) == {"other": "ACTIVE", HOST: "INACTIVE"}
        shown = client.get(f"ports/{port['id']}")["port"]
        assert (shown["binding:host_id"], shown["status"]) == ("other", "DOWN")
        assert set(shown) == set(port), "no client of ports is shown what waits"

        status, active = client.ask("PUT", f"{path}/{HOST}/activate")
        assert (status, active["binding"]["status"]) == (200, "ACTIVE")
        assert hosts(client, port["id"]) == {HOST: "ACTIVE"}
        assert client.get(f"ports/{port['id']}")["port"]["binding:profile"] == {"migrating_to": HOST}
        assert client.refused("PUT", f"ports/{port['id']}/bindings/{HOST}/activate")[:2] == (
            409,
            "PortBindingAlreadyActive",
        )


def test_the_first_binding_is_active_and_goes(tmp_path: Path) -> None:
    with serve(tmp_path) as (_, client):
        port = client.make("port", network_id=client.make("network")["id"])
        path = f"/v2.0/ports/{port['id']}/bindings"
        assert hosts(client, port["id"]) == {}
        assert client.ask("POST", path, {"binding": {"host": HOST}})[1]["binding"]["status"] == "ACTIVE"
        assert client.ask("PUT", f"{path}/{HOST}", {"binding": {"vnic_type": "direct"}})[0] == 200
        assert client.get(f"ports/{port['id']}")["port"]["binding:vnic_type"] == "direct"
        assert client.ask("POST", path, {"binding": {"host": "c"}})[1]["binding"]["status"] == "INACTIVE"
        assert client.ask("DELETE", f"{path}/c")[0] == 204
        assert client.ask("DELETE", f"{path}/{HOST}")[0] == 204
        assert hosts(client, port["id"]) == {}


def test_refusals_are_neutrons(tmp_path: Path) -> None:
    with serve(tmp_path) as (_, client):
        port = client.make("port", network_id=client.make("network")["id"], binding__host_id=HOST)
        path = f"ports/{port['id']}/bindings"
        assert client.refused("POST", path, {"binding": {"host": HOST}})[:2] == (409, "PortBindingAlreadyExists")
        assert client.refused("POST", path, {"binding": {}})[0] == 400
        assert client.refused("POST", path, {"binding": {"host": "x", "status": "ACTIVE"}})[0] == 400
        assert client.refused("GET", f"{path}/x")[:2] == (404, "PortBindingNotFound")
        assert client.refused("PUT", f"{path}/x/activate")[:2] == (404, "PortBindingNotFound")
        assert client.refused("GET", "ports/absent/bindings")[:2] == (404, "PortNotFound")
