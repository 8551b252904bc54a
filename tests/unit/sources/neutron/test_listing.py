"""Neutron asked for all that it knows: a stand-in for Keystone and Neutron, over real HTTP and TLS."""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.unit.services.metadata.io.certificates import make_certificates

from netmend.sources.neutron import listing
from netmend.sources.neutron.credentials import CannotAsk, Credentials
from netmend.sources.neutron.listing import ask_neutron


class Cloud:
    """Keystone at /v3, and Neutron at /v2.0. What a test sets is what it says."""

    def __init__(self) -> None:
        self.url = ""
        self.said: list[Any] = []
        self.ids: dict[str, list[str]] = {"agents": ["a"], "networks": ["n"], "routers": ["r"]}
        self.ids["ports"] = [f"{number:04}" for number in range(25)]
        self.page = 10
        self.absent: dict[str, int] = {}
        self.broken = ""

    async def tokens(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.said.append(body)
        if body["auth"]["identity"].get("password", {}).get("user", {}).get("password") == "wrong":
            return web.json_response({"error": {"code": 401}}, status=401)
        endpoints = [
            {"interface": "public", "region": "one", "url": f"{self.url}/elsewhere"},
            {"interface": "internal", "region": "two", "url": self.url},
        ]
        catalog = [{"type": "identity", "endpoints": []}, {"type": "network", "endpoints": endpoints}]
        return web.json_response({"token": {"catalog": catalog}}, status=201, headers={"X-Subject-Token": "secret"})

    async def entries(self, request: web.Request) -> web.Response:
        what = request.match_info["what"]
        if what in self.absent:
            return web.json_response({}, status=self.absent[what])
        if request.headers.get("X-Auth-Token") != "secret":
            return web.json_response({}, status=401)
        assert request.query["sort_key"] == "id"
        rest = [one for one in self.ids[what] if one > request.query.get("marker", "")]
        size = min(self.page, int(request.query["limit"]))
        document: dict[str, Any] = {what: [{"id": one, "device_id": ""} for one in rest[:size]]}
        if len(rest) > size or self.broken == "another page":
            document[f"{what}_links"] = [{"rel": "next", "href": "http://192.0.2.1/"}]
        if self.broken == "no id" and what == "ports":
            document["ports"] = [{"name": "x"}]
        if self.broken == "no json":
            return web.Response(text="<html>")
        if self.broken == "long":
            return web.Response(text=json.dumps(document) + " " * 200_000)
        if self.broken == "moved":
            return web.Response(status=302, headers={"Location": "http://192.0.2.1/"})
        if self.broken == "slow":
            await asyncio.sleep(30)
        return web.json_response(document)


@contextmanager
def cloud(tls: ssl.SSLContext | None = None) -> Iterator[Cloud]:
    found = Cloud()
    loop = asyncio.new_event_loop()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/v3/auth/tokens", found.tokens)
        app.router.add_get("/v2.0/{what}", found.entries)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        found.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    try:
        yield found
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


def credentials(at: Cloud, **more: Any) -> Credentials:
    auth = {"auth_url": at.url, "username": "admin", "password": "p", "project_name": "admin"}
    auth |= more.pop("auth", {})
    return Credentials("env", **{"kind": "password", "auth": auth, "interfaces": ("internal",), **more})


def test_all_pages_are_read() -> None:
    before = time.time()
    with cloud() as at:
        found = ask_neutron(credentials(at, region="two"))
    assert [one["id"] for one in found.ports] == at.ids["ports"]
    assert ([one["id"] for one in found.networks], found.routers) == (["n"], [{"id": "r", "device_id": ""}])
    assert before <= found.asked_at <= time.time()
    assert at.said == [
        {
            "auth": {
                "identity": {
                    "methods": ["password"],
                    "password": {"user": {"name": "admin", "domain": {"id": "default"}, "password": "p"}},
                },
                "scope": {"project": {"name": "admin", "domain": {"id": "default"}}},
            }
        }
    ]


@pytest.mark.parametrize("page", [5, 24, 25, 26])
def test_pages_that_end_anywhere(page: int) -> None:
    with cloud() as at:
        at.page = page
        assert len(ask_neutron(credentials(at)).ports) == 25


def test_a_server_without_routers() -> None:
    with cloud() as at:
        at.absent = {"routers": 404}
        assert ask_neutron(credentials(at)).routers is None


def test_other_ways_to_authenticate() -> None:
    fixed = {"kind": "fixed", "auth": {"token": "secret"}}
    secret = {"application_credential_id": "i", "application_credential_secret": "s"}
    with cloud() as at:
        assert len(ask_neutron(credentials(at, **fixed, endpoint=f"{at.url}/")).ports) == 25
        ask_neutron(credentials(at, kind="application_credential", auth=secret))
        ask_neutron(credentials(at, kind="token", auth={"token": "before", "project_id": "p", "project_name": ""}))
        ask_neutron(credentials(at, auth={"user_id": "u", "system_scope": "all"}))
    assert [one["auth"]["identity"]["methods"] for one in at.said] == [
        ["application_credential"],
        ["token"],
        ["password"],
    ]
    assert [one["auth"].get("scope") for one in at.said] == [None, {"project": {"id": "p"}}, {"system": {"all": True}}]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("no id", "an entry without an id"),
        ("no json", "answers with status 200, and no agents"),
        ("moved", "answers with status 302"),
        ("another page", "promises another page"),
        ("long", "more than"),
        ("slow", "does not answer within"),
    ],
)
def test_a_listing_that_may_leave_something_out_is_refused(
    broken: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_ANSWER_MAX", 100_000)
    monkeypatch.setattr(listing, "_ANSWER_TIME", 2.0 if broken == "slow" else 60.0)
    with cloud() as at:
        at.broken = broken
        with pytest.raises(CannotAsk, match=why):
            ask_neutron(credentials(at))


@pytest.mark.parametrize("said", ["empty", 403, 404])
def test_who_is_no_administrator_is_refused(said: str | int) -> None:
    with cloud() as at:
        if isinstance(said, int):
            at.absent = {"agents": said}
        else:
            at.ids["agents"] = []
        with pytest.raises(CannotAsk, match="use an administrator's"):
            ask_neutron(credentials(at))


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_a_list_that_is_refused_is_no_empty_list(status: int) -> None:
    with cloud() as at:
        at.absent = {"ports": status}
        with pytest.raises(CannotAsk, match=f"status {status}, and no ports"):
            ask_neutron(credentials(at))


def test_what_keystone_says_is_passed_on() -> None:
    with cloud() as at:
        with pytest.raises(CannotAsk, match="refuses the credentials"):
            ask_neutron(credentials(at, auth={"password": "wrong"}))
        with pytest.raises(CannotAsk, match="no endpoint of Neutron in region three for internal"):
            ask_neutron(credentials(at, region="three"))
        with pytest.raises(CannotAsk, match="status 404, and no token"):
            ask_neutron(credentials(at, auth={"auth_url": f"{at.url}/identity"}))
    with pytest.raises(CannotAsk, match="cannot be asked"):
        ask_neutron(credentials(at))


def test_certificates_are_verified(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.server, made.server_key)
    with cloud(tls) as at:
        assert len(ask_neutron(credentials(at, authorities=str(made.authority))).ports) == 25
        with pytest.raises(CannotAsk, match="certificate"):
            ask_neutron(credentials(at))
        with pytest.raises(CannotAsk, match="no certificates can be read"):
            ask_neutron(credentials(at, authorities=str(tmp_path / "absent.pem")))
