"""OpenStack's credentials from wherever operators have them."""

from pathlib import Path

import pytest

from netmend.sources.neutron.credentials import CannotAsk, find_credentials

PASSWORD = {
    "OS_AUTH_URL": "https://keystone:5000",
    "OS_USERNAME": "admin",
    "OS_PASSWORD": "p",
    "OS_PROJECT_NAME": "admin",
}
CLOUDS = """
clouds:
  prod:
    auth: {auth_url: https://keystone:5000/v3, username: admin, password: p, project_name: admin}
    region_name: one
    interface: internal
    cacert: /etc/ca.pem
  small:
    auth_type: admin_token
    auth: {endpoint: "http://127.0.0.1:9696", token: t}
  split:
    auth: {auth_url: https://keystone:5000, username: admin}
  lax:
    verify: false
    auth: {auth_url: https://keystone:5000, username: admin, password: p}
  exotic:
    auth_type: v3oidcpassword
    auth: {auth_url: https://keystone:5000, password: p}
"""
NOVA = """
[DEFAULT]
debug = True
transport_url = rabbit://a:b@c
transport_url = rabbit://d
[neutron]
auth_url = https://keystone:5000
auth_type = password
username = neutron
password = 100%secret
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = one
valid_interfaces = internal,public
cafile = /etc/ca.pem
"""


def test_the_environment() -> None:
    found = find_credentials(
        "env", {**PASSWORD, "OS_REGION_NAME": "one", "OS_CACERT": "/ca", "OS_INTERFACE": "internalURL"}
    )
    assert (found.kind, found.region, found.interfaces, found.authorities) == ("password", "one", ("internal",), "/ca")
    assert (found.auth["auth_url"], found.auth["username"], found.auth["password"]) == (
        "https://keystone:5000",
        "admin",
        "p",
    )


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({"OS_AUTH_URL": "http://k", "OS_AUTH_TYPE": "v3applicationcredential", "OS_APPLICATION_CREDENTIAL_ID": "i",
          "OS_APPLICATION_CREDENTIAL_SECRET": "s"}, "application_credential"),
        ({"OS_AUTH_URL": "http://k", "OS_AUTH_TYPE": "v3token", "OS_TOKEN": "t"}, "token"),
        ({"OS_ENDPOINT": "http://n", "OS_TOKEN": "t"}, "fixed"),
        ({"OS_ENDPOINT": "http://n"}, "none"),
        ({"OS_ENDPOINT": "http://n", "OS_AUTH_TYPE": "none"}, "none"),
    ],
)  # fmt: skip
def test_ways_to_authenticate(environment: dict[str, str], kind: str) -> None:
    assert find_credentials("env", environment).kind == kind


def test_clouds(tmp_path: Path) -> None:
    (tmp_path / "clouds.yaml").write_text(CLOUDS)
    (tmp_path / "secure.yaml").write_text("clouds: {split: {auth: {password: hidden}}}")
    environment = {"OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml")}
    prod = find_credentials("prod", environment)
    assert (prod.kind, prod.region, prod.interfaces, prod.authorities) == (
        "password",
        "one",
        ("internal",),
        "/etc/ca.pem",
    )
    assert find_credentials("env", {**environment, "OS_CLOUD": "prod"}) == prod
    small = find_credentials("small", environment)
    assert (small.kind, small.endpoint, small.auth["token"]) == ("fixed", "http://127.0.0.1:9696", "t")
    assert find_credentials("split", environment).auth["password"] == "hidden"


@pytest.mark.parametrize("section", ["neutron", "keystone_authtoken", "nova"])
def test_a_service_s_own_file(section: str, tmp_path: Path) -> None:
    (tmp_path / "nova.conf").write_text(NOVA.replace("[neutron]", f"[{section}]"))
    found = find_credentials(str(tmp_path / "nova.conf"))
    assert (found.kind, found.interfaces, found.authorities) == ("password", ("internal", "public"), "/etc/ca.pem")
    assert (found.auth["password"], found.auth["user_domain_name"], found.region) == ("100%secret", "Default", "one")


def test_a_secret_is_in_no_text() -> None:
    assert "'p'" not in repr(find_credentials("env", PASSWORD))


@pytest.mark.parametrize(
    ("origin", "environment", "why"),
    [
        ("env", {}, "neither OS_CLOUD nor OS_AUTH_URL nor OS_ENDPOINT"),
        ("env", {"OS_AUTH_URL": "http://k", "OS_USERNAME": "a"}, "password is missing"),
        ("env", {**PASSWORD, "OS_AUTH_URL": "keystone:5000"}, "is no address of HTTP"),
        ("env", {**PASSWORD, "OS_INSECURE": "true"}, "always verified"),
        ("lax", {}, "always verified"),
        ("exotic", {}, "auth_type v3oidcpassword"),
        ("unknown", {}, "no cloud 'unknown'"),
        ("split", {}, "password is missing"),
        ("./absent.conf", {}, "cannot be read"),
        ("./bare.conf", {}, "no auth_url in"),
        ("./broken.conf", {}, "broken.conf"),
        ("env", {"OS_CLOUD": "x", "OS_CLIENT_CONFIG_FILE": "bad.yaml"}, "bad.yaml:1: is not YAML"),
    ],
)
def test_what_is_wrong_is_said(
    origin: str, environment: dict[str, str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("clouds.yaml").write_text(CLOUDS)
    Path("bad.yaml").write_text("{")
    Path("bare.conf").write_text("[DEFAULT]\nx = 1\n[neutron]\nregion_name = r\n")
    Path("broken.conf").write_text("no section\n")
    with pytest.raises(CannotAsk, match=why):
        find_credentials(origin, environment)
