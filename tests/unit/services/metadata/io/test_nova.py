"""Metadata by way of Nova: what it is asked, and what guests are told when it fails."""

import gzip
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.unit.services.metadata.io.certificates import Certificates, make_certificates
from tests.unit.services.metadata.io.serving import DB, STRANGER, WEB, Serving, network
from tests.unit.services.metadata.io.stand_in import SECRET, StandIn
from tests.waiting import PATIENCE, wait_for

from netmend.intent import MetadataProxy, RequestRates
from netmend.services.metadata.io import Limits

Start = Callable[..., Serving]
PROXIED = network(metadata="proxy")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Serving] = []

    def make(*novas: StandIn | str, limits: Limits | None = None, **settings: object) -> Serving:
        serving = Serving(tmp_path, limits or Limits())
        started.append(serving)
        urls = tuple(nova if isinstance(nova, str) else nova.url for nova in novas)
        serving.proxy = MetadataProxy(urls, **{"shared_secret": SECRET, **settings})  # type: ignore[arg-type]
        serving.serve(PROXIED)
        return serving

    yield make
    for serving in started:
        serving.__exit__()


@contextmanager
def nowhere() -> Iterator[str]:
    """A URL where nobody listens, nor can while the block lasts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_another_metadata_agent_is_told_who_asks_and_where(start: Start, tmp_path: Path) -> None:
    """As the haproxy of a network tells it; what the guest claims is not passed on."""
    with StandIn(agent_socket=tmp_path / "metadata_proxy") as agent:
        serving = start(agent_socket=tmp_path / "metadata_proxy")
        claims = "X-Neutron-Router-ID: r\r\nX-Neutron-Network-ID: x\r\nX-Forwarded-For: 1.2.3.4\r\n"
        assert serving.ask("/latest/meta-data/?a=%20b", headers=claims) == (200, b"answer")
        (asked,) = agent.asked
        assert asked.path == "/latest/meta-data/?a=%20b"
        told = {name: value for name, value in asked.headers.items() if name.startswith("X-")}
        assert told == {"X-Forwarded-For": WEB, "X-Neutron-Network-ID": PROXIED.id}
    status, body = serving.ask("/")
    assert status == 503, body


def test_what_nova_is_told(start: Start) -> None:
    with StandIn() as nova:
        serving = start(nova)
        claims = "X-Instance-ID: vm-db\r\nX-Tenant-ID: x\r\nX-Forwarded-For: 1.2.3.4\r\nCookie: a=b\r\nX-Secret: y\r\n"
        assert serving.ask("/openstack/latest/meta_data.json?a=%20b", headers=claims) == (200, b"answer")
        (asked,) = nova.asked
        assert (asked.method, asked.path, asked.body) == ("GET", "/openstack/latest/meta_data.json?a=%20b", b"")
        told = {name: value for name, value in asked.headers.items() if name not in {"Host", "Accept"}}
        assert told == {
            "X-Instance-ID": "vm-web",
            "X-Tenant-ID": "project",
            "X-Forwarded-For": WEB,
            "X-Instance-ID-Signature": told["X-Instance-ID-Signature"],
        }


def test_the_password_is_posted(start: Start) -> None:
    with StandIn() as nova:
        assert start(nova).ask("/openstack/2013-04-04/password", method="POST", body=b"secret")[0] == 200
        assert (nova.asked[0].method, nova.asked[0].body) == ("POST", b"secret")


def test_who_is_no_instance_is_not_asked_for(start: Start) -> None:
    with StandIn() as nova:
        assert start(nova).ask("/", STRANGER)[0] == 404
        assert nova.asked == []


def test_user_data_that_is_compressed_stays_so(start: Start) -> None:
    with StandIn(body=gzip.compress(b"#!/bin/sh"), content_type="application/octet-stream") as nova:
        assert start(nova).ask("/latest/user-data") == (200, nova.body)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 429, 500, 502, 503, 504])
def test_status_codes_pass(start: Start, status: int) -> None:
    with StandIn(status=status, body=b"why") as nova:
        assert start(nova).ask("/latest/meta-data/") == (status, b"why")


@pytest.mark.parametrize("status", [301, 401, 418])
def test_other_status_codes_are_a_bad_gateway(start: Start, status: int) -> None:
    with StandIn(status=status) as nova:
        assert start(nova).ask("/")[0] == 502


def test_a_wrong_secret_is_told_in_status_and_is_not_shown(start: Start) -> None:
    with StandIn() as nova:
        serving = start(nova, shared_secret="another secret")
        assert serving.ask("/latest/meta-data/") == (403, b"Invalid proxy request signature.")
        status = serving.server.status("blue")
        assert status is not None and status["nova"]["endpoints"][0]["problem"] == "refuses the signature (403)"
        assert "another secret" not in str(status)


def test_nova_away(start: Start) -> None:
    with nowhere() as url:
        serving = start(url)
        status, body = serving.ask("/latest/meta-data/")
    assert (status, body) == (503, b"Nova's metadata API cannot be reached. Please try again later.\n")
    found = serving.server.status("blue")
    assert found is not None and "cannot be reached" in found["nova"]["endpoints"][0]["problem"]
    assert url not in body.decode(), "where Nova is, is no guest's business"
    with StandIn(port=int(url.rpartition(":")[2])):
        assert serving.ask("/latest/meta-data/") == (200, b"answer"), "as soon as it is back"


def test_the_next_endpoint_is_asked(start: Start) -> None:
    with StandIn() as nova, nowhere() as url:
        serving = start(url, nova)
        for _ in range(3):
            assert serving.ask("/") == (200, b"answer")
        endpoints = serving.server.status("blue")
        assert endpoints is not None
        assert [each["asked"] for each in endpoints["nova"]["endpoints"]] == [3, 1], "the one that answers goes first"


def test_a_post_is_repeated_only_where_nothing_was_sent(start: Start) -> None:
    with StandIn() as nova, StandIn(break_off=True) as broken, nowhere() as url:
        assert start(url, nova).ask("/openstack/latest/password", method="POST", body=b"x")[0] == 200
        assert start(broken, nova).ask("/openstack/latest/password", method="POST", body=b"x")[0] == 503
        assert len(broken.asked) == 1 and len(nova.asked) == 1
        assert start(broken, nova).ask("/openstack/latest/password")[0] == 200, "a question may be asked again"


def test_an_endpoint_that_is_unwell_gives_way(start: Start) -> None:
    with StandIn(status=503) as unwell, StandIn() as nova:
        assert start(unwell, nova).ask("/") == (200, b"answer")


def test_a_slow_nova_is_asked_once(start: Start) -> None:
    with StandIn(hold=True) as nova:
        serving = start(nova, answer_time=0.3)
        assert serving.ask("/openstack/latest/vendor_data2.json")[0] == 504
        assert len(nova.asked) == 1
        status = serving.server.status("blue")
        assert status is not None and status["nova"]["endpoints"][0]["problem"] == "does not answer in time"


def test_a_slow_nova_has_as_long_as_the_settings_say(start: Start) -> None:
    with StandIn(hold=True) as nova, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(start(nova, answer_time=PATIENCE).ask, "/")
        wait_for(lambda: nova.at_once, "Nova is asked")
        nova.let_go()
        assert answer.result() == (200, b"answer")


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_nova_that_says_so_is_asked_once(start: Start, status: int) -> None:
    with StandIn(status=status) as nova:
        assert start(nova).ask("/")[0] == status
        assert len(nova.asked) == 1


def test_a_nova_that_ended_a_pooled_connection_is_asked_again(start: Start) -> None:
    with StandIn(break_off=True) as nova:
        assert start(nova).ask("/")[0] == 503
        assert len(nova.asked) >= 2


def test_a_guest_that_asks_more_often_than_the_settings_say_is_told_so(start: Start) -> None:
    """As haproxy counts, by each guest's address; who is refused counts too; nobody else is concerned."""
    with StandIn() as nova:
        serving = start(nova, rates=RequestRates(((3, 3600), (1000, 10))))
        assert [serving.ask("/", WEB)[0] for _ in range(5)] == [200, 200, 200, 429, 429]
        assert serving.ask("/", DB)[0] == 200
        assert len(nova.asked) == 4
        status = serving.server.status("blue")
        assert status is not None and status["refused"]["too_often"] == 2
        serving.proxy = MetadataProxy((nova.url,), SECRET, rates=RequestRates(((3, 3600),), version=6))
        assert [serving.ask("/", WEB)[0] for _ in range(5)] == [200] * 5


