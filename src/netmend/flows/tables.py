"""Neutron's tables by number, for each sort of bridge.

The numbers are those of its ovs_constants; its contributor guide says what each is for ("Open vSwitch Firewall Driver",
"L2 Networking with Open vSwitch").
"""

from typing import Final

from netmend.flows.switch import Bridge, Role
from netmend.ground.openflow.switch import BridgePort

LOCAL_SWITCHING: Final = 0
CANARY: Final = 23
ARP_SPOOF: Final = 24
MAC_SPOOF: Final = 25
TRANSIENT: Final = 60
BASE_EGRESS: Final = 71
RULES_EGRESS: Final = 72
ACCEPT_OR_INGRESS: Final = 73
BASE_INGRESS: Final = 81
RULES_INGRESS: Final = 82
ACCEPTED_EGRESS: Final = 91
ACCEPTED_INGRESS: Final = 92
DROPPED: Final = 93
ACCEPTED_EGRESS_NORMAL: Final = 94
FIREWALL: Final = frozenset((BASE_EGRESS, RULES_EGRESS, ACCEPT_OR_INGRESS, BASE_INGRESS, RULES_INGRESS))

PATCH_TO_TUNNEL: Final = 2
TUNNEL_TABLES: Final = {"gre": 3, "vxlan": 4, "geneve": 6}
LEARN: Final = 10
UNICAST: Final = 20
ARP_RESPONDER: Final = 21
FLOOD: Final = 22

NAMES: Final[dict[Role, dict[int, str]]] = {
    "integration": {
        LOCAL_SWITCHING: "local switching",
        1: "DVR to source MAC",
        2: "DVR to source MAC, provider",
        3: "ARP to a distributed router",
        4: "ARP to a distributed router, provider",
        CANARY: "canary",
        ARP_SPOOF: "ARP spoofing",
        MAC_SPOOF: "MAC spoofing",
        30: "local egress",
        31: "local IP",
        58: "packet rate",
        59: "bandwidth",
        TRANSIENT: "transient",
        61: "local MAC",
        62: "transient egress",
        BASE_EGRESS: "sent: addresses",
        RULES_EGRESS: "sent: rules",
        ACCEPT_OR_INGRESS: "sent: allowed",
        77: "DHCP",
        78: "DHCPv6",
        BASE_INGRESS: "received: before rules",
        RULES_INGRESS: "received: rules",
        ACCEPTED_EGRESS: "accepted, new connection",
        ACCEPTED_INGRESS: "delivered",
        DROPPED: "dropped",
        ACCEPTED_EGRESS_NORMAL: "accepted",
    },
    "tunnel": {
        0: "from where",
        1: "DVR",
        PATCH_TO_TUNNEL: "to tunnels",
        3: "from GRE",
        4: "from VXLAN",
        6: "from Geneve",
        9: "DVR, not learned",
        LEARN: "learn",
        UNICAST: "to one host",
        ARP_RESPONDER: "ARP answers",
        FLOOD: "to all hosts",
    },
    "provider": {0: "VLANs", 1: "DVR", 2: "local VLANs", 3: "DVR, not learned"},
}


def table_name(bridge: Bridge, table: int) -> str:
    return NAMES[bridge.role].get(table, "")


def is_guest(port: BridgePort) -> bool:
    """Whether it is a port of Neutron's: a guest's, a router's, a DHCP server's."""
    return port.neutron_id is not None
