"""A port that the server does not activate although all has been done for it."""

from tests.neutron.agents import Netmend
from tests.neutron.cloud import Cloud, Resource, wait_until
from tests.neutron.guests import run


def blocks(port: Resource, verb: str = "SELECT entity") -> list[str]:
    """What the port waits for, in the server's own books."""
    this = f"standard_attr_id = (SELECT standard_attr_id FROM ports WHERE id = '{port['id']}')"
    statement = f"{verb} FROM provisioningblocks WHERE {this}"
    return run("mariadb", "-S", "/run/mysqld/mysqld.sock", "-N", "neutron", "-e", statement).split()


def test_the_server_is_told_again_of_a_port_that_stays_down(cloud: Cloud) -> None:
    """When two agents report at once, the server can miss that both have: no block is left, and the port stays DOWN."""
    network = cloud.network()
    cloud.subnet(network, "10.49.0.0/24")
    port = cloud.port(network)
    with Netmend() as netmend:
        wait_until(lambda: blocks(port) == ["L2"], "the port to wait for the switch alone")
        netmend.wait_until("all to be told", lambda status: status["intent"]["ports_to_tell"] == 0)
        blocks(port, "DELETE")
        assert blocks(port) == []
        assert not cloud.is_active(port)
        cloud.wait_until_active(port)
