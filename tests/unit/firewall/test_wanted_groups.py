"""What the table of security groups should hold, worked out from one intent to the next."""

from ipaddress import IPv4Network, ip_address, ip_network

from msgspec.structs import replace

from netmend.firewall.connections import judges_of
from netmend.firewall.group_rules import NAME, Tracking, table, zone_of
from netmend.firewall.rules import device_of
from netmend.firewall.wanted_groups import WantedGroups
from netmend.ground.nftables import GoBy, InSet, SetBy, Verdict
from netmend.intent import Intent, Network, OvsWiring, Port, SecurityGroup, SecurityRule, Subnet, TapPlug
from netmend.intent.names import id_from_name, tap_name

CIDR = IPv4Network("10.0.0.0/24")
SUBNET = Subnet("s", "s", CIDR, CIDR[2])
ONE, TWO = id_from_name("security group", "one"), id_from_name("security group", "two")
EGRESS, UDP_80 = SecurityRule("egress", 4), SecurityRule("ingress", 4, 17, (80, 80))
BY_GROUP = SecurityRule("ingress", 4, remote_group_id=TWO)


def port(number: int, *groups: str) -> Port:
    port_id = id_from_name("port", str(number))
    return Port(
        port_id, str(number), f"fa:16:3e:00:00:{number:02x}", (CIDR[number],), plug=TapPlug(0), security_groups=groups
    )


def network(name: str, *ports: Port) -> Network:
    return Network(id_from_name("network", name), name, subnets=(SUBNET,), ports={each.id: each for each in ports})


def intent(*networks: Network, groups: dict[str, SecurityGroup] | None = None) -> Intent:
    known = groups or {ONE: SecurityGroup(ONE, "one", (EGRESS, UDP_80)), TWO: SecurityGroup(TWO, "two", (BY_GROUP,))}
    return Intent({each.id: each for each in networks}, security_groups=known)


def with_rules(before: Intent, group_id: str, *rules: SecurityRule) -> Intent:
    changed = replace(before.security_groups[group_id], rules=rules)
    return replace(before, security_groups={**before.security_groups, group_id: changed})


def followed(*intents: Intent, tracking: Tracking = "bridge") -> WantedGroups:
    wanted = WantedGroups()
    for each in intents:
        wanted.narrowed.clear()
        wanted.follow(each, tracking, {})
    return wanted


def test_nothing_is_wanted_for_networks_without_groups_or_on_a_switch() -> None:
    unfiltered = network("a", replace(port(1), security_groups=None))
    switched = replace(network("b", port(2, ONE)), wiring=OvsWiring())
    wanted = followed(intent(unfiltered, switched))
    assert not wanted and not wanted.elements and not wanted.chains and not wanted.zones


def test_ports_with_the_same_groups_share_their_chains() -> None:
    one = followed(intent(network("a", port(1, ONE))))
    many = followed(intent(network("a", *(port(number, ONE) for number in range(1, 50)))))
    assert many.chains == one.chains
    assert len(many.elements) == len(one.elements) + 48 * 3  # two to the policy, and one to the zone
    both = followed(intent(network("a", port(1, ONE, TWO), port(2, TWO, ONE))))
    assert len({each.data for each in both.elements if each.set == "egress"}) == 1


def test_only_what_changed_is_another_chain() -> None:
    before = intent(network("a", port(1, ONE), port(2, TWO)))
    wanted = followed(before)
    chains = {chain.name: chain for chain in wanted.chains}
    wanted.follow(with_rules(before, ONE, EGRESS, replace(UDP_80, ports=(81, 81))), "bridge", {})
    after = {chain.name: chain for chain in wanted.chains}
    (gone,), (new,) = chains.keys() - after.keys(), after.keys() - chains.keys()
    assert gone.startswith(f"group-in-{ONE}-") and new.startswith(f"group-in-{ONE}-")
    changed = {name for name in chains.keys() & after.keys() if chains[name] != after[name]}
    assert len(changed) == 1 and changed.pop().startswith("policy-in-")


def test_chains_lead_to_those_before_them_and_end_with_a_verdict() -> None:
    groups = {
        ONE: SecurityGroup(ONE, "one", (EGRESS, UDP_80), stateful=False),
        TWO: SecurityGroup(TWO, "two", (BY_GROUP,)),
    }
    ways: list[Tracking] = ["bridge", "hooks", "none"]
    for tracking in ways:
        wanted = followed(intent(network("a", port(1, ONE), port(2, TWO), port(3)), groups=groups), tracking=tracking)
        made = table(tracking, wanted.chains)
        sets, known = {described.name for described in made.sets}, set[str]()
        for chain in made.chains:
            assert chain.name not in known
            for rule in chain.rules:
                assert all(each.name in sets for each in rule if isinstance(each, InSet | GoBy | SetBy))
                assert all(each.chain in known for each in rule if isinstance(each, Verdict) and each.chain)
            if chain.name.startswith(("policy", "closed")):
                assert chain.rules[-1] == (Verdict("drop"),)
            known.add(chain.name)
        assert {each.data.decode() for each in wanted.elements if each.set in {"egress", "ingress"}} <= known
        assert made.name == NAME


