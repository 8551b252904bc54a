"""What a runtime asks a CNI plugin: environment and configuration, checked (CNI specification 1.1, section 2). Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

VERSIONS: Final = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
NEWEST: Final = VERSIONS[-1]
_SINCE: Final = {"CHECK": "0.4.0", "GC": "1.1.0", "STATUS": "1.1.0"}
_CONTAINER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,254}")
_VERSION: Final = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}")
_SOCKET: Final = "/run/netmend/api.sock"

INCOMPATIBLE_VERSION: Final = 1  # codes of the specification, section 5
BAD_ENVIRONMENT: Final = 4
IO_FAILURE: Final = 5
NOT_JSON: Final = 6
BAD_CONFIGURATION: Final = 7
TRY_AGAIN: Final = 11
NOT_AVAILABLE: Final = 50
NOT_AS_IT_WAS: Final = 100  # ours: CHECK found a difference
REFUSED: Final = 101  # ours: the store refused
NO_PLACE: Final = 102  # ours: the guest's namespace cannot be opened
ALREADY_THERE: Final = 103  # ours: ADD, and the container has a device of that name


class CniError(Exception):
    """Told to the runtime, as JSON, with exit code 1."""

    def __init__(self, code: int, message: str, details: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; a field that the command does not have is empty."""

    command: str  # ADD, DEL, CHECK, GC, STATUS, VERSION
    version: str
    network: str = ""
    container: str = ""
    device: str = ""
    namespace: str = ""
    socket: str = _SOCKET
    directory: str = ""
    patience: float = 30.0  # seconds: a node that has just started may be busy
    addresses: tuple[str, ...] = ()
    mac: str | None = None
    default_gateway: bool | None = None  # the default route is to be this interface's; None: where there is none yet
    previous: Mapping[str, Any] | None = None  # prevResult
    valid: tuple[tuple[str, str], ...] = ()  # of GC: container and device of each attachment that is to stay

    @property
    def port_name(self) -> str:
        """The name of the attachment's port."""
        return f"{self.container}/{self.device}"


def version_of(raw: bytes) -> str:
    """The version of an error's answer: the configuration's, if netmend supports that one."""
    try:
        version = json.loads(raw)["cniVersion"]
    except (ValueError, KeyError, TypeError):
        return NEWEST
    return version if version in VERSIONS else NEWEST


def read(environment: Mapping[str, str], raw: bytes) -> Request:
    """The request, checked; raises CniError."""
    command = environment.get("CNI_COMMAND", "")
    if command not in {"ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"}:
        raise CniError(BAD_ENVIRONMENT, f"CNI_COMMAND: {command or 'is not set'}; a plugin is started by a runtime")
    if command == "VERSION" and not raw.strip():  # the first versions gave it no configuration
        return Request(command, NEWEST)
    try:
        given = json.loads(raw)
    except ValueError as error:
        raise CniError(NOT_JSON, f"the configuration is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise CniError(NOT_JSON, "the configuration is not a JSON object")
    version = given.get("cniVersion", "0.1.0")
    if command == "VERSION":
        return Request(command, version if isinstance(version, str) and _VERSION.fullmatch(version) else NEWEST)
    spoken = VERSIONS[VERSIONS.index(_SINCE.get(command, VERSIONS[0])) :]
    if version not in spoken:
        text = f"cniVersion: {command} is not spoken in {version!r}, only in {', '.join(spoken)}"
        raise CniError(INCOMPATIBLE_VERSION, text)
    network = _text(given, "network", "")
    if not network and command != "DEL":
        raise CniError(BAD_CONFIGURATION, "network: the name or id of a network of the store is missing")
    request = Request(
        command,
        version,
        network=network,
        socket=_text(given, "socket", _SOCKET),
        directory=_text(given, "netnsDir", "/run/netns"),
        patience=_seconds(given),
        valid=_valid(given) if command == "GC" else (),
    )
    return request if command in {"GC", "STATUS"} else _attachment(request, environment, given)


def _attachment(request: Request, environment: Mapping[str, str], given: Mapping[str, Any]) -> Request:
    container, device = environment.get("CNI_CONTAINERID", ""), environment.get("CNI_IFNAME", "")
    namespace = environment.get("CNI_NETNS", "")
    if _CONTAINER.fullmatch(container) is None:
        raise CniError(BAD_ENVIRONMENT, f"CNI_CONTAINERID: {container!r} is none: letters, digits, '_', '.', '-'")
    if not 0 < len(device) < 16 or device in {".", ".."} or re.search(r"[/:\s]", device):
        raise CniError(BAD_ENVIRONMENT, f"CNI_IFNAME: {device!r} cannot be the name of a device")
    if not namespace and request.command != "DEL":
        raise CniError(BAD_ENVIRONMENT, f"CNI_NETNS is not set, and {request.command} needs it")
    wishes = _mapping(given, "runtimeConfig")
    arguments = dict(part.partition("=")[::2] for part in environment.get("CNI_ARGS", "").split(";") if part)
    addresses = wishes.get("ips") or _mapping(_mapping(given, "args"), "cni").get("ips") or ()
    if arguments.get("IP"):
        addresses = [arguments["IP"]]
    if not isinstance(addresses, list | tuple) or not all(isinstance(one, str) for one in addresses):
        raise CniError(BAD_CONFIGURATION, "ips: expected a list of addresses")
    mac = wishes.get("mac") or arguments.get("MAC")
    previous = given.get("prevResult")
    if request.command == "CHECK" and previous is None:
        raise CniError(BAD_CONFIGURATION, "prevResult: the result of ADD is missing")
    if request.command != "DEL" and previous is not None and not isinstance(previous, dict):
        raise CniError(BAD_CONFIGURATION, "prevResult: expected an object, the result of the plugin before")
    default_gateway = given.get("isDefaultGateway")
    if default_gateway is not None and not isinstance(default_gateway, bool):
        raise CniError(BAD_CONFIGURATION, "isDefaultGateway: expected true or false")
    return Request(
        request.command,
        request.version,
        network=request.network,
        container=container,
        device=device,
        namespace=namespace,
        socket=request.socket,
        directory=request.directory,
        patience=request.patience,
        addresses=tuple(one.partition("/")[0] for one in addresses),
        mac=str(mac).lower() if mac else None,
        default_gateway=default_gateway,
        previous=previous if isinstance(previous, dict) else None,
    )


def _valid(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """A list that is null or missing is empty: so libcni writes one without a member (`omitempty`)."""
    found = given.get("cni.dev/valid-attachments", given.get("cni.dev/attachments"))
    if found is None:
        return ()
    if not isinstance(found, list):
        raise CniError(BAD_CONFIGURATION, "cni.dev/valid-attachments: expected a list of what is to be kept")
    try:
        return tuple((str(one["containerID"]), str(one["ifname"])) for one in found)
    except (KeyError, TypeError):
        raise CniError(BAD_CONFIGURATION, "cni.dev/valid-attachments: each needs a containerID and an ifname") from None


def _text(given: Mapping[str, Any], name: str, default: str) -> str:
    found = given.get(name, default)
    if not isinstance(found, str):
        raise CniError(BAD_CONFIGURATION, f"{name}: expected text, not {type(found).__name__}")
    return found


def _seconds(given: Mapping[str, Any]) -> float:
    found = given.get("waitSeconds", 10)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found <= 300:
        raise CniError(BAD_CONFIGURATION, "waitSeconds: expected a number up to 300")
    return float(found)


def _mapping(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = given.get(name)
    return found if isinstance(found, dict) else {}