def test_connections_are_pooled(start: Start) -> None:
    with StandIn() as nova:
        serving = start(nova)
        for _ in range(20):
            assert serving.ask("/")[0] == 200
        assert len({asked.peer for asked in nova.asked}) == 1


def test_too_large_an_answer_is_not_passed(start: Start) -> None:
    with StandIn(body=bytes(5 << 20)) as nova:
        assert start(nova).ask("/")[0] == 502


def test_an_endpoint_may_have_a_path_that_is_not_left(start: Start) -> None:
    with StandIn() as nova:
        serving = start(f"{nova.url}/metadata")
        assert serving.ask("/latest")[0] == 200
        assert nova.asked[0].path == "/metadata/latest"
        assert serving.ask("/../admin")[0] == 400
        assert serving.ask("/%2e%2e/admin")[0] in (400, 200)
        assert all(asked.path.startswith("/metadata/") for asked in nova.asked)


def test_requests_in_flight_of_a_network_are_bounded(start: Start) -> None:
    with StandIn(hold=True) as nova, ThreadPoolExecutor(24) as pool:
        serving = start(nova, limits=replace(Limits(), in_flight=3, wait=PATIENCE))
        serving.serve(network("green", metadata="proxy"))
        answers = [pool.submit(serving.ask, "/", WEB) for _ in range(8)]
        wait_for(lambda: nova.at_once == 3, "as many as may be are in flight")
        other = pool.submit(serving.ask, "/", DB, "green")
        wait_for(lambda: nova.at_once == 4, "another network waits for none of them")
        nova.let_go(4)
        for asked in range(5, 10):
            wait_for(lambda asked=asked: len(nova.asked) >= asked, "the next has its turn")  # type: ignore[misc]
            nova.let_go()
        assert other.result()[0] == 200
        assert {answer.result()[0] for answer in answers} == {200}
        assert nova.most_at_once == 4


