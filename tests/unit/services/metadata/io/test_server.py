"""The server: whose connection it is, and what a guest cannot do to it."""

import socket
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.services.metadata.io.serving import DB, STRANGER, WEB, Serving, network, port, read_answer
from tests.waiting import PATIENCE, wait_for

from netmend.services.metadata.io import Limits

GET = b"GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: x\r\n\r\n"
Start = Callable[..., Serving]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Serving] = []

    def make(**limits: Any) -> Serving:
        serving = Serving(tmp_path, replace(Limits(), **limits))
        started.append(serving)
        serving.serve(network())
        return serving

    yield make
    for serving in started:
        serving.__exit__()


class TestIdentity:
    def test_is_the_source_address(self, start: Start) -> None:
        serving = start()
        assert serving.ask("/latest/meta-data/instance-id", WEB) == (200, b"i-web")
        assert serving.ask("/latest/meta-data/instance-id", DB) == (200, b"i-db")
        assert serving.ask("/latest/meta-data/instance-id", STRANGER)[0] == 404

    def test_is_the_network_by_whose_socket_it_comes(self, start: Start) -> None:
        serving = start()
        serving.serve(network("green", port(11, "other")))
        assert serving.ask("/latest/user-data", WEB, "green") == (200, b"other")
        assert serving.ask("/latest/user-data", WEB, "blue") == (200, b"web")
        assert serving.ask("/latest/user-data", DB, "green")[0] == 404

    def test_is_no_header(self, start: Start) -> None:
        claims = (
            "X-Forwarded-For: 127.0.1.12\r\nX-Instance-ID: vm-db\r\nX-Tenant-ID: x\r\nForwarded: for=127.0.1.12\r\n"
        )
        assert start().ask("/latest/meta-data/instance-id", WEB, headers=claims) == (200, b"i-web")

    def test_is_looked_up_for_each_request(self, start: Start) -> None:
        """Also on a connection that was made under another intent."""
        serving = start()
        with serving.connect(WEB) as guest:
            guest.sendall(GET)
            assert b"i-web" in guest.recv(4096)
            serving.server.update(network("blue", replace(port(11, "new"), id="port-new")))
            guest.sendall(GET)
            assert b"i-new" in guest.recv(4096)
            serving.server.update(network("blue", port(12, "db")))
            guest.sendall(GET)
            assert b" 404 " in guest.recv(4096)


