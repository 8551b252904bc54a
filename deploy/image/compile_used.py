"""Writes the bytecode of what the image runs: netmend's own modules, and what OpenStack-Helm's probe imports."""

import compileall
import importlib
import pkgutil
from pathlib import Path

import netmend

ALSO = (
    "httplib2",
    "oslo_config.cfg",
    "oslo_context.context",
    "oslo_log.log",
    "oslo_messaging._drivers.impl_rabbit",
    "oslo_service.backend._threading.loopingcall",
    "psutil",
    "rich.console",
    "rich.table",
    "rich.text",
    "kombu.transport.pyamqp",
    "yaml",
)
WHOLE = ("aiohttp", "amqp", "dns", "kombu", "netmend", "oslo_messaging", "rich")
SITE = Path(netmend.__file__).parents[1]

for name in WHOLE:
    compileall.compile_dir(SITE / name, quiet=2)
for found in pkgutil.walk_packages(netmend.__path__, "netmend."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
for name in ALSO:
    importlib.import_module(name)