def test_a_network_that_waits_too_long_is_told_so(start: Start) -> None:
    with StandIn(hold=True) as nova, ThreadPoolExecutor(4) as pool:
        serving = start(nova, limits=replace(Limits(), in_flight=1, wait=0.2))
        first = pool.submit(serving.ask, "/", WEB)
        wait_for(lambda: nova.at_once, "Nova is asked")
        assert serving.ask("/", WEB)[0] == 503
        nova.let_go()
        assert first.result()[0] == 200


class TestTls:
    def test_the_certificate_is_checked(self, start: Start, certificates: Certificates) -> None:
        with StandIn(certificates) as nova:
            assert start(nova, ca_file=certificates.authority).ask("/")[0] == 200
            unknown = start(nova)
            assert unknown.ask("/")[0] == 503
            status = unknown.server.status("blue")
            assert status is not None and "certificate" in status["nova"]["endpoints"][0]["problem"]
            assert start(nova, verify=False).ask("/")[0] == 200

    def test_so_is_the_name_in_it(self, start: Start, certificates: Certificates) -> None:
        with StandIn(certificates, host="127.0.0.2") as nova:
            serving = start(nova, ca_file=certificates.authority)
            assert serving.ask("/")[0] == 503
            status = serving.server.status("blue")
            assert status is not None and "127.0.0.2" in status["nova"]["endpoints"][0]["problem"]

    def test_a_client_certificate_is_shown(self, start: Start, certificates: Certificates) -> None:
        with StandIn(certificates, ask_client=True) as nova:
            settings = {"ca_file": certificates.authority, "client_certificate": certificates.client}
            assert start(nova, **settings, client_key=certificates.client_key).ask("/")[0] == 200
            assert start(nova, ca_file=certificates.authority).ask("/")[0] == 503

    def test_files_that_are_no_certificates_are_told(
        self, start: Start, certificates: Certificates, tmp_path: Path
    ) -> None:
        with StandIn(certificates) as nova:
            for settings in (
                {"ca_file": certificates.server_key},
                {"client_certificate": certificates.client, "client_key": certificates.server_key},
            ):
                serving = start(nova, **settings)
                assert serving.ask("/") == (503, b"The metadata service is not set up to ask Nova.\n")
                status = serving.server.status("blue")
                assert status is not None and str(next(iter(settings.values()))) in status["nova"]["problem"]


def test_new_settings_are_in_force_with_the_next_request(start: Start) -> None:
    with StandIn(body=b"old") as old, StandIn(body=b"new") as new:
        serving = start(old)
        assert serving.ask("/") == (200, b"old")
        serving.proxy = MetadataProxy((new.url,), SECRET)
        assert serving.ask("/") == (200, b"new")
        serving.proxy = None
        assert serving.ask("/")[0] == 503
