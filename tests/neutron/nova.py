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
        body = json.dumps(said).encode()
        self.send_response(200 if is_signed else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def nova_metadata() -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 8775), Nova)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
