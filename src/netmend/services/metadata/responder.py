"""Answers the requests of one network, or says for which instance Nova is to be asked."""

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct, field

from netmend.intent import Network, Port
from netmend.services.metadata import ec2, openstack, tokens, versions
from netmend.services.metadata.callers import Callers, LeaseHolder
from netmend.services.metadata.exchange import BINARY, Forward, Outcome, Request, Response, refusal, text
from netmend.services.metadata.facts import Facts

_READ = ("GET", "HEAD")


class Counters(Struct):
    """Counts since the network was first served."""

    requests: int = 0
    unknown_callers: int = 0
    tokens: int = 0  # issued
    answers: dict[int, int] = field(default_factory=dict)  # by HTTP status, of whatever was answered

    def answered(self, status: int) -> None:
        self.answers[status] = self.answers.get(status, 0) + 1

    def as_dict(self) -> dict[str, object]:
        return {
            "requests": self.requests,
            "unknown_callers": self.unknown_callers,
            "tokens": self.tokens,
            "answers": {str(status): count for status, count in sorted(self.answers.items())},
        }


class MetadataResponder:
    """One network. Owns no socket and no clock, and its answer depends on nothing a guest says about itself."""

    def __init__(
        self,
        network: Network,
        key: bytes,
        random: Callable[[int], bytes],
        passwords: Mapping[tuple[str, str], bytes],
        lease_holder: LeaseHolder | None = None,
    ) -> None:
        """`key` signs tokens; `random` gives that many random bytes; `passwords` are by network and instance id;
        `lease_holder` gives the MAC that DHCP has leased an address to."""
        self.network = network
        self.counters = Counters()
        self._callers = Callers(network, lease_holder)
        self._tokens = tokens.Tokens(key, network.id)
        self._random, self._passwords = random, passwords

    def update(self, network: Network) -> None:
        """Answer by a new version of the network."""
        self.network = network
        self._callers.update(network)

    def knows(self, source: IPv4Address | IPv6Address) -> Port | None:
        """The port of the guest that asks from `source`."""
        return self._callers.find(source)

    def handle(self, source: IPv4Address | IPv6Address, request: Request, now: float) -> Outcome:
        """The outcome of a request from `source`; `now` is in seconds since the epoch. Any request has one."""
        self.counters.requests += 1
        port = self._callers.find(source)
        if port is None:
            self.counters.unknown_callers += 1
            return refusal(404, "No port of this network has the address that you ask from.")
        if self.network.metadata == "proxy":
            return self._forward(source, port)
        return self._embedded(source, port, request, now)

    def _forward(self, source: IPv4Address | IPv6Address, port: Port) -> Outcome:
        project_id = port.project_id or self.network.project_id
        if not port.device_id or not project_id:
            return refusal(404, "The port that you ask from belongs to no instance.")
        return Forward(port.device_id, project_id, str(source).partition("%")[0], self.network.id)

    def _embedded(self, source: IPv4Address | IPv6Address, port: Port, request: Request, now: float) -> Outcome:
        facts = Facts.of(self.network, port, self._callers.ports_of(port), source)
        steps = path_steps(request.path)
        if steps == tokens.PATH:
            return self._token(facts, request, now)
        token = request.headers.get(tokens.HEADER)
        if token is None and facts.instance.tokens == "required":
            return refusal(401, "A token is required here: PUT /latest/api/token gives one.")
        if token is not None and not self._tokens.accepts(token, port.id, now):
            return refusal(401, "The token has ended, or was not issued to this guest.")
        if steps[:1] == ["openstack"]:
            password = self._passwords.get((self.network.id, facts.instance.id), b"")
            return openstack.answer(facts, steps[1:], request, password, self._random)
        if request.method not in _READ:
            return Response(405, b"Only GET and HEAD are understood here.\n", headers=(("Allow", "GET, HEAD"),))
        if not steps:
            return text(200, *versions.EC2, versions.LATEST)
        version = versions.resolve(steps[0], versions.EC2)
        if version is None:
            return refusal(404, "There is no such version; / lists them.")
        value = ec2.walk(ec2.tree(facts, version), steps[1:])
        if value is None:
            return refusal(404, "There is no such item.")
        return Response(200, value, BINARY) if steps[1:] == ["user-data"] else Response(200, value)

    def _token(self, facts: Facts, request: Request, now: float) -> Response:
        """EC2 refuses a PUT that came through a proxy, which would carry the token to strangers."""
        if request.method != "PUT":
            return Response(405, b"A token is asked for by PUT.\n", headers=(("Allow", "PUT"),))
        if "x-forwarded-for" in request.headers:
            return refusal(403, "A request for a token that came through a proxy (X-Forwarded-For) is refused.")
        ttl = tokens.parse_ttl(request.headers.get(tokens.TTL_HEADER))
        if ttl is None:
            return refusal(400, f"{tokens.TTL_HEADER} must say how long the token shall last: 1 to {tokens.TTL_MAX}.")
        self.counters.tokens += 1
        token = self._tokens.issue(facts.port.id, ttl, now)
        headers = ((tokens.TTL_HEADER, str(ttl)),)
        return Response(200, token.encode(), headers=headers, hop_limit=facts.instance.token_hop_limit)


def path_steps(path: str) -> list[str]:
    """The steps of a path: repeated slashes, `.` and one at the end mean nothing, `..` goes back (posixpath.normpath,
    which Nova uses)."""
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    return steps
