"""A mapping that shares all that did not change with the mappings it was made of.

A network of 65,000 ports changes one port at a time. Copying a dictionary for each change, and comparing two of them to
find what changed, costs milliseconds of every reader; here a change costs what it changes.

How it works: a large dictionary that is never changed again (`base`), and a small one of what differs from it
(`over`; None: that key is gone). `evolve` copies the small one; when that has grown, both are folded into a new base,
which remembers the base before it and what was folded, so that neighbours over that seam are compared quickly too.
"""

from collections.abc import Hashable, Iterator, Mapping
from typing import Self, TypeVar

_FOLD_AT = 512  # changes kept beside the base; a copy of so many takes 5 us, a fold of 65,000 values 2 ms

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class EvolvingMap(Mapping[Key, Value]):
    """An immutable mapping, of values that are not None."""

    __slots__ = ("_base", "_before", "_folded", "_length", "_over")

    def __init__(self, values: Mapping[Key, Value] | None = None) -> None:
        self._base: dict[Key, Value] = dict(values or {})
        self._over: dict[Key, Value | None] = {}
        self._before: dict[Key, Value] | None = None  # the base that `_base` was folded from
        self._folded: Mapping[Key, Value | None] = {}  # how they differ
        self._length = len(self._base)

    def evolve(self, changes: Mapping[Key, Value | None]) -> Self:
        """This mapping with `changes` made: values put under their keys, or (None) taken away."""
        length = self._length
        for key, value in changes.items():
            length += (value is not None) - (key in self)
        new = type(self).__new__(type(self))
        over = {**self._over, **changes}
        if len(over) <= _FOLD_AT:
            new._base, new._over = self._base, over
            new._before, new._folded = self._before, self._folded
        else:
            new._base = dict(self._base)
            for key, value in over.items():
                if value is None:
                    new._base.pop(key, None)
                else:
                    new._base[key] = value
            new._over = {}
            new._before, new._folded = self._base, over
        new._length = length
        return new

    def __getitem__(self, key: Key) -> Value:
        value = self._over[key] if key in self._over else self._base[key]
        if value is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        return self._over[key] is not None if key in self._over else key in self._base

    def __iter__(self) -> Iterator[Key]:
        over = self._over
        if not over:
            yield from self._base
            return
        for key in self._base:
            if key not in over:
                yield key
        for key, value in over.items():
            if value is not None:
                yield key

    def __len__(self) -> int:
        return self._length

    def differing_keys(self, other: Self) -> set[Key] | None:
        """Keys of values that may differ from those of `other`; every value that differs is among them. None when only
        a full comparison can say."""
        if self._base is other._base:
            return {*self._over, *other._over}
        if self._before is other._base:
            return {*self._folded, *self._over, *other._over}
        if other._before is self._base:
            return {*other._folded, *self._over, *other._over}
        return None
