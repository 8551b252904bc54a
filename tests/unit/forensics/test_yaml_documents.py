"""What `gcloud logging read` prints where it is not asked for JSON."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from netmend.forensics import yaml_documents
from netmend.forensics.report import Report, read

AT = datetime(2026, 11, 20, 3, 0, 14, tzinfo=UTC).timestamp()
ENTRY = """insertId: 1a2b3c4d{n}
labels:
  k8s-pod/app: dhcp
logName: projects/p/logs/stderr
receiveTimestamp: '2026-11-20T03:00:15.1Z'
resource:
  labels:
    container_name: dhcp-agent
    namespace_name: openstack
  type: k8s_container
severity: ERROR
{payload}
timestamp: '2026-11-20T03:00:14.186Z'
"""
TEXT = "textPayload: boom"
LOG = "textPayload: '2026-11-20 03:00:14.186 21 ERROR neutron.agent.dhcp.agent [-] boom'"
TRACE = (
    "textPayload: |\n  2026-11-20 03:00:14.186 21 ERROR neutron.agent.dhcp.agent [-] Unable to enable dhcp.: OSError\n"
    "  2026-11-20 03:00:14.186 21 ERROR neutron.agent.dhcp.agent OSError: boom"
)
JSON = "jsonPayload:\n  message: boom\n  logger: x"


def stream(payload: str, count: int = 3, first: str = "---\n") -> str:
    return first + "---\n".join(ENTRY.format(n=n, payload=payload) for n in range(count))


def of(directory: Path, text: str) -> Report:
    path = directory / "x.log"
    path.write_bytes(text.encode())
    return read([str(path)])


@pytest.mark.parametrize("first", ["---\n", ""])
@pytest.mark.parametrize(
    ("payload", "message"),
    [(TEXT, "boom"), (LOG, "boom"), (TRACE, "Unable to enable dhcp.: OSError"), (JSON, "boom")],
)
def test_each_document_is_an_entry(payload: str, message: str, first: str, tmp_path: Path) -> None:
    report = of(tmp_path, stream(payload, first=first))
    assert [(one.count, one.actor, one.message.partition("\n")[0]) for one in report.repeats] == [
        (3, "dhcp-agent", message)
    ]
    (file,) = report.files
    assert (file.lines, file.unknown, file.dated) == (3, 0, 3)
    assert file.first == pytest.approx(AT, abs=0.3)


def test_windows_line_ends_and_pieces_cut_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("netmend.forensics.reading.BLOCK", 777)
    report = of(tmp_path, stream(TEXT, 40).replace("\n", "\r\n"))
    assert [(one.count, one.message) for one in report.repeats] == [(40, "boom")]


def test_what_cannot_be_read_is_kept_as_it_is() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
    )
    for text in (bomb, "textPayload: 'open\n", "- 1\n", "a: \x01\n"):
        assert list(yaml_documents.to_lines([text.encode()])) == [text.strip().encode() + b"\n"]


def test_a_document_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_documents, "LONGEST", 1000)
    pieces = [b"insertId: 1\n", *[b"  more words\n"] * 200, b"---\ninsertId: 2\n"]
    lines = b"".join(yaml_documents.to_lines(pieces))
    assert lines.endswith(b'{"insertId": "2"}\n') and lines.count(b"more words") == 200


@pytest.mark.parametrize(
    "text",
    [
        "---\napiVersion: v1\nkind: Pod\n",
        "insertId: 1 is what he said\n2026-11-20 03:00:14 ERROR x\n",
        '{"insertId": "1", "textPayload": "x"}\n',
        "2026-11-20 03:00:14.186 21 ERROR x textPayload:\n",
    ],
)
def test_other_files_are_none(text: str) -> None:
    assert not yaml_documents.is_yaml(text.encode())
