"""One port more on a network of 65,000, until it is answered; and what it takes to load such a network.

python -m benchmarks change [--quick]
"""

import asyncio
import os
import signal
import tempfile
import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from benchmarks.confined import confined
from benchmarks.dnsmasq import Dnsmasq, Host, write_hosts
from benchmarks.guests import Guests
from benchmarks.networks import device, network_id
from benchmarks.node_process import NodeProcess
from benchmarks.record import Figure, Record, Sample, at_most
from msgspec.structs import replace

from netmend.intent.names import dhcp_port_id, id_from_name, inner_name, namespace_name
from netmend.intent.network import Intent
from netmend.intent.port import Port
from netmend.kernel import nsdir
from netmend.kernel.netns import Netns
from netmend.node.intake.file import FileSource
from netmend.node.node import Node
from netmend.node.settings import Settings
from netmend.services.dhcp4 import Dhcp4Responder, LeaseTable
from netmend.sources.file import load

TITLE = "Change: one port added to a large network, until it is answered"
SERVER = "10.255.255.1"
NUMBER = 7  # of the network
AN_HOUR = 3600.0  # for dnsmasq: at 65,000 hosts it takes minutes
IN_PLACE = "dnsmasq, Neutron's files written and SIGHUP sent, until it answers the added host"
STARTED = "dnsmasq as Neutron starts it, until it answers"


def host(number: int) -> Host:
    return Host(
        f"52:54:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}", str(IPv4Address(0x0A000100 + number))
    )


def port_lines(number: int) -> str:
    known = host(number)
    return (
        f"      - name: vm-{number}\n        mac: {known.mac}\n"
        f"        fixed_ips: [{known.address}]\n        hostname: {known.name}\n"
    )


def write_intent(path: Path, ports: int) -> None:
    """One network with so many ports; replaces the file at once, as an operator's tool does."""
    head = f"networks:\n  - name: large\n    id: {network_id(NUMBER)}\n    subnets:\n      - cidr: 10.0.0.0/8\n"
    head += f"        server_address: {SERVER}\n    ports:\n"
    new = path.with_suffix(".new")
    new.write_text(head + "".join(map(port_lines, range(ports))))
    new.replace(path)


def asker(number: int) -> Guests:
    """The guest that is port `number`."""
    known = host(number)
    return Guests([device(NUMBER)], [known.mac], [known.address])


def seconds_to_answer(number: int, start: float, check: Any = lambda: None, patience: float = 60.0) -> float:
    guests = asker(number)
    answered = guests.until_answered(check, patience=patience)
    guests.close()
    return answered[0] - start


def by_file(ports: int, rounds: int, directory: str) -> dict[str, Any]:
    """A node's start on the large file, then `rounds` changes of the file by one port each; seconds."""
    room = Path(directory)
    config = room / "intent.yaml"
    write_intent(config, ports)
    found: dict[str, Any] = {"changed": []}
    with NodeProcess(config, room) as node:
        found["started"] = seconds_to_answer(ports - 1, node.started, node.check)
        for number in range(ports, ports + rounds):
            time.sleep(0.5)  # what the start or the last change left to do
            new = room / "new" / config.name
            new.parent.mkdir(exist_ok=True)
            write_intent(new, number + 1)
            start = time.monotonic()
            new.replace(config)
            found["changed"].append(seconds_to_answer(number, start, node.check))
    return found


def with_port(intent: Intent, number: int) -> Intent:
    """The intent that shares all but one added port with `intent`, as a source that is told of a port makes it."""
    network = intent.networks[network_id(NUMBER)]
    known = host(number)
    port = Port(
        id_from_name("port", "large", known.name), known.name, known.mac, (IPv4Address(known.address),), known.name
    )
    return Intent({**intent.networks, network.id: replace(network, ports={**network.ports, port.id: port})})


async def _changes(node: Node, ports: int, rounds: int) -> list[float]:
    """`rounds` changes of a running node's intent; seconds from the new intent's making to the offer."""
    while node.state.serving.dhcp4.served_since(network_id(NUMBER)) is None:
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    found = []
    for number in range(ports, ports + rounds):
        guests = asker(number)
        start = time.monotonic()
        node.take_intent(with_port(node.state.intent.intent, number))
        answered = await asyncio.to_thread(guests.until_answered, lambda: None)
        found.append(answered[0] - start)
        guests.close()
        await asyncio.sleep(0.5)
    return found


