"""Options that every agent of Neutron reads that netmend stands in for: of Nova's metadata API, of the log, of helpers.

`METADATA_ROWS`, `STATE_AND_LOG_ROWS` and `MOOT_ROWS` are rows of the tables of docs/neutron.md and docs/ovn.md alike:
group and name of an option, and what it does here, or why it does nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oslo_config import cfg, types

from netmend.intent import MetadataProxy, RequestRates

Rows = dict[tuple[str, str], str]

METADATA_OPTIONS = [
    cfg.HostAddressOpt("nova_metadata_host", default="127.0.0.1"),
    cfg.PortOpt("nova_metadata_port", default=8775),
    cfg.StrOpt("nova_metadata_protocol", default="http", choices=["http", "https"]),
    cfg.BoolOpt("nova_metadata_insecure", default=False),
    cfg.StrOpt("metadata_proxy_shared_secret", default="", secret=True),
    cfg.StrOpt("auth_ca_cert"),
    cfg.StrOpt("nova_client_cert", default=""),
    cfg.StrOpt("nova_client_priv_key", default=""),
]
# Neutron's agents tell them to the haproxy of each network. Without a default: netmend's own limits.
HAPROXY_OPTIONS = [
    cfg.IntOpt("timeout_server", default=32, min=1),
    cfg.IntOpt("timeout_client", min=1),
    cfg.IntOpt("timeout_http_request", min=1),
]
RATE_OPTIONS = [
    cfg.BoolOpt("rate_limit_enabled", default=False),
    cfg.ListOpt("ip_versions", item_type=types.Integer(choices=[4, 6]), default=[4]),
    cfg.IntOpt("base_window_duration", default=10, min=1),
    cfg.IntOpt("base_query_rate_limit", default=10, min=1),
    cfg.IntOpt("burst_window_duration", default=10, min=1),
    cfg.IntOpt("burst_query_rate_limit", default=10, min=1),
]
METADATA_ROWS: Rows = {
    ("DEFAULT", "nova_metadata_host"): "Nova's metadata API",
    ("DEFAULT", "nova_metadata_port"): "its port",
    ("DEFAULT", "nova_metadata_protocol"): "http or https",
    ("DEFAULT", "nova_metadata_insecure"): "its certificate is not verified",
    ("DEFAULT", "metadata_proxy_shared_secret"): "what signs the instance's id",
    ("DEFAULT", "auth_ca_cert"): "who signs its certificate",
    ("DEFAULT", "nova_client_cert"): "our own certificate",
    ("DEFAULT", "nova_client_priv_key"): "and its key",
    ("METADATA_HAPROXY", "timeout_server"): "seconds that Nova's answer may take; it is asked once",
    ("METADATA_HAPROXY", "timeout_client"): "seconds for a guest to take its answer",
    ("METADATA_HAPROXY", "timeout_http_request"): "seconds for a guest to send a request, and for the next",
    ("METADATA_RATE_LIMITING", "rate_limit_enabled"): "a guest that asks for metadata more often is told 429",
    ("METADATA_RATE_LIMITING", "ip_versions"): "4 or 6: which of a guest's addresses are counted; with both, none is",
    ("METADATA_RATE_LIMITING", "base_window_duration"): "seconds of the first window",
    ("METADATA_RATE_LIMITING", "base_query_rate_limit"): "requests of a guest in it",
    ("METADATA_RATE_LIMITING", "burst_window_duration"): "seconds of the second window",
    ("METADATA_RATE_LIMITING", "burst_query_rate_limit"): "requests of a guest in it; both count",
}
STATE_AND_LOG_ROWS: Rows = {
    ("DEFAULT", "state_path"): "metadata_proxy_socket is below it, unless that says else",
    ("DEFAULT", "log_file"): "the log's file, where called by an agent's name",
    ("DEFAULT", "log_dir"): "its directory; the file is called after the program unless log_file says else",
    ("DEFAULT", "use_json"): "lines are netmend's own JSON, and not oslo.log's text format",
    ("DEFAULT", "use_journal"): "the log goes to systemd's journal too",
    ("DEFAULT", "use_syslog"): "the log goes to syslog too, at /dev/log",
    ("DEFAULT", "syslog_log_facility"): "as which facility",
    ("DEFAULT", "debug"): "what libraries say is logged too",
}
_NO_HELPER = "there are no helper processes"
_ONE_PROCESS = "metadata is served in this process"
MOOT_ROWS: Rows = {
    ("DEFAULT", "external_pids"): _NO_HELPER,
    ("AGENT", "root_helper"): _NO_HELPER,
    ("AGENT", "root_helper_daemon"): _NO_HELPER,
    ("AGENT", "use_helper_for_ns_read"): _NO_HELPER,
    ("AGENT", "check_child_processes_action"): _NO_HELPER,
    ("AGENT", "check_child_processes_interval"): _NO_HELPER,
    ("AGENT", "kill_scripts_path"): _NO_HELPER,
    ("DEFAULT", "metadata_workers"): _ONE_PROCESS,
    ("DEFAULT", "metadata_backlog"): _ONE_PROCESS,
    ("DEFAULT", "metadata_proxy_group"): _ONE_PROCESS,
    ("METADATA_HAPROXY", "timeout_connect"): "there is no haproxy to connect to netmend",
    ("METADATA_HAPROXY", "timeout_http_keep_alive"): "the next request has as long as the first",
    ("DEFAULT", "log_config_append"): "the log is where log_file, use_journal and use_syslog say, or on standard error",
}


@dataclass(frozen=True, slots=True)
class OvsDatabase:
    """The address of Open vSwitch's database; the files are PEM, for `ssl:` connections."""

    connection: str
    private_key: str | None = None
    certificate: str | None = None
    ca_certificate: str | None = None


