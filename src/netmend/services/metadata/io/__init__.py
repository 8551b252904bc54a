"""The I/O around `services.metadata`: sockets and guests' connections, Nova's metadata API, what is kept on disk."""

from netmend.services.metadata.io.limits import Limits
from netmend.services.metadata.io.routed import RoutedServer
from netmend.services.metadata.io.server import MetadataServer
from netmend.services.metadata.io.store import MetadataStore, MetadataStoreError

__all__ = ["Limits", "MetadataServer", "MetadataStore", "MetadataStoreError", "RoutedServer"]
