"""Asks a Nova metadata API in the name of an instance, as Neutron's metadata agent does; or that agent, at its socket,
as the haproxy of a network does.

What Nova needs to know (neutron/agent/metadata/agent.py): X-Instance-ID, X-Tenant-ID, X-Forwarded-For, and the
HMAC-SHA256 of the instance id with the shared secret as X-Instance-ID-Signature. Nothing of the guest's own headers
goes on.

Connections are pooled. Endpoints are taken in turn: the one that answered last goes first, one that could not be
reached is left alone for a while. A GET that failed is repeated at the next one; the POST of a
password only if nothing was sent yet. No endpoint that answers, or is slow to, is asked twice.
"""

import hashlib
import hmac
import ssl
import time

import aiohttp
from msgspec import Struct
from yarl import URL

from netmend.ground.log import get_logger
from netmend.intent import MetadataProxy
from netmend.services.metadata import Forward

_PASSED = frozenset((400, 403, 404, 409, 429, 500, 502, 503, 504))  # as Neutron passes them on
_ELSEWHERE = frozenset((502, 503, 504))  # another endpoint may do better
_ANSWER_MAX = 4 << 20  # bytes
_CONNECT_TIME = 3.0  # seconds
_AVOID = 5.0  # seconds that an endpoint is left alone after it could not be reached
_AGENT = "http://169.254.169.254"  # what guests call whom they ask
_SAY_AGAIN = 60.0  # seconds before the same is logged again

log = get_logger()


class ProxyError(Exception):
    """The proxy's settings cannot be used; the text names the file and what is wrong in it."""


class Answer(Struct, frozen=True):
    """The answer to the guest. `content_type` is the header's text."""

    status: int
    body: bytes
    content_type: str = "text/plain"
    retry_after: int | None = None


class _Endpoint(Struct):
    url: str
    avoid_until: float = 0.0
    problem: str | None = None
    asked: int = 0


