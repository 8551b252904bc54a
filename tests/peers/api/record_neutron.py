"""Ask a Neutron server, whose address is the argument, what it answers to a list of requests, and print that as JSON.

The record in neutron_answers.json was made by this from Neutron 29.0.0 (ML2, port security, `auth_strategy = noauth`).
The requests stand here once, for the server and for the test that puts the same ones to netmend. Standard library
alone: it runs beside the server. `{network}` and the like in a path or body stand for ids that earlier answers gave.
"""

import json
import sys
import urllib.error
import urllib.request
from typing import Any

Request = tuple[str, str, str, Any]  # name, method, path, body

NET, SUB, PORT = "/v2.0/networks", "/v2.0/subnets", "/v2.0/ports"
ABSENT = "11111111-2222-4333-8444-555555555555"


def requests() -> list[Request]:
    """In order; a name with `>` saves the answer's id under what follows it."""
    return [
        ("versions", "GET", "/", None),
        ("resources", "GET", "/v2.0/", None),
        ("create network>network", "POST", NET, {"network": {"name": "blue", "description": "d"}}),
        ("show network", "GET", NET + "/{network}", None),
        ("show network fields", "GET", NET + "/{network}?fields=id&fields=name", None),
        ("create subnet>subnet", "POST", SUB,
         {"subnet": {"network_id": "{network}", "cidr": "10.0.0.0/24", "ip_version": 4, "name": "four"}}),
        ("create subnet6>subnet6", "POST", SUB,
         {"subnet": {"network_id": "{network}", "cidr": "2001:db8::/64", "ip_version": 6, "ipv6_ra_mode": "slaac",
                     "ipv6_address_mode": "slaac"}}),
        ("create port>port", "POST", PORT,
         {"port": {"network_id": "{network}", "name": "p", "mac_address": "fa:16:3e:00:00:01",
                   "fixed_ips": [{"ip_address": "10.0.0.10"}]}}),
        ("create port default>other", "POST", PORT, {"port": {"network_id": "{network}"}}),
        ("create port bound>bound", "POST", PORT,
         {"port": {"network_id": "{network}", "binding:host_id": "node1", "device_owner": "compute:nova"}}),
        ("create ports in bulk", "POST", PORT, {"ports": [{"network_id": "{network}"}, {"network_id": "{network}"}]}),
        ("list networks", "GET", NET + "?name=blue", None),
        ("list limit", "GET", PORT + "?limit=1&sort_key=id&fields=mac_address&fields=id", None),
        ("list unknown filter", "GET", PORT + "?colour=blue", None),
        ("list bad limit", "GET", PORT + "?limit=x", None),
        ("list negative limit", "GET", PORT + "?limit=-1", None),
        ("list bad sort key", "GET", PORT + "?sort_key=colour", None),
        ("list bad sort dir", "GET", PORT + "?sort_key=id&sort_dir=up", None),
        ("list absent marker", "GET", PORT + "?limit=1&marker=" + ABSENT, None),
        ("list bad bool filter", "GET", PORT + "?admin_state_up=maybe", None),
        ("list unknown field", "GET", PORT + "?fields=colour&limit=1", None),
        ("duplicate mac", "POST", PORT, {"port": {"network_id": "{network}", "mac_address": "fa:16:3e:00:00:01"}}),
        ("duplicate ip", "POST", PORT,
         {"port": {"network_id": "{network}", "fixed_ips": [{"ip_address": "10.0.0.10"}]}}),
        ("ip outside", "POST", PORT, {"port": {"network_id": "{network}", "fixed_ips": [{"ip_address": "10.9.0.10"}]}}),
        ("ip outside subnet", "POST", PORT,
         {"port": {"network_id": "{network}", "fixed_ips": [{"ip_address": "10.9.0.1", "subnet_id": "{subnet}"}]}}),
        ("ip of subnet elsewhere", "POST", PORT,
         {"port": {"network_id": "{network}", "fixed_ips": [{"subnet_id": ABSENT}]}}),
        ("bad ip", "POST", PORT, {"port": {"network_id": "{network}", "fixed_ips": [{"ip_address": "10.0.0.999"}]}}),
        ("bad mac", "POST", PORT, {"port": {"network_id": "{network}", "mac_address": "fa:16"}}),
        ("bad name", "POST", NET, {"network": {"name": 5}}),
        ("long name", "POST", NET, {"network": {"name": "x" * 256}}),
        ("bad bool", "POST", NET, {"network": {"admin_state_up": "maybe"}}),
        ("bad mtu", "POST", NET, {"network": {"mtu": "x"}}),
        ("unknown attribute", "POST", NET, {"network": {"colour": "blue"}}),
        ("read-only attribute", "POST", NET, {"network": {"status": "ACTIVE"}}),
        ("missing attribute", "POST", PORT, {"port": {"name": "x"}}),
        ("no body", "POST", NET, None),
        ("other body", "POST", NET, {"port": {}}),
        ("list for body", "POST", NET, {"network": []}),
        ("empty bulk", "POST", NET, {"networks": []}),
        ("bulk and single", "POST", NET, {"network": {}, "networks": []}),
        ("absent network", "POST", PORT, {"port": {"network_id": ABSENT}}),
        ("show absent network", "GET", NET + "/" + ABSENT, None),
        ("show absent subnet", "GET", SUB + "/" + ABSENT, None),
        ("show absent port", "GET", PORT + "/" + ABSENT, None),
        ("delete absent port", "DELETE", PORT + "/" + ABSENT, None),
        ("update absent port", "PUT", PORT + "/" + ABSENT, {"port": {"name": "x"}}),
        ("unknown resource", "GET", "/v2.0/colours", None),
        ("unknown resource item", "GET", "/v2.0/colours/1", None),
        ("not offered resource", "GET", "/v2.0/metering-labels", None),
        ("method not allowed", "PUT", NET, {"network": {}}),
        ("network in use", "DELETE", NET + "/{network}", None),
        ("subnet in use", "DELETE", SUB + "/{subnet}", None),
        ("update network", "PUT", NET + "/{network}", {"network": {"name": "azure"}}),
        ("update read-only", "PUT", PORT + "/{port}", {"port": {"network_id": ABSENT}}),
        ("update empty", "PUT", NET + "/{network}", {"network": {}}),
        ("update port", "PUT", PORT + "/{port}",
         {"port": {"allowed_address_pairs": [{"ip_address": "10.0.0.99"}],
                   "extra_dhcp_opts": [{"opt_name": "bootfile-name", "opt_value": "a.0"}]}}),
        ("if-match stale", "PUT", NET + "/{network}", {"network": {"name": "x"}}),
        ("overlap", "POST", SUB, {"subnet": {"network_id": "{network}", "cidr": "10.0.0.0/25", "ip_version": 4}}),
        ("bad cidr", "POST", SUB, {"subnet": {"network_id": "{network}", "cidr": "10.0.0.0/99", "ip_version": 4}}),
        ("host bits", "POST", SUB, {"subnet": {"network_id": "{network}", "cidr": "10.7.0.9/24", "ip_version": 4}}),
        ("wrong version", "POST", SUB, {"subnet": {"network_id": "{network}", "cidr": "10.3.0.0/24", "ip_version": 6}}),
        ("ip version 5", "POST", SUB, {"subnet": {"network_id": "{network}", "cidr": "10.3.0.0/24", "ip_version": 5}}),
        ("no cidr", "POST", SUB, {"subnet": {"network_id": "{network}", "ip_version": 4}}),
        ("no ip version", "POST", SUB, {"subnet": {"network_id": "{network}", "cidr": "10.3.0.0/24"}}),
        ("modes of version 4", "POST", SUB,
         {"subnet": {"network_id": "{network}", "cidr": "10.3.0.0/24", "ip_version": 4, "ipv6_ra_mode": "slaac"}}),
        ("modes differ", "POST", SUB,
         {"subnet": {"network_id": "{network}", "cidr": "2001:db8:1::/64", "ip_version": 6, "ipv6_ra_mode": "slaac",
                     "ipv6_address_mode": "dhcpv6-stateful"}}),
        ("modes without dhcp", "POST", SUB,
         {"subnet": {"network_id": "{network}", "cidr": "2001:db8:1::/64", "ip_version": 6, "ipv6_ra_mode": "slaac",
                     "enable_dhcp": False}}),
        ("slaac prefix", "POST", SUB,
         {"subnet": {"network_id": "{network}", "cidr": "2001:db8:1::/80", "ip_version": 6, "ipv6_ra_mode": "slaac",
                     "ipv6_address_mode": "slaac"}}),
        ("prefix 31", "POST", SUB, {"subnet": {"network_id": "{network}", "cidr": "10.3.0.0/31", "ip_version": 4}}),
        ("pool outside", "POST", SUB,
         {"subnet": {"network_id": "{network}", "cidr": "10.3.0.0/24", "ip_version": 4,
                     "allocation_pools": [{"start": "10.4.0.1", "end": "10.4.0.2"}]}}),
        ("pool reversed", "POST", SUB,
         {"subnet": {"network_id": "{network}", "cidr": "10.3.0.0/24", "ip_version": 4,
                     "allocation_pools": [{"start": "10.3.0.9", "end": "10.3.0.2"}]}}),
        ("pools overlap", "POST", SUB,
         {"subnet": {"network_id": "{network}", "cidr": "10.3.0.0/24", "ip_version": 4, "gateway_ip": None,
                     "allocation_pools": [{"start": "10.3.0.2", "end": "10.3.0.9"},
                                          {"start": "10.3.0.9", "end": "10.3.0.12"}]}}),
        ("gateway in pool", "POST", SUB,
         {"subnet": {"network_id": "{network}", "cidr": "10.3.0.0/24", "ip_version": 4, "gateway_ip": "10.3.0.5",
                     "allocation_pools": [{"start": "10.3.0.2", "end": "10.3.0.9"}]}}),
        ("gateway outside", "POST", SUB,
         {"subnet": {"network_id": "{network}", "cidr": "10.5.0.0/24", "ip_version": 4, "gateway_ip": "10.6.0.5"}}),
        ("small subnet>small", "POST", SUB,
         {"subnet": {"network_id": "{network}", "cidr": "10.8.0.0/30", "ip_version": 4}}),
        ("take the last", "POST", PORT,
         {"port": {"network_id": "{network}", "fixed_ips": [{"subnet_id": "{small}"}]}}),
        ("subnet is full", "POST", PORT,
         {"port": {"network_id": "{network}", "fixed_ips": [{"subnet_id": "{small}"}]}}),
        ("add tag", "PUT", NET + "/{network}/tags/red", None),
        ("has tag", "GET", NET + "/{network}/tags/red", None),
        ("tags", "GET", NET + "/{network}/tags", None),
        ("replace tags", "PUT", NET + "/{network}/tags", {"tags": ["one", "two"]}),
        ("has not tag", "GET", NET + "/{network}/tags/red", None),
        ("remove tag", "DELETE", NET + "/{network}/tags/one", None),
        ("remove absent tag", "DELETE", NET + "/{network}/tags/one", None),
        ("bad tags", "PUT", NET + "/{network}/tags", {"tags": "one"}),
        ("long tag", "PUT", NET + "/{network}/tags", {"tags": ["x" * 300]}),
        ("tags of absent", "GET", NET + "/" + ABSENT + "/tags", None),
        ("remove tags", "DELETE", NET + "/{network}/tags", None),
        ("show quota", "GET", "/v2.0/quotas/p1", None),
        ("default quota", "GET", "/v2.0/quotas/p1/default", None),
        ("quota details", "GET", "/v2.0/quotas/p1/details.json", None),
        ("set quota", "PUT", "/v2.0/quotas/p1", {"quota": {"network": 1}}),
        ("list quotas", "GET", "/v2.0/quotas", None),
        ("bad quota", "PUT", "/v2.0/quotas/p1", {"quota": {"network": -5}}),
        ("unknown quota", "PUT", "/v2.0/quotas/p1", {"quota": {"colour": 5}}),
        ("within quota", "POST", NET, {"network": {"project_id": "p1"}}),
        ("over quota", "POST", NET, {"network": {"project_id": "p1"}}),
        ("reset quota", "DELETE", "/v2.0/quotas/p1", None),
        ("list agents", "GET", "/v2.0/agents", None),
        ("show absent agent", "GET", "/v2.0/agents/" + ABSENT, None),
        ("list extensions", "GET", "/v2.0/extensions", None),
        ("show extension", "GET", "/v2.0/extensions/dns-integration", None),
        ("show absent extension", "GET", "/v2.0/extensions/colours", None),
        ("delete port", "DELETE", PORT + "/{port}", None),
    ]  # fmt: skip


