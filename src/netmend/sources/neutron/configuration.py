"""Neutron's own configuration files, read as its agents read them (oslo.config); unknown options are accepted.

`HONOURED` is the table of docs/neutron.md. `MOOT` are options of the two agents that cannot matter here, and why.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from socket import gethostname
from typing import Any

from oslo_config import cfg, types

from netmend.intent import BridgeWiring, MetadataProxy, OvsWiring, RequestRates
from netmend.sources.neutron.dnsmasq_servers import servers_of
from netmend.sources.neutron.policy import INFINITE, Policy
from netmend.sources.problem import SourceError

_DEFAULT = [
    cfg.StrOpt("host", default=gethostname()),
    cfg.StrOpt("state_path", default="/var/lib/neutron"),
    cfg.StrOpt("dns_domain", default="openstacklocal"),
    cfg.IntOpt("dhcp_lease_duration", default=86_400),
    cfg.StrOpt("interface_driver", default="openvswitch"),
    cfg.BoolOpt("ovs_use_veth", default=False),
    cfg.StrOpt("dhcp_driver", default="neutron.agent.linux.dhcp.Dnsmasq"),
    cfg.IntOpt("resync_interval", default=5, min=1),
    cfg.IntOpt("num_sync_threads", default=4, min=1),
    cfg.BoolOpt("enable_isolated_metadata", default=False),
    cfg.BoolOpt("force_metadata", default=False),
    cfg.BoolOpt("enable_metadata_network", default=False),
    cfg.ListOpt("dnsmasq_dns_servers", default=[]),
    cfg.BoolOpt("dnsmasq_local_resolv", default=False),
    cfg.BoolOpt("dhcp_broadcast_reply", default=False),
    cfg.IntOpt("dhcp_renewal_time", default=0, min=0),
    cfg.IntOpt("dhcp_rebinding_time", default=0, min=0),
    cfg.IntOpt("rpc_response_max_timeout", default=600),
]
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
_METADATA_SOCKET = [  # which the L3 agent reads too
    cfg.StrOpt("metadata_proxy_socket", default="$state_path/metadata_proxy"),
    cfg.StrOpt("metadata_proxy_socket_mode", default="deduce", choices=["deduce", "user", "group", "all"]),
    cfg.StrOpt("metadata_proxy_user", default=""),
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
_AGENT = [
    cfg.FloatOpt("report_interval", default=30),
    cfg.BoolOpt("log_agent_heartbeats", default=False),
    cfg.StrOpt("availability_zone", default="nova"),
]
_OVS = [
    cfg.StrOpt("integration_bridge", default="br-int"),
    cfg.StrOpt("datapath_type", choices=["system", "netdev"]),
    cfg.StrOpt("ovsdb_connection", default="tcp:127.0.0.1:6640"),
    cfg.StrOpt("ssl_key_file"),
    cfg.StrOpt("ssl_cert_file"),
    cfg.StrOpt("ssl_ca_cert_file"),
]
_OPTIONS = {
    "DEFAULT": [*_DEFAULT, *METADATA_OPTIONS, *_METADATA_SOCKET],
    "AGENT": _AGENT,
    "OVS": _OVS,
    "METADATA_HAPROXY": HAPROXY_OPTIONS,
    "METADATA_RATE_LIMITING": RATE_OPTIONS,
}

# What of them does what, here. oslo.messaging has options of its own (transport_url, [oslo_messaging_rabbit], ...).
HONOURED: dict[tuple[str, str], str] = {
    ("DEFAULT", "host"): "who we are for the server; ids of our ports are made from it",
    ("DEFAULT", "transport_url"): "the brokers, tried in turn",
    ("DEFAULT", "rpc_response_timeout"): "how long a call waits; doubles each time that it was too short",
    ("DEFAULT", "rpc_response_max_timeout"): "how far it doubles",
    ("AGENT", "report_interval"): "seconds between reports",
    ("AGENT", "availability_zone"): "reported",
    ("AGENT", "log_agent_heartbeats"): "reported",
    ("DEFAULT", "dhcp_driver"): "reported; nothing is loaded",
    ("DEFAULT", "interface_driver"): "openvswitch or linuxbridge",
    ("DEFAULT", "ovs_use_veth"): "a veth instead of an internal port",
    ("OVS", "integration_bridge"): "the switch that our ports are on",
    ("OVS", "ovsdb_connection"): "where its database listens",
    ("OVS", "datapath_type"): "netdev: the switch runs in user space",
    ("DEFAULT", "dns_domain"): "the guests' domain, and the zone that we answer for",
    ("DEFAULT", "dhcp_lease_duration"): "seconds; -1: for ever",
    ("DEFAULT", "dhcp_renewal_time"): "option 58, also to those that do not ask",
    ("DEFAULT", "dhcp_rebinding_time"): "option 59, also to those that do not ask",
    ("DEFAULT", "dhcp_broadcast_reply"): "replies to guests without an address are broadcast",
    ("DEFAULT", "dnsmasq_dns_servers"): "whom we ask for names of others",
    ("DEFAULT", "dnsmasq_local_resolv"): "ask the host's own resolvers instead",
    ("DEFAULT", "enable_isolated_metadata"): "metadata on networks without a router",
    ("DEFAULT", "force_metadata"): "metadata on all networks",
    ("DEFAULT", "enable_metadata_network"): "metadata on networks whose subnet is in 169.254.0.0/16",
    ("DEFAULT", "num_sync_threads"): "calls to the server at a time",
    ("DEFAULT", "resync_interval"): "seconds until all is asked for again after a defect; else back-off rules",
    ("DEFAULT", "nova_metadata_host"): "Nova's metadata API",
    ("DEFAULT", "nova_metadata_port"): "its port",
    ("DEFAULT", "nova_metadata_protocol"): "http or https",
    ("DEFAULT", "nova_metadata_insecure"): "its certificate is not verified",
    ("DEFAULT", "metadata_proxy_shared_secret"): "what signs the instance's id",
    ("DEFAULT", "auth_ca_cert"): "who signs its certificate",
    ("DEFAULT", "nova_client_cert"): "our own certificate",
    ("DEFAULT", "nova_client_priv_key"): "and its key",
    ("DEFAULT", "metadata_proxy_socket"): "where the L3 agent's haproxies ask",
    ("DEFAULT", "metadata_proxy_socket_mode"): "who may ask there; its owner is its directory's",
    ("METADATA_HAPROXY", "timeout_server"): "seconds that Nova's answer may take; it is asked once",
    ("METADATA_HAPROXY", "timeout_client"): "seconds for a guest to take its answer",
    ("METADATA_HAPROXY", "timeout_http_request"): "seconds for a guest to send a request, and for the next",
    ("METADATA_RATE_LIMITING", "rate_limit_enabled"): "a guest that asks for metadata more often is told 429",
    ("METADATA_RATE_LIMITING", "ip_versions"): "4 or 6: which of a guest's addresses are counted; with both, none is",
    ("METADATA_RATE_LIMITING", "base_window_duration"): "seconds of the first window",
    ("METADATA_RATE_LIMITING", "base_query_rate_limit"): "requests of a guest in it",
    ("METADATA_RATE_LIMITING", "burst_window_duration"): "seconds of the second window",
    ("METADATA_RATE_LIMITING", "burst_query_rate_limit"): "requests of a guest in it; both count",
    ("DEFAULT", "log_file"): "the log's file, where called as neutron-dhcp-agent",
    ("DEFAULT", "log_dir"): "its directory; the file is called after the program unless log_file says else",
    ("DEFAULT", "use_json"): "lines are netmend's own JSON, and not oslo.log's text format",
    ("DEFAULT", "use_journal"): "the log goes to systemd's journal too",
    ("DEFAULT", "use_syslog"): "the log goes to syslog too, at /dev/log",
    ("DEFAULT", "syslog_log_facility"): "as which facility",
    ("DEFAULT", "debug"): "what libraries say is logged too",
    ("DEFAULT", "metadata_proxy_user"): "when it is neither empty nor root, anybody may (if the mode is deduced)",
}

# Options of the DHCP and the metadata agent that change nothing here, and why.
_NO_DNSMASQ = "there is no dnsmasq"
_NO_HELPER = "there are no helper processes"
_PASSES = "changes are gathered and applied at once as they come"
_ONE_PROCESS = "metadata is served in this process"
MOOT: dict[tuple[str, str], str] = {
    ("DEFAULT", "resync_throttle"): _PASSES,
    ("DEFAULT", "bulk_reload_interval"): _PASSES,
    ("DEFAULT", "dhcp_confs"): _NO_DNSMASQ,
    ("DEFAULT", "dnsmasq_base_log_dir"): _NO_DNSMASQ,
    ("DEFAULT", "dnsmasq_lease_max"): "only known ports are given leases",
    ("DEFAULT", "dnsmasq_enable_addr6_list"): "all addresses of a port are served always",
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
# Options that would matter, and are not honoured: a warning at the start.
NOT_HONOURED: dict[tuple[str, str], str] = {
    ("DEFAULT", "dnsmasq_config_file"): "what it says to dnsmasq is not read; use extra DHCP options or this file's",
    ("DEFAULT", "dnsmasq_txt_record"): "no TXT record is answered",
}


@dataclass(frozen=True, slots=True)
class OvsDatabase:
    """The address of Open vSwitch's database; the files are PEM, for `ssl:` connections."""

    connection: str
    private_key: str | None = None
    certificate: str | None = None
    ca_certificate: str | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the files say. `conf` is for oslo.messaging, which reads its own options from it."""

    conf: cfg.ConfigOpts
    files: tuple[Path, ...]
    policy: Policy
    metadata_proxy: MetadataProxy  # without a file that speaks of Nova's metadata API: another agent's socket
    is_metadata_agent: bool  # a file speaks of Nova's metadata API
    ovs: OvsDatabase
    moot: tuple[str, ...] = ()  # sentences, one an option
    not_honoured: tuple[str, ...] = ()


def configuration(
    files: Sequence[Path], arguments: Sequence[str] = (), *, is_metadata_agent: bool | None = None
) -> Configuration:
    """Read the files, later ones winning. `is_metadata_agent`: whether this is the metadata agent; None: as the files
    say. Raises SourceError with a sentence."""
    conf = cfg.CONF  # the one that oslo.messaging registers all its own options with; of others it lacks some
    for group, options in _OPTIONS.items():
        conf.register_opts(options, group=None if group == "DEFAULT" else group)
    try:
        conf(
            list(arguments),
            project="netmend",
            default_config_files=[str(file) for file in files],
            default_config_dirs=[],
        )
        found = set_options(files)
        return _configuration(conf, tuple(files), found, is_metadata_agent)
    except (cfg.Error, ValueError) as error:
        raise SourceError(f"{', '.join(map(str, files))}: {error}") from error


def _configuration(
    conf: cfg.ConfigOpts, files: tuple[Path, ...], found: set[tuple[str, str]], is_metadata_agent: bool | None
) -> Configuration:
    if is_metadata_agent is None:
        is_metadata_agent = not found.isdisjoint({("DEFAULT", option.name) for option in METADATA_OPTIONS})
    proxy = metadata_proxy(conf)
    if not is_metadata_agent:
        proxy = replace(proxy, endpoints=(), agent_socket=Path(conf.metadata_proxy_socket))
    return Configuration(
        conf,
        files,
        _policy(conf),
        proxy,
        is_metadata_agent,
        OvsDatabase(
            conf.OVS.ovsdb_connection, conf.OVS.ssl_key_file, conf.OVS.ssl_cert_file, conf.OVS.ssl_ca_cert_file
        ),
        tuple(sentences(found, MOOT)),
        tuple(sentences(found, NOT_HONOURED)),
    )


def _policy(conf: Any) -> Policy:
    lease = conf.dhcp_lease_duration
    forwarders, forward_domains = servers_of(conf.dnsmasq_dns_servers)
    return Policy(
        host=str(conf.host),
        dns_domain=conf.dns_domain.strip().strip(".") or None,
        lease_time=INFINITE if lease == -1 else lease,
        renewal_time=conf.dhcp_renewal_time,
        rebinding_time=conf.dhcp_rebinding_time,
        broadcast_replies=conf.dhcp_broadcast_reply,
        dns_forwarders=forwarders,
        forward_domains=forward_domains,
        local_resolver=conf.dnsmasq_local_resolv,
        isolated_metadata=conf.enable_isolated_metadata,
        force_metadata=conf.force_metadata,
        metadata_network=conf.enable_metadata_network,
        wiring=_wiring(conf),
    )


def _wiring(conf: Any) -> BridgeWiring | OvsWiring:
    driver = conf.interface_driver.lower()
    if "bridge" in driver:  # linuxbridge, or the full name of its class
        return BridgeWiring()
    if "openvswitch" not in driver and "ovs" not in driver:
        raise ValueError(f"interface_driver {conf.interface_driver}: netmend has openvswitch and linuxbridge")
    return OvsWiring(conf.OVS.integration_bridge, conf.ovs_use_veth, conf.OVS.datapath_type)


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


def sentences(found: set[tuple[str, str]], table: dict[tuple[str, str], str]) -> Iterable[str]:
    """A sentence for each option of the table that was found."""
    for (group, name), why in table.items():
        if (group, name) in found:
            yield f"{name if group == 'DEFAULT' else f'[{group.lower()}] {name}'}: {why}"
