"""Blocks of the documents: what each is, by the words after its opening fence.

| words | is | checked |
|---|---|---|
| console | a session: `$ COMMAND` and its output | typed and compared: tests/kernel/test_document_sessions.py |
| console by TEST, output by TEST | as these, where more is needed: an engine, a switch | compared by TEST |
| output | what the command above it prints | as console |
| sh | commands without output | run, but for a list: tests/kernel/test_document_commands.py |
| usage | a summary of a verb's options | each option exists |
| shape | JSON: keys and types (tests/shapes.py) | compared: tests/kernel/test_document_shapes.py |
| json, python | what they say | parsed; python is run where it can be |
| json entry | one entry of a JSON object | parsed |
| yaml intent, yaml scenario, yaml signature, yaml neutron, yaml clouds, yaml kolla | files | read by what reads them |
| file PATH | that file of the checkout, whole | compared |
| diagram | a drawing | nothing |
"""

import textwrap
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
DOCUMENTS = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").glob("*.md"))]


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a document."""

    document: str  # from the checkout
    line: int  # of its opening fence, from 1
    kind: str  # the words after the fence
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks() -> list[Block]:
    """All of them, in order."""
    found = []
    for path in DOCUMENTS:
        lines = path.read_text().splitlines()
        start: int | None = None
        for number, line in enumerate(lines):
            if not line.lstrip().startswith("```"):
                continue
            if start is None:
                start = number
                continue
            text = textwrap.dedent("".join(f"{one}\n" for one in lines[start + 1 : number]))
            kind = lines[start].lstrip().removeprefix("```").strip()
            found.append(Block(str(path.relative_to(CHECKOUT)), start + 1, kind, text))
            start = None
        assert start is None, f"{path}:{(start or 0) + 1}: this block has no end"
    return found
