"""Which agent serves which network: this node all of them."""

from pathlib import Path

from tests.unit.sources.store.served import serve


def test_the_node_serves_every_network_that_has_a_subnet(tmp_path: Path) -> None:
    with serve(tmp_path) as (_, client):
        network, bare = client.make("network"), client.make("network")
        client.make("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
        (agent,) = client.get("agents")["agents"]
        assert [one["id"] for one in client.get(f"networks/{network['id']}/dhcp-agents")["agents"]] == [agent["id"]]
        assert client.get(f"networks/{bare['id']}/dhcp-agents")["agents"] == []
        path = f"agents/{agent['id']}/dhcp-networks"
        assert [one["id"] for one in client.get(path)["networks"]] == [network["id"]]
        refused = (409, "NetworkHostedByDHCPAgent")
        assert client.refused("POST", path, {"network_id": network["id"]})[:2] == refused
        assert client.refused("DELETE", f"{path}/{network['id']}")[:2] == refused
        assert client.refused("POST", path, {})[0] == 400
        assert client.refused("GET", "networks/absent/dhcp-agents")[:2] == (404, "NetworkNotFound")
