"""Files and directories: what is read, what is passed over, and what is said of both."""

from pathlib import Path

import pytest

from netmend.lint.files import lint_all

COMPOSE = "services:\n  a:\n    privileged: true\n    volumes: ['/run/netns:/run/netns']\n"


def test_a_directory_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "chart.yaml").write_text("{{- if .Values.x }}\nvolumes: []\n{{- end }}\n")
    (tmp_path / "notes.txt").write_text("how we mount volumes\n")
    (tmp_path / "broken.yaml").write_text("volumes: [\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0\0")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "loop").symlink_to(tmp_path)
    report = lint_all([str(tmp_path)])
    assert [finding.file for finding in report.findings] == [str(tmp_path / "deep" / "er" / "compose.yaml")]
    assert (report.files, report.containers, report.others) == (1, 1, 2)
    assert report.templates == [str(tmp_path / "chart.yaml")]
    assert [Path(name).name.partition(":")[0] for name in report.broken] == ["broken.yaml"]
    assert report.problems == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_as_windows_writes_it(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "c.yaml").write_bytes(COMPOSE.replace("\n", "\r\n").encode(encoding))
    assert [finding.line for finding in lint_all([str(tmp_path / "c.yaml")]).findings] == [4]


def test_a_file_that_is_named_must_be_readable(tmp_path: Path) -> None:
    (tmp_path / "no.yaml").write_text("a: 1\n")
    report = lint_all([str(tmp_path / "no.yaml"), str(tmp_path / "absent")])
    assert [problem["file"] for problem in report.problems] == [str(tmp_path / "no.yaml"), str(tmp_path / "absent")]
    assert "Kubernetes manifest" in str(report.problems[0]["why"])
