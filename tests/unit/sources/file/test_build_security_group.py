"""Security groups in an intent file: what they become, and what is complained of."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from netmend.intent import Intent, SecurityGroup, SecurityRule
from netmend.sources.file import IntentError, load

FILE = """
networks:
  - name: blue
    subnets: [{cidr: 10.0.0.0/24}, {cidr: "2001:db8::/64", address_mode: none}]
    ports:
      - {name: one, fixed_ips: [10.0.0.11, "2001:db8::11"], security_groups: [web, db]}
      - name: two
        fixed_ips: [10.0.0.12]
        security_groups: [web]
        allowed_address_pairs: [{ip_address: 192.0.2.0/24}]
      - {name: closed, fixed_ips: [10.0.0.13], security_groups: []}
      - {name: open, fixed_ips: [10.0.0.14]}
address_groups:
  - {name: partners, addresses: [198.51.100.0/24, "2001:db8:1::1"]}
security_groups:
  - name: web
    rules:
RULES
  - name: db
    egress: false
    rules: [{protocol: tcp, ports: 5432, remote_group: web}]
  - {name: loose, stateful: false, egress: true, rules: [{direction: egress, protocol: 47}]}
"""
ANY = SecurityRule("egress", 4), SecurityRule("egress", 6)


def read(tmp_path: Path, *rules: str, text: str = FILE) -> Intent:
    path = tmp_path / "intent.yaml"
    path.write_text(text.replace("RULES\n", "".join(f"      - {rule}\n" for rule in rules)))
    return load(path)


def named(intent: Intent, name: str) -> SecurityGroup:
    return next(group for group in intent.security_groups.values() if group.name == name)


def test_groups_and_their_members(tmp_path: Path) -> None:
    intent = read(tmp_path)
    web, db, loose = named(intent, "web"), named(intent, "db"), named(intent, "loose")
    (blue,) = intent.networks.values()
    ports = {port.name: port.security_groups for port in blue.ports.values()}
    assert ports == {"one": tuple(sorted((web.id, db.id))), "two": (web.id,), "closed": (), "open": None}
    assert web.members == {ip_network(text) for text in ("10.0.0.11", "2001:db8::11", "10.0.0.12", "192.0.2.0/24")}
    assert db.members == {ip_network("10.0.0.11"), ip_network("2001:db8::11")}
    assert set(web.rules) == {*ANY}
    assert {(rule.version, rule.protocol, rule.ports, rule.remote_group_id) for rule in db.rules} == {
        (4, 6, (5432, 5432), web.id),
        (6, 6, (5432, 5432), web.id),
    }
    assert set(loose.rules) == {*ANY, SecurityRule("egress", 4, 47), SecurityRule("egress", 6, 47)}
    assert (web.stateful, loose.stateful) == (True, False)
    (partners,) = intent.address_groups.values()
    assert partners.addresses == {ip_network("198.51.100.0/24"), ip_network("2001:db8:1::1")}


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("{}", [SecurityRule("ingress", 4), SecurityRule("ingress", 6)]),
        ("{version: 6, protocol: TCP}", [SecurityRule("ingress", 6, 6)]),
        ("{protocol: udp, ports: 8000-8080, version: 4}", [SecurityRule("ingress", 4, 17, (8000, 8080))]),
        ("{protocol: udp, ports: 1-65535, version: 4}", [SecurityRule("ingress", 4, 17)]),
        ("{protocol: icmp, icmp_type: 8}", [SecurityRule("ingress", 4, 1, (8, None))]),
        ("{protocol: icmp, icmp_type: 128, icmp_code: 0, version: 6}", [SecurityRule("ingress", 6, 58, (128, 0))]),
        ("{protocol: ipv6-icmp}", [SecurityRule("ingress", 6, 58)]),
        ("{remote: 192.0.2.7}", [SecurityRule("ingress", 4, remote=ip_network("192.0.2.7"))]),
        ('{remote: "2001:db8::/32"}', [SecurityRule("ingress", 6, remote=ip_network("2001:db8::/32"))]),
    ],
)
def test_a_rule(tmp_path: Path, rule: str, wanted: list[SecurityRule]) -> None:
    assert set(named(read(tmp_path, rule), "web").rules) == {*wanted, *ANY}


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("{protocol: colour}", "security_groups[web].rules[0].protocol: 'colour' is no IP protocol"),
        ("{protocol: 256}", "rules[0].protocol: '256' is no IP protocol"),
        ("{protocol: [tcp]}", "rules[0].protocol: expected a protocol's name or number, not a list"),
        ("{ports: 80}", "rules[0].ports: need a protocol that has ports, such as tcp"),
        ("{protocol: gre, ports: 80}", "rules[0].ports: the protocol has no ports"),
        ("{protocol: tcp, ports: 80-79}", "rules[0].ports: 80-79 ends before it begins"),
        ("{protocol: tcp, ports: 0}", "rules[0].ports: 0 is no port (1 to 65535)"),
        ("{protocol: tcp, ports: http}", "rules[0].ports: 'http' is no port (80) and no range of ports"),
        ("{protocol: tcp, ports: true}", "rules[0].ports: expected a port (80) or a range of ports (8000-8080)"),
        ("{protocol: tcp, icmp_type: 8}", "rules[0].icmp_type: needs the protocol icmp or ipv6-icmp"),
        ("{protocol: icmp, icmp_type: 256}", "rules[0].icmp_type: 256 is none (0 to 255)"),
        ("{protocol: icmp, icmp_code: 0}", "rules[0].icmp_code: needs an icmp_type"),
        ("{version: 5}", "rules[0].version: expected 4 or 6, not the number 5"),
        ("{version: 4, remote: '2001:db8::/32'}", "rules[0].remote: 2001:db8::/32 is not of IPv4"),
        ("{version: 4, protocol: ipv6-icmp}", "rules[0].version: the protocol is one of IPv6 alone"),
        ("{remote: nowhere}", "rules[0].remote: 'nowhere' is neither an address nor a block"),
        ("{remote_group: nobody}", "rules[0].remote_group: there is no security group nobody in this file"),
        ("{remote_address_group: x}", "rules[0].remote_address_group: there is no address group x in this file"),
        ("{remote: 10.0.0.0/8, remote_group: web}", "rules[0].remote_group: the far end is said by remote already"),
        ("{direction: in}", "rules[0].direction: expected 'ingress' or 'egress'"),
        ("{colour: blue}", "rules[0].colour: unknown field"),
        ("{protocol: tcp}\n      - {protocol: 6}", "rules[1]: says what rule 0 says"),
    ],
)
def test_a_rule_that_is_wrong(tmp_path: Path, rule: str, why: str) -> None:
    with pytest.raises(IntentError) as refused:
        read(tmp_path, rule)
    (problem,) = refused.value.problems
    assert why in str(problem)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("[web, db]", "[web, nobody]", "security_groups[1]: there is no security group nobody in this file"),
        ("[web, db]", "[web, web]", "security_groups[1]: web is named twice"),
        ("[web, db]", "[web, loose]", "security_groups[1]: web is stateful and loose is not"),
        ("[web, db]", "web", "security_groups: expected a list, not the text 'web'"),
        (
            "[web, db]",
            "[web, db], port_security: false",
            "security_groups: are asked of ports with port_security alone",
        ),
        ("name: db", "name: web", "security_groups[web].name: another security group is named web"),
        ("addresses: [198.51.100.0/24", "addresses: [198.51.100.0/99", "address_groups[partners].addresses[0]:"),
        ("  - name: db", "  - db: 1", "the field name is required"),
    ],
)
def test_groups_that_are_wrong(tmp_path: Path, old: str, new: str, why: str) -> None:
    with pytest.raises(IntentError) as refused:
        read(tmp_path, text=FILE.replace(old, new))
    assert why in str(refused.value)


def test_where_the_groups_cannot_be_read_no_port_is_blamed(tmp_path: Path) -> None:
    with pytest.raises(IntentError) as refused:
        read(tmp_path, text=FILE.partition("security_groups:\n")[0] + "security_groups: 5\n")
    assert [problem.field for problem in refused.value.problems] == ["security_groups"]


def test_what_did_not_change_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "intent.yaml"
    before = read(tmp_path, "{protocol: tcp}")
    assert load(path, before) is before
    path.write_text(path.read_text().replace("ports: 5432", "ports: 5433"))
    after = load(path, before)
    assert named(after, "web") is named(before, "web")
    assert named(after, "db") is not named(before, "db")
