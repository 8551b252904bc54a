"""The Neutron server as its agents see it, over oslo.messaging: calls to it, and its notifications to us.

Topics, namespaces and versions are those of Zed and of everything since. oslo.messaging reads its own options
(transport_url and the like) from Neutron's configuration; with several brokers it goes from one to the next.
"""

import random
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from netmend.sources.neutron.dhcp_port import CreatePort, UpdatePort, Wish
from netmend.sources.neutron.names import Raw
from netmend.sources.neutron.notices import Notice, NoticeEndpoint

# oslo.messaging would load eventlet, which is made to replace Python's sockets and threads, if only it is installed.
if "eventlet" not in sys.modules:
    sys.modules["eventlet"] = None  # type: ignore[assignment]
from oslo_service import backend

backend.init_backend(backend.BackendType.THREADING)

import oslo_messaging  # noqa: E402 - it takes the backend that is chosen when it is loaded

_PLUGIN, _REPORTS, _DHCP_AGENT = "q-plugin", "q-reports-plugin", "dhcp_agent"
_REPORT_VERSION = "1.1"  # the first whose report_state answers; Zed has 1.2, and refuses what asks for more
_TIME = "%Y-%m-%dT%H:%M:%S.%f"
_RETRIES = 1  # of a connection to the brokers, before a call fails: our own loops try again

NOT_FOUND = frozenset(("NetworkNotFound",))
NO_ADDRESS = frozenset(("IpAddressGenerationFailure",))


class ServerError(Exception):
    """A call that failed; `kind` is the name of the server's exception, or None without an answer."""

    def __init__(self, method: str, kind: str | None, text: str) -> None:
        super().__init__(f"{method}: {text}")
        self.kind = kind


