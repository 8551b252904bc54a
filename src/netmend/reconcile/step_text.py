"""The words that steps of networks and of routers share."""

from collections.abc import Collection, Iterable


def changes(*, differs: Collection[str] = (), add: Iterable[object] = (), remove: Iterable[object] = ()) -> str:
    """What is set, added and removed, in that order."""
    parts = [f"set {', '.join(differs)}"] if differs else []
    parts += [f"add {each}" for each in add]
    parts += [f"remove {each}" for each in remove]
    return ", ".join(parts)


def counts(add: int, remove: int) -> str:
    """How many entries are added and removed; empty where none are."""
    return changes(add=[add] if add else [], remove=[remove] if remove else [])
