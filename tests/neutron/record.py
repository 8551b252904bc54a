"""Prints what a real server says over RPC, for tests/unit/sources/neutron: `tools/neutron record`.

With netmend (or Neutron's own agent) at work as node1, so that there are DHCP ports.
"""

import json
import time

from tests.neutron.agents import FILES
from tests.neutron.cloud import Cloud, wait_until
from tests.neutron.features import every_feature

from netmend.sources.neutron.configuration import configuration
from netmend.sources.neutron.rpc import Server


def main() -> None:
    found = configuration(FILES)
    server = Server(found.conf, found.policy.host)
    with Cloud() as cloud:
        for kind in ("DHCP agent", "Open vSwitch agent"):
            wait_until(lambda kind=kind: any(agent["alive"] for agent in cloud.agents(kind)), f"a {kind}")  # type: ignore[misc]
        ids = {network["id"]: name for name, network in every_feature(cloud).items()}
        time.sleep(15)
        active = server.get_active_networks()
        networks = {ids[raw["id"]]: raw for raw in active if raw["id"] in ids}
        one = server.get_network(networks["names"]["id"])
        record = {"host": found.policy.host, "active": networks, "get_network_info": one}
        print(json.dumps(record, sort_keys=True))
    server.close()


if __name__ == "__main__":
    main()
