"""`netmend attach` and `netmend detach`: join a guest to a port of the store, and part them."""

import os
import time
from pathlib import Path
from typing import Annotated

import click

from netmend.attach import guest, places
from netmend.attach.client import Api, Document, NoApi, NoSuchObject, Refused
from netmend.cli.command import Argument, Option
from netmend.cli.messages import complain, refuse, refuse_on, say, say_json
from netmend.cli.options import (
    NETNS_DIRECTORY,
    RUNTIME_DIRECTORY,
    Json,
    NetnsDirectory,
    RuntimeDirectory,
)
from netmend.ground.printable import printable_line
from netmend.intent.names import tap_name
from netmend.kernel import links
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.node.http.status_client import NoNode, ask
from netmend.node.settings import Settings

Port = Annotated[str, Argument(metavar="PORT", help="A port of the store, by id or name.")]


def attach(
    port: Port,
    *,
    pid: Annotated[int | None, Option("--pid", least=1, help="Into the network namespace of this process.")] = None,
    netns: Annotated[str | None, Option("--netns", metavar="NAME", help="Into the namespace of this name.")] = None,
    container: Annotated[
        str | None, Option("--container", metavar="NAME", help="Into this container of Docker or Podman.")
    ] = None,
    tap: Annotated[bool, Option("--tap", help="As a tap on the host, for a VM.")] = False,
    device: Annotated[str, Option("--device", help="What the device is called in the guest.")] = "eth0",
    owner: Annotated[int | None, Option("--owner", metavar="UID", help="With --tap: whose process opens it.")] = None,
    wait: Annotated[float, Option("--wait", least=0, most=600, help="Seconds until it must be plugged in.")] = 10.0,
    netns_dir: NetnsDirectory = NETNS_DIRECTORY,
    runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY,
    as_json: Json = False,
) -> None:
    """Plug a port of the store into a guest, and wait for it.

    The verb waits until the node has plugged it in.

    Exit codes: 0 it is plugged in; 1 it is asked for, and was not done in time; 2 bad input, or no store answers.
    """
    if sum(place is not None for place in (pid, netns, container, tap or None)) != 1:
        refuse("give one of --pid, --netns, --container, --tap")
    if owner is not None and not tap:
        refuse("--owner goes with --tap")
    with refuse_on(NoApi, NoSuchObject, Refused, places.NoPlace):
        if tap:
            plug = places.of_tap(os.getuid() if owner is None else owner)
        elif pid is not None:
            plug = places.of_process(pid, device)
        elif netns is not None:
            plug = places.of_namespace(netns, device, netns_dir)
        else:
            plug = places.of_container(str(container), device)
        found = _set_plug(runtime_dir, port, plug)
        problem = _wait(found, plug, device, wait, netns_dir)
    addresses = [entry["ip_address"] for entry in found["fixed_ips"]]
    host_device = tap_name(found["id"])
    if as_json:
        document = {"port": found["id"], "plug": plug, "mac": found["mac_address"], "fixed_ips": addresses}
        say_json({**document, "device": host_device, "problem": problem})
    elif problem:
        complain(
            f"{found['name'] or found['id']} is asked for, and not there: {problem}\n"
            f"netmend status {found['network_id']}  # says why, and when it is tried next"
        )
    else:
        where = host_device if tap else f"{device}, by {host_device} on the host"
        name = printable_line(found["name"] or found["id"])
        say(f"{name}: {where}, {found['mac_address']}, {', '.join(addresses)}")
    raise click.exceptions.Exit(1 if problem else 0)


def detach(port: Port, runtime_dir: RuntimeDirectory = RUNTIME_DIRECTORY, as_json: Json = False) -> None:
    """Unplug a port of the store from its guest.

    The port, its addresses and its leases stay; a port that is not plugged in is left as it is.

    Exit codes: 0 it is not plugged in; 2 no such port, or no store answers.
    """
    with refuse_on(NoApi, NoSuchObject, Refused):
        found = _set_plug(runtime_dir, port, None)
    if as_json:
        say_json({"port": found["id"], "plug": None})
    else:
        say(f"{printable_line(found['name'] or found['id'])}: not plugged")


def _set_plug(runtime_dir: Path, text: str, plug: places.Plug | None) -> Document:
    """Give a port, by id or name, this plug or none, and return it. Raises NoApi, NoSuchObject, Refused."""
    api = Api(runtime_dir / "api.sock")
    try:
        port = api.port(text)
    except NoApi as error:
        raise NoApi(_other_source(runtime_dir) or str(error), again=error.again) from None
    settings = {name: value for name, value in port["netmend"].items() if name != "plug"}
    if plug is not None:
        settings["plug"] = plug
    return api.update_port(port["id"], {"netmend": settings})


def _other_source(runtime_dir: Path) -> str | None:
    """Say where the running node takes its intent from, when that is not a store; None: it is, or no node runs."""
    try:
        intent = ask(Settings(runtime=runtime_dir).socket)["intent"]
    except NoNode:
        return None
    if intent.get("kind") == "file":
        return (
            f"the node takes its intent from {intent['file']}, and the file decides: "
            "give the port a plug there, such as plug: {pid: 4711} or plug: {netns: NAME}"
        )
    return (
        None if intent.get("kind") == "store" else f"the node takes its intent from {intent.get('kind')}, which decides"
    )


def _wait(port: Document, plug: places.Plug, device: str, seconds: float, directory: str) -> str | None:
    """Wait until the device is in the guest. Return what is missing after `seconds`, or None when it is there."""
    try:
        if "tap" in plug:
            return _wait_for_tap(tap_name(port["id"]), seconds)
        path = f"/proc/{plug['pid']}/ns/net" if "pid" in plug else f"{directory}/{plug['netns']}"
        with guest.open_namespace(path) as namespace:
            guest.wait_for(namespace, device, port["mac_address"], seconds)
    except guest.NotThere as error:
        return str(error)
    return None


def _wait_for_tap(name: str, seconds: float) -> str | None:
    until = time.monotonic() + seconds
    with Netns.current() as host, host.entered(), RouteSocket() as route:
        while links.find_link(route, name) is None:
            if time.monotonic() >= until:
                return f"no device {name} on this host"
            time.sleep(0.01)
    return None
