"""One network for each thing that Neutron can ask of its DHCP agent: for tests on the real server, and to record what
the server says of them."""

from tests.neutron.cloud import Cloud, Resource


def every_feature(cloud: Cloud) -> dict[str, Resource]:
    """The networks by what they show."""
    made = {
        "plain": _plain(cloud),
        "dual stack": _dual_stack(cloud),
        "routes": _routes(cloud),
        "options": _options(cloud),
        "names": _names(cloud),
        "no dhcp": _no_dhcp(cloud),
        "routed": _routed(cloud),
        "two subnets": _two_subnets(cloud),
        "reserved": _reserved(cloud),
        "ipv6 modes": _ipv6_modes(cloud),
    }
    made["shared"] = cloud.network(name="shared", shared=True)
    cloud.subnet(made["shared"], "10.20.11.0/24")
    cloud.port(made["shared"])
    return made


def _plain(cloud: Cloud) -> Resource:
    network = cloud.network(name="plain", mtu=1400)
    cloud.subnet(network, "10.20.0.0/24", dns_nameservers=["192.0.2.53", "192.0.2.54"])
    cloud.port(network, name="web", device_id="11111111-2222-4333-8444-555555555555")
    return network


def _dual_stack(cloud: Cloud) -> Resource:
    network = cloud.network(name="dual")
    cloud.subnet(network, "10.20.1.0/24")
    modes = {"ipv6_address_mode": "dhcpv6-stateful", "ipv6_ra_mode": "dhcpv6-stateful"}
    cloud.subnet(network, "fd20:1::/64", dns_nameservers=["2001:db8::53"], **modes)
    options = [
        {"opt_name": "bootfile-name", "opt_value": "pxelinux.0", "ip_version": 4},
        {"opt_name": "bootfile-url", "opt_value": "tftp://[2001:db8::1]/boot", "ip_version": 6},
        {"opt_name": "23", "opt_value": "2001:db8::54", "ip_version": 6},
    ]
    cloud.port(network, name="dual", extra_dhcp_opts=options)
    return network


def _routes(cloud: Cloud) -> Resource:
    network = cloud.network(name="routes")
    routes = [
        {"destination": "192.0.2.0/24", "nexthop": "10.20.2.9"},
        {"destination": "0.0.0.0/0", "nexthop": "10.20.2.8"},
    ]
    cloud.subnet(network, "10.20.2.0/24", gateway_ip=None, host_routes=routes, dns_nameservers=["0.0.0.0"])
    cloud.port(network)
    return network


def _options(cloud: Cloud) -> Resource:
    network = cloud.network(name="options")
    cloud.subnet(network, "10.20.3.0/24")
    options = [
        {"opt_name": "tag:ipxe,67", "opt_value": "http://192.0.2.1/boot.ipxe"},
        {"opt_name": "tag:!ipxe,67", "opt_value": "undionly.kpxe"},
        {"opt_name": "66", "opt_value": "192.0.2.1"},
        {"opt_name": "150", "opt_value": "192.0.2.1"},
        {"opt_name": "server-ip-address", "opt_value": "192.0.2.1"},
        {"opt_name": "ntp-server", "opt_value": "192.0.2.123"},
        {"opt_name": "option:domain-search", "opt_value": "a.test,b.test"},
        {"opt_name": "client-id", "opt_value": "01:02:03:04"},
        {"opt_name": "router", "opt_value": "10.20.3.77"},
        {"opt_name": "no-such-option", "opt_value": "x"},
    ]
    cloud.port(network, name="netboot", extra_dhcp_opts=options)
    return network


def _names(cloud: Cloud) -> Resource:
    network = cloud.network(name="names", dns_domain="users.test.")
    cloud.subnet(network, "10.20.4.0/24")
    cloud.port(network, name="db", dns_name="db1")
    return network


def _no_dhcp(cloud: Cloud) -> Resource:
    network = cloud.network(name="silent")
    served = cloud.subnet(network, "10.20.5.0/24")
    silent = cloud.subnet(network, "10.20.6.0/24", enable_dhcp=False)
    cloud.port(network, name="both", fixed_ips=[{"subnet_id": served["id"]}, {"subnet_id": silent["id"]}])
    cloud.port(network, name="silent", fixed_ips=[{"subnet_id": silent["id"]}])
    return network


def _routed(cloud: Cloud) -> Resource:
    network = cloud.network(name="routed")
    cloud.router(cloud.subnet(network, "10.20.7.0/24"))
    cloud.port(network)
    return network


def _two_subnets(cloud: Cloud) -> Resource:
    network = cloud.network(name="two")
    one = cloud.subnet(network, "10.20.8.0/24", name="one")
    two = cloud.subnet(network, "10.20.9.0/24", name="two", gateway_ip="10.20.9.254")
    cloud.port(network, fixed_ips=[{"subnet_id": one["id"]}, {"subnet_id": one["id"]}, {"subnet_id": two["id"]}])
    return network


def _reserved(cloud: Cloud) -> Resource:
    network = cloud.network(name="reserved")
    subnet = cloud.subnet(network, "10.20.10.0/24")
    fixed = [{"subnet_id": subnet["id"], "ip_address": "10.20.10.200"}]
    cloud.port(network, device_owner="network:dhcp", device_id="reserved_dhcp_port", fixed_ips=fixed)
    cloud.port(network)
    return network


def _ipv6_modes(cloud: Cloud) -> Resource:
    network = cloud.network(name="modes")
    for number, modes in enumerate(
        (
            {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"},
            {"ipv6_address_mode": "dhcpv6-stateless", "ipv6_ra_mode": "dhcpv6-stateless"},
            {"ipv6_address_mode": "dhcpv6-stateful"},
            {},
            {"ipv6_ra_mode": "slaac"},
        )
    ):
        cloud.subnet(network, f"fd20:{number + 16:x}::/64", **modes)
    cloud.port(network)
    return network
