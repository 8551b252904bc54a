"""Nova's metadata API, where metadata_agent.ini says that it is."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

SECRET = b"secret"  # in metadata_agent.ini


class Nova(BaseHTTPRequestHandler):
    """As far as who asks: it answers with what the proxy says, after checking the signature."""

    def do_GET(self) -> None:
        instance = self.headers.get("X-Instance-ID", "")
        expected = hmac.new(SECRET, instance.encode(), hashlib.sha256).hexdigest()
        is_signed = hmac.compare_digest(expected, self.headers.get("X-Instance-ID-Signature", ""))
        said = {
            "path": self.path,
            "instance": instance,
            "tenant": self.headers.get("X-Tenant-ID"),
            "from": self.headers.get("X-Forwarded-For"),
        }
        status, body = self.answer(instance) if is_signed else (403, None)
        data = json.dumps(said).encode() if body is None else body
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if body is None else "text/plain")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def answer(self, instance: str) -> tuple[int, bytes | None]:
        """The status, and the document; None: who asks."""
        return 200, None

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def nova_metadata(kind: type[Nova] = Nova, address: str = "127.0.0.1") -> Iterator[None]:
    server = ThreadingHTTPServer((address, 8775), kind)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
