"""Machine configurations: compressed and encoded contents, and configurations within configurations."""

import base64
import gzip
import json
from typing import Any

import pytest

from netmend.lint.files import lint_all
from netmend.lint.lint_file import declared, lint

QUADLET = b"[Container]\nVolume=/run/netns:/run/netns\n"


def base64_url(data: bytes, head: str = "data:") -> str:
    return f"{head};base64," + base64.b64encode(data).decode()


def config(contents: dict[str, Any], **ignition: Any) -> dict[str, Any]:
    file = {"path": "/etc/containers/systemd/dhcp.container", "contents": contents}
    return {"ignition": {"version": "3.4.0", **ignition}, "storage": {"files": [file]}}


@pytest.mark.parametrize(
    "contents",
    [
        {"source": base64_url(gzip.compress(QUADLET)), "compression": "gzip"},
        {"source": base64_url(QUADLET, "data:text/plain;charset=utf-8"), "compression": ""},
        {"source": base64_url(QUADLET).replace("=", "%3D"), "compression": None},
        {"source": "data:," + "".join(f"%{byte:02X}" for byte in gzip.compress(QUADLET)), "compression": "gzip"},
        {"inline": QUADLET.decode()},
    ],
)
def test_contents_are_read_however_they_are_encoded(contents: dict[str, Any]) -> None:
    text = json.dumps(config(contents), indent=1)
    line = next(n for n, one in enumerate(text.split("\n"), 1) if '"source"' in one or '"inline"' in one)
    assert [(one.check, one.line, one.container) for one in lint("-", text)] == [("netns-private", line, "dhcp")]


@pytest.mark.parametrize("key", ["merge", "replace"])
def test_a_configuration_within_another_is_read(key: str) -> None:
    inner = json.dumps(config({"source": base64_url(QUADLET)})).encode()
    place = {"source": base64_url(gzip.compress(inner)), "compression": "gzip"}
    outer = {"ignition": {"version": "3.4.0", "config": {key: [place] if key == "merge" else place}}}
    assert [(one.check, one.container) for one in lint("-", json.dumps(outer))] == [("netns-private", "dhcp")]


def test_configurations_that_nest_without_end_are_read_so_far() -> None:
    text = json.dumps(config({"source": base64_url(QUADLET)}))
    for _ in range(8):
        text = json.dumps({"ignition": {"config": {"replace": {"source": base64_url(text.encode())}}}})
    assert lint("-", text) == []


@pytest.mark.parametrize(
    ("contents", "why"),
    [
        ({"source": "https://example.com/dhcp.container"}, "is elsewhere"),
        ({"local": "dhcp.container"}, "is elsewhere"),
        ({"source": base64_url(QUADLET), "compression": "gzip"}, "is damaged gzip data"),
        ({"source": base64_url(QUADLET), "compression": "xz"}, "is compressed by xz"),
        ({"source": "data:;base64,A"}, "is damaged base64"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(contents: dict[str, Any], why: str, tmp_path: Any) -> None:
    file = tmp_path / "c.ign"
    file.write_text(json.dumps(config(contents)))
    report = lint_all([str(file)])
    assert report.unevaluated == [f"{file}:1: /etc/containers/systemd/dhcp.container {why}"]
    assert (report.findings, report.problems, report.containers, report.files) == ([], [], 0, 1)


def test_bombs_are_read_so_far() -> None:
    bomb = gzip.compress(b"[Container]\n" + b"\0" * 50_000_000)
    assert len(declared("-", json.dumps(config({"source": base64_url(bomb), "compression": "gzip"})))) == 1


@pytest.mark.parametrize(
    ("contents", "line"),
    [
        ("|\n          [Service]\n          ExecStart=podman run -v /run/netns:/run/netns x", 9),
        ('"[Service]\\nExecStart=podman run -v /run/netns:/run/netns x"', 7),
    ],
)
def test_the_line_is_one_of_the_file(contents: str, line: int) -> None:
    text = (
        "ignition: {version: 3.4.0}\nx: 1\ny: 2\nsystemd:\n  units:\n    - name: a.service\n"
        f"      contents: {contents}\n"
    )
    assert [one.line for one in lint("-", text)] == [line]
