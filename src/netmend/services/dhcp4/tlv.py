"""Options as code, length, value; a value longer than 255 octets in several parts (RFC 3396 section 4)."""

_PART = 255


def encode(code: int, payload: bytes) -> bytes:
    if len(payload) <= _PART:
        return bytes((code, len(payload))) + payload
    parts = (payload[at : at + _PART] for at in range(0, len(payload), _PART))
    return b"".join(bytes((code, len(part))) + part for part in parts)
