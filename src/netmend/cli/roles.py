"""Names of Neutron's programs that netmend answers to: the container image or the unit that calls them stays as it is.

The name stands in the command line of the process, where health checks of Kolla and OpenStack-Helm look for it.
"""

from typing import Final

ROLES: Final = dict.fromkeys(
    ("neutron-dhcp-agent", "neutron-metadata-agent", "neutron-ovn-metadata-agent", "neutron-ovn-agent"), "agent"
)
"""Verb by the name that the program is called by (argv[0])."""
METADATA_AGENT: Final = "neutron-metadata-agent"
DHCP_FILE: Final = "dhcp_agent.ini"
"""The configuration file that makes neutron-metadata-agent the DHCP agent too."""
