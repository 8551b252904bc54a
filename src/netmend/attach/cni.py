"""`netmend-cni`, a CNI plugin (specification 1.1): a container's interface is a port of the store, with the store's
addresses. It asks the API for the port, the node makes the device, and the plugin configures it in the container."""

import json
import os
import sys
from dataclasses import replace
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import Any, Final

from netmend.attach import cni_request as cni
from netmend.attach import guest, places
from netmend.attach.client import Api, Document, NoApi, NoSuchObject, Refused
from netmend.attach.cni_request import CniError, Request
from netmend.kernel.errors import KernelError
from netmend.kernel.netns import Netns
from netmend.kernel.routes import Block

OWNER: Final = "cni:netmend"  # `device_owner` of ports that belong to containers


def main() -> None:
    """The entry point: environment and standard input in, JSON on standard output, exit code 0 or 1."""
    raw = sys.stdin.buffer.read()
    try:
        answer = perform(cni.read(os.environ, raw))
    except CniError as error:
        _print({"cniVersion": cni.version_of(raw), "code": error.code, "msg": error.message, "details": error.details})
        sys.exit(1)
    if answer is not None:
        _print(answer)


def _print(answer: Document) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")


def perform(request: Request) -> Document | None:
    """Do what is asked; the answer is to be printed, None is silence. Raises CniError."""
    if request.command == "VERSION":
        return {"cniVersion": request.version, "supportedVersions": list(cni.VERSIONS)}
    api = Api(Path(request.socket))
    verb = {"ADD": _add, "DEL": _delete, "CHECK": _check, "GC": _collect, "STATUS": _status}[request.command]
    try:
        return verb(api, request)
    except NoApi as error:
        code = cni.NOT_AVAILABLE if request.command == "STATUS" else cni.TRY_AGAIN if error.again else cni.IO_FAILURE
        raise CniError(code, str(error)) from error
    except Refused as error:
        raise CniError(cni.REFUSED, str(error)) from error
    except NoSuchObject as error:
        raise CniError(
            cni.NOT_AVAILABLE if request.command == "STATUS" else cni.BAD_CONFIGURATION, str(error)
        ) from error
    except places.NoPlace as error:
        raise CniError(cni.NO_PLACE, str(error)) from error
    except guest.NotThere as error:
        raise CniError(cni.NOT_AS_IT_WAS, str(error)) from error
    except guest.Busy as error:
        raise CniError(cni.TRY_AGAIN, str(error)) from error
    except KernelError as error:
        raise CniError(cni.IO_FAILURE, str(error)) from error


def _add(api: Api, request: Request) -> Document:
    """Section 2: a device of that name is an error, no matter whose it is, and is not touched."""
    from netmend.attach import cni_result  # loaded by ADD alone

    cni_result.checked(request.previous or {})
    network = api.networks(request.network)
    plug = places.of_path(request.namespace, request.device, request.directory)
    with guest.open_namespace(request.namespace) as namespace, guest.alone_in(namespace, request.patience):
        if guest.has_device(namespace, request.device):
            text = f"{request.namespace} has a device {request.device}; ADD is for a new one: DEL first, if it is ours"
            raise CniError(cni.ALREADY_THERE, text)
        for left in _ports_of(api, request):  # of an ADD that was killed, or never undone
            api.delete_port(left["id"])
        return _attach(api, request, network, plug, namespace)


def _attach(api: Api, request: Request, network: Document, plug: Document, namespace: Netns) -> Document:
    from netmend.attach import cni_result
    from netmend.intent.names import tap_name  # loaded by ADD alone

    port = api.create_port(
        {
            "network_id": network["id"],
            "name": request.port_name,
            "device_id": request.container,
            "device_owner": OWNER,
            "netmend": {"plug": plug, "filtered": False},  # as every plugin leaves rules to those that are chained
            **({"fixed_ips": [{"ip_address": one} for one in request.addresses]} if request.addresses else {}),
            **({"mac_address": request.mac} if request.mac else {}),
        }
    )
    try:
        settings = _less_routes(namespace, request, guest.settings_of(port, api.subnets(network["id"])))
        mac = port["mac_address"]
        answer = cni_result.of_attachment(request, tap_name(port["id"]), mac, network["mtu"], settings)
        link = guest.wait_for(namespace, request.device, mac, request.patience)
        guest.configure(namespace, link, settings)
    except guest.NotThere as error:
        api.delete_port(port["id"])
        text = f"the node did not plug it in within {request.patience:g} s; `netmend status {network['name']}` says why"
        raise CniError(cni.TRY_AGAIN, text, str(error)) from error
    except BaseException:
        api.delete_port(port["id"])
        raise
    return answer


def _less_routes(namespace: Netns, request: Request, settings: guest.Settings) -> guest.Settings:
    """The settings, less routes to where another interface of the container leads already, and with a default route as
    `isDefaultGateway` has it."""
    there = guest.destinations(namespace)

    def wanted(destination: Block) -> bool:
        if not destination.prefixlen and request.default_gateway is not None:
            return request.default_gateway
        return destination not in there

    return replace(settings, routes=tuple(way for way in settings.routes if wanted(way[0])))


def _delete(api: Api, request: Request) -> None:
    """Nothing is left of the attachment; that there was none is no error. The node removes the device."""
    for port in _ports_of(api, request):
        api.delete_port(port["id"])


def _check(api: Api, request: Request) -> None:
    assert request.previous is not None  # seen to by `read`
    ports = _ports_of(api, request)
    if not ports:
        raise guest.NotThere(f"the store has no port of container {request.container} for {request.device}")
    try:
        own = [ip_interface(one["address"]) for one in request.previous.get("ips") or ()]
        given = request.previous.get("routes") or ()
        settings = guest.settings_of(ports[0], api.subnets(ports[0]["network_id"]))
        said = {(str(ip_network(one["dst"])), one.get("gw")) for one in given}
        ways = [way for way in settings.routes if (str(way[0]), str(way[1]) if way[1] else None) in said]
    except (KeyError, TypeError, ValueError) as error:
        raise CniError(cni.BAD_CONFIGURATION, f"prevResult: {error!r}") from None
    if missing := [str(one) for one in settings.addresses if one not in own]:
        raise guest.NotThere(f"the store says {', '.join(missing)}, and the result of ADD does not")
    with guest.open_namespace(request.namespace) as namespace:
        link = guest.find(namespace, request.device, ports[0]["mac_address"])
        guest.check(namespace, link, settings.addresses, ways)


def _collect(api: Api, request: Request) -> None:
    """Delete the ports of containers on this network, less those that the runtime says are valid."""
    network = api.networks(request.network)
    kept = {f"{container}/{device}" for container, device in request.valid}
    for port in api.ports(network_id=network["id"], device_owner=OWNER):
        if port["name"] not in kept:
            api.delete_port(port["id"])


def _status(api: Api, request: Request) -> None:
    network = api.networks(request.network)
    if not network["admin_state_up"]:
        raise CniError(cni.NOT_AVAILABLE, f"network {request.network} is switched off (admin_state_up)")
    if not network["subnets"]:
        raise CniError(cni.NOT_AVAILABLE, f"network {request.network} has no subnet, so no addresses")


def _ports_of(api: Api, request: Request) -> list[Any]:
    return api.ports(device_id=request.container, device_owner=OWNER, name=request.port_name)


if __name__ == "__main__":
    main()
