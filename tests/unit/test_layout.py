"""tools/check-layout names each thing that is out of its place, and nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "check-layout"
LONG = "room/options/table.py"
LONG_FILE = f"src/netmend/{LONG}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in order: one room, a package in it, a test for each kind of place, and one file that may be long."""
    for name in (
        "src/netmend/__init__.py",
        "src/netmend/room/__init__.py",
        "src/netmend/room/link.py",
        "src/netmend/room/options/__init__.py",
        "src/netmend/room/options/boot.py",
        "tests/unit/test_of_the_project.py",
        "tests/unit/room/test_link.py",
        "tests/unit/room/test_link_limits.py",
        "tests/unit/room/test_options.py",
        "tests/unit/room/options/test_boot.py",
        "tests/kernel/room/test_link.py",
    ):
        plant(tmp_path, name)
    plant(tmp_path, LONG_FILE)
    plant(
        tmp_path,
        "check-layout",
        re.sub(r"(?ms)^LONG.*? = \{.*?\}\n", f'LONG = {{"{LONG}": "why"}}\n', SCRIPT.read_text()),
    )
    return tmp_path


def plant(checkout: Path, name: str, text: str = "") -> None:
    (checkout / name).parent.mkdir(parents=True, exist_ok=True)
    (checkout / name).write_text(text)


def check(checkout: Path) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, checkout / "check-layout", checkout], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr.splitlines()[:-1]


def test_a_checkout_in_order_passes(checkout: Path) -> None:
    assert check(checkout) == (0, [])


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("tests/unit/gone/test_link.py", "tests/unit/gone/test_link.py: there is no package src/netmend/gone"),
        ("tests/unit/room/test_linkage.py", "src/netmend/room has no module 'linkage'"),
        ("tests/unit/room/test_boot.py", "src/netmend/room has no module 'boot'"),
        ("tests/kernel/room/test_else.py", "tests/kernel/room/test_else.py: src/netmend/room has no module 'else'"),
        ("src/netmend/room/utils.py", "src/netmend/room/utils.py: its name does not say what is in it"),
        ("src/netmend/room/port_helpers.py", "port_helpers.py: its name does not say what is in it"),
        ("src/netmend/manager/__init__.py", "src/netmend/manager: its name does not say what is in it"),
    ],
)
def test_what_is_out_of_its_place_is_named(checkout: Path, planted: str, said: str) -> None:
    plant(checkout, planted)
    code, lines = check(checkout)
    assert code == 1 and len(lines) == 1 and said in lines[0], lines


def test_a_file_past_its_size_is_named_unless_there_is_a_reason(checkout: Path) -> None:
    plant(checkout, "src/netmend/room/link.py", "\n" * 400)
    plant(checkout, LONG_FILE, "\n" * 401)
    assert check(checkout) == (0, [])
    plant(checkout, "src/netmend/room/link.py", "\n" * 401)
    code, lines = check(checkout)
    assert code == 1 and len(lines) == 1 and "room/link.py: has 401 lines, more than 400" in lines[0]


def test_a_reason_for_a_file_that_is_gone_is_named(checkout: Path) -> None:
    (checkout / LONG_FILE).unlink()
    code, lines = check(checkout)
    assert code == 1 and len(lines) == 1 and f"LONG names {LONG}" in lines[0]
