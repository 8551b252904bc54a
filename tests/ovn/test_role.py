"""Called by the names of OVN's agents, netmend is that agent: for the server, in its log, and by its name alone."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.ovn.agent import HOME
from tests.ovn.central import CHASSIS, SOUTHBOUND, Central
from tests.waiting import wait_for

from netmend.sources.ovn.reports import METADATA_AGENT, OVN_AGENT, Kind, agent_id

SCRIPT = f"#!{sys.executable}\nfrom netmend.cli.main import main\nmain()\n"


@pytest.mark.parametrize(
    ("name", "kind", "other"),
    [("neutron-ovn-metadata-agent", METADATA_AGENT, OVN_AGENT), ("neutron-ovn-agent", OVN_AGENT, METADATA_AGENT)],
)
def test_called_by_an_agents_name(name: str, kind: Kind, other: Kind) -> None:
    program, file = Path("/run") / name, HOME / "neutron.conf"
    HOME.mkdir()
    program.write_text(SCRIPT)
    program.chmod(0o755)
    file.write_text(f"[DEFAULT]\nlog_dir = {HOME}\n[ovn]\novn_sb_connection = unix:{SOUTHBOUND}\n")
    places = ["--state-dir", str(HOME / "state"), "--runtime-dir", str(HOME / "runtime")]
    with Central(vswitchd=False, controller=False) as central:
        central.sbctl("chassis-add", CHASSIS, "geneve", "127.0.0.1")
        stale = f'external_ids:neutron\\:{other.id_key.removeprefix("neutron:")}="stale"'
        central.sbctl("create", "Chassis_Private", f"name={CHASSIS}", stale)
        process = subprocess.Popen([str(program), "--config-file", str(file), *places])
        try:
            wanted = {kind.id_key: agent_id(kind, CHASSIS), kind.number_key: "0"}
            wait_for(lambda: wanted.items() <= central.report().items(), "it reports", central.report)
            assert other.id_key not in central.report()
            assert "the southbound database answers" in (HOME / f"{name}.log").read_text()
        finally:
            process.terminate()
            process.wait()
