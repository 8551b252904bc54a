"""Certificates for tests, made with openssl: an authority, a server at 127.0.0.1, and a client."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM."""

    authority: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def make_certificates(directory: Path, expired: str | None = None) -> Certificates:
    """`expired`: "server" or "client", whose certificate ended yesterday."""
    directory.mkdir(parents=True, exist_ok=True)
    files = {name: directory / f"{name}.pem" for name in ("authority", "server", "client")}
    keys = {name: directory / f"{name}.key" for name in files}
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2")
    _openssl(*new, "-subj", "/CN=authority", "-keyout", keys["authority"], "-out", files["authority"])
    issued = ("-CA", files["authority"], "-CAkey", keys["authority"], "-addext", "basicConstraints=critical,CA:FALSE")
    for name, names in (("server", "IP:127.0.0.1,DNS:localhost"), ("client", "DNS:netmend")):
        more = ("-subj", f"/CN={name}", "-addext", f"subjectAltName={names}")
        _openssl(*new, *issued, *more, "-keyout", keys[name], "-out", files[name])
        if name == expired:
            request = directory / f"{name}.csr"
            _openssl("req", "-new", "-key", keys[name], "-subj", f"/CN={name}", "-out", request)
            authority = ("-CA", files["authority"], "-CAkey", keys["authority"])
            _openssl("x509", "-req", "-in", request, *authority, "-days", "-1", "-out", files[name])
    return Certificates(files["authority"], files["server"], keys["server"], files["client"], keys["client"])


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
