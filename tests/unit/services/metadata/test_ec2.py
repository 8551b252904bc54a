"""EC2's interface, and its tokens."""

import json
from dataclasses import replace

import pytest
from msgspec import structs
from tests.unit.services.metadata.guest import (
    BARE,
    BARE_PORT,
    DB,
    DB_PORT,
    INSTANCE,
    WEB,
    WEB_KEY,
    WEB_PORT,
    Service,
    for_seconds,
    network,
    port,
    with_token,
)

from netmend.intent import Instance
from netmend.services.metadata import tokens
from netmend.services.metadata.versions import EC2


@pytest.fixture
def service() -> Service:
    return Service(network(WEB_PORT, DB_PORT, BARE_PORT))


def test_the_root_lists_the_versions(service: Service) -> None:
    assert service.lines("/") == [*EC2, "latest"]
    assert service.text("") == service.text("/")
    assert service.status("/2009-04-05/meta-data/") == 404


def test_a_version_lists_its_parts(service: Service) -> None:
    assert service.lines("/latest") == ["dynamic", "meta-data", "user-data"]
    assert service.lines("/latest/", BARE) == ["dynamic", "meta-data"]
    assert service.lines("/1.0/") == ["meta-data", "user-data"]


def test_meta_data_lists_directories_with_a_slash(service: Service) -> None:
    assert service.lines("/latest/meta-data/") == [
        "ami-launch-index", "hostname", "instance-action", "instance-id", "instance-type", "ipv6", "local-hostname",
        "local-ipv4", "mac", "network/", "placement/", "public-keys/", "tags/",
    ]  # fmt: skip
    assert service.text("/latest/meta-data") == service.text("/latest//meta-data/./")


def test_public_keys_are_listed_by_index_and_name(service: Service) -> None:
    """The index stands for a directory, but is listed with the key's name and without a slash (EC2 user guide)."""
    assert service.lines("/latest/meta-data/public-keys/") == ["0=laptop", "1=desk"]
    assert service.text("/2009-04-04/meta-data/public-keys/0") == "openssh-key"
    assert service.text("/latest/meta-data/public-keys/0/openssh-key") == WEB_KEY
    assert service.status("/latest/meta-data/public-keys/2/openssh-key") == 404
    assert service.status("/latest/meta-data/public-keys/", DB) == 404


def test_values(service: Service) -> None:
    found = {
        name: service.text(f"/latest/meta-data/{name}") for name in ("instance-id", "hostname", "local-ipv4", "mac")
    }
    assert found == {
        "instance-id": INSTANCE.id, "hostname": "web.example", "local-ipv4": WEB, "mac": "02:00:00:00:00:01",
    }  # fmt: skip
    assert service.text("/latest/meta-data/placement/availability-zone") == "zone-a"
    assert service.text("/latest/meta-data/tags/instance/role") == "web"
    assert service.lines("/latest/meta-data/tags/instance") == ["role"], "a key with a slash is no step of a path"


def test_old_versions_have_what_they_had(service: Service) -> None:
    assert "local-hostname" not in service.lines("/1.0/meta-data/")
    assert "placement/" in service.lines("/2008-02-01/meta-data")
    assert "network/" not in service.lines("/2009-04-04/meta-data/")
    assert "tags/" not in service.lines("/2021-01-03/meta-data/")


def test_interfaces(service: Service) -> None:
    base = "/latest/meta-data/network/interfaces/macs"
    assert service.lines(base) == ["02:00:00:00:00:01/"]
    assert service.text(f"{base}/02:00:00:00:00:01/local-ipv4s") == WEB
    assert service.text(f"{base}/02:00:00:00:00:01/subnet-ipv4-cidr-block") == "192.0.2.0/24"
    assert service.text(f"{base}/02:00:00:00:00:01/ipv6s") == "2001:db8::11"
    assert service.text(f"{base}/02:00:00:00:00:01/owner-id") == "project"
    assert service.status(f"{base}/02:00:00:00:00:02/mac") == 404, "another guest's"


def test_all_ports_of_an_instance_are_its_interfaces() -> None:
    second = port(9, "192.0.2.99", instance=INSTANCE)
    service = Service(network(WEB_PORT, DB_PORT, second))
    for source in (WEB, "192.0.2.99"):
        macs = service.lines("/latest/meta-data/network/interfaces/macs/", source)
        assert macs == ["02:00:00:00:00:01/", "02:00:00:00:00:09/"]
    assert service.text("/latest/meta-data/mac", "192.0.2.99") == second.mac
    service.responder.update(network(WEB_PORT, DB_PORT))
    assert service.lines("/latest/meta-data/network/interfaces/macs/") == ["02:00:00:00:00:01/"]


