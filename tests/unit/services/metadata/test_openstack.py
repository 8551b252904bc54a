"""OpenStack's interface."""

from base64 import b64decode
from dataclasses import replace
from ipaddress import IPv6Address

import pytest
from msgspec import structs
from tests.unit.services.metadata.guest import (
    BARE,
    BARE_PORT,
    DB,
    DB_PORT,
    INSTANCE,
    SUBNET6,
    WEB,
    WEB_KEY,
    WEB_PORT,
    Service,
    network,
    port,
)  # fmt: skip

from netmend.services.metadata import KeepPassword
from netmend.services.metadata.versions import OPENSTACK


@pytest.fixture
def service() -> Service:
    return Service(network(WEB_PORT, DB_PORT, BARE_PORT))


def test_versions_and_documents_are_listed(service: Service) -> None:
    assert service.lines("/openstack") == [*OPENSTACK, "latest"]
    assert service.lines("/openstack/latest/") == [
        "meta_data.json", "user_data", "password", "vendor_data.json", "network_data.json", "vendor_data2.json",
    ]  # fmt: skip
    assert service.lines("/openstack/2012-08-10") == ["meta_data.json", "user_data"]
    assert service.lines("/openstack/2013-10-17", BARE) == ["meta_data.json", "password", "vendor_data.json"]
    assert service.status("/openstack/2012-08-10/network_data.json") == 404
    assert service.status("/openstack/1999-01-01/meta_data.json") == 404
    assert service.status("/openstack/latest/content/0000") == 404


def test_meta_data(service: Service) -> None:
    data = service.json("/openstack/latest/meta_data.json")
    assert len(b64decode(data.pop("random_seed"))) == 512
    assert data == {
        "uuid": INSTANCE.id,
        "hostname": "web.example",
        "name": "web server",
        "launch_index": 0,
        "availability_zone": "zone-a",
        "meta": {"role": "web", "needs/slash": "x"},
        "public_keys": {"laptop": WEB_KEY, "desk": "ssh-rsa AAAAB3 desk"},
        "keys": [
            {"name": "laptop", "type": "ssh", "data": WEB_KEY},
            {"name": "desk", "type": "ssh", "data": "ssh-rsa AAAAB3 desk"},
        ],
        "project_id": "project",
        "devices": [],
        "dedicated_cpus": [],
    }
    old = service.json("/openstack/2012-08-10/meta_data.json")
    assert not {"random_seed", "project_id", "devices", "dedicated_cpus"} & set(old)


def test_an_administrator_password_is_told_where_there_is_one() -> None:
    service = Service(network(port(1, WEB, instance=replace(INSTANCE, admin_password="secret"))))
    assert service.json("/openstack/latest/meta_data.json")["admin_pass"] == "secret"


def test_vendor_data_and_user_data(service: Service) -> None:
    assert service.json("/openstack/latest/vendor_data.json") == {"cloud": "here"}
    assert service.json("/openstack/latest/vendor_data2.json") == {"static": {"a": 1}}
    assert service.json("/openstack/latest/vendor_data.json", DB) == {}
    assert service.text("/openstack/latest/user_data") == "#!/bin/sh\nexit 0\n"
    assert service.status("/openstack/latest/user_data", DB) == 404


def test_network_data(service: Service) -> None:
    assert service.json("/openstack/latest/network_data.json") == {
        "links": [
            {
                "id": "tapport-1",
                "vif_id": "port-1",
                "type": "bridge",
                "mtu": None,
                "ethernet_mac_address": "02:00:00:00:00:01",
            }
        ],
        "networks": [
            {"id": "network0", "type": "ipv4_dhcp", "link": "tapport-1", "network_id": "network"},
            {
                "id": "network1",
                "type": "ipv6_slaac",
                "link": "tapport-1",
                "network_id": "network",
                "ip_address": "2001:db8::11",
                "netmask": "ffff:ffff:ffff:ffff::",
                "routes": [{"network": "::", "netmask": "::", "gateway": "2001:db8::1"}],
                "services": [{"type": "dns", "address": "2001:db8::53"}],
            },
        ],
        "services": [{"type": "dns", "address": "2001:db8::53"}],
    }


def test_network_data_of_a_network_of_ipv6_alone() -> None:
    six = port(1, WEB, fixed_ips6=(IPv6Address("2001:db8::11"),))
    six = structs.replace(six, fixed_ips=())
    subnet = structs.replace(SUBNET6, address_mode=None, ra_mode=None)
    service = Service(network(six, subnets=(), subnets6=(subnet,), mtu=1400))
    data = service.json("/openstack/latest/network_data.json", "2001:db8::11")
    assert data["links"][0]["mtu"] == 1400
    assert [each["type"] for each in data["networks"]] == ["ipv6"]


class TestPassword:
    PATH = "/openstack/2013-04-04/password"

    def test_it_is_empty_until_the_guest_has_posted_it(self, service: Service) -> None:
        assert service.text(self.PATH) == ""
        assert service.ask(self.PATH, method="POST", body=b"c2VjcmV0") == KeepPassword(INSTANCE.id, b"c2VjcmV0")

    def test_it_is_written_once(self, service: Service) -> None:
        service.passwords["network", INSTANCE.id] = b"c2VjcmV0"
        assert service.text(self.PATH) == "c2VjcmV0"
        assert service.status(self.PATH, method="POST", body=b"another") == 409
        assert service.text(self.PATH, DB) == "", "another guest's"

    def test_it_has_a_size(self, service: Service) -> None:
        assert isinstance(service.ask(self.PATH, method="POST", body=b"x" * 1020), KeepPassword)
        assert service.status(self.PATH, method="POST", body=b"x" * 1021) == 400
        assert service.status(self.PATH, method="PUT", body=b"x") == 400

    def test_nothing_else_is_written(self, service: Service) -> None:
        assert service.status("/openstack/latest/user_data", method="POST", body=b"x") == 405


@pytest.mark.parametrize(
    ("name", "hostname"),
    [("dyn2", "dyn2.in.example"), ("Web-1", "Web-1.in.example"), ("no host name", None), ("a.b", None), ("-a", None)],
)
def test_a_guest_without_a_host_name_has_its_port_s_where_that_is_one(name: str, hostname: str | None) -> None:
    one = structs.replace(WEB_PORT, name=name, hostname=None, instance=None)
    told = Service(network(one)).json("/openstack/latest/meta_data.json")
    assert told["hostname"] == (hostname or one.id)
