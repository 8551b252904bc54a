"""Where to listen, as it is typed; and which names a browser may call it by."""

import pytest

from netmend.node.http.listen import Listen
from netmend.node.lock import CannotStart


@pytest.mark.parametrize(
    ("text", "host", "port", "url"),
    [
        ("127.0.0.1:9696", "127.0.0.1", 9696, "http://127.0.0.1:9696/"),
        ("9696", "127.0.0.1", 9696, "http://127.0.0.1:9696/"),
        ("[::1]:80", "::1", 80, "http://[::1]:80/"),
        ("localhost:9696", "127.0.0.1", 9696, "http://127.0.0.1:9696/"),
        ("0.0.0.0:1", "0.0.0.0", 1, "http://0.0.0.0:1/"),
    ],
)
def test_what_is_meant(text: str, host: str, port: int, url: str) -> None:
    found = Listen.parse(text)
    assert (found.host, found.port, found.url) == (host, port, url)


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
    held = Listen.parse("127.0.0.1:0").open()
    port = held.getsockname()[1]
    with pytest.raises(CannotStart, match=f"cannot listen at 127.0.0.1 port {port}: Address already in use"):
        Listen.parse(f"127.0.0.1:{port}").open()
    held.close()