def ask(base: str, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any, str]:
    """Status, body (JSON where it is that), and type of content."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, {"Content-Type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            status, text, kind = answer.status, answer.read(), answer.headers.get("Content-Type", "")
    except urllib.error.HTTPError as error:
        status, text, kind = error.code, error.read(), error.headers.get("Content-Type", "")
    try:
        return status, json.loads(text) if text else None, kind
    except ValueError:
        return status, text.decode(), kind


def fill(value: Any, ids: dict[str, str]) -> Any:
    """`value` with ids in place of `{name}`."""
    if isinstance(value, str):
        for name, known in ids.items():
            value = value.replace("{" + name + "}", known)
        return value
    if isinstance(value, dict):
        return {key: fill(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, ids) for item in value]
    return value


def record(base: str) -> dict[str, dict[str, Any]]:
    """What the server says to each request, in order."""
    ids: dict[str, str] = {}
    answers: dict[str, dict[str, Any]] = {}
    for title, method, path, body in requests():
        headers = {"If-Match": "revision_number=9999"} if title == "if-match stale" else {}
        name, _, saved = title.partition(">")
        status, answer, kind = ask(base, method, fill(path, ids), fill(body, ids), headers)
        if saved and status == 201:
            ids[saved] = next(iter(answer.values()))["id"]
        answers[name] = {"status": status, "type": kind, "body": answer}
    answers["ids"] = dict(ids)
    return answers


if __name__ == "__main__":
    json.dump(record(sys.argv[1]), sys.stdout, indent=1)
