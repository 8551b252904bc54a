"""Where to listen, as it is typed; and which names a browser may call it by."""

import os
import socket
import stat
from pathlib import Path

import pytest

from netmend.ground.listen import CannotListen, Listen, is_loopback


@pytest.mark.parametrize(
    ("text", "address", "port", "url"),
    [
        ("127.0.0.1:9696", "127.0.0.1", 9696, "http://127.0.0.1:9696/"),
        ("9696", "127.0.0.1", 9696, "http://127.0.0.1:9696/"),
        ("[::1]:80", "::1", 80, "http://[::1]:80/"),
        ("localhost:9696", "127.0.0.1", 9696, "http://127.0.0.1:9696/"),
        ("0.0.0.0:1", "0.0.0.0", 1, "http://0.0.0.0:1/"),
    ],
)
def test_what_is_meant(text: str, address: str, port: int, url: str) -> None:
    found = Listen.parse(text)
    assert (found.address, found.port, found.url) == (address, port, url)


@pytest.mark.parametrize(
    "text", ["", ":", "host:80", "127.0.0.1:", "127.0.0.1:99999", "1.2.3:80", "127.0.0.1:٣", "a:b:c"]
)
def test_what_is_not(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected ADDRESS:PORT|not an IP address"):
        Listen.parse(text)


def test_names() -> None:
    found = Listen.parse("10.0.0.5:9696", ["Node.Example"])
    assert found.hosts == {"localhost", "127.0.0.1", "::1", "10.0.0.5", "node.example"}


def test_a_port_that_is_taken_is_a_sentence() -> None:
    first = Listen().open()
    try:
        with pytest.raises(
            CannotListen, match=rf"^cannot listen at 127\.0\.0\.1 port {first.port}: Address already in use$"
        ):
            Listen.parse(f"127.0.0.1:{first.port}").open()
        with pytest.raises(CannotListen, match=r"Address already in use; take another$"):
            Listen(port=first.port or 0).open("take another")
    finally:
        first.close()


def test_a_certificate_that_is_none() -> None:
    with pytest.raises(CannotListen, match="cannot be used as certificate and key"):
        Listen(certificate=Path(os.devnull)).open()


def test_the_unix_socket_is_for_its_owner_alone_and_leaves_no_port_behind_when_it_cannot_be_had(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    path.touch()  # left by a node that was killed
    opened = Listen(None, socket_path=path).open()
    assert opened.tcp is None and opened.port is None and stat.S_IMODE(path.stat().st_mode) == 0o600
    opened.close()
    with pytest.raises(CannotListen, match=f"^cannot listen at {tmp_path}/none/api.sock: No such file or directory$"):
        Listen(socket_path=tmp_path / "none/api.sock").open()


@pytest.mark.parametrize("is_dual_stack", [True, False])
def test_all_of_ipv4_with_all_of_ipv6(is_dual_stack: bool) -> None:
    opened = Listen("::", is_dual_stack=is_dual_stack).open()
    assert opened.tcp is not None
    assert opened.tcp.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == (not is_dual_stack)
    opened.close()


def test_how_it_is_called() -> None:
    assert Listen("::1", 443, certificate=Path("x")).url == "https://[::1]:443/"
    assert Listen(None, 0, frozenset({"node"})).hosts == {"localhost", "127.0.0.1", "::1", "node"}


def test_what_is_loopback() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("192.0.2.1")
