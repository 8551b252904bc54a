"""`netmend status` where standard output is a pipe: nothing is cut, whatever the width of a terminal would be."""

from tests.kernel.cli.test_main import INTENT, netmend, node, write_intent

NAME = "a-network-with-a-name-" + "of-many-words-" * 6 + "indeed"


def test_a_line_for_each_network_and_each_port_whole() -> None:
    with node(write_intent(INTENT.replace("name: blue", f"name: {NAME}").replace("name: one", f"name: {NAME}-port"))):
        (row,) = [line for line in netmend("status", code=0).stdout.splitlines() if line.startswith(NAME)]
        assert row.split()[2] == "served"
        shown = netmend("status", NAME, code=0).stdout.splitlines()
        (row,) = [line for line in shown if line.startswith(f"{NAME}-port")]
        assert row.split()[1:3] == ["fa:16:3e:00:00:01", "10.0.0.11"]
        assert not any(line.endswith("…") for line in shown)
