"""The options of `netmend run` that say where the API listens and for whom, checked."""

from pathlib import Path

from netmend.node.intake.store import ApiSettings
from netmend.node.settings import Settings
from netmend.sources.store import StoreError
from netmend.sources.store.api.listen import Listen, is_loopback


def api_settings(
    settings: Settings,
    listen: str,
    *,
    tokens: Path | None,
    no_tokens: bool,
    certificate: Path | None,
    key: Path | None,
) -> ApiSettings:
    """Raises StoreError with a sentence."""
    address: str | None = None
    port = 0
    if listen != "socket":
        host, colon, digits = listen.rpartition(":")
        if not colon or not digits.isdigit() or not 0 <= int(digits) <= 65_535 or not host:
            raise StoreError(f"--api-listen {listen}: give ADDRESS:PORT, such as 127.0.0.1:9696, or `socket`")
        address, port = host.strip("[]"), int(digits)
        if no_tokens and not is_loopback(address):
            raise StoreError(f"--api-no-tokens is for loopback alone, and {address} is not; make a file of tokens")
    for path in (certificate, key):
        if path is not None and not path.exists():
            raise StoreError(f"{path}: there is no such file")
    where = Listen(address, port, settings.runtime / "api.sock", certificate, key)
    return ApiSettings(where, tokens, require_tokens=not no_tokens)
