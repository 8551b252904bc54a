"""IMDSv2 session tokens without a session: `PUT /latest/api/token`, as EC2 has it.

A token is its own end, and a MAC over that, the network and the port: nothing is kept, and a token that a guest gives
away is worth nothing on another network or to another port.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

PATH = ["latest", "api", "token"]
HEADER = "x-aws-ec2-metadata-token"
TTL_HEADER = "x-aws-ec2-metadata-token-ttl-seconds"
TTL_MAX = 21_600  # seconds: EC2's six hours
KEY_SIZE = 32  # bytes
_END_SIZE = 8
_SIZE = _END_SIZE + hashlib.sha256().digest_size
_TEXT_SIZE = len(urlsafe_b64encode(bytes(_SIZE)))


class Tokens:
    """Makes and checks the tokens of one network with a secret `key`."""

    def __init__(self, key: bytes, network_id: str) -> None:
        self._key, self._network_id = key, network_id

    def issue(self, port_id: str, ttl: int, now: float) -> str:
        """A token for a port, good for `ttl` seconds. `now` is in seconds since the epoch."""
        end = (int(now) + ttl).to_bytes(_END_SIZE, "big")
        return urlsafe_b64encode(end + self._mac(port_id, end)).decode()

    def accepts(self, token: str, port_id: str, now: float) -> bool:
        """Whether `token` was issued to this port and has not ended."""
        if len(token) != _TEXT_SIZE or not token.isascii():
            return False
        try:
            raw = urlsafe_b64decode(token)
        except ValueError:
            return False
        end, mac = raw[:_END_SIZE], raw[_END_SIZE:]
        return hmac.compare_digest(mac, self._mac(port_id, end)) and now < int.from_bytes(end, "big")

    def _mac(self, port_id: str, end: bytes) -> bytes:
        message = b"\0".join((b"netmend token", self._network_id.encode(), port_id.encode(), end))
        return hmac.digest(self._key, message, "sha256")


def parse_ttl(text: str | None) -> int | None:
    """The seconds that a guest asks for, 1 to 21,600; None when it does not say so, or not well."""
    if text is None or not 1 <= len(text) <= 5 or not (text.isascii() and text.isdigit()):
        return None
    ttl = int(text)
    return ttl if 1 <= ttl <= TTL_MAX else None
