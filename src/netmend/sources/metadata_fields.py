"""Single fields of a guest's metadata: text to value, or a ValueError with a reason for people. No reason repeats a
secret."""

import binascii
import json
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import urlsplit

IDENTIFIER_MAX = 255  # characters
USER_DATA_MAX = 1 << 20  # bytes; EC2 takes 16 KiB, Nova 64 KiB in base64
VENDOR_DATA_MAX = 1 << 20  # bytes of JSON
KEY_MAX = 16_384  # bytes: an RSA key of 16,384 bits is 2.8 kB of text
HOP_LIMIT_MAX = 64  # EC2's


def identifier(text: str) -> str:
    """An id of an instance or a project, which becomes an HTTP header: 1 to 255 printable ASCII characters."""
    if 1 <= len(text) <= IDENTIFIER_MAX and text.isascii() and text.isprintable() and " " not in text:
        return text
    raise ValueError(f"{text[:80]!r} is no id: it has 1 to {IDENTIFIER_MAX} printable ASCII characters, and no blank")


def value(text: str) -> str:
    """A value that is one line: an instance type, an availability zone."""
    if 1 <= len(text) <= IDENTIFIER_MAX and text.isprintable():
        return text
    raise ValueError(f"{text[:80]!r}: it is 1 to {IDENTIFIER_MAX} printable characters")


def key_name(text: str) -> str:
    """The name of a public key. It is listed as `<number>=<name>`."""
    if 1 <= len(text) <= IDENTIFIER_MAX and text.isprintable() and "=" not in text and "/" not in text:
        return text
    raise ValueError(f"{text[:80]!r} is no name of a key: it is 1 to {IDENTIFIER_MAX} characters without '=' and '/'")


def public_key(text: str) -> str:
    """A line in OpenSSH's format, or a certificate in PEM (for Windows guests)."""
    stripped = text.strip()
    if len(stripped) > KEY_MAX:
        raise ValueError(f"{len(stripped)} bytes long; a key has at most {KEY_MAX}")
    if stripped.startswith("-----BEGIN") and "PRIVATE KEY" in stripped:
        raise ValueError("this is a private key; give the public one (its file's name ends in .pub)")
    if stripped.startswith("-----BEGIN CERTIFICATE-----"):
        return stripped
    if stripped.isprintable() and len(stripped.split(" ")) >= 2:
        return stripped
    raise ValueError("is no line in OpenSSH's format (`ssh-ed25519 AAAA... comment`, as in a .pub file)")


def user_data(raw: bytes) -> bytes:
    """User data, text or not, which a guest's first boot runs or reads: at most 1 MiB."""
    if len(raw) > USER_DATA_MAX:
        raise ValueError(f"{len(raw)} bytes long; user data has at most {USER_DATA_MAX}")
    return raw


def base64_user_data(text: str) -> bytes:
    """The same in base64; blanks and line ends in it mean nothing."""
    try:
        return user_data(b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"is no base64 ({str(error)[:1].lower()}{str(error)[1:]})") from None


def json_object(raw: Mapping[str, object]) -> Mapping[str, object]:
    """A mapping that JSON can say: at most 1 MiB of it."""
    try:
        size = len(json.dumps(raw, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"cannot be said in JSON: {error}") from None
    if size > VENDOR_DATA_MAX:
        raise ValueError(f"takes {size} bytes of JSON; vendor data has at most {VENDOR_DATA_MAX}")
    return raw


def hop_limit(number: int) -> int:
    """IP TTL of the answer that carries a token."""
    if 1 <= number <= HOP_LIMIT_MAX:
        return number
    raise ValueError(f"{number} is no hop limit: it is 1 (the guest itself) to {HOP_LIMIT_MAX}")


def endpoint(text: str) -> str:
    """A URL of a Nova metadata API: http or https, a host, and if need be a port and a path."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises where it is none
    except ValueError as error:
        raise ValueError(f"is no URL ({error})") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("carries a user's name or password; a metadata API takes none")
    if parts.scheme not in ("http", "https") or not parts.hostname or not text.isascii() or not text.isprintable():
        raise ValueError(f"{text[:200]!r} is no URL of a metadata API (such as http://nova.example:8775)")
    if parts.query or parts.fragment or " " in text:
        raise ValueError(f"{text[:200]!r} has a query or a fragment; the guest's path is put behind it")
    return text.rstrip("/")


def shared_secret(text: str) -> str:
    """The secret that is Nova's `[neutron] metadata_proxy_shared_secret`: not empty, no line end."""
    if text and text.isprintable():
        return text
    raise ValueError("is empty, or holds a character that cannot be printed")
