"""The agents' state reports, by which the server knows them to be alive."""

from collections.abc import Mapping
from typing import Any

from netmend.sources.neutron.configuration import Configuration


def dhcp_agent(configuration: Configuration, counts: Mapping[str, int]) -> dict[str, Any]:
    """`counts` are of networks, subnets and ports: the scheduler and the API read them."""
    conf = configuration.conf
    return {
        "binary": "neutron-dhcp-agent",
        "host": configuration.policy.host,
        "availability_zone": conf.AGENT.availability_zone,
        "topic": "dhcp_agent",
        "configurations": {
            "dhcp_driver": conf.dhcp_driver,
            "dhcp_lease_duration": conf.dhcp_lease_duration,
            "log_agent_heartbeats": conf.AGENT.log_agent_heartbeats,
            **counts,
        },
        "agent_type": "DHCP agent",
    }


def metadata_agent(configuration: Configuration) -> dict[str, Any]:
    conf = configuration.conf
    return {
        "binary": "neutron-metadata-agent",
        "host": configuration.policy.host,
        "topic": "N/A",
        "configurations": {
            "metadata_proxy_socket": conf.metadata_proxy_socket,
            "nova_metadata_host": str(conf.nova_metadata_host),
            "nova_metadata_port": conf.nova_metadata_port,
            "log_agent_heartbeats": conf.AGENT.log_agent_heartbeats,
        },
        "agent_type": "Metadata agent",
    }
