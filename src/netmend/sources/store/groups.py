"""The security groups and address groups that intent needs, in step with each commit at the cost of what it changed.

Intent has the groups that ports are in, those that the rules of these name, and the address groups of the rules. A port
that comes or goes changes the members of its groups alone.
"""

from collections.abc import Iterable, Mapping
from sqlite3 import Connection
from typing import TypeVar

from msgspec.structs import replace

from netmend.intent import AddressGroup, Port, SecurityGroup
from netmend.intent.members import Members, blocks_of
from netmend.intent.security_group import Block
from netmend.sources.store.group_values import address_group_value, group_value
from netmend.sources.store.transaction import documents

_NOBODY = Members()
_Value = TypeVar("_Value")


class Groups:
    """All groups of the store, as values, and those of them that intent has: `security_groups`, `address_groups`."""

    def __init__(self, connection: Connection, ports: Iterable[Port]) -> None:
        self._connection = connection
        self._membership = _Membership(ports)
        self._groups = {each["id"]: self._built(each) for each in documents(connection, "security_group", "1")}
        self._address_groups = {
            each["id"]: address_group_value(each) for each in documents(connection, "address_group", "1")
        }
        self.security_groups: Mapping[str, SecurityGroup] = {}
        self.address_groups: Mapping[str, AddressGroup] = {}
        self._choose()

    def use(self, connection: Connection) -> None:
        """Read by another connection from now on, which has the same."""
        self._connection = connection

    def note(self, known: Mapping[str, Port], changes: Mapping[str, Port | None]) -> None:
        """Ports that were as they are `known` have changed (None: is gone)."""
        for port_id, port in changes.items():
            self._membership.note(known.get(port_id), port)

    def settle(self, touched: Iterable[tuple[str, str]]) -> None:
        """Work off what was noted, and build groups of either kind anew that were `touched`, themselves or by their
        rules. The others stay the same objects."""
        members, is_other = self._membership.settle()
        anew = {group_id for kind, group_id in touched if kind == "security_group"}
        for group_id in anew:
            found = documents(self._connection, "security_group", "id = ?", group_id)
            self._put(self._groups, group_id, self._built(found[0]) if found else None)
        changed = {}
        for group_id in members - anew:
            if group_id in self._groups:
                changed[group_id] = replace(self._groups[group_id], members=self._membership.of(group_id))
        self._groups.update(changed)
        of_addresses = {group_id for kind, group_id in touched if kind == "address_group"}
        for group_id in of_addresses:
            found = documents(self._connection, "address_group", "id = ?", group_id)
            self._put(self._address_groups, group_id, address_group_value(found[0]) if found else None)
        if anew or of_addresses or is_other:
            self._choose()
        elif changed:
            known = {key: group for key, group in changed.items() if key in self.security_groups}
            self.security_groups = {**self.security_groups, **known}

    def _choose(self) -> None:
        """Find the groups that intent has."""
        used = {group_id for group_id in self._membership.groups if group_id in self._groups}
        rules = [rule for group_id in used for rule in self._groups[group_id].rules]
        used |= {rule.remote_group_id for rule in rules if rule.remote_group_id}
        named = {rule.remote_address_group_id for rule in rules if rule.remote_address_group_id}
        self.security_groups = {group_id: self._groups[group_id] for group_id in sorted(used)}
        self.address_groups = {group_id: self._address_groups[group_id] for group_id in sorted(named)}

    def _built(self, group: dict[str, object]) -> SecurityGroup:
        rules = documents(self._connection, "security_group_rule", "security_group_id = ?", group["id"])
        return group_value(group, rules, self._membership.of(str(group["id"])))

    @staticmethod
    def _put(values: dict[str, _Value], key: str, value: _Value | None) -> None:
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value


class _Membership:
    """The members of every group that a port is in."""

    def __init__(self, ports: Iterable[Port]) -> None:
        blocks: dict[str, list[Block]] = {}
        self._ports: dict[str, int] = {}  # their number, by group
        for port in ports:
            for group_id in port.security_groups or ():
                blocks.setdefault(group_id, []).extend(blocks_of(port))
                self._ports[group_id] = self._ports.get(group_id, 0) + 1
        self._members = {group_id: Members(found) for group_id, found in blocks.items()}
        self._come: dict[str, list[Block]] = {}
        self._gone: dict[str, list[Block]] = {}
        self._before: dict[str, int] = {}  # the numbers of ports at the last settlement, of groups that were noted

    @property
    def groups(self) -> Iterable[str]:
        """The groups that a port is in."""
        return self._ports.keys()

    def of(self, group_id: str) -> Members:
        return self._members.get(group_id, _NOBODY)

    def note(self, before: Port | None, after: Port | None) -> None:
        """A port was `before` and is `after` (None: is not there)."""
        if before is after:
            return
        for port, found, difference in ((before, self._gone, -1), (after, self._come, 1)):
            if port is None or not port.security_groups:
                continue
            blocks = blocks_of(port)
            for group_id in port.security_groups:
                found.setdefault(group_id, []).extend(blocks)
                number = self._ports.get(group_id, 0)
                self._before.setdefault(group_id, number)
                self._ports[group_id] = number + difference

    def settle(self) -> tuple[set[str], bool]:
        """Work off what was noted: the groups that have other members now, and whether other groups have ports."""
        changed = set()
        for group_id in {*self._come, *self._gone}:
            before = self.of(group_id)
            after = before.evolve(self._come.get(group_id, ()), self._gone.get(group_id, ()))
            if after is not before:
                self._members[group_id] = after
                changed.add(group_id)
        is_other = any(bool(self._ports[group_id]) != bool(number) for group_id, number in self._before.items())
        for group_id in self._before:
            if not self._ports[group_id]:
                del self._ports[group_id]
                self._members.pop(group_id, None)
        self._come, self._gone, self._before = {}, {}, {}
        return changed, is_other
