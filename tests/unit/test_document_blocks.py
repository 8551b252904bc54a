"""Every block of the documents is of a known kind (tests/blocks.py has them), and is what it says that it is."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.blocks import CHECKOUT, DOCUMENTS, Block, blocks

from netmend.cli.main import VERBS, Verb
from netmend.forensics import signatures
from netmend.lab.scenario import scenario
from netmend.sources.file import load

ALL = blocks()
KINDS = {
    "console", "output", "sh", "usage", "shape", "json", "python", "diagram", "json entry",
    "yaml intent", "yaml scenario", "yaml signature", "yaml neutron", "yaml clouds", "yaml kolla",
}  # fmt: skip


def of_kind(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", [block for block in ALL if block.kind in kinds], ids=str)


def test_no_command_is_shown_outside_a_block() -> None:
    """Markdown takes lines that are indented by four for a block too; it could not say of which kind."""
    shown = [
        f"{path.name}: {line}"
        for path in DOCUMENTS
        for line in re.findall(r"(?m)^ {4}(?:netmend|\$|make|\.venv)\b.*", path.read_text())
        if not any(line in block.text for block in ALL)
    ]
    assert shown == []


def test_every_block_has_a_kind() -> None:
    unknown = [
        f"{block}: {block.kind}"
        for block in ALL
        if block.kind not in KINDS and " by " not in block.kind and not block.kind.startswith("file ")
    ]
    assert unknown == []


def test_each_named_test_compares_its_blocks() -> None:
    for block in ALL:
        if " by " in block.kind:
            source = (CHECKOUT / block.kind.split(" by ", 1)[1]).read_text()
            assert f'sessions_of(__file__, "{block.document}")' in source, block


@pytest.mark.parametrize("block", [block for block in ALL if block.kind.startswith("file ")], ids=str)
def test_shown_files_are_those_of_the_checkout(block: Block) -> None:
    assert block.text == (CHECKOUT / block.kind.removeprefix("file ")).read_text()


def test_each_shape_is_compared() -> None:
    source = (CHECKOUT / "tests/kernel/test_document_shapes.py").read_text()
    assert [str(block) for block in ALL if block.kind == "shape" and f'"{block.document}"' not in source] == []


@of_kind("sh", "usage")
def test_commands_have_such_options(block: Block) -> None:
    if block.kind == "sh":
        done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
        assert done.stderr == "" or "|" in block.text, done.stderr
    for line in block.text.replace("\\\n", " ").splitlines():
        found = re.findall(rf"(?:^|[ /])netmend ((?:{'|'.join(VERBS)})\b[^|#]*)", line)
        assert found or not line.startswith("netmend ") or line.startswith("netmend --"), line
        for words in found:
            check_options(words.split())


def check_options(words: list[str]) -> None:
    """Fail unless the verb has each option among the words."""
    assert words[0] in VERBS, words
    command = Verb(words[0], "").load()
    if words[0] in {"lab", "flows"}:
        command = command.commands[words[1]]
    if command.context_settings.get("ignore_unknown_options"):
        return  # `explain` takes the options of others, to say what they mean
    known = {name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]}
    options = {word.strip("[]'").partition("=")[0] for word in words if word.strip("['").startswith("-")}
    assert options - known - {"-"} <= set(), (words, known)


@of_kind("json", "json entry")
def test_json(block: Block) -> None:
    text = block.text.strip()
    assert json.loads("{" + text.rstrip(",") + "}" if block.kind == "json entry" else text)


@of_kind("python")
def test_python(block: Block) -> None:
    compile(block.text, str(block), "exec")
    if "import" not in block.text:
        return
    host = Path("/proc/self/mountinfo").read_bytes()
    exec(block.text, {"host": host, "dhcp": host})


@of_kind("yaml intent", "yaml scenario", "yaml signature", "yaml neutron", "yaml clouds", "yaml kolla")
def test_files(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(block.text)
    match block.kind:
        case "yaml intent":
            assert load(path).networks
        case "yaml scenario":
            assert scenario.load(str(path), block.text)
        case "yaml signature":
            assert signatures.load([path])
        case _:
            assert yaml.safe_load(block.text)
