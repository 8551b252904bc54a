"""The source of an earlier netmend, to be measured in turns with this one: $EARLIER names its commit."""

import compileall
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
EARLIER = os.environ.get("EARLIER", "")


@contextmanager
def earlier_source(commit: str) -> Iterator[Path]:
    """A directory, for the time of the block, that holds the package as of a commit, with bytecode. Raises
    subprocess.CalledProcessError: there is no such commit."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["git", "-C", str(ROOT), "archive", "--format=tar", commit, "src"]
        archive = subprocess.run(command, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", directory], input=archive, check=True)
        source = Path(directory, "src")
        source.parent.chmod(0o755)
        compileall.compile_dir(source, quiet=1)
        yield source


def environment_of(source: Path | None) -> dict[str, str]:
    """The environment of a process that runs the netmend in `source`; None: this one."""
    return dict(os.environ) if source is None else {**os.environ, "PYTHONPATH": str(source)}
