"""Attacks that were found on other guards of guests' ports: each test names the CVE, and what netmend does.

`passes` is the rules of nftables in plain steps; tests/kernel/firewall holds the kernel's own verdict against it.
"""

from ipaddress import IPv4Network

from msgspec.structs import fields
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_RA, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether

from netmend.firewall.guard import Guard, guard_of, is_guarded
from netmend.firewall.verdict import passes
from netmend.intent import Network, Port, Subnet
from netmend.intent.port import TapPlug

OWN, OTHER = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02"
ADDRESS, OTHERS, GATEWAY = "192.0.2.10", "192.0.2.11", "192.0.2.1"
BLOCK = IPv4Network("192.0.2.0/24")
PORT = Port(id="p" * 36, name="p", mac=OWN, fixed_ips=(BLOCK[10],), plug=TapPlug(0))
NETWORK = Network(
    id="n" * 36,
    name="n",
    subnets=(Subnet(id="s", name="s", cidr=BLOCK, server_address=BLOCK[2]),),
    ports={PORT.id: PORT},
)


def guard() -> Guard:
    return guard_of(NETWORK, PORT)


def sent(*layers: object, source: str = OWN, to: str = "ff:ff:ff:ff:ff:ff") -> bool:
    """Whether the port may send it."""
    frame = Ether(src=source, dst=to)
    for layer in layers:
        frame = frame / layer
    return passes(guard(), bytes(frame))


def test_what_is_its_own_passes() -> None:
    assert sent(IP(src=ADDRESS, dst=OTHERS), UDP(sport=1, dport=2))
    assert sent(ARP(hwsrc=OWN, psrc=ADDRESS, pdst=OTHERS))


def test_cve_2025_52890_arp_and_nd_for_another_s_address_do_not_pass() -> None:
    """Incus let ARP and neighbour discovery pass before it looked at the addresses in them."""
    assert not sent(ARP(op=2, hwsrc=OWN, psrc=OTHERS, pdst=GATEWAY))
    assert not sent(ARP(op=2, hwsrc=OTHER, psrc=ADDRESS, pdst=GATEWAY))
    assert not sent(ARP(op=2, hwsrc=OWN, psrc=GATEWAY, pdst=GATEWAY))  # gratuitous
    advertised = ICMPv6ND_NA(tgt="2001:db8::99") / ICMPv6NDOptDstLLAddr(lladdr=OWN)
    assert not sent(IPv6(src="fe80::f816:3eff:fe00:1", dst="ff02::1"), advertised)
    assert not sent(IPv6(src="fe80::f816:3eff:fe00:1", dst="ff02::1"), ICMPv6ND_RA())


def test_cve_2025_52889_requests_for_leases_pass_from_its_own_mac_alone() -> None:
    """Incus let requests to its DHCP server pass whatever the frame's source was, so one guest took a whole pool."""
    layers = (
        IP(src="0.0.0.0", dst="255.255.255.255"),
        UDP(sport=68, dport=67),
        BOOTP(chaddr=bytes.fromhex(OTHER.replace(":", ""))),
        DHCP(options=[("message-type", "discover"), "end"]),
    )
    assert not sent(*layers, source=OTHER)
    assert sent(*layers)  # as far as port security sees: a made-up chaddr is the DHCP server's to bear
    assert not sent(IP(src=ADDRESS, dst=OTHERS), UDP(sport=67, dport=68))  # nor may it answer others


def test_cve_2015_5240_what_the_api_says_of_an_owner_gives_no_trust() -> None:
    """Neutron took the rules from a port whose `device_owner` began with `network:`, which its tenant may set. Here a
    port's intent, of which its guard is made, holds no owner: `port_security` alone takes the guard off."""
    assert "device_owner" not in {field.name for field in fields(Port)}
    assert is_guarded(PORT)