class Server:
    """Calls block, and raise ServerError. Thread-safe."""

    def __init__(self, conf: Any, host: str) -> None:
        self._host = host
        self._counting = Lock()
        self._calls = 0
        self._since = 0.0
        self._waited = 0.0
        oslo_messaging.set_transport_defaults(control_exchange="neutron")
        self._transport = oslo_messaging.get_rpc_transport(conf)
        self._plugin = self._client(oslo_messaging.Target(topic=_PLUGIN, version="1.0"))
        self._reports = self._client(oslo_messaging.Target(topic=_REPORTS, version=_REPORT_VERSION))
        self._timeout: float = conf.rpc_response_timeout  # an option that clients bring with them
        self._timeout_max: float = conf.rpc_response_max_timeout
        self._timeouts: dict[str, float] = {}

    def _client(self, target: Any) -> Any:
        return oslo_messaging.get_rpc_client(self._transport, target, retry=_RETRIES)

    def close(self) -> None:
        self._transport.cleanup()

    # --- the DHCP agent's calls -----------------------------------------------------------------------------------

    def get_active_networks(self) -> list[dict[str, Any]]:
        """Every network that is scheduled to us, with its subnets that have DHCP, and its ports."""
        found = self._call(self._plugin, "1.1", "get_active_networks_info", host=self._host, enable_dhcp_filter=True)
        return list(found or ())

    def get_network(self, network_id: str) -> dict[str, Any] | None:
        found = self._call(self._plugin, "1.0", "get_network_info", network_id=network_id, host=self._host)
        return dict(found) if found else None

    def ask_for_port(self, wish: Wish) -> dict[str, Any] | None:
        """The port as it is now; None when the server could not for a reason that will come as a notification."""
        match wish:
            case CreatePort(body):
                found = self._call(self._plugin, "1.1", "create_dhcp_port", port={"port": body}, host=self._host)
            case UpdatePort(port_id, body):
                found = self._call(
                    self._plugin, "1.1", "update_dhcp_port", port_id=port_id, port={"port": body}, host=self._host
                )
        return dict(found) if found else None

    def release_port(self, network_id: str, device_id: str) -> None:
        self._call(
            self._plugin, "1.0", "release_dhcp_port", network_id=network_id, device_id=device_id, host=self._host
        )

    def ready_on_ports(self, port_ids: Iterable[str]) -> None:
        self._call(self._plugin, "1.5", "dhcp_ready_on_ports", port_ids=list(port_ids))

    # --- the metadata agent's call --------------------------------------------------------------------------------

    def get_ports(self, filters: Raw) -> list[dict[str, Any]]:
        """The ports that the API's filters, lists of values by field, let through."""
        found = self._call(self._plugin, "1.0", "get_ports", filters=dict(filters))
        return list(found or ())

    # --- versioned objects ----------------------------------------------------------------------------------------

    def pull(self, kind: str, version: str, **filters: Any) -> list[dict[str, Any]]:
        """The server's objects of a kind (neutron.objects) that these filters let through, in one question. A server
        gives objects as an older `version` has them, whichever its own is."""
        arguments = {"resource_type": kind, "version": version, "filter_kwargs": filters}
        found = self._call(self._plugin, "1.1", "bulk_pull", **arguments)
        return [_plain(each) for each in found or ()]

    # --- reports --------------------------------------------------------------------------------------------------

    def report_state(self, state: Raw, timeout: float) -> str | None:
        """`alive`, `new` or `revived`, as the server takes us for."""
        report = {"agent_state": {**state, "uuid": str(uuid.uuid4())}}
        now = datetime.now(UTC).strftime(_TIME)
        client = self._reports.prepare(timeout=timeout)
        return self._guarded(client, "report_state", agent_state=report, time=now)  # type: ignore[no-any-return]

    # --- notifications --------------------------------------------------------------------------------------------

    def listen(self, take: Callable[[Notice], None]) -> Callable[[], None]:
        """Give the server's notifications to us and to all agents to `take`, in threads of oslo.messaging's, until the
        answer is called. Blocks until a broker is there."""
        target = oslo_messaging.Target(topic=_DHCP_AGENT, server=self._host, fanout=False)
        listener = oslo_messaging.get_rpc_server(self._transport, target, [NoticeEndpoint(take)], executor="threading")
        listener.start()

        def stop() -> None:
            listener.stop()
            listener.wait()

        return stop

    def _call(self, client: Any, version: str, method: str, /, **arguments: Any) -> Any:
        """A call. Its time-out doubles each time that it runs out, as that of Neutron's agents does."""
        timeout = self._timeouts.get(method, self._timeout)
        prepared = client.prepare(version=version, timeout=timeout)
        try:
            return self._guarded(prepared, method, **arguments)
        except ServerError as error:
            if isinstance(error.__cause__, oslo_messaging.MessagingTimeout):
                self._timeouts[method] = min(timeout * 2, self._timeout_max)
            raise

    @property
    def calls_seconds(self) -> float:
        """In which any call was under way, since the start; with those that are."""
        with self._counting:
            return self._waited + (time.monotonic() - self._since if self._calls else 0.0)

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        with self._counting:
            if self._calls == 0:
                self._since = time.monotonic()
            self._calls += 1
        try:
            yield
        finally:
            with self._counting:
                self._calls -= 1
                if self._calls == 0:
                    self._waited += time.monotonic() - self._since

    def _guarded(self, client: Any, method: str, /, **arguments: Any) -> Any:
        with self._under_way():
            return self._call_once(client, method, **arguments)

    def _call_once(self, client: Any, method: str, /, **arguments: Any) -> Any:
        try:
            return client.call(_context(), method, **arguments)
        except oslo_messaging.RemoteError as error:
            first = (str(error.value) or str(error)).strip().splitlines()[:1]
            raise ServerError(method, error.exc_type, f"{error.exc_type}: {''.join(first)}") from error
        except oslo_messaging.MessagingTimeout as error:
            raise ServerError(method, None, "the server did not answer in time") from error
        except (oslo_messaging.MessagingException, OSError) as error:
            raise ServerError(method, None, f"no broker can be reached: {error}") from error


def _plain(value: Any) -> Any:
    """An object as oslo.versionedobjects sends it, without its wrapping; those in it, too."""
    if isinstance(value, dict):
        data = value.get("versioned_object.data", value)
        return {key: _plain(each) for key, each in data.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _context() -> dict[str, Any]:
    """An administrator's context (neutron_lib.context, get_admin_context)."""
    return {
        "user_id": None,
        "project_id": None,
        "is_admin": True,
        "roles": ["admin", "member", "reader"],
        "request_id": f"req-{uuid.UUID(int=random.getrandbits(128), version=4)}",
        "has_global_access": True,
        "timestamp": str(datetime.now(UTC).replace(tzinfo=None)),
    }
