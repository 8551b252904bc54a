"""Calls to the server, made by a few workers beside the agent's thread; the agent receives their answers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from netmend.ground.log import get_logger
from netmend.sources.neutron.names import Raw
from netmend.sources.neutron.own_ports import with_own_ports
from netmend.sources.neutron.rpc import Server, ServerError

log = get_logger()


class Receiver(Protocol):
    """Receives answers, in the workers' threads."""

    def all_told(self, known: list[str], networks: list[dict[str, Any]] | ServerError) -> None:
        """All networks of this agent; `known` were known when it was asked."""

    def one_told(self, network_id: str, answer: dict[str, Any] | ServerError | None) -> None:
        """One network with our ports on it, or None: there is none for us."""


class Calls:
    """Nothing is called until there is a `server`, or after `stop`."""

    def __init__(self, host: str, workers: int, receiver: Receiver) -> None:
        self.server: Server | None = None
        self._host = host
        self._receiver = receiver
        self._workers = ThreadPoolExecutor(workers, "netmend-neutron-call")
        self._stopping = False

    def stop(self) -> None:
        self._stopping = True
        self._workers.shutdown(wait=False, cancel_futures=True)

    def all(self, known: list[str]) -> None:
        """Ask for all networks."""
        self._submit(self._all, known)

    def one(self, network_id: str, raw: Raw | None) -> None:
        """Ask for a network (unless it is `raw`), and for our ports on it."""
        self._submit(self._one, network_id, raw)

    def release(self, network_id: str, device_id: str) -> None:
        """Give a port of ours back."""
        self._submit(self._release, network_id, device_id)

    def _submit(self, call: Callable[..., None], *arguments: Any) -> None:
        if self.server is not None and not self._stopping:
            self._workers.submit(call, self.server, *arguments)

    def _all(self, server: Server, known: list[str]) -> None:
        answer: list[dict[str, Any]] | ServerError
        try:
            answer = server.get_active_networks()
        except ServerError as error:
            answer = error
        self._receiver.all_told(known, answer)

    def _one(self, server: Server, network_id: str, raw: Raw | None) -> None:
        answer: dict[str, Any] | ServerError | None
        try:
            found = raw if raw is not None else server.get_network(network_id)
            answer = with_own_ports(server, found, self._host) if found is not None else None
        except ServerError as error:
            answer = error
        except Exception as error:  # a network that makes no sense
            answer = ServerError("get_network_info", None, f"{type(error).__name__}: {error}")
        self._receiver.one_told(network_id, answer)

    def _release(self, server: Server, network_id: str, device_id: str) -> None:
        try:
            server.release_port(network_id, device_id)
        except ServerError as error:
            if error.kind is None:  # no answer: the server finds out at our next report, or keeps an idle port
                log.warning("our port was not given back", network=network_id, device=device_id, why=str(error))
        else:
            log.info("our port was given back", network=network_id, device=device_id)
