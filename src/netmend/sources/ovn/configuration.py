"""The files of neutron-ovn-metadata-agent and neutron-ovn-agent, read as those read them (oslo.config).

`HONOURED` is the table of docs/ovn.md. `MOOT` are options of the two agents that cannot matter here, and why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oslo_config import cfg

from netmend.intent import MetadataProxy
from netmend.sources.neutron.agent_options import (
    HAPROXY_OPTIONS,
    METADATA_OPTIONS,
    METADATA_ROWS,
    MOOT_ROWS,
    RATE_OPTIONS,
    STATE_AND_LOG_ROWS,
    OvsDatabase,
    Rows,
    metadata_proxy,
    sentences,
    set_options,
)
from netmend.sources.problem import SourceError

_OVN = [
    cfg.ListOpt("ovn_sb_connection", default=["tcp:127.0.0.1:6642"]),
    cfg.StrOpt("ovn_sb_private_key", default=""),
    cfg.StrOpt("ovn_sb_certificate", default=""),
    cfg.StrOpt("ovn_sb_ca_cert", default=""),
    cfg.IntOpt("ovsdb_retry_max_interval", default=180, min=1),
    cfg.IntOpt("ovsdb_probe_interval", default=60_000, min=0),
    cfg.BoolOpt("ovn_sb_leader_only", default=False),  # netmend's own
]
_OVS = [
    cfg.StrOpt("ovsdb_connection"),
    cfg.StrOpt("ssl_key_file"),
    cfg.StrOpt("ssl_cert_file"),
    cfg.StrOpt("ssl_ca_cert_file"),
]
_OPTIONS = {
    "DEFAULT": METADATA_OPTIONS,
    "ovn": _OVN,
    "ovs": _OVS,
    "METADATA_HAPROXY": HAPROXY_OPTIONS,
    "METADATA_RATE_LIMITING": RATE_OPTIONS,
}
_LONGEST_RETRY = 8.0  # seconds: as long as Open vSwitch's own clients wait at most

HONOURED: Rows = {
    ("OVN", "ovn_sb_connection"): "the southbound database's servers; any of them that answers",
    ("OVN", "ovn_sb_private_key"): "our key, for `ssl:`",
    ("OVN", "ovn_sb_certificate"): "our certificate",
    ("OVN", "ovn_sb_ca_cert"): "who signs the servers' certificates",
    (
        "OVN",
        "ovsdb_probe_interval",
    ): "milliseconds of silence after which the server is asked whether it lives; 0: never",
    ("OVN", "ovsdb_retry_max_interval"): "seconds between tries at most; never more than 8",
    ("OVN", "ovn_sb_leader_only"): "netmend's own: only the leader of a cluster is followed",
    ("OVS", "ovsdb_connection"): "where Open vSwitch's database listens; else its usual socket",
    ("OVS", "ssl_key_file"): "our key, for `ssl:`",
    ("OVS", "ssl_cert_file"): "our certificate",
    ("OVS", "ssl_ca_cert_file"): "who signs that server's certificate",
    **METADATA_ROWS,
    ("DEFAULT", "metadata_proxy_socket"): "our state is in its directory, where called by an agent's name",
    **STATE_AND_LOG_ROWS,
}
_NO_SOCKET = "no haproxy asks netmend by a socket"
MOOT: Rows = {
    ("DEFAULT", "metadata_proxy_socket_mode"): _NO_SOCKET,
    ("DEFAULT", "metadata_proxy_user"): _NO_SOCKET,
    ("AGENT", "report_interval"): "the server asks for reports by nb_cfg",
    ("OVN", "ovsdb_connection_timeout"): "an answer is waited for 10 seconds, and asked for again",
    ("OVS", "ovsdb_connection_timeout"): "an answer is waited for 5 seconds, and asked for again",
    **MOOT_ROWS,
}


@dataclass(frozen=True, slots=True)
class Database:
    """How to reach the southbound database; the files are PEM, for `ssl:` remotes. Times are in seconds."""

    remotes: tuple[str, ...]
    private_key: str = ""
    certificate: str = ""
    ca_certificate: str = ""
    leader_only: bool = False
    probe: float = 60.0  # 0: never
    longest_retry: float = _LONGEST_RETRY


@dataclass(frozen=True, slots=True)
class OvnConfiguration:
    """What the files say."""

    files: tuple[Path, ...]
    southbound: Database
    ovs: OvsDatabase | None  # None: at its usual socket
    metadata_proxy: MetadataProxy
    moot: tuple[str, ...] = ()  # sentences, one an option


def ovn_configuration(files: Sequence[Path]) -> OvnConfiguration:
    """Read the files, later ones winning. Raises SourceError with a sentence."""
    conf = cfg.ConfigOpts()
    for group, options in _OPTIONS.items():
        conf.register_opts(options, group=None if group == "DEFAULT" else group)
    try:
        conf([], project="netmend", default_config_files=[str(file) for file in files], default_config_dirs=[])
        found = set_options(files)
        ovn, ovs = conf.ovn, conf.ovs
        remotes = tuple(remote.strip() for remote in ovn.ovn_sb_connection if remote.strip())
        southbound = Database(
            remotes,
            ovn.ovn_sb_private_key,
            ovn.ovn_sb_certificate,
            ovn.ovn_sb_ca_cert,
            ovn.ovn_sb_leader_only,
            max(1.0, ovn.ovsdb_probe_interval / 1000) if ovn.ovsdb_probe_interval else 0.0,
            min(_LONGEST_RETRY, ovn.ovsdb_retry_max_interval),
        )
        _check(southbound)
        local = None
        if ovs.ovsdb_connection:
            local = OvsDatabase(ovs.ovsdb_connection, ovs.ssl_key_file, ovs.ssl_cert_file, ovs.ssl_ca_cert_file)
        proxy = metadata_proxy(conf)
    except (cfg.Error, ValueError) as error:
        raise SourceError(f"{', '.join(map(str, files))}: {error}") from error
    return OvnConfiguration(tuple(files), southbound, local, proxy, tuple(sentences(found, MOOT)))


def _check(database: Database) -> None:
    if not database.remotes:
        raise ValueError("[ovn] ovn_sb_connection: it is empty; name the southbound database, as tcp:ADDRESS:6642")
    for remote in database.remotes:
        kind, _, rest = remote.partition(":")
        if kind not in {"tcp", "ssl", "unix"} or not rest:
            raise ValueError(f"[ovn] ovn_sb_connection: {remote}: it is none of tcp:, ssl: and unix:")
        if kind == "ssl" and not (database.private_key and database.certificate and database.ca_certificate):
            raise ValueError(
                f"[ovn] ovn_sb_connection: {remote} needs ovn_sb_private_key, ovn_sb_certificate and ovn_sb_ca_cert"
            )
