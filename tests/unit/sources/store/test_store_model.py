"""The store against a model: whatever is written in whatever order, addresses and MACs are unique, nothing goes while
it is in use, every success is a revision, and the intent kept by changes equals the one read anew."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from tests.unit.sources.store.writes import add_network, add_port, add_subnet

from netmend.intent.names import dhcp_port_id
from netmend.sources.store import RefusedError, Store, networks, ports, subnets
from netmend.sources.store.transaction import Document, Transaction

CIDRS = ("10.0.0.0/29", "10.0.0.8/30", "10.0.0.0/28", "2001:db8::/64", "2001:db8:1::/64")
ADDRESSES = st.integers(0, 12).map(lambda number: f"10.0.0.{number}") | st.just("2001:db8::9")
MACS = st.integers(0, 4).map(lambda number: f"fa:16:3e:00:00:0{number}")
WISHES = st.none() | st.lists(ADDRESSES, max_size=2)
PLUGS = st.sampled_from([{}, {"plug": {"netns": "guest"}}, {"plug": {"pid": 7, "device": "lan0"}}])


class StoreMachine(RuleBasedStateMachine):
    networks = Bundle("networks")
    subnets = Bundle("subnets")
    ports = Bundle("ports")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory(prefix="netmend-store-")
        self.path = Path(self.directory.name) / "store.sqlite"
        self.store = Store(self.path)
        self.told: list[Any] = []
        self.store.listen(self.told.append)
        self.model: dict[str, dict[str, Document]] = {"network": {}, "subnet": {}, "port": {}}

    def teardown(self) -> None:
        self.store.close()
        self.directory.cleanup()

    def write(self, kind: str, work: Any) -> Document | None:
        """The object as it is now; None when it was refused."""
        try:
            found: Document | None = self.store.write(work).result()
        except RefusedError as error:
            assert error.status in (400, 404, 409, 412)
            return None
        if found is not None:
            before = self.model[kind].get(found["id"])
            assert before is None or found["revision_number"] > before["revision_number"]
            self.model[kind][found["id"]] = found
        return found

    @rule(target=networks, up=st.booleans())
    def create_network(self, up: bool) -> str:
        found = self.write("network", lambda tx: add_network(tx, admin_state_up=up))
        assert found is not None
        return str(found["id"])

    @rule(network=networks, up=st.booleans(), name=st.sampled_from(["", "a", "b"]))
    def update_network(self, network: str, up: bool, name: str) -> None:
        values = {"admin_state_up": up, "name": name}
        found = self.write("network", lambda tx: networks.update(tx, network, values))
        assert (found is None) == (network not in self.model["network"])

    @rule(network=networks)
    def delete_network(self, network: str) -> None:
        used = [port for port in self.model["port"].values() if port["network_id"] == network]
        known = network in self.model["network"]
        try:
            self.store.write(lambda tx: networks.delete(tx, network)).result()
        except RefusedError as error:
            assert (error.kind, bool(used)) == ("NetworkInUse", True) if known else error.kind == "NetworkNotFound"
            return
        assert known
        assert not used
        del self.model["network"][network]
        self.model["subnet"] = {
            key: subnet for key, subnet in self.model["subnet"].items() if subnet["network_id"] != network
        }

    @rule(target=subnets, network=networks, cidr=st.sampled_from(CIDRS), dhcp=st.booleans(), mode=st.booleans())
    def create_subnet(self, network: str, cidr: str, dhcp: bool, mode: bool) -> str:
        fields: dict[str, Any] = {"enable_dhcp": dhcp}
        if mode and dhcp and ":" in cidr:
            fields |= {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
        found = self.write("subnet", lambda tx: add_subnet(tx, {"id": network}, cidr, **fields))
        return str(found["id"]) if found else "none"

    @rule(subnet=subnets, dhcp=st.booleans(), gateway=st.none() | ADDRESSES)
    def update_subnet(self, subnet: str, dhcp: bool, gateway: str | None) -> None:
        values = {"enable_dhcp": dhcp, "gateway_ip": gateway}
        self.write("subnet", lambda tx: subnets.update(tx, subnet, dict(values)))

    @rule(subnet=subnets)
    def delete_subnet(self, subnet: str) -> None:
        try:
            self.store.write(lambda tx: subnets.delete(tx, subnet)).result()
        except RefusedError:
            return
        del self.model["subnet"][subnet]

    @rule(
        target=ports,
        network=networks,
        mac=st.none() | MACS,
        wish=st.none() | st.lists(ADDRESSES, max_size=2),
        plug=PLUGS,
    )
    def create_port(self, network: str, mac: str | None, wish: list[str] | None, plug: Any) -> str:
        fixed = None if wish is None else [{"ip_address": address} for address in wish]
        fields = {"mac_address": mac, "fixed_ips": fixed, "netmend": plug}
        found = self.write("port", lambda tx: add_port(tx, {"id": network}, **fields))
        return str(found["id"]) if found else "none"

    @rule(port=ports, mac=MACS, wish=WISHES, up=st.booleans())
    def update_port(self, port: str, mac: str, wish: list[str] | None, up: bool) -> None:
        values: dict[str, Any] = {"mac_address": mac, "admin_state_up": up}
        if wish is not None:
            values["fixed_ips"] = [{"ip_address": address} for address in wish]
        self.write("port", lambda tx: ports.update(tx, port, dict(values)))

    @rule(port=ports)
    def delete_port(self, port: str) -> None:
        try:
            self.store.write(lambda tx: ports.delete(tx, port)).result()
        except RefusedError as error:
            assert error.kind == "PortNotFound"
            assert port not in self.model["port"]
            return
        del self.model["port"][port]

    @rule(network=networks)
    def fail_half_way(self, network: str) -> None:
        """A write that is refused after it has changed something changes nothing."""

        def work(tx: Transaction) -> None:
            add_port(tx, {"id": network})
            raise RefusedError("Enough", 400, "enough")

        try:
            self.store.write(work).result()
        except RefusedError:
            return
        raise AssertionError("it was not refused")

    @invariant()
    def rows_are_what_was_answered(self) -> None:
        own = {dhcp_port_id(network) for network in self.model["network"]}
        for kind, known in self.model.items():
            rows = {
                key: json.loads(text) for key, text in self.store.read().execute(f"SELECT id, document FROM {kind}")
            }
            assert rows.keys() - own == known.keys()
        documents = {key: json.loads(text) for key, text in self.store.read().execute("SELECT id, document FROM port")}
        held = [(port["network_id"], entry["ip_address"]) for port in documents.values() for entry in port["fixed_ips"]]
        assert len(held) == len(set(held)) == self.store.read().execute("SELECT count(*) FROM address").fetchone()[0]
        macs = [(port["network_id"], port["mac_address"]) for port in documents.values()]
        assert len(macs) == len(set(macs))
        self.model["port"] = {key: port for key, port in documents.items() if key not in own}

    @invariant()
    def intent_is_what_is_stored(self) -> None:
        again = Store(self.path)
        try:
            assert again.intent == self.store.intent
        finally:
            again.close()
        if self.told:
            assert self.told[-1] is self.store.intent


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
