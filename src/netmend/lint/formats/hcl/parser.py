"""HCL's native syntax as bodies whose attributes are functions of a scope."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from netmend.ground.document import Mark
from netmend.lint.declared import Unevaluated, Unreadable
from netmend.lint.formats.hcl.body import Attribute, Block, Node, Scope, evaluate
from netmend.lint.formats.hcl.tokens import Token, end_of_interpolation, tokens_of
from netmend.lint.formats.hcl.values import BINARY, FUNCTIONS, Unknown, bounded, listed, numbers, text_of, truth

_AT_RUN_TIME: Final = re.compile(r"(?:NOMAD_\w+|node|attr|meta|env)\b")
DEEPEST: Final = 25
_OPERATORS: Final = 100  # in one expression


class Parser:
    def __init__(self, text: str, line: int = 1) -> None:
        self._source = text
        self._tokens = list(tokens_of(text, line))
        self._at = 0
        self._operators = 0

    def _next(self) -> Token:
        token = self._tokens[self._at]
        if token.kind:
            self._at += 1
        return token

    def _is(self, *marks: str) -> bool:
        token = self._tokens[self._at]
        return token.kind == "mark" and token.text in marks

    def _take(self, mark: str) -> bool:
        if self._is(mark):
            self._at += 1
            return True
        return False

    def _skip_lines(self) -> None:
        while self._tokens[self._at].kind == "line" or self._is(","):
            self._at += 1

    def body(self, depth: int, *, whole: bool = False, line: int = 1) -> list[Attribute | Block]:
        _limit(depth, line)
        found: list[Attribute | Block] = []
        while (token := self._next()).kind:
            if token.kind == "mark" and token.text == "}" and not whole:
                return found
            if token.kind not in ("name", "text"):
                continue
            labels = [token.text]
            while self._tokens[self._at].kind in ("name", "text"):
                labels.append(self._next().text)
            if self._take("{"):
                found.append(Block(tuple(labels), token.line, self.body(depth + 1, line=token.line)))
            elif self._take("=") or self._take(":"):
                found.append(Attribute(labels[-1], token.line, self._whole_expression(depth + 1)))
        if not whole:
            raise Unreadable(line, "a block that begins here is not closed")
        return found

    def _whole_expression(self, depth: int) -> Node:
        """An expression to the end of its line; one of a form that is not known is unknown, and passed over."""
        self._skip_lines()
        first = self._tokens[self._at]
        if not first.kind or self._is("}", "]"):
            raise Unreadable(first.line, "a value is missing")
        begins, self._operators = self._at, 0
        try:
            node = self._expression(depth)
            if self._tokens[self._at].kind not in ("line", "") and not self._is("}", "]", ",", ")"):
                raise Unknown
        except Unknown:
            self._at = begins
            self._pass_over(first.line)
            node = _unknown
        text = self._source[first.begins : self._tokens[self._at - 1].ends]
        where = Unevaluated(first.line, " ".join(text.split()))

        def guarded(scope: Scope) -> Any:
            try:
                return node(scope)
            except Unknown:
                return where

        return guarded

    def _pass_over(self, line: int) -> None:
        """To where the expression ends: at a line's end, a comma or a closing bracket that is not its own."""
        depth = 0
        while (token := self._tokens[self._at]).kind:
            if depth == 0 and (token.kind == "line" or self._is("}", "]", ",", ")")):
                return
            depth += self._is("{", "[", "(") - self._is("}", "]", ")")
            self._at += 1
        if depth:
            raise Unreadable(line, "a bracket is not closed in the value that begins here")

    def _count_operator(self) -> None:
        self._operators += 1
        if self._operators > _OPERATORS:
            raise Unknown

    def _expression(self, depth: int) -> Node:
        _limit(depth, self._tokens[self._at].line)
        condition = self._binary(depth + 1, 0)
        if not self._take("?"):
            return condition
        self._skip_lines()
        then = self._expression(depth + 1)
        self._skip_lines()
        if not self._take(":"):
            raise Unknown
        self._skip_lines()
        otherwise = self._expression(depth + 1)
        return lambda scope: then(scope) if truth(condition(scope)) else otherwise(scope)

    def _binary(self, depth: int, level: int) -> Node:
        if level == len(BINARY):
            return self._unary(depth)
        found = self._binary(depth, level + 1)
        while self._is(*BINARY[level]):
            do = BINARY[level][self._next().text]
            self._count_operator()
            found = _calculated(do, found, self._binary(depth, level + 1))
        return found

    def _unary(self, depth: int) -> Node:
        _limit(depth, self._tokens[self._at].line)
        if self._take("!"):
            denied = self._unary(depth + 1)
            return lambda scope: not truth(denied(scope))
        if self._take("-"):
            negated = self._unary(depth + 1)
            return _calculated(lambda one, other: one - numbers(other)[0], _constant(0), negated)
        found = self._primary(depth)
        while True:
            self._count_operator()
            if self._take("."):
                key = self._next()
                if key.kind not in ("name", "number"):
                    raise Unknown
                found = _indexed(found, lambda scope, key=key: key.text)  # type: ignore[misc]
            elif self._take("["):
                index = self._expression(depth + 1)
                if not self._take("]"):
                    raise Unknown
                found = _indexed(found, index)
            else:
                return found

    def _primary(self, depth: int) -> Node:
        token = self._next()
        if token.kind == "text":
            return _template(token.text, token.line, depth)
        if token.kind == "number":
            number = float(token.text) if "." in token.text else int(token.text[:18])
            return lambda scope: number
        if token.kind == "name":
            if token.text in ("true", "false", "null"):
                constant = {"true": True, "false": False, "null": None}[token.text]
                return lambda scope: constant
            if self._take("("):
                return self._call(token.text, depth)
            return lambda scope: _looked_up(scope, token.text)
        if token.kind == "mark" and token.text == "(":
            self._skip_lines()
            inner = self._expression(depth + 1)
            self._skip_lines()
            if not self._take(")"):
                raise Unknown
            return inner
        if token.kind == "mark" and token.text == "[":
            return self._list(token.line, depth)
        if token.kind == "mark" and token.text == "{":
            if self._tokens[self._at].text == "for":
                raise Unknown
            members = self.body(depth + 1, line=token.line)
            return lambda scope: evaluate(members, scope, Mark(token.line, 1))
        raise Unknown

    def _list(self, line: int, depth: int) -> Node:
        self._skip_lines()
        if self._tokens[self._at].text == "for" and self._tokens[self._at].kind == "name":
            raise Unknown
        items: list[tuple[Node, Mark]] = []
        while not self._take("]"):
            token = self._tokens[self._at]
            if not token.kind or self._is("}", ")"):
                raise Unreadable(line, "a list that begins here is not closed")
            items.append((self._whole_expression(depth + 1), Mark(token.line, 1)))
            self._skip_lines()
        return lambda scope: listed(((node(scope), mark) for node, mark in items), Mark(line, 1))

    def _call(self, name: str, depth: int) -> Node:
        arguments: list[Node] = []
        self._skip_lines()
        while not self._take(")"):
            if not self._tokens[self._at].kind:
                raise Unknown
            arguments.append(self._expression(depth + 1))
            self._skip_lines()
        function: Callable[..., Any] = FUNCTIONS.get(name, _unknown)

        def call(scope: Scope) -> Any:
            try:
                return bounded(function(*(argument(scope) for argument in arguments)))
            except TypeError as error:  # the number of arguments
                raise Unknown from error

        return call


