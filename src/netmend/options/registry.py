"""Options of a protocol by name and number, and the one way to turn what people write into a payload."""

import re
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from netmend.options.values4 import Encoder

MAX_PAYLOAD = 1024  # bytes that one option may take of a reply


class Option(Struct, frozen=True):
    """An option: its code, what turns a value into bytes, and its names, of which the first is shown in messages."""

    code: int
    encoder: Encoder
    names: tuple[str, ...]


class OptionRegistry(Struct, frozen=True):
    """The options of one protocol.

    `plain_name` brings a name to the form that `by_name` has; `reserved` says of codes why they cannot be set;
    `encode` turns a value that is not empty, and no bytes, into the payload of an option, which is None for a code
    that is not known. `beyond` says, of a code out of range, what the range leaves out.
    """

    protocol: str  # as messages call it
    last_code: int
    by_name: Mapping[str, Option]
    by_code: Mapping[int, Option]
    reserved: Mapping[int, str]
    plain_name: Callable[[str], str]
    encode: Callable[[int, Option | None, object], bytes]
    beyond: str = ""

    def encode_option(self, name_or_code: str | int, value: object) -> tuple[int, bytes]:
        """The code and the payload of an option. Raises ValueError with a sentence that names option, value, reason."""
        code = self.option_code(name_or_code)
        label = self.option_label(code)
        if reason := self.reserved.get(code):
            raise ValueError(f"option {label} cannot be set: {reason}")
        try:
            payload = self._payload(code, value)
        except ValueError as error:
            raise ValueError(f"option {label}: {error}") from None
        if len(payload) > MAX_PAYLOAD:
            raise ValueError(f"option {label}: value takes {len(payload)} bytes, at most {MAX_PAYLOAD} can be sent")
        return code, payload

    def option_code(self, name_or_code: str | int) -> int:
        """The code of an option named or numbered. Raises ValueError when there is none of that name."""
        if isinstance(name_or_code, bool) or not isinstance(name_or_code, str | int):
            raise ValueError(f"{name_or_code!r} is neither the name nor the number of a {self.protocol} option")
        if isinstance(name_or_code, str):
            name = self.plain_name(name_or_code.strip().lower().replace("_", "-"))
            if name in self.by_name:
                return self.by_name[name].code
            if not re.fullmatch(r"[0-9]{1,9}", name):
                why = f"is no {self.protocol} option known by name; write its number (1-{self.last_code})"
                raise ValueError(f"{name_or_code!r} {why}")
            name_or_code = int(name)
        if not 1 <= name_or_code <= self.last_code:
            raise ValueError(
                f"{name_or_code} is no {self.protocol} option: codes are 1 to {self.last_code}{self.beyond}"
            )
        return name_or_code

    def encoder_of(self, code: int) -> Encoder | None:
        """The encoder of an option that is known."""
        option = self.by_code.get(code)
        return option.encoder if option else None

    def option_label(self, code: int) -> str:
        """How to name an option to a person: `42 (ntp-servers)`, or the bare number."""
        option = self.by_code.get(code)
        return f"{code} ({option.names[0]})" if option else str(code)

    def _payload(self, code: int, value: object) -> bytes:
        if value is None or (isinstance(value, str | bytes | Sequence | Mapping) and not value):
            return b""
        if isinstance(value, bytes | bytearray):
            return bytes(value)
        return self.encode(code, self.by_code.get(code), value)
