"""Where OpenStack's API is, and by which right it is asked: from the environment, clouds.yaml, or a service's own file.

Names are those of OpenStack's clients (openstacksdk, "Configuring OpenStack SDK Applications") and of keystoneauth's
options in configuration files ("Authentication Plugins").
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

_SECTIONS: Final = ("neutron", "keystone_authtoken", "nova")
"""Of nova.conf and neutron.conf: each holds what one service tells Keystone."""
_CLOUDS: Final = ("clouds.yaml", "~/.config/openstack/clouds.yaml", "/etc/openstack/clouds.yaml")
_KINDS: Final = {
    "password": "password",
    "v3password": "password",
    "v3applicationcredential": "application_credential",
    "token": "token",
    "v3token": "token",
    "admin_token": "fixed",
    "token_endpoint": "fixed",
    "none": "none",
    "noauth": "none",
}
_NEEDED: Final = {
    "password": ("auth_url", "password"),
    "application_credential": ("auth_url", "application_credential_secret"),
    "token": ("auth_url", "token"),
    "fixed": ("endpoint", "token"),
    "none": ("endpoint",),
}


class CannotAsk(Exception):
    """The control plane cannot be asked; the text says where that is set, or which server said what."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """`auth` has the fields of OpenStack's own names: `auth_url`, `username`, `project_domain_name` and so on."""

    origin: str  # where they are from, for messages
    kind: str  # password, application_credential, token, fixed (a token that is not Keystone's) or none
    auth: Mapping[str, str] = field(repr=False)
    endpoint: str | None = None  # of Neutron; None: it is in Keystone's catalog
    region: str | None = None
    interfaces: tuple[str, ...] = ("public",)
    authorities: str | None = None  # a file of certificates; None: those of this host


def find_credentials(origin: str, environment: Mapping[str, str] = os.environ) -> Credentials:
    """Credentials from `env` (OS_CLOUD, or OS_AUTH_URL and the like), a configuration file (a path with a slash, or one
    that ends in .conf or .ini), or the cloud of that name in clouds.yaml. Raises CannotAsk."""
    if origin == "env":
        if environment.get("OS_CLOUD"):
            return _of_cloud(environment["OS_CLOUD"], environment)
        return _of_environment(environment)
    if "/" in origin or origin.endswith((".conf", ".ini")):
        return _of_file(Path(origin))
    return _of_cloud(origin, environment)


def _of_environment(environment: Mapping[str, str]) -> Credentials:
    said = {key[3:].lower(): value for key, value in environment.items() if key.startswith("OS_") and value}
    if not said.keys() & {"auth_url", "endpoint", "url"}:
        raise CannotAsk("the environment has neither OS_CLOUD nor OS_AUTH_URL nor OS_ENDPOINT")
    return _made("the environment (OS_*)", said)


def _of_cloud(name: str, environment: Mapping[str, str]) -> Credentials:
    given = environment.get("OS_CLIENT_CONFIG_FILE")
    places = (given,) if given else _CLOUDS
    path = next((at for place in places if (at := Path(os.path.expanduser(place))).is_file()), None)  # noqa: PTH111 - there may be no home
    if path is None:
        raise CannotAsk(f"there is no {' or '.join(places)} with a cloud {name!r}")
    cloud = _cloud(path, name)
    if cloud is None:
        raise CannotAsk(f"{path}: there is no cloud {name!r} in it")
    secret = path.with_name("secure.yaml")
    kept = (_cloud(secret, name) if secret.is_file() else None) or {}
    auth = {**_mapping(cloud.get("auth")), **_mapping(kept.get("auth"))}
    said = {str(key): value for key, value in {**cloud, **kept, **auth}.items() if isinstance(value, (str, int, list))}
    return _made(f"cloud {name!r} of {path}", said)


def _cloud(path: Path, name: str) -> dict[Any, Any] | None:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotAsk(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise CannotAsk(f"{where}: is not YAML: {getattr(error, 'problem', None) or error}") from None
    cloud = _mapping(_mapping(document).get("clouds")).get(name)
    return cloud if isinstance(cloud, dict) else None


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _of_file(path: Path) -> Credentials:
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except OSError as error:
        raise CannotAsk(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CannotAsk(f"{path}: is not text") from None
    except configparser.Error as error:
        raise CannotAsk(f"{path}: {' '.join(str(error.message).split())}") from None
    for section in _SECTIONS:
        said = {key: value for key, value in parser.items(section) if value} if parser.has_section(section) else {}
        if said.keys() & {"auth_url", "endpoint_override"}:
            return _made(f"[{section}] of {path}", said)
    raise CannotAsk(f"{path}: no auth_url in [{'], ['.join(_SECTIONS)}]")


def _made(origin: str, said: Mapping[str, Any]) -> Credentials:
    texts = {key: str(value) for key, value in said.items() if not isinstance(value, list)}
    default = "password" if texts.keys() & {"auth_url"} else "admin_token" if texts.get("token") else "none"
    asked = texts.get("auth_type") or texts.get("auth_plugin") or default
    kind = _KINDS.get(asked)
    if kind is None:
        raise CannotAsk(f"{origin}: auth_type {asked}: netmend knows {', '.join(_KINDS)}")
    if texts.get("insecure", "").lower() in ("true", "1", "yes") or texts.get("verify", "").lower() in ("false", "0"):
        raise CannotAsk(
            f"{origin}: certificates are always verified: name your authority's in cacert, without insecure"
        )
    named = ("network_endpoint_override", "endpoint_override", "endpoint", "url")
    endpoint = next((texts[key] for key in named if texts.get(key)), None)
    have = {**texts, "endpoint": endpoint or ""}
    if missing := [key for key in _NEEDED[kind] if not have.get(key)]:
        raise CannotAsk(f"{origin}: {missing[0]} is missing")
    for key in ("auth_url", "endpoint"):
        if have.get(key) and not have[key].startswith(("http://", "https://")):
            raise CannotAsk(f"{origin}: {key} {have[key]!r} is no address of HTTP")
    wanted = said.get("valid_interfaces") or texts.get("interface") or texts.get("endpoint_type") or "public"
    interfaces = wanted.split(",") if isinstance(wanted, str) else [str(one) for one in wanted]
    return Credentials(
        origin,
        kind,
        texts,
        endpoint,
        texts.get("region_name"),
        tuple(one.strip().removesuffix("URL") for one in interfaces),
        texts.get("cacert") or texts.get("cafile"),
    )