class NovaProxy:
    """One set of endpoints. Made and used in one event loop."""

    def __init__(
        self, settings: MetadataProxy, tls: ssl.SSLContext | None, connections: int, answer_time: float
    ) -> None:
        """At most so many `connections` at once; `tls` is `tls_of(settings)`; an answer has `answer_time` seconds."""
        self._secret = settings.shared_secret.encode()
        agent = settings.agent_socket
        urls = settings.endpoints if agent is None else (f"unix:{agent}",)
        self._endpoints = [_Endpoint(url) for url in urls]
        self._to_agent = agent is not None
        self._said: dict[str, float] = {}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ssl=tls or True, keepalive_timeout=30.0)
            if agent is None
            else aiohttp.UnixConnector(str(agent), limit=connections, keepalive_timeout=30.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=answer_time, sock_connect=_CONNECT_TIME),
            auto_decompress=False,
            skip_auto_headers=("Accept-Encoding", "User-Agent", "Content-Type"),
            trust_env=False,
        )

    async def ask(self, forward: Forward, method: str, path: str, body: bytes) -> Answer:
        """The answer to a guest's request; `path` is as it came, with its query. 503 where Nova cannot be reached."""
        headers = self._headers(forward)
        repeatable = method in ("GET", "HEAD")
        answer, heard = _AWAY, None
        for endpoint in self._order():
            if endpoint is heard:  # alone, and well enough to be asked no more of the same
                break
            endpoint.asked += 1
            url = URL((_AGENT if self._to_agent else endpoint.url) + path, encoded=True)
            try:
                async with self._session.request(
                    method, url, headers=headers, data=body or None, allow_redirects=False
                ) as response:
                    answer = await self._read(endpoint, response)
            except TimeoutError as error:
                late = isinstance(error, aiohttp.ServerTimeoutError) and "onnect" in str(error)
                self._failed(endpoint, "does not answer in time", avoid=late)
                answer, heard = (_AWAY, heard) if late else (_LATE, endpoint)
                if not (late or repeatable):
                    return answer
            except aiohttp.ClientConnectorError as error:  # nothing was sent
                self._failed(endpoint, f"cannot be reached: {_reason(error)}", avoid=True)
                answer = _AWAY
            except (aiohttp.ClientError, OSError, ValueError) as error:
                self._failed(endpoint, f"ended the conversation: {_reason(error)}", avoid=True)
                answer = _AWAY
                if not repeatable:
                    return answer
            else:
                if answer.status not in _ELSEWHERE or not repeatable:
                    return answer
                heard = endpoint
        return answer

    def _headers(self, forward: Forward) -> dict[str, str]:
        if self._to_agent:
            return {"X-Forwarded-For": forward.source, "X-Neutron-Network-ID": forward.network_id}
        return {
            "X-Forwarded-For": forward.source,
            "X-Instance-ID": forward.instance_id,
            "X-Tenant-ID": forward.project_id,
            "X-Instance-ID-Signature": sign(self._secret, forward.instance_id),
        }

    def _order(self) -> list[_Endpoint]:
        """Those that work first; one alone is tried twice, since a pooled connection may have ended meanwhile."""
        now = time.monotonic()
        ready = [endpoint for endpoint in self._endpoints if endpoint.avoid_until <= now]
        avoided = [endpoint for endpoint in self._endpoints if endpoint.avoid_until > now]
        return ready + avoided if len(self._endpoints) > 1 else self._endpoints * 2

    async def _read(self, endpoint: _Endpoint, response: aiohttp.ClientResponse) -> Answer:
        if response.status not in _PASSED and response.status != 200:
            self._failed(endpoint, f"answers with status {response.status}, which no metadata API does", avoid=False)
            return Answer(502, b"The metadata API answered with a status that it does not have.\n")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > _ANSWER_MAX:
                self._failed(endpoint, f"answers with more than {_ANSWER_MAX} bytes", avoid=False)
                return Answer(502, b"The metadata API answered with more than is passed on.\n")
        if response.status == 403:
            self._say(endpoint, "refuses the signature: is shared_secret the one of Nova's configuration?")
            endpoint.problem = "refuses the signature (403)"
        elif response.status >= 500:
            self._failed(endpoint, f"answers with status {response.status}", avoid=response.status == 503)
        else:
            endpoint.problem, endpoint.avoid_until = None, 0.0
            if endpoint is not self._endpoints[0]:
                self._endpoints.remove(endpoint)
                self._endpoints.insert(0, endpoint)
        return Answer(response.status, bytes(body), response.headers.get("Content-Type", "text/plain"))

    def _failed(self, endpoint: _Endpoint, problem: str, *, avoid: bool) -> None:
        endpoint.problem = problem
        if avoid:
            endpoint.avoid_until = time.monotonic() + _AVOID
        self._say(endpoint, problem)

    def _say(self, endpoint: _Endpoint, problem: str) -> None:
        key, now = f"{endpoint.url} {problem}", time.monotonic()
        if now - self._said.get(key, -_SAY_AGAIN) >= _SAY_AGAIN:
            self._said[key] = now
            log.warning("metadata API", endpoint=endpoint.url, problem=problem)

    def status(self) -> list[dict[str, object]]:
        return [
            {"url": endpoint.url, "asked": endpoint.asked, "problem": endpoint.problem}
            for endpoint in list(self._endpoints)
        ]

    async def close(self) -> None:
        await self._session.close()


def sign(secret: bytes, instance_id: str) -> str:
    """The signature that Nova checks (nova/api/metadata/handler.py, _validate_shared_secret)."""
    return hmac.new(secret, instance_id.encode(), hashlib.sha256).hexdigest()


_AWAY = Answer(503, b"Nova's metadata API cannot be reached. Please try again later.\n", retry_after=5)
_LATE = Answer(504, b"Nova's metadata API does not answer in time. Please try again later.\n", retry_after=5)


def tls_of(settings: MetadataProxy) -> ssl.SSLContext | None:
    """How endpoints are spoken with over TLS; None where none is. Reads files, which takes tens of milliseconds; raises
    ProxyError when one is no certificate or key."""
    if not any(url.startswith("https:") for url in settings.endpoints):
        return None
    certificate = settings.client_certificate
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ProxyError(
            f"metadata_proxy.ca_file {settings.ca_file}: holds no certificate ({_reason(error)})"
        ) from None
    if certificate:
        try:
            context.load_cert_chain(certificate, settings.client_key, password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            files = f"{certificate}" + (f" and client_key {settings.client_key}" if settings.client_key else "")
            raise ProxyError(
                f"metadata_proxy.client_certificate {files}: no certificate and key in PEM, without a password, that "
                f"belong together ({_reason(error)})"
            ) from None
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _reason(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
