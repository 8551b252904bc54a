"""Joins networks that are ready to the metadata server, and keeps what is answered in step with intent."""

import errno
import os
import socket
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from netmend.ground.exhaustion import share_of_descriptors
from netmend.ground.log import get_logger
from netmend.intent.metadata import METADATA_ADDRESS, METADATA_ADDRESS6, MetadataProxy
from netmend.intent.network import Network
from netmend.kernel.errors import KernelError
from netmend.kernel.sockets import open_listener
from netmend.node.guests.service import CannotServe
from netmend.node.guests.wanted import wants_metadata
from netmend.node.keeping.kept import KeptSockets, Opening
from netmend.node.settings import Settings
from netmend.reconcile.reports import Ready

if TYPE_CHECKING:
    from netmend.services.metadata.io import MetadataServer, MetadataStore

PORT: Final = 80
_NO_IPV6: Final = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL))  # the kernel has none, or this namespace

log = get_logger()


class MetadataServing:
    """Metadata for all networks that ask for it; a GuestService."""

    name = "metadata"

    def __init__(
        self,
        suspect: Callable[[str], None],
        settings: Settings,
        proxy: Callable[[], MetadataProxy | None],
        lease_holder: Callable[[str, IPv4Address], str | None],
        kept: KeptSockets,
        *,
        make_way: Callable[[str, str], None] = lambda network_id, program: None,
    ) -> None:
        """`proxy` gives what intent says of the proxy now; `lease_holder` the MAC that an address is leased to;
        `make_way` is as for Serving."""
        self._make_way = make_way
        self._suspect, self._settings, self._proxy, self._lease_holder = suspect, settings, proxy, lease_holder
        self._kept = kept
        self._store: MetadataStore | None = None
        self._server: MetadataServer | None = None  # from the first network on
        self._served: dict[str, int] = {}  # namespaces (inodes) by network

    def wanted(self, network: Network) -> bool:
        return wants_metadata(network)

    def prepare(self) -> None:
        """Load the HTTP stack and start it; a node without metadata spends no time and memory on it."""
        if self._server is not None:
            return
        from netmend.services.metadata import KEY_SIZE
        from netmend.services.metadata.io import Limits, MetadataServer, MetadataStore, MetadataStoreError

        try:
            self._store = MetadataStore(self._settings.metadata, os.urandom(KEY_SIZE))
        except MetadataStoreError as error:
            raise CannotServe(str(error)) from None
        usual, proxy = Limits(), self._proxy()
        if proxy is not None:
            usual = usual.as_of(proxy)
        limits = replace(
            usual,
            connections=share_of_descriptors(usual.connections),
            nova_connections=share_of_descriptors(usual.nova_connections),
        )
        self._server = MetadataServer(self._store, self._proxy, self._suspect, limits, self._lease_holder)

    def ready(self, ready: Ready) -> None:
        assert self._server is not None
        server, network_id = self._server, ready.network.id
        if self._served.get(network_id) == ready.namespace.inode and not ready.anew:
            server.update(ready.network)
            return
        self._make_way(network_id, "haproxy")
        with self._kept.opening(self.name, ready) as opening:
            call = partial(open_listener, ready.namespace, ready.device, METADATA_ADDRESS, PORT)
            listeners = [opening.open("metadata", call)]
            try:
                listeners += _open_ipv6(ready, opening)
            except BaseException:
                listeners[0].close()
                raise
        server.serve(ready.network, listeners)
        self._served[network_id] = ready.namespace.inode

    def update(self, network: Network) -> None:
        if not self.wanted(network):
            self.gone(network.id)
        elif self._server is not None:
            self._server.update(network)

    def gone(self, network_id: str) -> None:
        if self._served.pop(network_id, None) is not None and self._server is not None:
            self._server.remove(network_id)
            self._kept.gone(self.name, network_id)

    def status(self, network_id: str) -> dict[str, Any] | None:
        return self._server.status(network_id) if self._server is not None else None

    def trouble(self, network_id: str) -> str | None:
        """Why a network that is served lacks a part of metadata; None: it lacks none."""
        if network_id not in self._served or self._store is None or self._store.problem is None:
            return None
        return f"passwords that guests post are not kept: {self._store.problem}"

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._store is not None:
            self._store.close()


def _open_ipv6(ready: Ready, opening: Opening) -> list[socket.socket]:
    """The listener on IPv6, where the namespace has IPv6."""
    try:
        call = partial(open_listener, ready.namespace, ready.device, METADATA_ADDRESS6, PORT)
        return [opening.open("metadata6", call)]
    except KernelError as error:
        if error.code not in _NO_IPV6:
            raise
        log.info("metadata is served over IPv4 alone", network=ready.network.id, reason=str(error))
        return []
