"""What users install: a source distribution that is complete, and a wheel that works in an empty environment.

Both are built offline. The environment holds the wheel alone; netmend's dependencies are lent to it by path.
"""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from netmend import __version__

CHECKOUT = Path(__file__).parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
BUILD = "import setuptools.build_meta as backend, sys; backend.build_{}(sys.argv[1])"
NAME = f"netmend-{__version__}"


def build(kind: str, source: Path, into: Path) -> None:
    into.mkdir()
    command = [sys.executable, "-c", BUILD.format(kind), str(into)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked; built from a copy of what git would check out."""
    place = tmp_path_factory.mktemp("sdist")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT, capture_output=True, check=False,
    )  # fmt: skip
    names = listed.stdout.decode().split("\0")[:-1] if listed.returncode == 0 else _found_files()
    for name in names:
        if (CHECKOUT / name).is_file():
            (place / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
            (place / "copy" / name).write_bytes((CHECKOUT / name).read_bytes())
    build("sdist", place / "copy", place / "dist")
    with tarfile.open(place / "dist" / f"{NAME}.tar.gz") as archive:
        archive.extractall(place, filter="data")
    return place / NAME


def _found_files() -> list[str]:
    """The files of a checkout without its .git, as in CI's copy for an ordinary user."""
    places = [
        CHECKOUT / name
        for name in ("benchmarks", "deploy", "docs", "examples", "requirements", "src", "tests", "tools")
    ]
    files = [path for place in places for path in place.rglob("*") if "__pycache__" not in path.parts]
    files += [path for path in CHECKOUT.iterdir() if path.is_file()]
    return [str(path.relative_to(CHECKOUT)) for path in files if ".egg-info" not in str(path)]


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution."""
    place = tmp_path_factory.mktemp("wheel") / "dist"
    build("wheel", sdist, place)
    return place / f"{NAME}-py3-none-any.whl"


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin directory of an environment in which the wheel is installed."""
    place = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(place, with_pip=False)
    install = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "install", "-q"]
    install += ["--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    site = next((place / "lib").glob("python3*/site-packages"))
    lender = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "dependencies.pth").write_text(f"{lender}\n")  # its own .pth files, netmend's checkout, are not read
    return place / "bin"


def run(environment: Path, *words: str, code: int = 0) -> str:
    outside = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        [str(environment / words[0]), *words[1:]],
        cwd=environment, capture_output=True, text=True, check=False, env=outside, timeout=120,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout


def test_the_source_distribution_is_complete(sdist: Path) -> None:
    for name in (
        "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile", "docs/running.md",
        "docs/netmend.1", "examples/two-networks.yaml", "requirements/run.txt", "tests/conftest.py", "tools/lock",
        "deploy/systemd/netmend.service", "deploy/quadlet/netmend.container", "deploy/compose/compose.yaml",
    ):  # fmt: skip
        assert (sdist / name).is_file(), name


def test_the_wheel_has_every_file_of_the_source(wheel: Path) -> None:
    source = CHECKOUT / "src" / "netmend"
    wanted = {f"netmend/{path.relative_to(source)}" for path in source.rglob("*") if path.is_file()}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name for name in wanted - names if "__pycache__" not in name} == set()
    assert f"{NAME}.data/data/share/man/man1/netmend.1" in names
    assert f"{NAME}.dist-info/licenses/LICENSE" in names


def test_the_version_is_that_of_the_wheel(environment: Path) -> None:
    assert run(environment, "netmend", "--version") == f"netmend {__version__}\n"
    where = run(environment, "python", "-c", "import netmend; print(netmend.__file__)")
    assert Path(where).is_relative_to(environment.parent)


def test_verbs_work(environment: Path) -> None:
    example = str(CHECKOUT / "examples" / "two-networks.yaml")
    assert run(environment, "netmend", "check", "-c", example) == "2 networks, 4 subnets, 4 ports\n"
    assert "Calls of the runtime, in order" in run(environment, "netmend", "explain", "/run/netns:/run/netns:shared")
    assert run(environment, "netmend", "lint", str(CHECKOUT / "examples" / "nowhere.yaml"), code=2) == ""
    assert run(environment, "netmend", "timeline", "--help").startswith("Usage: netmend timeline")
    run(environment, "netmend-cni", code=1)
    assert run(environment, "neutron-dhcp-agent", "--help").startswith("Usage: netmend agent")


def test_the_ranges_hold_the_versions_that_are_tested() -> None:
    pins = dict(
        line.split("==") for line in (CHECKOUT / "requirements" / "pins.in").read_text().splitlines() if "==" in line
    )
    for lock in (CHECKOUT / "requirements").glob("*.txt"):
        if lock.stem != "clients":
            pins |= dict(re.findall(r"^([\w.-]+)==([\w.!]+)", lock.read_text(), re.M))
    known = {name.lower(): version for name, version in pins.items()}
    extras = PROJECT["optional-dependencies"].values()
    for text in [*PROJECT["dependencies"], *(text for extra in extras for text in extra)]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(known[wanted.name.lower()]), text