class TestRequests:
    def test_many_on_one_connection(self, start: Start) -> None:
        serving = start()
        with serving.connect() as guest:
            guest.sendall(GET * 20)
            received = b""
            while received.count(b"i-web") < 20:
                received += guest.recv(65536)
        counted = serving.server.status("blue")
        assert counted is not None and counted["answers"] == {"200": 20}

    def test_head_has_no_body(self, start: Start) -> None:
        assert start().ask("/latest/meta-data/instance-id", method="HEAD") == (200, b"")

    def test_paths_are_decoded(self, start: Start) -> None:
        assert start().ask("/latest/%6deta-data/instance-id?x=y#z") == (200, b"i-web")

    def test_absolute_form(self, start: Start) -> None:
        """RFC 9112 section 3.2.2: to be understood, and never to be taken for an order to go there."""
        assert start().ask("http://192.0.2.1/latest/meta-data/instance-id") == (200, b"i-web")

    @pytest.mark.parametrize("method", ["DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"])
    def test_other_methods_are_refused(self, start: Start, method: str) -> None:
        assert start().ask("/", method=method)[0] in (400, 405)

    def test_a_password_is_kept_and_written_once(self, start: Start, tmp_path: Path) -> None:
        serving = start()
        path = "/openstack/2013-04-04/password"
        assert serving.ask(path) == (200, b"")
        assert serving.ask(path, method="POST", body=b"c2VjcmV0")[0] == 200
        assert serving.ask(path, method="POST", body=b"another")[0] == 409
        assert serving.ask(path) == (200, b"c2VjcmV0")
        assert serving.ask(path, DB) == (200, b"")
        with Serving(tmp_path) as later:
            later.serve(network())
            assert later.ask(path) == (200, b"c2VjcmV0")
        assert stat.S_IMODE((tmp_path / "metadata.sqlite").stat().st_mode) == 0o600

    def test_tokens_outlive_a_restart(self, start: Start, tmp_path: Path) -> None:
        serving = start()
        ttl = "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n"
        status, token = serving.ask("/latest/api/token", method="PUT", headers=ttl)
        assert status == 200
        with Serving(tmp_path) as later:
            later.serve(network())
            with_token = f"X-aws-ec2-metadata-token: {token.decode()}\r\n"
            assert later.ask("/latest/meta-data/instance-id", headers=with_token) == (200, b"i-web")
            assert later.ask("/latest/meta-data/instance-id", DB, headers=with_token)[0] == 401

    def test_a_defect_costs_one_answer(self, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
        serving = start()
        monkeypatch.setattr("netmend.services.metadata.ec2.tree", lambda *_: 1 / 0)
        assert serving.ask("/latest/meta-data/")[0] == 500
        monkeypatch.undo()
        assert serving.ask("/latest/meta-data/")[0] == 200


class TestLimits:
    def test_a_header_that_never_ends_is_cut_off(self, start: Start) -> None:
        serving = start(request_time=0.3)
        with serving.connect() as guest:
            guest.sendall(b"GET / HTTP/1.1\r\n")

            def cut_off() -> bool:
                try:
                    guest.sendall(b"X: y\r\n")
                except OSError:
                    return True
                return False

            wait_for(cut_off, "the guest that goes on sending is cut off", every=0.1)
            assert read_answer(guest)[0] == 0

    def test_a_body_that_never_ends_is_cut_off(self, start: Start) -> None:
        serving = start(request_time=0.3)
        with serving.connect() as guest:
            guest.sendall(b"POST /openstack/latest/password HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nxx")
            assert read_answer(guest)[0] == 408

    def test_silence_is_cut_off(self, start: Start) -> None:
        serving = start(request_time=0.3)
        with serving.connect() as guest:
            assert read_answer(guest)[0] == 0

    def test_a_connection_has_an_end_whatever_it_does(self, start: Start) -> None:
        serving = start(connection_time=0.5)
        with serving.connect() as guest:

            def ended() -> bool:
                try:
                    guest.sendall(GET)
                    return not guest.recv(4096)
                except OSError:
                    return True

            wait_for(ended, "the connection is ended, though it is asked by", every=0.1)

    @pytest.mark.parametrize(
        "request_",
        [
            b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nX: " + b"y" * 10_000 + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % number for number in range(1000)) + b"\r\n",
            b"GET / HTTP/1.1\r\n" + b"y" * 100_000,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"\r\n" * 50_000,
        ],
        ids=["line", "header", "headers", "endless", "tls", "version", "length", "smuggling", "blank"],
    )
    def test_what_is_no_request_is_refused(self, start: Start, request_: bytes) -> None:
        serving = start(request_time=1.0)
        with serving.connect() as guest:
            with suppress(OSError):
                guest.sendall(request_)
            assert read_answer(guest)[0] in (0, 400)
        assert serving.ask("/latest/meta-data/instance-id") == (200, b"i-web")

    def test_a_large_body_is_refused(self, start: Start) -> None:
        serving = start()
        with serving.connect() as guest:
            guest.sendall(b"POST /openstack/latest/password HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
            assert read_answer(guest)[0] == 413
        with serving.connect() as guest:
            guest.sendall(b"POST /openstack/latest/password HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            with suppress(OSError):
                for _ in range(100):
                    guest.sendall(b"1000\r\n" + bytes(4096) + b"\r\n")
            assert read_answer(guest)[0] in (0, 413)

    def test_a_guest_that_asks_too_often_is_told_so(self, start: Start) -> None:
        serving = start(guest_rate=1.0, guest_burst=5)
        answers = [serving.ask("/")[0] for _ in range(8)]
        assert answers == [200] * 5 + [429] * 3
        assert serving.ask("/", DB)[0] == 200, "its neighbour is not"
        with serving.connect() as guest:
            guest.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"Retry-After: 1\r\n" in guest.recv(4096)
        counted = serving.server.status("blue")
        assert counted is not None and counted["refused"]["too_often"] == 4

    def test_a_guest_that_connects_too_often_is_not_even_read(self, start: Start) -> None:
        serving = start(connection_rate=1.0, connection_burst=3)
        assert [serving.ask("/")[0] for _ in range(5)] == [200, 200, 200, 429, 429]
        assert serving.ask("/", DB)[0] == 200

    def test_connections_of_a_guest_are_bounded(self, start: Start) -> None:
        serving = start(guest_connections=2)
        held = [serving.connect() for _ in range(2)]
        wait_for(lambda: serving.ask("/")[0] == 503, "a third is refused")
        assert serving.ask("/", DB)[0] == 200, "its neighbour may"
        held[0].close()
        wait_for(lambda: serving.ask("/")[0] == 200, "there is room again")
        held[1].close()

    def test_connections_of_all_are_bounded_but_each_network_has_some(self, start: Start) -> None:
        serving = start(connections=3, spared_connections=1)
        serving.serve(network("green"))
        held = [serving.connect() for _ in range(3)]
        wait_for(lambda: serving.ask("/")[0] == 503, "a fourth is refused")
        assert serving.ask("/", name="green")[0] == 200
        for each in held:
            each.close()

    def test_strangers_share_what_one_guest_has(self, start: Start) -> None:
        serving = start(guest_rate=1.0, guest_burst=4)
        assert [serving.ask("/", f"127.0.1.{number}")[0] for number in range(100, 106)] == [404] * 4 + [429] * 2

    @pytest.mark.parametrize("rest", [0.2, 3600.0])
    def test_after_many_refusals_nobody_is_heard_for_a_moment(self, start: Start, rest: float) -> None:
        serving = start(connection_rate=1.0, connection_burst=1, refusals_rate=1.0, refusals_burst=2, rest=rest)
        serving.serve(network("green"))
        answers = [serving.ask("/")[0] for _ in range(4)]
        assert answers == [200, 429, 429, 429]
        with serving.connect(DB) as guest:
            guest.sendall(GET)
            assert serving.ask("/", WEB, "green")[0] == 200, "another network is not kept waiting"
            if rest < PATIENCE:
                assert b"i-db" in guest.recv(4096)
            else:
                guest.settimeout(0.5)
                with pytest.raises(TimeoutError):
                    guest.recv(4096)


class TestLifetime:
    def test_a_network_that_goes_takes_its_connections_along(self, start: Start) -> None:
        serving = start()
        with serving.connect() as guest:
            guest.sendall(GET)
            assert b"i-web" in guest.recv(4096)
            serving.server.remove("blue")
            assert read_answer(guest) == (0, b"")
        with pytest.raises(ConnectionRefusedError):
            serving.connect()
        assert serving.server.status("blue") is None
        serving.server.remove("blue")

    def test_new_sockets_for_a_network_that_is_served(self, start: Start) -> None:
        serving = start()
        assert serving.ask("/")[0] == 200
        before = serving.ports["blue"]
        serving.serve(network())
        assert serving.ports["blue"] != before
        assert serving.ask("/")[0] == 200
        counted = serving.server.status("blue")
        assert counted is not None and counted["answers"] == {"200": 2}, "counters go on"

    def test_a_socket_that_fails_is_told(self, start: Start) -> None:
        serving = start()
        listener = socket.socket()  # which does not listen
        listener.bind(("127.0.0.1", 0))
        serving.server.serve(network("broken"), [listener])
        wait_for(lambda: serving.suspects, "the failure is told")
        assert serving.suspects == ["broken"]
        assert serving.ask("/")[0] == 200

    def test_many_networks_at_once(self, start: Start) -> None:
        serving = start()
        names = [f"net-{number}" for number in range(50)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: serving.serve(network(name, port(11, name))), names))
            answers = list(pool.map(lambda name: serving.ask("/latest/user-data", WEB, name), names))
        assert answers == [(200, name.encode()) for name in names]
