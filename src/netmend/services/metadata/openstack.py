"""OpenStack's interface: `/openstack/<version>/`, as Nova answers (nova/api/metadata/base.py)."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from netmend.services.metadata import versions
from netmend.services.metadata.exchange import BINARY, JSON, KeepPassword, Outcome, Request, Response, refusal, text
from netmend.services.metadata.facts import Facts
from netmend.services.metadata.network_data import network_data

PASSWORD_MAX = 1020  # bytes: Nova keeps four pieces of 255
_SEED_SIZE = 512  # bytes, Nova's

Random = Callable[[int], bytes]


def answer(facts: Facts, steps: list[str], request: Request, password: bytes, random: Random) -> Outcome:
    """The answer to a path below `/openstack`, in `steps`. `password` is what was posted, empty when nothing was."""
    if not steps:
        return text(200, *versions.OPENSTACK, versions.LATEST)
    version = versions.resolve(steps[0], versions.OPENSTACK)
    if version is None:
        return refusal(404, "There is no such version; /openstack lists them.")
    names = _names(facts, version)
    if len(steps) == 1:
        return text(200, *names)
    name = "/".join(steps[1:])
    if name not in names:
        return refusal(404, f"There is no such document; /openstack/{steps[0]} lists them.")
    if name == "password":
        return _password(facts, request, password)
    if request.method not in ("GET", "HEAD"):
        return refusal(405, "Only the password can be written.")
    match name:
        case "meta_data.json":
            return _json(_meta_data(facts, version, random))
        case "network_data.json":
            return _json(network_data(facts))
        case "vendor_data.json":
            return _json(dict(facts.instance.vendor_data))
        case "vendor_data2.json":
            return _json(dict(facts.instance.vendor_data2))
        case _:
            return Response(200, facts.instance.user_data or b"", BINARY)


def _names(facts: Facts, version: str) -> list[str]:
    """The documents of a version, in Nova's order."""
    names = ["meta_data.json"]
    if facts.instance.user_data is not None:
        names.append("user_data")
    since = (
        ("password", versions.GRIZZLY),
        ("vendor_data.json", versions.HAVANA),
        ("network_data.json", versions.LIBERTY),
        ("vendor_data2.json", versions.NEWTON_TWO),
    )
    return names + [name for name, first in since if version >= first]


def _meta_data(facts: Facts, version: str, random: Random) -> dict[str, Any]:
    instance = facts.instance
    data: dict[str, Any] = {
        "uuid": instance.id,
        "hostname": facts.hostname,
        "name": facts.name,
        "launch_index": 0,
        "availability_zone": instance.availability_zone,
    }
    if instance.meta:
        data["meta"] = dict(instance.meta)
    if instance.public_keys:
        data["public_keys"] = dict(instance.public_keys)
        data["keys"] = [
            {"name": name, "type": "x509" if key.startswith("-----BEGIN") else "ssh", "data": key}
            for name, key in instance.public_keys.items()
        ]
    if instance.admin_password is not None:
        data["admin_pass"] = instance.admin_password
    if version >= versions.GRIZZLY:
        data["random_seed"] = b64encode(random(_SEED_SIZE)).decode()
    if version >= versions.LIBERTY:
        data["project_id"] = facts.project_id
    if version >= versions.NEWTON_ONE:
        data["devices"] = []
    if version >= versions.VICTORIA:
        data["dedicated_cpus"] = []
    return data


def _password(facts: Facts, request: Request, password: bytes) -> Outcome:
    """Written once, by the guest, encrypted with its owner's public key (nova/api/metadata/password.py)."""
    if request.method in ("GET", "HEAD"):
        return Response(200, password)
    if request.method != "POST":
        return refusal(400, "GET and POST only are supported.")
    if password:
        return refusal(409, "The password is set already, and is set once.")
    if len(request.body) > PASSWORD_MAX:
        return refusal(400, f"Request is too large: a password has at most {PASSWORD_MAX} bytes.")
    return KeepPassword(facts.instance.id, request.body)


def _json(value: dict[str, Any]) -> Response:
    return Response(200, json.dumps(value).encode(), JSON)