def test_where_nothing_tracks_a_stateful_policy_passes_nothing() -> None:
    wanted = followed(intent(network("a", port(1, ONE))), tracking="none")
    assert all(chain.rules == ((Verdict("drop"),),) for chain in wanted.chains if chain.name.startswith("policy"))
    assert not any(each.set == "zones" for each in wanted.elements)


def test_each_network_has_a_zone_of_its_own_and_keeps_it() -> None:
    networks = [network(str(number), port(number, ONE)) for number in range(1, 200)]
    wanted = followed(intent(*networks))
    assert len(set(wanted.zones.values())) == 199 and min(wanted.zones.values()) >= 0x8000
    known = {device_of(each): zone_of(each) for each in wanted.elements if each.set == "zones"}
    assert {known[tap_name(port(7).id)]} == {wanted.zones[networks[6].id]}
    again = WantedGroups()
    again.follow(intent(*reversed(networks)), "bridge", {device: 0x8000 + zone % 7 for device, zone in known.items()})
    assert len(set(again.zones.values())) == 199  # whatever somebody has made of the map
    last = WantedGroups()
    last.follow(intent(*networks[100:]), "bridge", known)
    assert last.zones == {each: zone for each, zone in wanted.zones.items() if each in last.zones}
    assert not last.narrowed


def test_connections_are_judged_again_where_less_is_permitted() -> None:
    groups = {
        ONE: SecurityGroup(ONE, "one", (EGRESS, UDP_80)),
        TWO: SecurityGroup(
            TWO, "two", (BY_GROUP,), members=frozenset({ip_network("10.0.0.1"), ip_network("10.0.0.2")})
        ),
    }
    a, b = network("a", port(1, ONE), port(2, ONE)), network("b", port(3, TWO))
    before = intent(a, b, groups=groups)

    def narrowed(after: Intent) -> set[str | None]:
        return set(followed(before, after).narrowed.values())

    assert narrowed(before) == set()
    assert narrowed(with_rules(before, ONE, EGRESS)) == {a.id}
    assert narrowed(with_rules(before, ONE, EGRESS, UDP_80, BY_GROUP)) == set()
    fewer = replace(groups[TWO], members=frozenset({ip_network("10.0.0.1")}))
    assert narrowed(replace(before, security_groups={**groups, TWO: fewer})) == {b.id}
    more = replace(groups[TWO], members=groups[TWO].members | {ip_network("10.0.0.9")})
    assert narrowed(replace(before, security_groups={**groups, TWO: more})) == set()
    assert narrowed(intent(network("a", port(1, ONE)), b, groups=groups)) == {a.id}
    assert narrowed(intent(network("a", port(1, ONE), port(2)), b, groups=groups)) == {a.id}
    assert narrowed(intent(network("a", port(1, ONE), port(2, ONE), port(4, ONE)), b, groups=groups)) == set()
    assert narrowed(intent(b, groups=groups)) == {None}  # a zone that is nobody's any more
    unfiltered = network("a", port(1, ONE), replace(port(2), security_groups=None))
    assert set(followed(intent(unfiltered, b, groups=groups), before).narrowed.values()) == {a.id}


def test_which_connections_are_permitted() -> None:
    wanted = intent(network("a", port(1, ONE), port(2, TWO), replace(port(3), security_groups=None)))
    (judge,) = judges_of({0x8000: id_from_name("network", "a")}, wanted).values()
    assert judge is not None
    one, two, three, far = (ip_address(f"10.0.0.{number}") for number in (1, 2, 3, 200))
    assert judge.permits(one, far, 6, (1, 2)) and judge.permits(far, one, 17, (1000, 80))
    assert not judge.permits(far, one, 17, (1000, 81)) and not judge.permits(far, one, 1, (8, 0))
    assert not judge.permits(two, far, 6, (1, 2)) and not judge.permits(one, two, 17, (1000, 80))
    assert judge.permits(three, one, 17, (1000, 80)) and judge.permits(one, three, 6, (1, 2))
    assert judge.permits(three, far, 6, (1, 2))
    assert judges_of({1: None, 2: "gone"}, wanted) == {1: None, 2: None}
