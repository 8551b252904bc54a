"""Whatever a guest sends, there is an outcome, in bounded work, and it is its own."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.services.metadata.guest import DB, DB_PORT, INSTANCE, WEB, WEB_PORT, Service, network

from netmend.services.metadata import KeepPassword, Response
from netmend.services.metadata.openstack import PASSWORD_MAX
from netmend.services.metadata.versions import EC2, OPENSTACK

STEPS = [
    "latest", "meta-data", "user-data", "dynamic", "openstack", "api", "token", "public-keys", "0", "openssh-key",
    "network", "interfaces", "macs", WEB_PORT.mac, DB_PORT.mac, "meta_data.json", "network_data.json", "user_data",
    "password", "..", ".", "", "tags", "instance", *EC2[:2], *OPENSTACK[-2:],
]  # fmt: skip
paths = st.lists(st.sampled_from(STEPS) | st.text(max_size=20), max_size=9).map("/".join).map("/".__add__) | st.text()
methods = st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"]) | st.text(string.ascii_uppercase)
names = st.sampled_from(
    ["x-aws-ec2-metadata-token", "x-aws-ec2-metadata-token-ttl-seconds", "x-forwarded-for", "x-instance-id", "host"]
)
headers = st.dictionaries(names | st.text(max_size=10), st.text(max_size=80) | st.just("60"), max_size=4)

SERVICE = Service(network(WEB_PORT, DB_PORT))


@settings(deadline=None, max_examples=500)
@given(methods, paths, headers, st.binary(max_size=2000))
def test_any_request_has_an_outcome(method: str, path: str, named: dict[str, str], body: bytes) -> None:
    outcome = SERVICE.ask(path, WEB, method, body, named)
    if isinstance(outcome, KeepPassword):
        assert outcome.instance_id == INSTANCE.id
        assert method == "POST" and len(outcome.password) <= PASSWORD_MAX
        return
    assert isinstance(outcome, Response)
    assert outcome.status in (200, 400, 401, 403, 404, 405)
    assert b"instance-of-db" not in outcome.body, "another guest's"
    assert all(value.isprintable() for _, value in outcome.headers)


@settings(deadline=None, max_examples=200)
@given(methods, paths, headers)
def test_nobody_learns_what_is_anothers(method: str, path: str, named: dict[str, str]) -> None:
    """The other guest, asking anything, never sees the first one's secrets."""
    outcome = SERVICE.ask(path, DB, method, b"", named)
    if isinstance(outcome, Response):
        assert INSTANCE.id.encode() not in outcome.body
        assert b"exit 0" not in outcome.body


@settings(deadline=None, max_examples=100)
@given(st.ip_addresses())
def test_any_stranger_gets_404(source: object) -> None:
    known = {WEB, DB, "2001:db8::11"}
    if str(source) not in known:
        outcome = SERVICE.ask("/latest/meta-data/", str(source))
        assert (isinstance(outcome, Response) and outcome.status in (404,)) or "ff:fe00" in str(source)
