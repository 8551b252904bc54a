"""Names of Neutron's programs that netmend answers to: the container image or the unit that calls them stays as it is.

The name stands in the command line of the process, where health checks of Kolla and OpenStack-Helm look for it.
"""

from typing import Final

ROLES: Final = {"neutron-dhcp-agent": "agent", "neutron-ovn-metadata-agent": "agent", "neutron-ovn-agent": "agent"}
"""Verb by the name that the program is called by (argv[0])."""
