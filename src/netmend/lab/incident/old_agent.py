"""A stand-in for the old agent: Neutron's DHCP agent as it was in the outage, as far as its endless loop goes.

It is not Neutron. It does what that agent's periodic resync did, step by step and on real devices, with both defects:
a failed step undoes nothing before it, and a namespace is believed because a file of its name exists.

 1. it watches for reasons to resync; 2. every resync interval it tries again; 3. `setup_dhcp_port` asks for a new port,
 so for a new tap name; 4. `add_veth` creates the devices; 5. `ensure_namespace` sees that the namespace's name exists;
 6. `set_netns` fails: Invalid argument; 7. back to 1, the devices of step 4 left behind.
"""

from __future__ import annotations

import os
import struct
import traceback
import uuid
from typing import TypedDict

from netmend.intent.names import inner_name, mac_from_id, namespace_name, tap_name
from netmend.intent.network import Network
from netmend.kernel import links
from netmend.kernel.errors import KernelError
from netmend.kernel.links import IFLA_NET_NS_FD, RTM_NEWLINK, VethEnd
from netmend.kernel.netlink import Request, RouteSocket, u32
from netmend.kernel.netns import Netns
from netmend.lab.incident.old_agent_log import AGENT, CONFIG, DRIVER, OsloLog
from netmend.lab.incident.setup import netns_path
from netmend.propagation.model import iproute
from netmend.propagation.model.system import System


class ResyncReport(TypedDict):
    """What a call of the resync came to."""

    tried: bool
    failed: str | None  # the error, as the log has it
    port: str | None  # the DHCP port that the server knows afterwards: a failed one is given back
    lines: list[str]


class OldAgent:
    """One old agent with one network, in the mount and network namespaces of the calling process.

    `port`: the id of the DHCP port that the server gave this agent in an earlier life, if it has one.
    """

    def __init__(self, network: Network, system: System, port: str | None = None) -> None:
        self.log = OsloLog()
        self._network = network
        self._system = system
        self._port = port
        self._namespace = namespace_name(network.id)
        self.log.record("INFO", CONFIG, "Logging enabled!")
        self._reasons = ["the agent was started"]

    def periodic_resync(self) -> ResyncReport:
        """Steps 1 and 2; called once an interval. Without a reason nothing is tried."""
        reasons, self._reasons = self._reasons, []
        if not reasons:
            return {"tried": False, "failed": None, "port": self._port, "lines": self.log.take()}
        self.log.new_request()
        for reason in reasons:
            self.log.record("DEBUG", AGENT, f"resync ({self._network.id}): [{reason!r}]")
        self.log.record("INFO", AGENT, "Synchronizing state")
        failed = self._configure_dhcp_for_network()
        self.log.record("INFO", AGENT, "Synchronizing state complete")
        return {"tried": True, "failed": failed, "port": self._port, "lines": self.log.take()}

    def _configure_dhcp_for_network(self) -> str | None:
        network_id = self._network.id
        self.log.record("INFO", AGENT, f"Starting network {network_id} dhcp configuration")
        try:
            self._plug(self.setup_dhcp_port())
        except OSError as error:
            said = traceback.format_exception_only(error)[-1].strip()
            self.log.exception(AGENT, f"Unable to enable dhcp for {network_id}.: {said}", error)
            self._port = None
            self._reasons.append(said)  # step 7, and nothing is undone
            return said
        self.log.record("INFO", AGENT, f"Finished network {network_id} dhcp configuration")
        return None

    def setup_dhcp_port(self) -> str:
        """Step 3: the port whose device is in its place already, or a new one."""
        if self._port is not None and self._device_is_ready(self._port):
            return self._port
        name = f"dhcp{uuid.uuid5(uuid.NAMESPACE_DNS, 'host')}-{self._network.id}"
        self.log.record(
            "DEBUG", DRIVER, f"DHCP port {name} on network {self._network.id} does not yet exist. Creating new one."
        )
        self._port = str(uuid.uuid4())
        return self._port

    def _device_is_ready(self, port: str) -> bool:
        try:
            with Netns.open(netns_path(self._namespace)) as namespace, namespace.entered(), RouteSocket() as route:
                return links.find_link(route, inner_name(port)) is not None
        except KernelError:
            return False

    def _plug(self, port: str) -> None:
        if self._device_is_ready(port):
            return
        with RouteSocket() as route:
            inner = self.add_veth(route, port)
            self.ensure_namespace()
            self.set_netns(route, inner, inner_name(port))

    def add_veth(self, route: RouteSocket, port: str) -> int:
        """Step 4: both ends, on the host; returns the index of the one that belongs in the namespace."""
        outer, inner = tap_name(port), inner_name(port)
        self.log.privileged("create_interface", outer, None, "veth", inner)
        with Netns.current() as here:
            mac = mac_from_id(port)
            near = VethEnd(outer, self._network.mtu, 0)
            return links.create_veth(route, near, VethEnd(inner, self._network.mtu, 0, mac), here).peer_index

    def ensure_namespace(self) -> None:
        """Step 5: the name exists, so the namespace must."""
        if self._system.exists(netns_path(self._namespace)):
            return
        self.log.privileged("create_netns", self._namespace)
        iproute.add(self._system, self._namespace)

    def set_netns(self, route: RouteSocket, index: int, name: str) -> None:
        """Step 6: as `ip link set NAME netns NAMESPACE` does; raises OSError."""
        descriptor = os.open(netns_path(self._namespace), os.O_RDONLY | os.O_CLOEXEC)
        try:
            body = struct.pack("=BxHiII", 0, 0, index, 0, 0) + u32(IFLA_NET_NS_FD, descriptor)  # struct ifinfomsg
            route.perform((Request(RTM_NEWLINK, 0, body, "set netns of", name),))
        except KernelError as error:
            raise OSError(error.code, "failed to open netns") from error  # pyroute2's words
        finally:
            os.close(descriptor)


class NamespaceMaker:
    """Another container's agent, which makes the namespace that the stand-in is to use, and nothing else."""

    def __init__(self, network: Network, system: System) -> None:
        self.log = OsloLog()
        self.log.record("INFO", CONFIG, "Logging enabled!")
        name = namespace_name(network.id)
        if not system.exists(netns_path(name)):
            self.log.privileged("create_netns", name)
            iproute.add(system, name)
