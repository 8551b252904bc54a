"""Reading fields one by one, where a bad one is a complaint and no end."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from netmend.ground.problem import Place
from netmend.sources.problem import Complaints

Raw = TypeVar("Raw")
Value = TypeVar("Value")


class Reader:
    """Converts fields and keeps what is wrong with them."""

    def __init__(self, complaints: Complaints) -> None:
        self.complaints = complaints
        self.complain = complaints.add

    def read(self, place: Place, field: str | int, convert: Callable[[Raw], Value], raw: Raw | None) -> Value | None:
        """`convert(raw)`; None when there is nothing to convert, or when that raises ValueError: a complaint about
        `field` in `place`."""
        if raw is None:
            return None
        try:
            return convert(raw)
        except ValueError as error:
            self.complain((*place, field), str(error))
            return None

    def read_all(
        self, place: Place, field: str, convert: Callable[[Raw], Value], raws: Iterable[Raw] | None
    ) -> tuple[Value, ...]:
        """`convert` of each item that can be converted; each other one is a complaint."""
        if not raws:
            return ()
        values: list[Value] = []
        for index, raw in enumerate(raws):
            try:
                values.append(convert(raw))
            except ValueError as error:
                self.complain((*place, field, index), str(error))
        return tuple(values)

    def complain_of_repeats(self, place: Place, values: Sequence[object]) -> None:
        """Complain of each entry of the list at `place` that is a repetition of an earlier one."""
        for number, value in enumerate(values):
            if value in values[:number]:
                self.complain((*place, number), f"{value} is named twice")