def by_intent(ports: int, rounds: int, directory: str) -> list[float]:
    """The same in one process: a node told of the new intent directly."""
    room = Path(directory)
    config = room / "intent.yaml"
    write_intent(config, ports)

    async def both() -> list[float]:
        node = Node(FileSource(config), Settings(state=room / "state", runtime=room / "runtime"))
        serving = asyncio.create_task(node.run())
        while not hasattr(node, "state"):
            await asyncio.sleep(0.05)
        try:
            return await _changes(node, ports, rounds)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            await serving

    return asyncio.run(both())


def load_and_index(ports: int, directory: str) -> dict[str, float]:
    """Seconds to read the file, and to index the network for DHCP."""
    config = Path(directory) / "intent.yaml"
    write_intent(config, ports)
    start = time.perf_counter()
    intent = load(config)
    loaded = time.perf_counter()
    Dhcp4Responder(intent.networks[network_id(NUMBER)], LeaseTable([]))
    return {"load": loaded - start, "index": time.perf_counter() - loaded}


def dnsmasqs(ports: int, rounds: int, directory: str) -> dict[str, Any]:
    """dnsmasq in place of the node, with as many hosts: its start, and `rounds` changes; seconds."""
    room = Path(directory)
    config = room / "intent.yaml"
    write_intent(config, 1)
    with NodeProcess(config, room) as node:
        seconds_to_answer(0, node.started, node.check)
    device = inner_name(dhcp_port_id(network_id(NUMBER)))
    namespace = Netns.open(f"{nsdir.DEFAULT}/{namespace_name(network_id(NUMBER))}")
    hosts = [host(number) for number in range(ports)]
    own = room / "dnsmasq"
    own.mkdir()
    found: dict[str, Any] = {"changed": []}
    with Dnsmasq(namespace, device, own, hosts, "10.0.0.0") as server:
        found["started"] = seconds_to_answer(ports - 1, server.started, server.check, AN_HOUR)
        for number in range(ports, ports + rounds):
            hosts.append(host(number))
            start = time.monotonic()
            write_hosts(own, hosts)
            server.send(signal.SIGHUP)
            found["changed"].append(seconds_to_answer(number, start, server.check, AN_HOUR))
    return found


def in_room(measurement: Any, *arguments: int) -> Any:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        return confined(measurement, *arguments, directory)


def measure(*, quick: bool) -> Record:
    ports, rounds, changes = (4_000, 1, 3) if quick else (65_000, 3, 5)
    loads, files, intents, references = [], [], [], []
    for _ in range(rounds):
        loads.append(in_room(load_and_index, ports))
        files.append(in_room(by_file, ports, changes))
        intents.append(in_room(by_intent, ports, changes))
    references.append(in_room(dnsmasqs, ports, 1))
    reload = Sample.of([taken for run in references for taken in run["changed"]])

    def flat(runs: Any) -> Sample:
        return Sample.of([taken for run in runs for taken in run])

    loaded = Sample.of([run["load"] + run["index"] for run in loads])
    record = Record(f"{TITLE}: {ports:,} ports")
    record.figures = [
        Figure("new intent to answer, in the node", "s", flat(intents), reload, IN_PLACE, at_most(0.05)),
        Figure("changed file to answer", "s", flat([run["changed"] for run in files]), reload, IN_PLACE),
        Figure(
            "process start to answer",
            "s",
            Sample.of([run["started"] for run in files]),
            Sample.of([run["started"] for run in references]),
            STARTED,
        ),
        Figure("load the file and index it", "s", loaded, aim=at_most(2.0)),
        Figure("of that, index", "s", Sample.of([run["index"] for run in loads])),
    ]
    record.notes.append("The reference ran once: a start and a change of dnsmasq take minutes at this size.")
    record.details = {"load": loads, "file": files, "intent": intents, "dnsmasq": references}
    return record
