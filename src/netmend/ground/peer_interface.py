"""Addresses with a peer (`ip address add LOCAL peer PEER`): the network on the link does not hold the address."""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network


class PeerInterface4(IPv4Interface):
    """An IPv4 address; `network` is what is on the link."""

    def __init__(self, address: IPv4Address, on_link: IPv4Network) -> None:
        super().__init__((int(address), on_link.prefixlen))
        self.network = on_link


class PeerInterface6(IPv6Interface):
    """The same for IPv6."""

    def __init__(self, address: IPv6Address, on_link: IPv6Network) -> None:
        super().__init__((int(address), on_link.prefixlen))
        self.network = on_link
