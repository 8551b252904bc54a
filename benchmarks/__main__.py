"""Runs benchmarks, prints each figure with its reference and their ratio, and writes results/NAME.json and RESULTS.md.

python -m benchmarks [NAME...] [--quick] [--list]

Everything happens in sandboxes and leaves nothing behind; no privileges are needed, but the figures to quote are
root's. Exit code 0: all ran, whatever they found; 1: one did not run; 2: no benchmark of that name.
"""

import argparse
import compileall
import os
import shlex
import subprocess
import sys
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from benchmarks.record import Record, machine, write
from benchmarks.report import aim_text, sample_text, write_report

import netmend

ROOT = Path(__file__).parents[1]
MEASURED = (
    "cold_start",
    "restart",
    "start",
    "rubbish",
    "change",
    "dhcp",
    "dhcp_core",
    "dhcp6",
    "dhcp6_core",
    "dns",
    "api",
    "memory",
    "fairness",
    "metadata",
    "down",
    "sweep",
    "ovs",
    "routers",
    "security_groups",
    "services",
    "answerer",
)
# Benchmarks that print in a form of their own: their arguments, and those of a quick run.
PRINTED: dict[str, tuple[list[str], list[str]]] = {
    "doctor": ([], ["100", "100"]),
    "intent_load": ([], ["--ports", "5000"]),
    "mountinfo": ([], []),
    "timeline": ([], ["--megabytes", "16"]),
}


def run_printed(name: str, *, quick: bool) -> Record:
    command = [sys.executable, "-m", f"benchmarks.{name}", *PRINTED[name][quick]]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    title = (import_module(f"benchmarks.{name}").__doc__ or name).split("\n\n")[0].replace("\n", " ")
    return Record(title.rstrip("."), text=done.stdout)


def run_one(name: str, *, quick: bool) -> Record:
    if name in PRINTED:
        return run_printed(name, quick=quick)
    record = import_module(f"benchmarks.{name}").measure(quick=quick)
    assert isinstance(record, Record)
    return record


def show(name: str, record: Record) -> None:
    print(f"{name}: {record.title}")
    for figure in record.figures:
        line = f"  {figure.what:58} {sample_text(asdict(figure.ours), figure.unit):>30}"
        if figure.reference is not None and figure.ratio is not None:
            line += f"  reference {sample_text(asdict(figure.reference), figure.unit):>30}  ratio {figure.ratio:.2f}"
        print(f"{line}  {aim_text(figure.as_json())}".rstrip())
    if record.text:
        print("  " + record.text.rstrip().replace("\n", "\n  "))
    for note in record.notes:
        print(f"  ({note})")
    print(flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run; default: all")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter, to see that they run")
    parser.add_argument("--list", action="store_true", help="print the names and do nothing")
    options = parser.parse_args()
    known = [*MEASURED, *PRINTED]
    if options.list:
        print("\n".join(known))
        return 0
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    tools = str(ROOT / ".tools" / "bin")
    if tools not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join((tools, os.environ.get("PATH", "")))
    # As an installation does: where the environment keeps Python from it, each start would compile netmend anew.
    compileall.compile_dir(Path(netmend.__file__).parent, quiet=1)
    code = 0
    for name in options.names or known:
        command = shlex.join(["python", "-m", "benchmarks", name, *(["--quick"] if options.quick else [])])
        facts, start = machine(), time.monotonic()
        try:
            record = run_one(name, quick=options.quick)
        except Exception as error:
            print(f"{name}: did not run: {type(error).__name__}: {error}", file=sys.stderr)
            code = 1
            continue
        show(name, record)
        write(name, record, command, facts, time.monotonic() - start, quick=options.quick)
        write_report()
    return code


if __name__ == "__main__":
    sys.exit(main())
