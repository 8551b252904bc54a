"""All ports, networks and routers that Neutron knows, by its API (OpenStack Networking API v2.0), page by page.

What is not in a listing may be taken for dead, so one that may leave something out is refused: that of a user who is no
administrator, one that ends early, one larger than is read.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from yarl import URL

from netmend.sources.neutron.credentials import CannotAsk, Credentials

_ANSWER_TIME: Final = 60.0  # seconds for one answer
_ALL_TIME: Final = 600.0  # seconds for everything
_ANSWER_MAX: Final = 32_000_000  # bytes of one answer
_MOST: Final = 2_000_000  # entries of one list
_PAGE: Final = 1_000  # entries asked for at once; a server may give fewer


@dataclass(frozen=True, slots=True)
class Listing:
    """What the control plane had at `asked_at`, seconds since the epoch, the time before the first question."""

    asked_at: float
    ports: list[dict[str, Any]]  # id, network_id, device_id
    networks: list[dict[str, Any]]  # id
    routers: list[dict[str, Any]] | None  # id; None: the server has no routers


def ask_neutron(credentials: Credentials) -> Listing:
    """Ask for everything. Raises CannotAsk."""
    try:
        return asyncio.run(asyncio.wait_for(_ask(credentials), _ALL_TIME))
    except TimeoutError:
        raise CannotAsk(f"{credentials.origin}: did not end within {_ALL_TIME:.0f} s") from None


async def _ask(credentials: Credentials) -> Listing:
    asked_at = time.time()
    try:
        tls = ssl.create_default_context(cafile=credentials.authorities)
    except OSError as error:
        raise CannotAsk(f"{credentials.authorities}: no certificates can be read from it: {error.strerror}") from None
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=_ANSWER_TIME),
    ) as session:
        asker = _Asker(session, credentials)
        await asker.begin()
        if not await asker.all_of("agents", "id", at_most=1):
            raise CannotAsk(
                f"{asker.endpoint}: shows no agents to these credentials ({credentials.origin}), so maybe not "
                "all ports either: use an administrator's"
            )
        ports = await asker.all_of("ports", "id", "network_id", "device_id")
        networks = await asker.all_of("networks", "id")
        if ports is None or networks is None:
            raise CannotAsk(f"{asker.endpoint}: has no ports and networks: is it Neutron's?")
        return Listing(asked_at, ports, networks, await asker.all_of("routers", "id"))


class _Asker:
    def __init__(self, session: aiohttp.ClientSession, credentials: Credentials) -> None:
        self._session = session
        self._credentials = credentials
        self._headers: dict[str, str] = {}
        self.endpoint = credentials.endpoint or ""

    async def begin(self) -> None:
        """Get a token, and Neutron's address from the catalog, where these are Keystone's to give."""
        if self._credentials.kind == "fixed":
            self._headers = {"X-Auth-Token": self._credentials.auth["token"]}
        elif self._credentials.kind != "none":
            await self._log_in()
        self.endpoint = self.endpoint.rstrip("/").removesuffix("/v2.0") + "/v2.0"

    async def _log_in(self) -> None:
        base = self._credentials.auth["auth_url"].rstrip("/")
        url = f"{base if base.endswith('/v3') else f'{base}/v3'}/auth/tokens"
        status, headers, document = await self._request("POST", url, _identity(self._credentials))
        if status == 401:
            raise CannotAsk(f"{url}: refuses the credentials of {self._credentials.origin} (401)")
        token, given = headers.get("X-Subject-Token"), document.get("token")
        if status not in (200, 201) or not token or not isinstance(given, dict):
            raise CannotAsk(f"{url}: answers with status {status}, and no token")
        self._headers = {"X-Auth-Token": token}
        if not self.endpoint:
            self.endpoint = _in_catalog(given.get("catalog"), self._credentials)

    async def all_of(self, what: str, *fields: str, at_most: int | None = None) -> list[dict[str, Any]] | None:
        """All entries; None where the server has no such list. Each page begins after the last id of the one before."""
        found: dict[str, dict[str, Any]] = {}
        marker = ""
        limit = at_most or _PAGE
        query = [("fields", name) for name in fields] + [("sort_key", "id"), ("sort_dir", "asc"), ("limit", str(limit))]
        while True:
            url = str(URL(f"{self.endpoint}/{what}").with_query([*query, *([("marker", marker)] if marker else [])]))
            status, _, document = await self._request("GET", url)
            if status in (403, 404) and not found and what in ("agents", "routers"):
                return None
            page = document.get(what)
            if status != 200 or not isinstance(page, list):
                raise CannotAsk(f"{url}: answers with status {status}, and no {what}")
            before = len(found)
            for entry in page:
                if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
                    raise CannotAsk(f"{url}: has an entry without an id")
                found[entry["id"]] = entry
                marker = entry["id"]
            if len(found) > _MOST:
                raise CannotAsk(f"{url}: has more than {_MOST:,} {what}")
            more = any(
                isinstance(link, dict) and link.get("rel") == "next" for link in document.get(f"{what}_links") or ()
            )
            if at_most or len(found) == before or not (more or len(page) >= limit):
                if more and not at_most:
                    raise CannotAsk(f"{url}: promises another page of {what}, and has none")
                return list(found.values())

    async def _request(self, method: str, url: str, body: Any = None) -> tuple[int, Any, dict[str, Any]]:
        headers = {"Accept": "application/json", **self._headers}
        try:
            async with self._session.request(
                method, URL(url, encoded=True), json=body, headers=headers, allow_redirects=False
            ) as response:
                text = bytearray()
                async for chunk in response.content.iter_any():
                    text += chunk
                    if len(text) > _ANSWER_MAX:
                        raise CannotAsk(f"{url}: answers with more than {_ANSWER_MAX:,} bytes")
                status, given = response.status, response.headers
        except TimeoutError:
            raise CannotAsk(f"{url}: does not answer within {_ANSWER_TIME:.0f} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise CannotAsk(f"{url}: cannot be asked: {error}") from None
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = {}
        return status, given, document if isinstance(document, dict) else {}


def _identity(credentials: Credentials) -> dict[str, Any]:
    """The body that Keystone wants (Identity API v3, "Password authentication with scoped authorization")."""
    auth = credentials.auth
    if credentials.kind == "token":
        identity: dict[str, Any] = {"methods": ["token"], "token": {"id": auth["token"]}}
    elif credentials.kind == "application_credential":
        credential: dict[str, Any] = {"secret": auth["application_credential_secret"]}
        if auth.get("application_credential_id"):
            credential["id"] = auth["application_credential_id"]
        else:
            credential |= {"name": auth.get("application_credential_name", ""), "user": _user(auth)}
        identity = {"methods": ["application_credential"], "application_credential": credential}
        return {"auth": {"identity": identity}}  # it has a scope of its own
    else:
        identity = {"methods": ["password"], "password": {"user": {**_user(auth), "password": auth["password"]}}}
    return {"auth": {"identity": identity, **_scope(auth)}}


def _user(auth: Any) -> dict[str, Any]:
    if auth.get("user_id"):
        return {"id": auth["user_id"]}
    return {"name": auth.get("username") or auth.get("user_name") or "", "domain": _domain(auth, "user")}


def _domain(auth: Any, of: str) -> dict[str, str]:
    if auth.get(f"{of}_domain_id"):
        return {"id": auth[f"{of}_domain_id"]}
    if auth.get(f"{of}_domain_name"):
        return {"name": auth[f"{of}_domain_name"]}
    return {"id": auth.get("default_domain") or auth.get("default_domain_id") or "default"}


def _scope(auth: Any) -> dict[str, Any]:
    if auth.get("system_scope"):
        return {"scope": {"system": {auth["system_scope"]: True}}}
    if auth.get("project_id") or auth.get("tenant_id"):
        return {"scope": {"project": {"id": auth.get("project_id") or auth["tenant_id"]}}}
    if name := auth.get("project_name") or auth.get("tenant_name"):
        return {"scope": {"project": {"name": name, "domain": _domain(auth, "project")}}}
    return {}


def _in_catalog(catalog: Any, credentials: Credentials) -> str:
    """Neutron's address for the first interface that there is one for (Identity API v3, "Get service catalog")."""
    endpoints = [
        endpoint
        for service in (catalog if isinstance(catalog, list) else [])
        if isinstance(service, dict) and service.get("type") == "network"
        for endpoint in service.get("endpoints") or ()
        if isinstance(endpoint, dict) and isinstance(endpoint.get("url"), str)
        if credentials.region is None or credentials.region in (endpoint.get("region"), endpoint.get("region_id"))
    ]
    for interface in credentials.interfaces:
        for endpoint in endpoints:
            if endpoint.get("interface") == interface:
                return str(endpoint["url"])
    where = f"in region {credentials.region} " if credentials.region else ""
    asked = ", ".join(credentials.interfaces)
    raise CannotAsk(f"{credentials.origin}: Keystone's catalog has no endpoint of Neutron {where}for {asked}")
