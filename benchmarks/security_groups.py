"""Security groups: what changes of one group with 1,000 guests on one bridge take, and groups of up to 10,000 rules.

python -m benchmarks security_groups [--quick]
"""

import time
from collections.abc import Callable
from ipaddress import IPv4Network, ip_network

from benchmarks.confined import confined
from benchmarks.record import Figure, Record, Sample, at_most, ratio_at_most
from msgspec.structs import replace

from netmend.intent import Intent, Network, Port, SecurityGroup, SecurityRule, Subnet, TapPlug
from netmend.intent.names import id_from_name, mac_from_id
from netmend.reconcile.reconciler import Reconciler

ONE, OTHER = id_from_name("security group", "one"), id_from_name("security group", "other")
NETWORK = id_from_name("network", "n")
CIDR = IPv4Network("10.0.0.0/16")
RULES = (
    *(SecurityRule("ingress", 4, 6, (port, port)) for port in (22, 80, 443)),
    SecurityRule("egress", 4),
    SecurityRule("egress", 6),
    SecurityRule("ingress", 4, remote_group_id=ONE),
    SecurityRule("ingress", 6, remote_group_id=ONE),
)
CHANGES: dict[str, Callable[[Intent], Intent]] = {
    "a rule more": lambda intent: of_group(intent, rules=(*RULES, SecurityRule("ingress", 4, 6, (8080, 8080)))),
    "a rule less": lambda intent: of_group(intent, rules=RULES[1:]),
    "a member more, elsewhere": lambda intent: of_group(
        intent, members=intent.security_groups[ONE].members | {ip_network("10.0.99.99")}
    ),
    "all guests in another group": lambda intent: in_group(intent, OTHER),
}


def of_group(intent: Intent, **changed: object) -> Intent:
    """The intent with another `ONE`."""
    groups = {**intent.security_groups, ONE: replace(intent.security_groups[ONE], **changed)}
    return replace(intent, security_groups=groups)


def in_group(intent: Intent, group_id: str) -> Intent:
    """The intent with all guests in one group."""
    network = intent.networks[NETWORK]
    ports = {port.id: replace(port, security_groups=(group_id,)) for port in network.ports.values()}
    return replace(intent, networks={NETWORK: replace(network, ports=ports)})


def wanted(guests: int, rules: tuple[SecurityRule, ...] = RULES) -> Intent:
    ports = {}
    for number in range(guests):
        port_id = id_from_name("port", str(number))
        ports[port_id] = Port(
            port_id, str(number), mac_from_id(port_id), (CIDR[10 + number],), plug=TapPlug(0), security_groups=(ONE,)
        )
    subnet = Subnet(id_from_name("subnet", "s"), "s", CIDR, CIDR[2])
    members = frozenset(ip_network(port.fixed_ips[0]) for port in ports.values())
    groups = {ONE: SecurityGroup(ONE, "one", rules, members=members), OTHER: SecurityGroup(OTHER, "other", RULES[:4])}
    return Intent({NETWORK: Network(NETWORK, "n", subnets=(subnet,), ports=ports)}, security_groups=groups)


def change(guests: int, rounds: int) -> dict[str, list[float]]:
    """Milliseconds from a changed intent to the rules in force, by what has changed."""
    intent, reconciler = wanted(guests), Reconciler()
    assert not reconciler.run(intent).wrong, reconciler.resync.all()
    found: dict[str, list[float]] = {name: [] for name in CHANGES}
    for _ in range(rounds):
        for name, make in CHANGES.items():
            changed = make(intent)
            start = time.perf_counter()
            report = reconciler.run(changed, {"rules"})
            found[name].append(1000 * (time.perf_counter() - start))
            assert report.planned_steps == 1 and not report.wrong, report
            reconciler.run(intent, {"rules"})
    reconciler.close()
    return found


def fill(count: int) -> float:
    """Microseconds a rule from an intent with a group of `count` to the rules in force, of two guests."""
    reconciler = Reconciler()
    assert not reconciler.run(wanted(2)).wrong
    many = tuple(
        SecurityRule("ingress", 4, 6, (1 + number % 60_000, 1 + number % 60_000), ip_network((number << 8, 24)))
        for number in range(count)
    )
    intent = wanted(2, many)
    start = time.perf_counter()
    report = reconciler.run(intent, {"rules"})
    took = time.perf_counter() - start
    assert not report.wrong, reconciler.resync.all()
    reconciler.close()
    return 1e6 * took / count


def measure(*, quick: bool) -> Record:
    guests, rounds, few, many = (100, 1, 100, 1000) if quick else (1000, 5, 1000, 10_000)
    record = Record(f"Security groups: changes of one group of {guests:,} guests, and of {many:,} rules")
    for name, runs in confined(change, guests, rounds).items():
        aim = at_most(100) if "other" not in name else None  # that is another policy for each guest
        record.figures.append(Figure(name, "ms", Sample.of(runs), aim=aim))
    pairs = [(confined(fill, many), confined(fill, few)) for _ in range(rounds)]
    record.figures.append(
        Figure(
            f"one of {many:,} rules put in force",
            "us",
            Sample.of([ours for ours, _ in pairs]),
            Sample.of([reference for _, reference in pairs]),
            f"one of {few:,}",
            ratio_at_most(1.5),
        )
    )
    return record
