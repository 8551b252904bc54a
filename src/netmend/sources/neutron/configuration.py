"""Neutron's own configuration files, read as its agents read them (oslo.config); unknown options are accepted.

`HONOURED` is the table of docs/neutron.md. `MOOT` are options of the two agents that cannot matter here, and why.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from socket import gethostname
from typing import Any

from oslo_config import cfg

from netmend.intent import BridgeWiring, MetadataProxy, OvsWiring
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
_METADATA_SOCKET = [  # which the L3 agent reads too
    cfg.StrOpt("metadata_proxy_socket", default="$state_path/metadata_proxy"),
    cfg.StrOpt("metadata_proxy_socket_mode", default="deduce", choices=["deduce", "user", "group", "all"]),
    cfg.StrOpt("metadata_proxy_user", default=""),
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
HONOURED: Rows = {
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
    **METADATA_ROWS,
    ("DEFAULT", "metadata_proxy_socket"): "where the L3 agent's haproxies ask",
    ("DEFAULT", "metadata_proxy_socket_mode"): "who may ask there; its owner is its directory's",
    ("DEFAULT", "metadata_proxy_user"): "when it is neither empty nor root, anybody may (if the mode is deduced)",
    **STATE_AND_LOG_ROWS,
}

# Options of the DHCP and the metadata agent that change nothing here, and why.
_NO_DNSMASQ = "there is no dnsmasq"
_PASSES = "changes are gathered and applied at once as they come"
MOOT: Rows = {
    ("DEFAULT", "resync_throttle"): _PASSES,
    ("DEFAULT", "bulk_reload_interval"): _PASSES,
    ("DEFAULT", "dhcp_confs"): _NO_DNSMASQ,
    ("DEFAULT", "dnsmasq_base_log_dir"): _NO_DNSMASQ,
    ("DEFAULT", "dnsmasq_lease_max"): "only known ports are given leases",
    ("DEFAULT", "dnsmasq_enable_addr6_list"): "all addresses of a port are served always",
    **MOOT_ROWS,
}
# Options that would matter, and are not honoured: a warning at the start.
NOT_HONOURED: Rows = {
    ("DEFAULT", "dnsmasq_config_file"): "what it says to dnsmasq is not read; use extra DHCP options or this file's",
    ("DEFAULT", "dnsmasq_txt_record"): "no TXT record is answered",
}


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
