"""Who may ask: bearers of a token, whoever opens the unix socket, and nobody else."""

import http.client
import ssl
import stat
import subprocess
from pathlib import Path

import pytest
from tests.unit.sources.store.served import Client, serve

from netmend.cli.api_client import ApiClient, ApiError
from netmend.ground.listen import Listen
from netmend.sources.store import Store, StoreError
from netmend.sources.store.api.application import application
from netmend.sources.store.api.context import Context
from netmend.sources.store.api.server import ApiServer
from netmend.sources.store.api.token_file import Tokens, read_tokens

TOKEN = "a-token-of-the-test"


def test_a_token_opens_and_nothing_else_does(tmp_path: Path) -> None:
    with serve(tmp_path, {TOKEN: "project-1"}) as (_, nobody):
        status, body = nobody.ask("GET", "/v2.0/networks")
        assert (status, body["error"]["code"]) == (401, 401)
        for wrong in (TOKEN[:-1], TOKEN + "x", "", "\u00ff"):
            assert nobody.ask("GET", "/v2.0/networks", X_Auth_Token=wrong)[0] == 401
        assert nobody.ask("GET", "/v2.0/networks", Authorization=f"Basic {TOKEN}")[0] == 401
        assert nobody.ask("GET", "/v2.0/networks", X_Auth_Token=TOKEN)[0] == 200
        assert nobody.ask("GET", "/v2.0/networks", Authorization=f"Bearer {TOKEN}")[0] == 200
        assert nobody.ask("GET", "/")[0] == 200
        bearer = Client(nobody.port, **{"X-Auth-Token": TOKEN})
        assert bearer.make("network")["project_id"] == "project-1"
        assert bearer.make("network", project_id="other")["project_id"] == "other"
        assert len(ApiClient(tmp_path / "api.sock").list("networks")) == 2
        with pytest.raises(ApiError, match="requires authentication"):
            ApiClient(f"http://127.0.0.1:{nobody.port}").list("networks")
        assert stat.S_IMODE((tmp_path / "api.sock").stat().st_mode) == 0o600


def test_tokens_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    made = read_tokens(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    token = path.read_text().strip()
    assert len(token) >= 32
    assert made.project_of(token) == ""
    assert read_tokens(path).project_of(token) == ""


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("short\n", 0o600, ":1: a line is a token of at least 16 characters"),
        ("# nothing\n\n", 0o600, "holds no token"),
        (f"{TOKEN} a b\n", 0o600, ":1: a line is a token"),
        (f"{TOKEN}\n", 0o644, "others may read or write it (mode 644)"),
    ],
)
def test_a_file_of_tokens_that_cannot_be_used(tmp_path: Path, text: str, mode: int, words: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(StoreError) as refused:
        read_tokens(path)
    assert words in str(refused.value)


def test_tls_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    certificate = tmp_path / "api.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", certificate, "-out",
         tmp_path / "only.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    certificate.write_text(certificate.read_text() + (tmp_path / "only.pem").read_text())
    store = Store(tmp_path / "store.sqlite")
    context = Context(store)
    listeners = Listen(certificate=certificate).open()
    server = ApiServer(lambda: application(context, Tokens({TOKEN: ""})), listeners)
    server.start()
    try:
        trusted = ssl.create_default_context(cafile=str(tmp_path / "only.pem"))
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=trusted, timeout=30)
        connection.request("GET", "/v2.0/networks", headers={"X-Auth-Token": TOKEN})
        assert connection.getresponse().status == 200
        connection.close()
        with pytest.raises(ssl.SSLError):
            http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30).request("GET", "/")
    finally:
        server.close()
        store.close()


@pytest.mark.parametrize("charset", ["bogus", "utf-16"])
def test_a_token_for_a_session_in_any_charset_is_no_defect(tmp_path: Path, charset: str) -> None:
    store = Store(tmp_path / "store.sqlite")
    beside = [lambda app, answer: app.router.add_get("/", answer)]
    made = lambda: application(Context(store, "node1"), Tokens({TOKEN: ""}), beside)  # noqa: E731
    server = ApiServer(made, Listen(socket_path=tmp_path / "api.sock").open())
    server.start()
    try:
        assert server.port is not None
        client = Client(server.port, Content_Type="unused")
        for body, status in ((b"no such token \xff\xfe", 401), (5000 * b"x", 413), (TOKEN.encode(), 204)):
            assert client.ask("POST", "/view/session", body, Content_Type=f"text/plain; charset={charset}")[0] == status
    finally:
        server.close()
        store.close()
