"""Asks the store's API over its unix socket for networks and ports. It imports nothing but the standard library, since
a CNI plugin is started for every container."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from netmend.kernel.unix_http import UnixConnection

Document = dict[str, Any]
_PATIENCE = 20.0  # seconds for an answer


class NoApi(Exception):
    """The API does not answer; the text says why and what to do. `again`: it may answer later."""

    def __init__(self, text: str, *, again: bool = True) -> None:
        super().__init__(text)
        self.again = again


class Refused(Exception):
    """The API refused; the text is its reason."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class NoSuchObject(Exception):
    """No network or port has the name or id, or several have it; the text says which."""


class Api:
    """The API at a unix socket. Every method raises NoApi and Refused."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def networks(self, text: str) -> Document:
        """The network with this id or name; raises NoSuchObject."""
        return self._one("network", text)

    def port(self, text: str) -> Document:
        """The port with this id or name; raises NoSuchObject."""
        return self._one("port", text)

    def ports(self, **filters: str) -> list[Document]:
        found: list[Document] = self.ask("GET", f"/v2.0/ports?{urlencode(filters)}")["ports"]
        return found

    def subnets(self, network_id: str) -> dict[str, Document]:
        """The subnets of a network, by id."""
        found = self.ask("GET", f"/v2.0/subnets?{urlencode({'network_id': network_id})}")["subnets"]
        return {subnet["id"]: subnet for subnet in found}

    def create_port(self, values: Document) -> Document:
        created: Document = self.ask("POST", "/v2.0/ports", {"port": values})["port"]
        return created

    def update_port(self, port_id: str, values: Document) -> Document:
        updated: Document = self.ask("PUT", f"/v2.0/ports/{port_id}", {"port": values})["port"]
        return updated

    def delete_port(self, port_id: str) -> None:
        """Delete a port; that it is gone already is no error."""
        try:
            self.ask("DELETE", f"/v2.0/ports/{port_id}")
        except Refused as refused:
            if refused.status != 404:
                raise

    def ask(self, method: str, path: str, body: Document | None = None) -> Any:
        connection = UnixConnection(self._path, _PATIENCE)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"} if text else {})
            answer = connection.getresponse()
            raw = answer.read()
            found = json.loads(raw) if raw else None
        except FileNotFoundError:
            raise NoApi(f"there is no {self._path}: no node runs here with a store (netmend run --store)") from None
        except ConnectionRefusedError:
            raise NoApi(f"nobody listens at {self._path}: the node was killed; start it again") from None
        except PermissionError:
            raise NoApi(f"{self._path}: permission denied; ask as the user who runs the node", again=False) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoApi(f"the API at {self._path} does not answer: {error}") from None
        finally:
            connection.close()
        if answer.status >= 400:
            raise Refused(answer.status, _reason(found) or f"the API answered {answer.status}")
        return found

    def _one(self, kind: str, text: str) -> Document:
        for name in ("id", "name"):
            found: list[Document] = self.ask("GET", f"/v2.0/{kind}s?{urlencode({name: text})}")[f"{kind}s"]
            if len(found) == 1:
                return found[0]
            if found:
                ids = ", ".join(sorted(one["id"] for one in found))
                raise NoSuchObject(f"{len(found)} {kind}s are called {text}; give the id: {ids}")
        raise NoSuchObject(f"the store has no {kind} {text}")


def _reason(found: Any) -> str | None:
    if isinstance(found, dict):
        for said in found.values():
            if isinstance(said, dict) and isinstance(said.get("message"), str):
                return str(said["message"])
    return None
