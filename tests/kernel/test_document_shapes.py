"""Shapes of JSON in the documents, compared with the JSON of runs: the same keys, with values of the same types."""

import json
from pathlib import Path
from typing import Any

from tests.sessions import run, sessions
from tests.shapes import differences, read, unseen

LINTED = """\
services:
  dhcp:
    image: agent
    volumes: [/run/netns:/run/netns]
"""


def compare(document: str, *found: Any) -> None:
    """Fail where a run has another shape than the document shows, or the document has a key that no run has."""
    (block,) = sessions(document, "shape")
    shape = read(block.text)
    assert [text for value in found for text in differences(shape, value)] == []
    assert unseen(shape, list(found)) == []


def printed(command: str, directory: Path) -> Any:
    done = run(f"{command} 2>/dev/null", directory)
    assert done.stdout, command
    return json.loads(done.stdout)


def test_demo(tmp_path: Path) -> None:
    compare("docs/demo.md", printed("netmend demo --json", tmp_path))


def test_doctor(tmp_path: Path) -> None:
    """Two containers, by their mountinfo, of which one has a name that the other has not; and this sandbox, live."""
    Path("/run/netns").mkdir()
    Path("/run/netns/t1").touch()
    live = printed("netmend doctor --json", tmp_path)
    (tmp_path / "a.txt").write_bytes(Path("/proc/self/mountinfo").read_bytes())
    (tmp_path / "b.txt").write_text("no mountinfo\n")
    copies = printed("netmend doctor --json --mountinfo a=a.txt", tmp_path)
    compare("docs/doctor.md", live, copies)


def test_lint(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(LINTED)
    (tmp_path / "broken.yaml").write_text("services: [\n")
    compare("docs/lint.md", printed("netmend lint --json compose.yaml broken.yaml", tmp_path))


def test_explain(tmp_path: Path) -> None:
    options = ["/run/netns:/run/netns:shared", "/run:/run:shared /run/netns:/run/netns", "'mount --make-rslave /'"]
    compare("docs/propagation.md", *(printed(f"netmend explain --json {option}", tmp_path) for option in options))
