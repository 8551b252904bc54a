"""The part of the shell's grammar in which mends are written: lists, `for`, `while`, quotes, remarks, here-documents.

Source: POSIX.1-2024, Shell Command Language. What is not of this part raises NotUnderstood: a mend that cannot be read
cannot be played.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LITERAL_DOLLAR = "\0"
"""Stands for a `$` that quotes keep from being expanded."""
_OPERATORS = ("&&", "||", ">>", "<<", ";", "|", "&", "(", ")", "<", ">", "\n")
_REDIRECTIONS = (">", ">>", "<")


class NotUnderstood(ValueError):
    """Text that is outside of the known grammar, or a command that is not known."""


@dataclass(frozen=True, slots=True)
class Simple:
    """One command; `remark` is the comment on its line, `text` its here-document."""

    words: tuple[str, ...]
    remark: str = ""
    text: str = ""
    background: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """Commands with what stands before each: `;`, `&&` or `||`."""

    parts: tuple[tuple[str, Command], ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """`for variable in words`, or `while condition` where `variable` is empty."""

    variable: str
    words: tuple[str, ...]
    condition: Sequence | None
    body: Sequence
    remark: str = ""


Command = Simple | Sequence | Loop


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # `word`, `operator`, `remark`, `document`
    text: str


def parse(text: str) -> Sequence:
    """The commands of a script. Raises NotUnderstood."""
    parser = _Parser(list(_tokens(text)))
    found = parser.sequence(())
    if parser.rest():
        raise NotUnderstood(f"{parser.rest()!r} where a command should begin")
    return found


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    documents: list[str] = []
    while position < len(text):
        char = text[position]
        if char in " \t":
            position += 1
        elif char == "#":
            end = text.find("\n", position)
            end = len(text) if end < 0 else end
            yield _Token("remark", text[position + 1 : end].strip())
            position = end
        elif operator := next((one for one in _OPERATORS if text.startswith(one, position)), None):
            position += len(operator)
            if operator == "<<":
                word, position = _word(text, position)
                documents.append(word)
                continue
            yield _Token("operator", operator)
            if operator == "\n":
                for end_word in documents:
                    end = text.find(f"\n{end_word}", position - 1)
                    if end < 0:
                        raise NotUnderstood(f"the here-document {end_word} has no end")
                    yield _Token("document", text[position:end])
                    position = end + 1 + len(end_word)
                documents.clear()
        else:
            word, position = _word(text, position)
            if word.isdigit() and text[position : position + 1] in ("<", ">"):
                continue  # the number of a descriptor that is redirected
            yield _Token("word", word)


def _word(text: str, position: int) -> tuple[str, int]:
    """The word that begins at `position`, without quotes, and where it ends."""
    found = ""
    while position < len(text):
        char = text[position]
        if char == "'":
            end = text.find("'", position + 1)
            if end < 0:
                raise NotUnderstood("a quote that is not closed")
            found += text[position + 1 : end].replace("$", LITERAL_DOLLAR)
            position = end + 1
        elif char == '"':
            end = text.find('"', position + 1)
            if end < 0:
                raise NotUnderstood("a quote that is not closed")
            found += text[position + 1 : end]
            position = end + 1
        elif char == "\\":
            found += text[position + 1 : position + 2].replace("$", LITERAL_DOLLAR)
            position += 2
        elif text.startswith("$(", position):
            end = text.find(")", position)
            if end < 0:
                raise NotUnderstood("a substitution that is not closed")
            found += text[position : end + 1]
            position = end + 1
        elif char in " \t" or any(text.startswith(one, position) for one in _OPERATORS):
            break
        else:
            found += char
            position += 1
    return found, position


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def rest(self) -> str:
        self._skip()
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def sequence(self, ends: tuple[str, ...]) -> Sequence:
        """Commands up to one of these words, which is left where it is."""
        parts: list[tuple[str, Command]] = []
        joint = ";"
        while True:
            if joint == ";":
                self._skip()
            if self._at >= len(self._tokens) or (ends and self._peek("word", *ends)):
                return Sequence(tuple(parts))
            if self._peek("remark"):
                parts.append((";", Simple((), self._next().text)))
                continue
            parts.append((joint, self._command()))
            joint = ";"
            if self._peek("operator", "&&", "||"):
                joint = self._next().text
            elif self._peek("operator", ")"):
                return Sequence(tuple(parts))

    def _command(self) -> Command:
        if self._peek("operator", "("):
            self._next()
            inner = self.sequence(())
            self._expect("operator", ")")
            self._redirections()
            return inner
        if self._peek("word", "for"):
            return self._for()
        if self._peek("word", "while"):
            self._next()
            condition = self.sequence(("do",))
            self._expect("word", "do")
            body = self.sequence(("done",))
            self._expect("word", "done")
            self._redirections()
            return Loop("", (), condition, body, self._remark())
        return self._pipeline()

    def _for(self) -> Loop:
        self._next()
        variable = self._expect("word").text
        self._expect("word", "in")
        words = []
        while self._peek("word"):
            words.append(self._next().text)
        self._skip()
        self._expect("word", "do")
        body = self.sequence(("done",))
        self._expect("word", "done")
        self._redirections()
        return Loop(variable, tuple(words), None, body, self._remark())

    def _pipeline(self) -> Simple:
        """The first command of a pipeline: mends pipe only what they read into what shows it."""
        words: list[str] = []
        document = ""
        while self._at < len(self._tokens):
            if self._peek("word"):
                words.append(self._next().text)
            elif self._peek("operator", *_REDIRECTIONS):
                self._redirections()
            else:
                break
        while self._peek("operator", "|"):
            self._next()
            while self._peek("word") or self._peek("operator", *_REDIRECTIONS):
                self._next()
        background = self._peek("operator", "&")
        if background:
            self._next()
        remark = self._remark()
        if self._at + 1 < len(self._tokens) and self._tokens[self._at + 1].kind == "document":
            self._next()
            document = self._next().text
        if not words:
            raise NotUnderstood("a command without words")
        return Simple(tuple(words), remark, document, background)

    def _remark(self) -> str:
        return self._next().text if self._peek("remark") else ""

    def _redirections(self) -> None:
        while self._peek("operator", *_REDIRECTIONS):
            self._next()
            if self._peek("operator", "&"):
                self._next()
            self._expect("word")

    def _skip(self) -> None:
        while self._peek("operator", ";", "\n", "&"):
            self._at += 1

    def _peek(self, kind: str, *texts: str) -> bool:
        if self._at >= len(self._tokens):
            return False
        token = self._tokens[self._at]
        return token.kind == kind and (not texts or token.text in texts)

    def _next(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, kind: str, *texts: str) -> _Token:
        if not self._peek(kind, *texts):
            raise NotUnderstood(f"{self.rest() or 'the end'!r} where {texts or kind} should be")
        return self._next()


def expand(word: str, variables: dict[str, str]) -> str:
    """The word with variables replaced, and `$(seq N)`; a substitution of another kind stays as it is."""
    word = re.sub(r"\$\(seq ([0-9]+)\)", lambda found: " ".join(str(n + 1) for n in range(int(found[1]))), word)
    word = re.sub(
        r"\$(\$|!|[A-Za-z_][A-Za-z_0-9]*)|\$\{([A-Za-z_][A-Za-z_0-9]*)\}",
        lambda found: variables.get(found[1] or found[2], found[0]),
        word,
    )
    return word.replace(LITERAL_DOLLAR, "$")
