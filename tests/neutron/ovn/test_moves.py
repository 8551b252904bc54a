"""A guest moves to the other chassis while it runs; then its network goes, and nothing is left."""

from tests.neutron.cloud import Cloud
from tests.neutron.guests import Guest, run
from tests.neutron.ovn.chassis import Chassis
from tests.neutron.ovn.instances import INSTANCES, ask

OPTIONS = ("ovn-nbctl", "--db=unix:/run/ovn/ovnnb_db.sock", "get", "Logical_Switch_Port")


def test_live_migration_and_the_end_of_the_network(cloud: Cloud, one: Chassis, two: Chassis) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.72.0.0/24")
    port = cloud.port(network, device_id=INSTANCES[0], **{"binding:host_id": "node1"})
    with one.netmend() as first, two.netmend() as second, Guest(port, one.host) as before:
        cloud.wait_until_active(port)
        first.wait_until_serves(network["id"])
        assert before.dhcp() and ask(before)["instance"] == INSTANCES[0]
        cloud.update("port", port, **{"binding:profile": {"migrating_to": "node2"}})
        assert '"node1,node2"' in run(*OPTIONS, port["id"], "options:requested-chassis")
        second.wait_until_serves()
        with Guest(port, two.host) as after:
            second.wait_until_serves(network["id"])  # before the guest runs there
            assert ask(before)["instance"] == INSTANCES[0]
            fields = {"binding:host_id": "node2", "binding:profile": {}}
            cloud.update("port", port, **fields)
            assert after.dhcp()["ip"] == port["fixed_ips"][0]["ip_address"]
            assert ask(after)["instance"] == INSTANCES[0]
            first.wait_until_serves()
            one.wait_until_clean(network)
            cloud.delete("port", port)
            cloud.delete("network", network)
            second.wait_until_serves()
            two.wait_until_clean(network)