def _unknown(*_: Any) -> Any:
    raise Unknown


def _limit(depth: int, line: int) -> None:
    if depth > DEEPEST:
        raise Unreadable(line, f"nested more than {DEEPEST} deep")


def _looked_up(scope: Scope, name: str) -> Any:
    if name not in scope:
        raise Unknown
    return scope[name]


def _indexed(of: Node, index: Node) -> Node:
    def found(scope: Scope) -> Any:
        container, key = of(scope), index(scope)
        try:
            value = container[int(key)] if isinstance(container, list) else container[key]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise Unknown from error
        if isinstance(value, (Unknown, Unevaluated)):
            raise Unknown
        return value

    return found


def _calculated(do: Callable[[Any, Any], Any], one: Node, other: Node) -> Node:
    def found(scope: Scope) -> Any:
        left, right = one(scope), other(scope)
        if isinstance(left, Unevaluated) or isinstance(right, Unevaluated):
            raise Unknown
        try:
            return bounded(do(left, right))
        except (TypeError, ArithmeticError) as error:
            raise Unknown from error

    return found


def _template(text: str, line: int, depth: int) -> Node:
    """A quoted or heredoc template; its directives (`%{`) are not evaluated."""
    pieces: list[Node] = []
    at = 0
    for found in re.finditer(r"\$\$\{|%%\{|[$%]\{", text):
        if found.start() < at:
            continue
        pieces.append(_constant(text[at : found.start()]))
        at = found.end()
        if len(found[0]) == 3:  # an escape
            pieces.append(_constant(found[0][1:]))
            continue
        end = end_of_interpolation(text, at)
        inner = text[at:end].strip()
        if found[0] == "%{" or end == len(text):
            return _unknown
        if _AT_RUN_TIME.match(inner):
            pieces.append(_constant(text[found.start() : end + 1]))
        else:
            pieces.append(_interpolated(inner.strip("~"), line, depth))
        at = end + 1
    pieces.append(_constant(text[at:]))
    return lambda scope: bounded("".join(text_of(piece(scope)) for piece in pieces))


def _interpolated(text: str, line: int, depth: int) -> Node:
    try:
        parser = Parser(text, line)
        node = parser._expression(depth + 1)
    except Unreadable:
        return _unknown
    return node if not parser._tokens[parser._at].kind else _unknown


def _constant(value: Any) -> Node:
    return lambda scope: value