def metadata_proxy(conf: Any) -> MetadataProxy:
    """The Nova metadata API that METADATA_OPTIONS name."""
    host = str(conf.nova_metadata_host)
    host = f"[{host}]" if ":" in host else host
    return MetadataProxy(
        endpoints=(f"{conf.nova_metadata_protocol}://{host}:{conf.nova_metadata_port}",),
        shared_secret=conf.metadata_proxy_shared_secret,
        verify=not conf.nova_metadata_insecure,
        ca_file=Path(conf.auth_ca_cert) if conf.auth_ca_cert else None,
        client_certificate=Path(conf.nova_client_cert) if conf.nova_client_cert else None,
        client_key=Path(conf.nova_client_priv_key) if conf.nova_client_priv_key else None,
        answer_time=conf.METADATA_HAPROXY.timeout_server,
        request_time=conf.METADATA_HAPROXY.timeout_http_request,
        taking_time=conf.METADATA_HAPROXY.timeout_client,
        rates=_rates(conf.METADATA_RATE_LIMITING),
    )


def _rates(limits: Any) -> RequestRates | None:
    """Neutron limits one version of IP, or none (neutron/common/metadata.py, parse_ip_versions)."""
    versions = set(limits.ip_versions)
    if not limits.rate_limit_enabled or len(versions) != 1:
        return None
    base = limits.base_query_rate_limit, limits.base_window_duration
    burst = limits.burst_query_rate_limit, limits.burst_window_duration
    return RequestRates((base, burst), versions.pop())


def set_options(files: Iterable[Path]) -> set[tuple[str, str]]:
    """Group and name of every option that the files set."""
    found: set[tuple[str, str]] = set()
    for file in files:
        sections: dict[str, dict[str, Any]] = {}
        cfg.ConfigParser(str(file), sections).parse()
        found.update(
            (group if group == "DEFAULT" else group.upper(), name) for group in sections for name in sections[group]
        )
    return found


def sentences(found: set[tuple[str, str]], table: Rows) -> Iterable[str]:
    """A sentence for each option of the table that was found."""
    for (group, name), why in table.items():
        if (group, name) in found:
            yield f"{name if group == 'DEFAULT' else f'[{group.lower()}] {name}'}: {why}"
