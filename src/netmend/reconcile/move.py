"""Moves devices that the switch makes on the host into the namespace of their network, and back."""

import errno
import time
from collections.abc import Iterable, Mapping
from typing import Final

from netmend.intent.names import DEVICE_GROUP
from netmend.kernel import links
from netmend.kernel.addresses import add_address
from netmend.kernel.errors import KernelError
from netmend.kernel.links import Found, Link
from netmend.kernel.netlink import Batch, RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.routes import Route, add_route
from netmend.wiring import Device

_PATIENCE: Final = 2.0  # seconds for the switch to make a device
_POLL: Final = 0.005
_REFUSED: Final = (errno.EINVAL, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EOPNOTSUPP, errno.EACCES)


def move_in(route: RouteSocket, device: Device, place: Netns, settings: Mapping[str, int]) -> None:
    """Move the device of an internal port into `place`, once the switch has made it, and configure it there.

    The MAC is set before the move and the MTU after it, as Neutron does: on the host the switch would cap it by that of
    the bridge's other ports. Raises KernelError; ENODEV when the device does not come in time.
    """
    far = device.far
    assert far is not None
    found = _wait_for(route, device.name)
    links.set_link(route, found, mac=far.mac, alias=str(device.mark), group=DEVICE_GROUP)
    links.move_link(route, found, place)
    with place.entered(), RouteSocket() as inside:
        inner = links.find_link(inside, far.name)  # its index may be another here
        if inner is None:
            raise KernelError("find link", far.name, errno.ENODEV)
        batch = Batch(inside)
        links.set_link(batch, inner, up=True, mtu=device.mtu, settings=settings)
        for address in far.addresses:
            add_address(batch, inner, address)
        add_routes(batch, inner, far.routes)
        batch.send()


def add_routes(batch: Batch, inner: Link | Found, wanted: Iterable[Route]) -> None:
    """Add the routes of netmend's own device. Guests are served without them too, so that a refusal is no failure here:
    what is missing has a step of its own in the next plan."""
    for destination, gateway in wanted:
        add_route(batch, inner, destination, gateway, _REFUSED)


def move_out(device: Device, place: Netns) -> None:
    """Bring the device back to the host, so that it does not die with the namespace, unknown to the switch. Raises
    KernelError."""
    far = device.far
    assert far is not None
    with Netns.current() as host, place.entered(), RouteSocket() as inside:
        inner = links.find_link(inside, far.name)
        if inner is not None:
            links.move_link(inside, inner, host)


def _wait_for(route: RouteSocket, name: str) -> Link:
    deadline = time.monotonic() + _PATIENCE
    while True:
        found = links.find_link(route, name)
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise KernelError("find device of", f"port {name}", errno.ENODEV)
        time.sleep(_POLL)
