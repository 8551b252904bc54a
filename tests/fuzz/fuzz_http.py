"""Coverage-guided fuzzing of the store's API over real HTTP: requests of any form, to a server in this process.

PYTHONPATH=. python tests/fuzz/fuzz_http.py [libFuzzer options, such as -max_total_time=60]

An input begins with two octets that choose a method and a path; then comes a query or the end of a path, up to a line
end; the rest is the body. Found are answers of 500 and more, and requests without any answer.
"""

import http.client
import tempfile
from contextlib import ExitStack
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["netmend.sources.store"]):
    from tests.unit.sources.store.served import serve

from tests.fuzz.campaign import run

from netmend.ground import log

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")
PATHS = (
    "/v2.0/networks", "/v2.0/subnets", "/v2.0/ports", "/v2.0/networks/x", "/v2.0/ports/x", "/v2.0/quotas/x",
    "/v2.0/agents", "/v2.0/extensions", "/v2.0", "/", "/openapi.json", "/v2.0/networks/x/tags", "/v2.0/",
)  # fmt: skip
TYPES = ("application/json", "application/json; charset=no-such", "text/plain", "\x01")
_server = ExitStack()
_ports: list[int] = []
log.configure(lambda line: None)


def one_input(data: bytes) -> None:
    if not _ports:  # in the process that fuzzes
        _, client = _server.enter_context(serve(Path(tempfile.mkdtemp())))
        _ports.append(client.port)
    if len(data) < 2:
        return
    method, path = METHODS[data[0] % len(METHODS)], PATHS[data[1] % len(PATHS)]
    line, _, body = data[2:].partition(b"\n")
    more = "".join(chr(octet) if 0x21 <= octet < 0x7F else f"%{octet:02x}" for octet in line[:2000])
    connection = http.client.HTTPConnection("127.0.0.1", _ports[0], timeout=10)
    try:
        connection.request(method, path + more, body, {"Content-Type": TYPES[data[0] // 8 % 3]})
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    assert answer.status < 500 or answer.status == 501, (answer.status, text)


def seeds() -> list[bytes]:
    network = b'{"network":{"name":"n","mtu":1500,"port_security_enabled":true}}'
    port = b'{"port":{"network_id":"x","fixed_ips":[{"ip_address":"10.0.0.1"}],"binding:profile":{"a":1e999}}}'
    return [
        b"\0\0?limit=1&fields=id&sort_key=name&sort_dir=asc&marker=x\n",
        b"\1\0\n" + network,
        b"\1\2\n" + port,
        b"\1\1\n" + b'{"subnets":[{"network_id":"x","ip_version":4,"cidr":"10.0.0.0/24"}]}',
        b"\2\3\n" + network,
        b"\3\4\n",
        b"\2\x0b/a%00\n",
        b"\0\2?fixed_ips=ip_address%3D10.0.0.1&admin_state_up=true\n",
    ]


if __name__ == "__main__":
    run(one_input, seeds())
