"""netmend beside neutron-dhcp-agent of the same release: same server, same networks, one run.

Runs inside tools/neutron: `make bench-neutron [ARGS='--networks 10 100 --strays 1000 --json FILE']`. Every figure is of
both, netmend last, with the ratio. What each is:

- cold: from the agent's start, without a trace of it on host or server, until all networks are served;
- restart: the same with all in place, until the agent says that it is in step (Neutron's log:
  `Synchronizing state complete`);
- cpu: user and system seconds of the agent and its helpers in a cold start;
- rpc: how long netmend had a call to the server under way in its cold start; `net` figures are less this, for both;
- answer: from `POST /ports` to the first DHCP offer for that port, alone, and while ports come 50 at a time; `api` is
  when the server had answered the request, and `after_api` what of it came later, 0 where the offer was the sooner;
- memory: resident, and processes, of the agent and its helpers, with all networks served;
- routed: metadata by way of a router, asked at the socket where the L3 agent's haproxies ask: one request alone, the
  sixty of a guest that boots, and 240 of 8 guests at once;
- strays: a cold start beside so many tap ports on the switch that nobody wants;
- incident: ports of the switch, and devices of the host, beyond one a network after so many resyncs of Neutron's, where
  the namespace of one network is a name without a namespace, and whether that one is served; netmend has as long.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.neutron_agents import LIMIT, Netmends, Neutrons, Subject, clean, cpu, progress, resident, timed
from benchmarks.neutron_answers import measure_answers
from benchmarks.neutron_routed import measure_routed_metadata
from tests.neutron.agents import is_running, start_neutrons, stop_neutrons
from tests.neutron.cloud import Cloud, Resource, call
from tests.neutron.guests import run
from tests.waiting import wait_for


def measure_starts(subject: Subject, networks: list[Resource]) -> dict[str, Any]:
    clean(subject, networks)
    progress(subject, f"start without a trace, {len(networks)} networks")
    found: dict[str, Any] = {"cold_s": timed(subject.start, lambda: subject.is_serving(networks))}
    found["cpu_s"] = cpu(subject.processes())
    wait_for(subject.is_in_step, "the agent to be in step", seconds=LIMIT)
    if isinstance(subject, Netmends):
        found["cold_rpc_s"] = subject.calls_seconds()
    pids = subject.processes()
    found["processes"], found["resident_mb"] = len(pids), resident(pids)
    subject.stop()
    progress(subject, f"restart with all in place, {len(networks)} networks")
    found["restart_s"] = timed(subject.start, lambda: subject.is_serving(networks) and subject.is_in_step())
    if isinstance(subject, Netmends):
        found["restart_rpc_s"] = subject.calls_seconds()
    return found


@contextmanager
def strays(count: int) -> Iterator[None]:
    """Ports of the switch that nobody wants, in transactions of a hundred. The switch has made them all in the block,
    and deleted them all behind it."""
    names = [f"tap{number:08x}-00" for number in range(0xBAD00000, 0xBAD00000 + count)]
    for verb in ("add-port", "del-port"):
        if verb == "del-port":
            yield
        for start in range(0, count, 100):
            words: list[str] = []
            for name in names[start : start + 100]:
                words += ["--", verb, "br-int", name]
                if verb == "add-port":
                    words += ["--", "set", "Interface", name, "type=internal"]
            run("ovs-vsctl", "--no-wait", *words, timeout=LIMIT)
        run("ovs-vsctl", "set", "Open_vSwitch", ".", f"external_ids:bench={verb}", timeout=3 * LIMIT)  # waits for it


def measure_incident(subject: Subject, networks: list[Resource], rounds: int, seconds: float) -> dict[str, Any]:
    """What is there beyond one port a network, where the name of one leads nowhere, after so many resyncs of Neutron's
    agent, or, for netmend, as many seconds as these took."""
    network = networks[0]
    clean(subject, networks)
    progress(subject, "in the incident's state")
    before = devices()
    Path(f"/run/netns/qdhcp-{network['id']}").touch()
    began = time.monotonic()
    subject.start()
    while time.monotonic() - began < (LIMIT if isinstance(subject, Neutrons) else seconds):
        if isinstance(subject, Neutrons) and subject.resyncs() >= rounds:
            break
        time.sleep(0.5)
    seconds = time.monotonic() - began
    after = devices()
    served = subject.is_serving([network])
    resyncs = subject.resyncs() if isinstance(subject, Neutrons) else subject.status()["intent"]["syncs"]
    subject.stop()
    run("ip", "netns", "del", f"qdhcp-{network['id']}", check=False)
    Path(f"/run/netns/qdhcp-{network['id']}").unlink(missing_ok=True)
    return {
        "incident_s": f"{seconds:.0f}",
        "incident_resyncs": resyncs,
        "incident_surplus": max(0, len(after - before) - len(networks)),
        "incident_served": served,
    }


def devices() -> set[str]:
    """Ports of the switch and devices of the host, by name."""
    links = {line.split()[1].rstrip(":") for line in run("ip", "-o", "link").splitlines()}
    return links | set(run("ovs-vsctl", "list-ports", "br-int").split())


def make_networks(cloud: Cloud, networks: list[Resource], count: int) -> None:
    """Up to `count` networks, given to this host: the server gives them to an agent that it knows to be alive."""
    switch = "agents?agent_type=Open%20vSwitch%20agent&alive=true"
    wait_for(lambda: call("GET", switch)["agents"], "Neutron's agent for the switch", seconds=60)
    agent = Netmends()
    agent.start()
    wait_for(agent.is_in_step, "an agent to be there", seconds=60)
    while len(networks) < count:
        networks.append(cloud.network())
        cloud.subnet(networks[-1], f"10.{100 + len(networks) // 256}.{len(networks) % 256}.0/24")
    wait_for(lambda: agent.is_serving(networks), "the networks to be given to this host", seconds=LIMIT)
    agent.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--networks", type=int, nargs="+", default=[10])
    parser.add_argument("--strays", type=int, nargs="*", default=[])
    parser.add_argument("--incident", type=int, default=50, metavar="RESYNCS")
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    for name in ("dhcp", "netmend", "metadata"):
        stop_neutrons(name)
    if not is_running("ovs"):
        start_neutrons("ovs")
    figures: dict[str, dict[str, Any]] = {}
    with Cloud() as cloud:
        networks: list[Resource] = []
        for count in sorted(wanted.networks):
            make_networks(cloud, networks, count)
            for subject in (Neutrons(), Netmends()):
                figures.setdefault(subject.name, {})[f"{count} networks"] = found = measure_starts(subject, networks)
                if count == min(wanted.networks):
                    progress(subject, "from POST /ports to the first offer")
                    found |= measure_answers(cloud, networks[0], alone=5, together=50)
                    subject.stop()
                    progress(subject, "metadata by way of a router")
                    found |= measure_routed_metadata(cloud, subject)
                subject.stop()
                clean(subject, networks)
            if count == min(wanted.networks) and wanted.incident:
                seconds = 0.0
                for subject in (Neutrons(), Netmends()):
                    found = measure_incident(subject, networks, wanted.incident, seconds)
                    figures[subject.name][f"{count} networks"] |= found
                    seconds = float(found["incident_s"])
                    clean(subject, networks)
            for stray in wanted.strays if count == min(wanted.networks) else ():
                with strays(stray):
                    for subject in (Neutrons(), Netmends()):
                        progress(subject, f"start beside {stray} stray taps")
                        found = {
                            f"beside_{stray}_strays_s": timed(subject.start, partial(subject.is_serving, networks))
                        }
                        figures[subject.name][f"{count} networks"] |= found
                        subject.stop()
                        clean(subject, networks)
    show(figures)
    if wanted.json:
        wanted.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def show(figures: dict[str, dict[str, Any]]) -> None:
    theirs, ours = figures[Neutrons.name], figures[Netmends.name]
    for count, found in theirs.items():
        for key, value in list(found.items()):
            own = ours[count].get(key)
            ratio = ""
            if key != "answer_alone_api_s" and isinstance(value, float) and isinstance(own, float) and own:
                ratio = f"{value / own:8.1f} x"
                if key in ("cold_s", "restart_s"):
                    rpc = ours[count][key.replace("_s", "_rpc_s")]
                    net = max(own - rpc, 0.001)
                    ratio += f"   net of rpc: {value - rpc:.2f} / {net:.2f} = {(value - rpc) / net:.1f} x"
            print(f"{count:14} {key:28} {_text(value):>10} {_text(own):>10} {ratio}")
        for key in ours[count].keys() - found.keys():
            print(f"{count:14} {key:28} {'':>10} {_text(ours[count][key]):>10}")
    print(f"{'':14} {'':28} {'Neutron':>10} {'netmend':>10}")


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    if not shutil.which("agents-up"):
        sys.exit("runs inside the sandbox: make bench-neutron")
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(str(error))
