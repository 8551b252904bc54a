"""The store's settings beside its objects: the Nova metadata API of the node."""

import json
import sqlite3
from dataclasses import asdict
from pathlib import Path

from netmend.intent import MetadataProxy
from netmend.sources.file.shape import MetadataProxyShape
from netmend.sources.store.transaction import Transaction

_PROXY = "metadata_proxy"
_PATHS = ("ca_file", "client_certificate", "client_key")


def set_metadata_proxy(tx: Transaction, proxy: MetadataProxy | None) -> None:
    if proxy is None:
        tx.connection.execute("DELETE FROM setting WHERE name = ?", (_PROXY,))
    else:
        text = json.dumps(proxy_document(proxy))
        tx.connection.execute("REPLACE INTO setting VALUES (?, ?)", (_PROXY, text))
    tx.changed["setting", _PROXY] = None


def metadata_proxy(connection: sqlite3.Connection) -> MetadataProxy | None:
    found = connection.execute("SELECT value FROM setting WHERE name = ?", (_PROXY,)).fetchone()
    if found is None:
        return None
    values = json.loads(found[0])
    paths = {name: Path(values[name]) if values[name] else None for name in _PATHS}
    return MetadataProxy(**{**values, **paths, "endpoints": tuple(values["endpoints"])})


def proxy_document(proxy: MetadataProxy) -> dict[str, object]:
    """The settings in the intent file's form; times and rates are not said there, and have their defaults here."""
    values = {name: value for name, value in asdict(proxy).items() if name in MetadataProxyShape.__struct_fields__}
    return {
        **values,
        "endpoints": list(proxy.endpoints),
        **{name: str(values[name]) if values[name] else None for name in _PATHS},
    }
