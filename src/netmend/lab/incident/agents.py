"""What runs in the containers of the incident: the stand-in for the old agent, another maker of names, and netmend."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

from netmend.intent.network import Network
from netmend.lab.engines.kernel import RealSystem
from netmend.lab.incident.old_agent import NamespaceMaker, OldAgent
from netmend.lab.incident.process import Channel
from netmend.node.intake.file import FileSource
from netmend.node.node import Node
from netmend.node.settings import Settings

_LOADED_LATE = (
    "netmend.node.http.server",
    "netmend.node.http.health_routes",
    "netmend.node.http.status_routes",
    "netmend.doctor.preflight",
    "aiohttp.web",
    "concurrent.futures.thread",
    "encodings.idna",
    "fcntl",
    "traceback",
    "unicodedata",
)
_CONFIG = Path("/etc/netmend.yaml")


def load_all() -> None:
    """Load what the node, asyncio and aiohttp load only while they run: a container's disk has no Python."""
    for name in _LOADED_LATE:
        import_module(name)


def _here() -> RealSystem:
    """The mount namespace of the calling process."""
    return RealSystem(os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC), [])


def run_old_agent(network: Network, port: str | None, channel: Channel) -> None:
    """One resync for each message; the answer is its ResyncReport."""
    agent = OldAgent(network, _here(), port)
    while True:
        channel.receive()
        channel.send(agent.periodic_resync())


def run_maker(network: Network, channel: Channel) -> None:
    """Makes the name, then answers each message with its log lines."""
    maker = NamespaceMaker(network, _here())
    while True:
        channel.receive()
        channel.send({"lines": maker.log.take()})


def run_netmend(intent: str, log: int, _: Channel) -> None:
    """The node, with `intent` (YAML) as its file and its log on descriptor `log`; ends when it is killed."""
    _CONFIG.parent.mkdir(parents=True, exist_ok=True)
    _CONFIG.write_text(intent, encoding="utf-8")
    sys.stderr = os.fdopen(log, "w", buffering=1)  # what netmend.ground.log writes to
    asyncio.run(Node(FileSource(_CONFIG), Settings()).run())


def old_agent(network: Network, port: str | None) -> Callable[[Channel], None]:
    return partial(run_old_agent, network, port)


def maker(network: Network) -> Callable[[Channel], None]:
    return partial(run_maker, network)


def netmend(intent: str, log: int) -> Callable[[Channel], None]:
    return partial(run_netmend, intent, log)
