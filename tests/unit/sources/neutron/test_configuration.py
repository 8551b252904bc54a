"""Neutron's own files: what they mean here, and what is said of what they cannot mean."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from netmend.intent import BridgeWiring, DnsServer, OvsWiring, RequestRates
from netmend.sources.neutron.configuration import HONOURED, MOOT, NOT_HONOURED, Configuration, configuration
from netmend.sources.neutron.policy import INFINITE
from netmend.sources.problem import SourceError

DOCUMENT = Path(__file__).parents[4] / "docs" / "neutron.md"


def read(tmp_path: Path, *texts: str) -> Configuration:
    files = []
    for number, text in enumerate(texts):
        files.append(tmp_path / f"{number}.conf")
        files[-1].write_text(text)
    return configuration(files)


def test_neutrons_defaults(tmp_path: Path) -> None:
    found = read(tmp_path, "[DEFAULT]\nhost = node1\n")
    assert found.policy.host == "node1"
    assert found.policy.dns_domain == "openstacklocal"
    assert found.policy.lease_time == 86_400
    assert found.policy.wiring == OvsWiring("br-int", veth=False, datapath=None)
    assert not found.is_metadata_agent
    assert not found.moot
    assert found.ovs.connection == "tcp:127.0.0.1:6640"


def test_what_matters(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "[DEFAULT]\nhost = node1\ndhcp_lease_duration = -1\ndns_domain = a.test.\n[agent]\nreport_interval = 7\n",
        "[DEFAULT]\nhost = node2\ndnsmasq_dns_servers = 192.0.2.1,2001:db8::1\nenable_isolated_metadata = true\n"
        "ovs_use_veth = true\n[ovs]\nintegration_bridge = br0\ndatapath_type = netdev\novsdb_connection = unix:/x\n",
        "[DEFAULT]\nnova_metadata_host = 2001:db8::2\nnova_metadata_protocol = https\n"
        "metadata_proxy_shared_secret = s\nnova_metadata_insecure = true\nauth_ca_cert = /ca.pem\n",
    )
    policy = found.policy
    assert (policy.host, policy.dns_domain, policy.lease_time) == ("node2", "a.test", INFINITE)
    assert policy.dns_forwarders == (DnsServer(ip_address("192.0.2.1")), DnsServer(ip_address("2001:db8::1")))
    assert policy.isolated_metadata
    assert policy.wiring == OvsWiring("br0", veth=True, datapath="netdev")
    assert found.conf.AGENT.report_interval == 7
    assert found.is_metadata_agent
    proxy = found.metadata_proxy
    assert proxy.endpoints == ("https://[2001:db8::2]:8775",)
    assert (proxy.shared_secret, proxy.verify, proxy.ca_file) == ("s", False, Path("/ca.pem"))
    assert found.ovs.connection == "unix:/x"


def test_limits_of_metadata_are_those_of_neutrons_haproxy(tmp_path: Path) -> None:
    usual = read(tmp_path, "[DEFAULT]\nhost = node1\n").metadata_proxy
    assert (usual.answer_time, usual.request_time, usual.taking_time, usual.rates) == (32, None, None, None)
    times = "timeout_server = 90\ntimeout_client = 80\ntimeout_http_request = 15\ntimeout_connect = 3\n"
    rates = (
        "rate_limit_enabled = true\nbase_query_rate_limit = 20\nburst_query_rate_limit = 5\nburst_window_duration = 1\n"
    )
    found = read(tmp_path, f"[metadata_haproxy]\n{times}[metadata_rate_limiting]\n{rates}")
    proxy = found.metadata_proxy
    assert (proxy.answer_time, proxy.request_time, proxy.taking_time) == (90, 15, 80)
    assert proxy.rates == RequestRates(((20, 10), (5, 1)), 4)
    assert [sentence.partition(":")[0] for sentence in found.moot] == ["[metadata_haproxy] timeout_connect"]
    assert not found.not_honoured


@pytest.mark.parametrize(("versions", "counted"), [("6", 6), ("4", 4), ("4,6", None)])
def test_one_version_of_ip_is_limited_or_none(tmp_path: Path, versions: str, counted: int | None) -> None:
    text = f"[metadata_rate_limiting]\nrate_limit_enabled = true\nip_versions = {versions}\n"
    rates = read(tmp_path, text).metadata_proxy.rates
    assert (rates.version if rates else None) == counted


def test_the_socket_that_the_l3_agent_reads_too_makes_no_metadata_agent(tmp_path: Path) -> None:
    text = "[DEFAULT]\nhost = node1\nmetadata_proxy_socket = /var/lib/neutron/kolla/metadata_proxy\n"
    assert not read(tmp_path, text).is_metadata_agent
    assert read(tmp_path, text, "[DEFAULT]\nnova_metadata_host = 192.0.2.1\n").is_metadata_agent


def test_a_linux_bridge(tmp_path: Path) -> None:
    assert read(tmp_path, "[DEFAULT]\ninterface_driver = linuxbridge\n").policy.wiring == BridgeWiring()


def test_what_cannot_matter_is_named_and_the_rest_is_nobodys_business(tmp_path: Path) -> None:
    found = read(
        tmp_path, "[DEFAULT]\ncore_plugin = ml2\nresync_throttle = 1\n[agent]\nroot_helper = x\n[nova]\nfoo = bar\n"
    )
    assert [sentence.partition(":")[0] for sentence in found.moot] == ["resync_throttle", "[agent] root_helper"]


def test_what_would_matter_is_warned_of(tmp_path: Path) -> None:
    found = read(tmp_path, "[DEFAULT]\ndnsmasq_config_file = /etc/dnsmasq.conf\n")
    assert found.not_honoured[0].startswith("dnsmasq_config_file: ")


@pytest.mark.parametrize(
    "text",
    [
        "no section\n",
        "[DEFAULT]\ndhcp_lease_duration = long\n",
        "[DEFAULT]\ninterface_driver = a.b.C\n",
        "[DEFAULT]\ndnsmasq_dns_servers = nobody\n",
    ],
)
def test_what_is_wrong_is_a_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(tmp_path, text).conf.dhcp_lease_duration  # noqa: B018
    assert "0.conf" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere"):
        configuration([tmp_path / "nowhere"])


def test_the_document_has_every_option() -> None:
    text = DOCUMENT.read_text()
    for _, name in (*HONOURED, *MOOT, *NOT_HONOURED):
        assert f"`{name}`" in text or f" {name}`" in text, name