def test_user_data_is_given_as_it_is(service: Service) -> None:
    binary = bytes(range(256))
    service = Service(network(port(1, WEB, instance=replace(INSTANCE, user_data=binary))))
    response = service.response("/latest/user-data")
    assert (response.body, response.content_type) == (binary, "application/octet-stream")
    assert Service(network(DB_PORT)).status("/latest/user-data", DB) == 404


def test_the_identity_document_is_json(service: Service) -> None:
    document = json.loads(service.text("/latest/dynamic/instance-identity/document"))
    assert document["instanceId"] == INSTANCE.id
    assert document["privateIp"] == WEB


@pytest.mark.parametrize(("zone", "region"), [("eu-north-1a", "eu-north-1"), ("nova", "nova"), (None, None)])
def test_the_region_is_the_zones(zone: str | None, region: str | None) -> None:
    """SDKs of Amazon's want one, Ignition's among them."""
    port = structs.replace(DB_PORT, instance=Instance("i-1", availability_zone=zone))
    document = json.loads(Service(network(port)).text("/latest/dynamic/instance-identity/document", DB))
    assert document["region"] == region


def test_a_port_without_an_instance_is_one_by_itself(service: Service) -> None:
    assert service.text("/latest/meta-data/instance-id", BARE) == "port-3"
    assert service.text("/latest/meta-data/instance-id", DB) == "instance-of-db"
    assert service.text("/latest/meta-data/hostname", DB) == "db.in.example"


def test_only_reading(service: Service) -> None:
    assert service.status("/latest/meta-data/", method="POST") == 405
    assert service.status("/latest/meta-data/", method="HEAD") == 200


class TestTokens:
    def test_a_token_is_issued_and_accepted(self, service: Service) -> None:
        response = service.response("/latest/api/token", method="PUT", headers=for_seconds("21600"))
        assert response.status == 200
        assert dict(response.headers) == {"x-aws-ec2-metadata-token-ttl-seconds": "21600"}
        assert response.hop_limit == 1
        token = response.body.decode()
        assert service.text("/latest/meta-data/instance-id", headers=with_token(token)) == INSTANCE.id

    def test_it_ends(self, service: Service) -> None:
        token = service.token(ttl="60")
        service.now += 59
        assert service.status("/latest/meta-data/", headers=with_token(token)) == 200
        service.now += 1
        assert service.status("/latest/meta-data/", headers=with_token(token)) == 401

    def test_it_is_bound_to_the_port_and_the_network(self, service: Service) -> None:
        token = service.token(WEB)
        assert service.status("/latest/meta-data/", DB, headers=with_token(token)) == 401
        other = Service(structs.replace(network(WEB_PORT), id="other"))
        assert other.status("/latest/meta-data/", headers=with_token(token)) == 401

    @pytest.mark.parametrize("ttl", ["0", "21601", "-1", "1.5", "", "٣", "9" * 1000])
    def test_its_life_must_be_1_to_21600_seconds(self, service: Service, ttl: str) -> None:
        assert service.status("/latest/api/token", method="PUT", headers=for_seconds(ttl)) == 400

    def test_its_life_must_be_told(self, service: Service) -> None:
        assert service.status("/latest/api/token", method="PUT") == 400
        assert service.status("/latest/api/token", method="GET") == 405

    def test_not_through_a_proxy(self, service: Service) -> None:
        headers = {**for_seconds("60"), "X-Forwarded-For": "192.0.2.11"}
        assert service.status("/latest/api/token", method="PUT", headers=headers) == 403

    def test_where_tokens_are_required_nothing_is_told_without(self) -> None:
        instance = replace(INSTANCE, tokens="required", token_hop_limit=3)
        service = Service(network(port(1, WEB, instance=instance)))
        for path in ("/", "/latest/meta-data/", "/latest/user-data", "/openstack/latest/meta_data.json"):
            assert service.status(path) == 401, path
        issued = service.response("/latest/api/token", method="PUT", headers=for_seconds("60"))
        assert issued.hop_limit == 3
        assert service.status("/latest/user-data", headers=with_token(issued.body.decode())) == 200

    @pytest.mark.parametrize("change", range(0, 56, 7))
    def test_a_token_that_was_changed_is_refused(self, service: Service, change: int) -> None:
        token = service.token()
        other = "A" if token[change] != "A" else "B"
        forged = token[:change] + other + token[change + 1 :]
        assert service.status("/latest/meta-data/", headers=with_token(forged)) == 401

    @pytest.mark.parametrize("token", ["", "x", "=" * 56, "é" * 56, "!" * 56, "A" * 56, "A" * 100_000])
    def test_rubbish_is_refused(self, token: str) -> None:
        assert not tokens.Tokens(b"k" * 32, "network").accepts(token, "port", 0.0)
