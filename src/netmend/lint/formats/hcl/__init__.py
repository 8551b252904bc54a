"""HCL's native syntax (specification of HCL 2) as mappings and lists that know their lines.

What a file says by itself is evaluated: literals, heredocs, templates, `var` by its default, `local`, `dynamic` blocks,
operators, and a few functions. What is known elsewhere only (a variable without default, a function that reads, `for`)
is an `Unevaluated`, which says where it stands. What Nomad puts in at run time (`${NOMAD_DIR}`, `${meta.x}`) stays
text.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from typing import Any

from netmend.ground.document import Mapping, Mark
from netmend.lint.formats.hcl.body import Attribute, Block, Scope, evaluate, value_of
from netmend.lint.formats.hcl.parser import DEEPEST, Parser


def read(text: str) -> Mapping:
    """The file's body: attributes by name, blocks by type and labels with blanks between, several of a kind as a list.
    Raises Unreadable where a bracket or a quote is not closed, or where it is nested too deeply."""
    body = Parser(text).body(0, whole=True)
    return evaluate(body, _globals(body), Mark(1, 1))


def _globals(body: list[Attribute | Block]) -> Scope:
    """Variables by their defaults, and what `locals` names."""
    variables: dict[str, Any] = {}
    named: dict[str, Attribute] = {}
    for block in body:
        if isinstance(block, Block) and len(block.labels) == 2 and block.labels[0] == "variable":
            for one in block.body:
                if isinstance(one, Attribute) and one.key == "default":
                    variables[block.labels[1]] = value_of(one.node, {})
        elif isinstance(block, Block) and block.labels == ("locals",):
            named.update({one.key: one for one in block.body if isinstance(one, Attribute)})
    scope: Scope = {"var": variables}
    scope["local"] = _Locals(named, scope)
    return scope


class _Locals(dict[str, Any]):
    """Each local is evaluated when it is asked for; one that asks for itself is unknown."""

    def __init__(self, named: AnyMapping[str, Attribute], scope: Scope) -> None:
        super().__init__()
        self._named = dict(named)
        self._scope = scope
        self._open = 0  # how many ask for one another

    def __missing__(self, key: str) -> Any:
        found = self._named.pop(key, None)
        if found is None or self._open > DEEPEST:
            raise KeyError(key)
        self._open += 1
        self[key] = value = value_of(found.node, self._scope)
        self._open -= 1
        return value
