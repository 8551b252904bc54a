"""Networks wired by Open vSwitch (userspace datapath): a look beside foreign ports, a start, and mends.

python -m benchmarks ovs [--quick]
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path

from benchmarks.confined import confined
from benchmarks.networks import network_id
from benchmarks.node_process import NodeProcess
from benchmarks.record import Figure, Record, Sample, at_most, ratio_at_most
from tests.kernel.vswitch import SOCKET, VSwitch

from netmend.intent import Intent, Network, OvsWiring, Subnet
from netmend.intent.names import dhcp_port, id_from_name, namespace_name, tap_name
from netmend.kernel import descriptors, links
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.ovsdb import ports
from netmend.kernel.ovsdb.connection import Connection
from netmend.kernel.tap import Tap
from netmend.reconcile.reconciler import Reconciler
from netmend.wiring.ovs import OWNER

TITLE = "Open vSwitch: foreign ports, a start, and whatever becomes of the switch"
_READY = """
import sys, time
from ovsdbapp.backend.ovs_idl import connection
from ovsdbapp.schema.open_vswitch import impl_idl
start = time.monotonic()
idl = connection.OvsdbIdl.from_server(sys.argv[1], "Open_vSwitch")
impl_idl.OvsdbIdl(connection.Connection(idl=idl, timeout=120))
print(time.monotonic() - start, flush=True)
__import__("os")._exit(0)
"""


def foreign_ports(connection: Connection, count: int) -> None:
    """Ports without a device, as an agent leaves them whose taps are gone."""
    for start in range(0, count, 1_000):
        numbers = range(start, min(count, start + 1_000))
        ports.add(
            connection, [ports.NewPort(f"tapf{n}", "br-int", "", {"iface-id": network_id(n)}, {}) for n in numbers]
        )


def looks(foreign: int) -> dict[str, float]:
    """Milliseconds of one look of ours, and of ovsdbapp until it is ready, beside so many foreign ports."""
    with VSwitch(vswitchd=False), Connection(f"unix:{SOCKET}", 120) as connection:
        foreign_ports(connection, foreign)
        ports.add(connection, [ports.NewPort("tap1", "br-int", "internal", dict([OWNER]), dict([OWNER]))])
        start = time.monotonic()
        for _ in range(10):
            assert len(ports.read(connection, OWNER).ports) == 1
        ours = (time.monotonic() - start) / 10
        command = [sys.executable, "-W", "ignore", "-c", _READY, f"unix:{SOCKET}"]
        theirs = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return {"ours": ours * 1000, "ovsdbapp": theirs * 1000}


def networks(count: int, wiring: OvsWiring) -> Intent:
    cidr = IPv4Network("10.0.0.0/16")
    found = {}
    for number in range(count):
        subnet = Subnet(id_from_name("subnet", str(number)), "s", cidr, cidr[2])
        found[network_id(number)] = Network(network_id(number), f"n{number}", wiring=wiring, subnets=(subnet,))
    return Intent(found)


def passes(count: int, *, veth: bool) -> dict[str, float]:
    """Seconds of the first pass, and of the first of another process, over so many networks; what the kernel alone
    needs to move as many taps."""
    descriptors.raise_open_files()
    intent = networks(count, OvsWiring(veth=veth))
    with VSwitch():
        start = time.monotonic()
        for _ in range(100):
            if not Reconciler().run(intent).wrong:
                break
        made = time.monotonic() - start
        start = time.monotonic()
        assert Reconciler().run(intent).planned_steps == 0
        again = time.monotonic() - start
    return {"made": made, "again": again}


def moves(count: int) -> float:
    """Seconds that the kernel needs to make as many namespaces, and to move a tap into each."""
    descriptors.raise_open_files()
    taps = [Tap(f"move{number}") for number in range(count)]
    start = time.monotonic()
    spaces = []
    with RouteSocket() as route:
        for tap in taps:
            with Netns.create(tap.name) as place:
                spaces.append(place)
            found = links.find_link(route, tap.name)
            assert found
            links.move_link(route, found, place)
    return time.monotonic() - start


def mends(_: int) -> dict[str, float]:
    """Seconds from each event until a node has its network whole again: its port, and a living device."""
    (network,) = networks(1, OvsWiring()).networks.values()
    name = tap_name(dhcp_port(network).id)

    def index() -> int | None:
        """Of the device in the namespace, if it is whole."""
        try:
            with (
                Netns.open(f"/run/netns/{namespace_name(network.id)}") as place,
                place.entered(),
                RouteSocket() as route,
            ):
                found = links.find_link(route, name)
        except KernelError:
            return None
        return found.index if found and found.up and found.carrier else None

    def emptied(switch: VSwitch) -> None:
        switch.vsctl("--no-wait", "del-br", "br-int")
        switch.vsctl("--no-wait", "--", "add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=netdev")

    def restarted(switch: VSwitch) -> None:
        switch.kill("ovs-vswitchd")
        switch.start_vswitchd()

    events: dict[str, Callable[[VSwitch], object]] = {
        "port deleted": lambda switch: switch.vsctl("--no-wait", "del-port", name),
        "bridge and all ports deleted, bridge made anew": emptied,
        "ovs-vswitchd killed and started": restarted,
    }
    taken = {}
    with tempfile.TemporaryDirectory() as directory, VSwitch() as switch:
        room = Path(directory)
        (room / "intent.yaml").write_text(
            f"networks: [{{name: n, id: {network.id}, wiring: ovs, subnets: [{{cidr: 10.0.0.0/16}}]}}]\n"
        )
        with NodeProcess(room / "intent.yaml", room) as node, Connection(f"unix:{SOCKET}") as connection:
            for event, happen in events.items():
                while not (before := index()):
                    node.check()
                    time.sleep(0.01)
                time.sleep(1.0)
                happen(switch)
                start = time.monotonic()
                while index() in {None, before} or not ports.find(connection, [name]):
                    node.check()
                    assert time.monotonic() < start + 60
                    time.sleep(0.005)
                taken[event] = time.monotonic() - start
    return taken


def measure(*, quick: bool) -> Record:
    count, rounds, foreign = (20, 1, 1_000) if quick else (100, 3, 10_000)
    record = Record(f"{TITLE}: {count} networks, {foreign:,} foreign ports")
    beside = [confined(looks, foreign) for _ in range(rounds)]
    alone = [confined(looks, 0) for _ in range(rounds)]
    made = [{"veth": confined(passes, count, veth=True), "internal": confined(passes, count, veth=False),
             "floor": confined(moves, count)} for _ in range(rounds)]  # fmt: skip
    mended = [confined(mends, 0) for _ in range(rounds)]

    def sample(runs: list[dict[str, float]], key: str) -> Sample:
        return Sample.of([run[key] for run in runs])

    internal, veth = ([run[kind] for run in made] for kind in ("internal", "veth"))
    floor = Sample.of([run["floor"] for run in made])
    moving = "the bare kernel making as many namespaces and moving a tap into each"
    record.figures = [
        Figure("a look at the database, no foreign ports", "ms", sample(alone, "ours")),
        Figure(
            f"a look beside {foreign:,} foreign ports", "ms", sample(beside, "ours"), sample(beside, "ovsdbapp"),
            "ovsdbapp until it is ready", ratio_at_most(0.05),
        ),
        Figure(f"{count} networks, internal ports: the first pass", "s", sample(internal, "made"), floor, moving,
               ratio_at_most(2.0)),
        Figure(f"{count} networks, internal ports: another process finds them", "s", sample(internal, "again")),
        Figure(f"{count} networks, veths: the first pass", "s", sample(veth, "made")),
        Figure(f"{count} networks, veths: another process finds them", "s", sample(veth, "again")),
        *(Figure(f"{event}: mended after", "s", sample(mended, event), aim=at_most(1.0)) for event in mended[0]),
    ]  # fmt: skip
    record.details["runs"] = {"made": made, "mended": mended, "beside": beside, "alone": alone}
    record.notes.append(
        "ovs-vswitchd runs with the userspace datapath on the same cores, and its start is in its mend."
    )
    return record
