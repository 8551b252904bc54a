"""Shapes of JSON in the documents, compared with the JSON of runs: the same keys, with values of the same types."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.sessions import environment, run, sessions
from tests.shapes import differences, read, unseen

LINTED = """\
services:
  dhcp:
    image: agent
    volumes: [/run/netns:/run/netns]
"""


def compare(document: str, *found: Any, rare: frozenset[str] | set[str] = frozenset()) -> None:
    """Fail where a run has another shape than the document shows, or the document has a key, not among the rare ones,
    that no run has."""
    (block,) = sessions(document, "shape")
    shape = read(block.text)
    assert [text for value in found for text in differences(shape, value)] == []
    assert set(unseen(shape, list(found))) - rare == set()


def printed(command: str, directory: Path) -> Any:
    done = run(f"{command} 2>/dev/null", directory)
    assert done.stdout, command
    return json.loads(done.stdout)


def test_demo(tmp_path: Path) -> None:
    compare("docs/demo.md", printed("netmend demo --json", tmp_path))


def test_doctor(tmp_path: Path) -> None:
    """A name that is a namespace in one mount namespace and a plain file in ours; and a copy of mountinfo without its
    first lines."""
    run("mkdir /run/netns && mount --bind /run/netns /run/netns && mount --make-shared /run/netns")
    script = "ip netns add t1 && echo made && exec sleep 600"
    other = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        stdout=subprocess.PIPE,
        env=environment(),
    )
    assert other.stdout is not None
    try:
        assert other.stdout.readline() == b"made\n"
        live = printed("netmend doctor --json", tmp_path)
    finally:
        other.kill()
        other.communicate()
    whole = Path("/proc/self/mountinfo").read_text().splitlines(keepends=True)
    (tmp_path / "a.txt").write_text("".join(line for line in whole if " / / " not in line))
    part = printed("netmend doctor --json --mountinfo a=a.txt", tmp_path)
    compare("docs/doctor.md", live, part, rare={".unread[].what", ".unread[].why"})  # root of a sandbox can read all


def test_lint(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(LINTED)
    (tmp_path / "broken.yaml").write_text("services: [\n")
    compare("docs/lint.md", printed("netmend lint --json compose.yaml broken.yaml", tmp_path))


def test_explain(tmp_path: Path) -> None:
    options = ["/run/netns:/run/netns:shared", "/run:/run:shared /run/netns:/run/netns", "'mount --make-rslave /'"]
    compare("docs/propagation.md", *(printed(f"netmend explain --json {option}", tmp_path) for option in options))
