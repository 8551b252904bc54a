"""`.importlinter` says what the design's table says: every import the table forbids is caught, every other passes.

The linter runs for real, on a skeleton of netmend (the same rooms, each with one module) into which the test plants
imports.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]

# The table in the design: room, and the rooms of ours that it may import.
BELOW_NODE = {
    "doctor", "firewall", "flows", "forensics", "ground", "intent", "kernel", "lint", "options", "propagation",
    "reconcile", "routing", "services", "sources", "sweep", "wiring",
}  # fmt: skip
MAY_IMPORT: dict[str, set[str]] = {
    "ground": set(),
    "intent": set(),
    "options": set(),
    "kernel": {"ground"},
    "propagation": set(),
    "web": {"ground"},
    "forensics": {"ground"},
    "wiring": {"ground", "intent"},
    "firewall": {"ground", "intent"},
    "flows": {"ground", "intent"},
    "routing": {"ground", "intent"},
    "sources": {"ground", "intent", "options"},
    "services": {"ground", "intent", "options"},
    "reconcile": {"firewall", "flows", "ground", "intent", "kernel", "routing", "wiring"},
    "sweep": {"ground", "intent", "kernel"},
    "attach": {"ground", "intent", "kernel"},
    "doctor": {"ground", "kernel", "propagation"},
    "lint": {"ground", "kernel", "propagation"},
    "node": BELOW_NODE,
    "lab": {*BELOW_NODE, "node"},
}
ROOMS = {*MAY_IMPORT, "cli"}
CORES = tuple(f"services.{name}" for name in ("dhcp4", "dhcp6", "dns", "leases", "metadata", "shared"))
PURE = ("firewall", "flows", "intent", "options", "propagation", "routing", *CORES)
IO = tuple(f"{core}.io" for core in CORES)
INPUT_AND_OUTPUT = [
    "aiohttp",
    "asyncio",
    "ctypes",
    "fcntl",
    "http",
    "mmap",
    "multiprocessing",
    "os",
    "pyroute2",
    "select",
    "selectors",
    "shutil",
    "signal",
    "socket",
    "socketserver",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "time",
    "urllib",
]

Import = tuple[str, str]
ALLOWED: set[Import] = {(room, other) for room, others in MAY_IMPORT.items() for other in others} | {
    ("cli", room) for room in MAY_IMPORT
}
FORBIDDEN: set[Import] = {
    (room, other) for room in MAY_IMPORT for other in ROOMS - {room} if (room, other) not in ALLOWED
}


def caught(tmp_path: Path, imports: dict[str, list[str]]) -> tuple[int, set[Import]]:
    """Plant `imports` (module of netmend → statements); return the linter's exit code and the imports it names."""
    for room in ROOMS:
        (tmp_path / "netmend" / room).mkdir(parents=True)
    for room in (*PURE, *IO):
        (tmp_path / "netmend" / room.replace(".", "/")).mkdir(exist_ok=True)
    for package in [tmp_path / "netmend", *(path for path in (tmp_path / "netmend").rglob("*") if path.is_dir())]:
        (package / "__init__.py").touch()
        (package / "module.py").touch()
    for module, statements in imports.items():
        (tmp_path / "netmend" / module.replace(".", "/") / "module.py").write_text("\n".join(statements) + "\n")
    config = tmp_path / ".importlinter"
    config.write_text((CHECKOUT / ".importlinter").read_text())
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    named = re.findall(r"netmend\.(\S+) is not allowed to import (?:netmend\.)?(\S+):", run.stdout)
    named += re.findall(r"- netmend\.(\S+) -> netmend\.(\S+) \(l\.\d+\)", run.stdout.partition("Illegal imports")[2])
    assert run.returncode == 0 or named, run.stdout + run.stderr
    return run.returncode, set(named)


def between_rooms(imports: set[Import]) -> dict[str, list[str]]:
    planted: dict[str, list[str]] = {}
    for room, other in sorted(imports):
        planted.setdefault(room, []).append(f"import netmend.{other}.module")
    return planted


def test_the_rooms_are_those_of_the_table() -> None:
    source = CHECKOUT / "src" / "netmend"
    assert {path.stem for path in source.iterdir() if path.suffix in {"", ".py"}} - {"__pycache__", "__init__"} == ROOMS


def test_every_import_between_rooms_that_the_table_forbids_is_caught(tmp_path: Path) -> None:
    assert caught(tmp_path, between_rooms(FORBIDDEN)) == (1, FORBIDDEN)


def test_every_import_that_the_table_allows_passes(tmp_path: Path) -> None:
    assert caught(tmp_path, between_rooms(ALLOWED)) == (0, set())


@pytest.mark.parametrize("room", PURE)
def test_input_and_output_in_a_pure_core_is_caught(tmp_path: Path, room: str) -> None:
    code, named = caught(tmp_path, {room: [f"import {module}" for module in INPUT_AND_OUTPUT]})
    assert (code, named) == (1, {(room.partition(".")[0], module) for module in INPUT_AND_OUTPUT})


def test_a_pure_core_cannot_reach_the_network_through_a_neighbour(tmp_path: Path) -> None:
    code, named = caught(tmp_path, {"propagation": ["import netmend.kernel.module"], "kernel": ["import socket"]})
    assert (code, named) == (1, {("propagation", "kernel"), ("propagation", "socket")})


@pytest.mark.parametrize("room", IO)
def test_the_sockets_of_a_service_may_do_input_and_output_by_the_kernel(tmp_path: Path, room: str) -> None:
    allowed = [*INPUT_AND_OUTPUT, "netmend.kernel.module", "netmend.intent.module", "netmend.services.shared.io.module"]
    assert caught(tmp_path, {room: [f"import {module}" for module in allowed]}) == (0, set())


@pytest.mark.parametrize("room", IO)
def test_the_sockets_of_a_service_know_no_other_room(tmp_path: Path, room: str) -> None:
    code, named = caught(tmp_path, {room: ["import netmend.reconcile.module"]})
    assert (code, named) == (1, {("services", "reconcile")})


@pytest.mark.parametrize("core", CORES)
def test_a_pure_core_cannot_import_io_of_its_own(tmp_path: Path, core: str) -> None:
    code, named = caught(tmp_path, {core: [f"import netmend.{core}.io.module"]})
    assert (code, named) == (1, {(f"{core}.module", f"{core}.io.module")})
