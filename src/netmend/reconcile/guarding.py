"""What a pass does about the rules of ports: in force before anything is made, removed once their devices are gone."""

from contextlib import suppress
from typing import TYPE_CHECKING

from netmend.firewall.rules import GROUPS, TABLE
from netmend.ground.nftables import Element, Table
from netmend.intent.names import DEVICE_GROUPS
from netmend.intent.network import Network
from netmend.kernel import links
from netmend.kernel.errors import KernelError
from netmend.kernel.nft.tables import has_table
from netmend.reconcile.firewall import RulesPlan
from netmend.reconcile.host import Host
from netmend.reconcile.network import Pass
from netmend.reconcile.reports import Mended

if TYPE_CHECKING:
    from netmend.reconcile.group_firewall import GroupFirewall


class Guarding:
    """Port security and security groups, pass by pass. Not thread-safe: a pass uses it before and after its work on
    networks."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._closed: frozenset[str] = frozenset()  # devices, as of the last pass
        self._without: dict[str, Network] | None = None  # networks without groups, as of the last pass

    def begin(self, work: Pass) -> frozenset[Element]:
        """Put port security in force, before anything is made; returns what is to be removed of it at the pass's end.
        Where that fails, guarded ports stay closed, and their networks have the reason."""
        firewall, owners = self._host.firewall, self._host.owners
        try:
            plan = firewall.plan(work.intent.networks, work.snapshot.network_of, owners.wanted_names())
        except KernelError as error:
            firewall.fail(error)
            plan = RulesPlan(is_right=True)
        work.plans.extend(plan.plans)
        if work.apply and plan:
            firewall.apply(plan)
            if plan.changed_by_others and firewall.problem is None:
                text = f"put {len(plan.add):,} entries of port security back into table bridge {TABLE.name} of nftables"
                work.mended.append(Mended(None, text))
        if work.apply:
            firewall.keep()
        self._by_groups(work)
        if firewall.problem is not None:
            why = f"port security is not in force, so the port stays closed: {firewall.problem}"
            work.closed.update(dict.fromkeys(firewall.closed(), why))
        return plan.late

    def _by_groups(self, work: Pass) -> None:
        """Put the rules of security groups in force. Where that fails, the ports that they are about stay closed."""
        wanted = self._host.owners.wanted_names()
        if (groups := self._groups(work)) is None:
            return
        try:
            plan = groups.plan(work.intent, work.snapshot.network_of, wanted)
        except KernelError as error:
            groups.fail(error)
            plan = None
        if plan is not None:
            work.plans.extend(plan.plans)
            if work.apply:
                groups.apply(plan)
                groups.keep()
                if plan.changed_by_others and groups.problem is None:
                    text = f"put the security groups' rules back into table bridge {GROUPS} of nftables"
                    work.mended.append(Mended(None, text))
        work.closed = groups.closed()

    def _groups(self, work: Pass) -> "GroupFirewall | None":
        """Security groups; None: no port has any, and no process before us has left rules of them."""
        host, networks = self._host, work.intent.networks
        if host.groups is not None:
            return host.groups
        before, self._without = self._without, dict(networks)
        if before is None and work.snapshot.network_of:
            with suppress(KernelError):  # a kernel without nftables has none of them
                if has_table(host.firewall.socket(), Table(GROUPS, (), ())):
                    return host.make_groups()
        known = before or {}
        for network_id, network in networks.items():
            if known.get(network_id) is not network and any(
                port.security_groups is not None for port in network.ports.values()
            ):
                return host.make_groups()
        return None

    def to_close(self, work: Pass) -> list[Network]:
        """The networks of devices whose rules have ceased to be in force."""
        before, self._closed = self._closed, frozenset(work.closed)
        if self._closed <= before:
            return []
        found = {self._host.owners.network_of_device(device) for device in self._closed - before}
        return [network for network_id, network in work.intent.networks.items() if network_id in found]

    def finish(self, work: Pass, late: frozenset[Element]) -> None:
        """Remove the rules of devices that are gone by now, `late` among them. Raises KernelError."""
        host, groups = self._host, self._host.groups
        if late:
            names = {link.name for link in links.dump_chosen_links(host.route(), DEVICE_GROUPS, ())}
            host.firewall.remove_late(late, names)
            if groups is not None:
                groups.remove_late(names)
        host.firewall.tidy()
        if groups is not None:
            groups.tidy()
            for bridge in groups.hook_bridges(host.route(), work.snapshot.links):
                work.mended.append(Mended(None, f"show the packets of bridge {bridge} to the hooks of IPv4 and IPv6"))
