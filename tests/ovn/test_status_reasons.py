"""Status says why the southbound database is not followed, while guests are served by what was last known."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.kernel.vswitch import VSwitch
from tests.ovn.agent import HOME, Agent
from tests.ovn.central import CHASSIS, network_id
from tests.ovn.filled import network_rows
from tests.ovn.southbound import RUN, SCHEMA, Database, chassis, chassis_row, insert
from tests.unit.services.metadata.io.certificates import make_certificates
from tests.waiting import wait_for

from netmend.node.http.status_client import NoNode, ask


@contextmanager
def one_network_known() -> Iterator[None]:
    """The state of a node that has known one network of the database's, and has ended."""
    with VSwitch(vswitchd=False) as switch, Database().create() as database:
        switch.vsctl("--no-wait", "set", "Open_vSwitch", ".", f"external-ids:system-id={CHASSIS}")
        database.transact(insert("SB_Global", {"nb_cfg": 1}), *chassis(CHASSIS))
        database.transact(*network_rows(1, chassis_row(database, CHASSIS)))
        with Agent(database.remote) as agent:
            agent.wait_served(network_id(1))
        yield


def wait_for_reason(agent: Agent, why: str) -> None:
    """Until status gives this reason; the network is served all the while."""
    status = agent.wait(lambda found: why in str(found["intent"]["problem"]), f"the reason: {why}")
    assert "what is served is as it was at" in status["intent"]["problem"]
    agent.wait_served(network_id(1))


@pytest.mark.parametrize(
    ("expired", "why"), [("client", "has expired; give it a new one"), ("server", "certificate has expired")]
)
def test_a_certificate_that_has_expired(expired: str, why: str) -> None:
    with one_network_known():
        made = make_certificates(RUN, expired=expired)
        files = (f"--private-key={made.server_key}", f"--certificate={made.server}", f"--ca-cert={made.authority}")
        ours = f"ovn_sb_private_key = {made.client_key}\novn_sb_certificate = {made.client}\n"
        ours += f"ovn_sb_ca_cert = {made.authority}"
        with (
            Database("tls", *files, "--remote=pssl:16642:127.0.0.1").create(),
            Agent("ssl:127.0.0.1:16642", ours) as agent,
        ):
            wait_for_reason(agent, why)


def test_another_database_at_that_port() -> None:
    with one_network_known():
        other = Database("nb")
        schema = RUN / "nb.ovsschema"
        schema.write_text('{"name": "OVN_Northbound", "version": "1.0.0", "tables": {}}')
        with other.create("create", str(other.file), str(schema)), Agent(other.remote) as agent:
            wait_for_reason(agent, "it has no database OVN_Southbound, but OVN_Northbound; is its port the right one?")


def test_a_server_that_its_cluster_has_lost_and_one_that_is_killed() -> None:
    with one_network_known():
        first, second = Database("s1"), Database("s2")
        first.create("create-cluster", str(first.file), str(SCHEMA), "tcp:127.0.0.1:16641")
        with first, Agent(first.remote) as agent:
            second.create(
                "join-cluster", str(second.file), "OVN_Southbound", "tcp:127.0.0.1:16642", "tcp:127.0.0.1:16641"
            )
            with second:
                wait_for(lambda: "Status: cluster member" in second.control("cluster/status", "OVN_Southbound"), "two")
                wait_for_reason(agent, f"the database has no chassis {CHASSIS}: is ovn-controller running")
            wait_for_reason(agent, "this server is cut off from its cluster")
            first.end()
            wait_for_reason(agent, "nobody listens there")


def test_a_node_that_knows_nothing_yet_says_why() -> None:
    """What it made before stays meanwhile: it does not know that nobody wants it."""
    path = HOME / "runtime" / "netmend.sock"

    def said(agent: Agent) -> str:
        assert agent.process.poll() is None, agent.text()
        try:
            ask(path)
        except NoNode as why:
            return str(why)
        return ""

    with VSwitch(vswitchd=False) as switch, Agent("tcp:127.0.0.1:16649") as agent:
        wait_for(lambda: "no external_ids:system-id" in said(agent), "no chassis", lambda: said(agent))
        switch.vsctl("--no-wait", "set", "Open_vSwitch", ".", f"external-ids:system-id={CHASSIS}")
        wait_for(lambda: "nobody listens there" in said(agent), "no database", lambda: said(agent))
        assert "the node runs, and knows no networks yet" in said(agent)
        with Database("sb", "--remote=ptcp:16649:127.0.0.1").create() as database:
            database.transact(insert("SB_Global", {"nb_cfg": 1}), *chassis(CHASSIS))
            database.transact(*network_rows(1, chassis_row(database, CHASSIS)))
            agent.wait_served(network_id(1))
