"""How long one network of 65,000 ports takes to load from a file, and to load again when the file changes.

python -m benchmarks.intent_load [--ports N] [--json FILE]

Reference: what PyYAML itself needs for the same text (CSafeLoader, which checks nothing and makes no addresses of
it), and the standard library's json for the same document. Times are processor time, the least of three.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from netmend.intent import Intent
from netmend.sources.file import IntentError, load


def document(ports: int) -> str:
    """An intent file of one network, as people write it: a block of seven lines a port."""
    lines = ["networks:", "  - name: large", "    subnets:", "      - cidr: 10.0.0.0/8", "        gateway: 10.0.0.1"]
    lines.append("    ports:")
    for number in range(ports):
        high, low = divmod(number + 256, 256)
        octets = f"{high >> 8}.{high & 255}.{low}"
        lines += [
            f"      - name: vm-{number}",
            f"        mac: fa:16:3e:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}",
            f"        fixed_ips: [10.{octets}]",
            f"        hostname: vm-{number}",
            "        plug:",
            f"          netns: guest-{number}",
        ]
    return "\n".join(lines) + "\n"


def least(run: Callable[[], object]) -> float:
    """Seconds of processor time, the least of three runs: it does all the work in one thread, and waits for nothing."""
    times = []
    for _ in range(3):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def shared(new: Intent, old: Intent) -> int:
    """How many ports of `new` are the very objects of `old`."""
    return sum(
        port is network.ports.get(port.id)
        for network in old.networks.values()
        for port in new.networks[network.id].ports.values()
    )


def refuse(path: Path) -> None:
    try:
        load(path)
    except IntentError:
        return
    raise AssertionError(f"{path} should have been refused")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ports", type=int, default=65_000)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()

    text = document(options.ports)
    loose = yaml.load(text, Loader=yaml.CBaseLoader)
    with tempfile.TemporaryDirectory() as directory:
        as_yaml, as_json, broken = (Path(directory, name) for name in ("intent.yaml", "intent.json", "broken.yaml"))
        as_yaml.write_text(text)
        as_json.write_text(json.dumps(loose))
        broken.write_text(text.replace("fixed_ips: [10.0.1.7]", "fixed_ips: [10.0.1.6]"))
        first = load(as_yaml)
        one_more = text + "      - name: one-more\n        fixed_ips: [10.255.0.1]\n"

        seconds = {
            "load YAML": least(lambda: load(as_yaml)),
            "reference: PyYAML CSafeLoader": least(lambda: yaml.load(text, Loader=yaml.CSafeLoader)),
            "load JSON": least(lambda: load(as_json)),
            "reference: json.loads": least(lambda: json.loads(as_json.read_bytes())),
            "load again, nothing changed": least(lambda: load(as_yaml, first)),
            "refuse a file with one mistake": least(lambda: refuse(broken)),
        }
        as_yaml.write_text(one_more)
        seconds["load again, one port more"] = least(lambda: load(as_yaml, first))
        kept = shared(load(as_yaml, first), first)

    print(f"one network of {options.ports:,} ports, {len(text) / 1e6:.1f} MB of YAML")
    for what, figure in seconds.items():
        print(f"{what:34} {figure:6.2f} s")
    for what, reference in (("YAML", "PyYAML CSafeLoader"), ("JSON", "json.loads")):
        ratio = seconds[f"load {what}"] / seconds[f"reference: {reference}"]
        print(f"{what} load / {reference}: {ratio:.2f}")
    print(f"ports that are the same objects after one was added: {kept:,}")
    if options.json:
        figures = {"ports": options.ports, "bytes": len(text), "seconds": seconds, "ports_kept": kept}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
