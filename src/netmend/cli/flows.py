"""`netmend flows`: what this host's Open vSwitch does with packets; it only looks."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import click

from netmend.cli.command import Argument, Option, command
from netmend.cli.messages import name_command, refuse_on, say, say_json
from netmend.cli.options import Json, Ovsdb
from netmend.flows.audit import Finding, by_effect
from netmend.flows.audit import audit as audit_of
from netmend.flows.lookup import Packet
from netmend.flows.packet import BadPacket, complete, packet_text, parse_packet
from netmend.flows.places import NoPort, find_port
from netmend.flows.report import show_document, show_lines, trace_document, trace_lines
from netmend.flows.switch import Switch, number_of
from netmend.reconcile.flows.intent_audit import against_intent
from netmend.reconcile.flows.observe import DATABASE, ask_both, observe, run_directory


@click.group("flows", no_args_is_help=True)
@click.pass_context
def flows(context: click.Context) -> None:
    """Show which way packets take through Open vSwitch, and why."""
    name_command(f"netmend flows {context.invoked_subcommand}")


class Connection(StrEnum):
    """What connection tracking says of a packet, each time that it is asked."""

    new = "new"
    established = "established"
    answer = "answer"
    related = "related"
    invalid = "invalid"


_STATES = {
    Connection.new: 0x21,
    Connection.established: 0x22,
    Connection.answer: 0x2A,
    Connection.related: 0x24,
    Connection.invalid: 0x30,
}
_TIMES = 8  # that a packet may be tracked on its way
Port = Annotated[
    str | None, Argument(metavar="[PORT]", help="A port's name, number, or id in Neutron, or the id's beginning.")
]


def _verb(function: Callable[..., None]) -> Callable[..., None]:
    made = command(function)
    made.short_help = " ".join(str(function.__doc__).split("\n\n")[0].split())
    flows.add_command(made)
    return function


@_verb
def show(port: Port = None, ovsdb: Ovsdb = None, as_json: Json = False) -> None:
    """Say every flow of every bridge in words, by port; with PORT, only what is about that port.

    Exit codes: 0 shown; 2 the switch does not answer, or has no such port.
    """
    remote = ovsdb or DATABASE
    with refuse_on(NoPort):
        switch = observe(remote, run_directory(remote))
        chosen = find_port(switch, port)[1] if port is not None else None
    if as_json:
        say_json(show_document(switch, chosen), indent=2)
        return
    for line in show_lines(switch, chosen):
        say(line)


@_verb
def trace(
    port: Annotated[str, Argument(metavar="PORT", help="The port that the packet comes from; as for show.")],
    packet: Annotated[
        str,
        Argument(metavar="PACKET", help="As ovs-ofctl has it: tcp,dl_dst=MAC,nw_src=IP,nw_dst=IP,tp_dst=80."),
    ],
    connection: Annotated[
        Connection, Option("--connection", help="What connection tracking says of the packet.")
    ] = Connection.new,
    ovsdb: Ovsdb = None,
    as_json: Json = False,
) -> None:
    """Follow a packet from PORT through the flows, and say the verdict and why; nothing is sent.

    netmend follows it by its own model of the flows, and asks the switch for its own (ofproto/trace). A source MAC that
    PACKET leaves open is the port's.

    Exit codes: 0 both agree; 1 they differ, or the model is in doubt; 2 bad input, or the switch does not answer.
    """
    remote = ovsdb or DATABASE
    with refuse_on(NoPort, BadPacket):
        asked = parse_packet(packet)

        def place(switch: Switch) -> tuple[str, Packet]:
            bridge, source = find_port(switch, port)
            return bridge.name, complete(asked, mac=source.guest_mac) | {"in_port": number_of(source, bridge.name)}

        tracked = [_STATES[connection]] * _TIMES
        switch, ours, found = ask_both(remote, run_directory(remote), place, tracked)
        source, sent = find_port(switch, port)[1], place(switch)[1]
    if as_json:
        say_json(trace_document(switch, source, packet_text(sent), ours, found), indent=2)
    else:
        say(f"{source.name} sends {packet_text(sent)}")
        for line in trace_lines(switch, ours, found):
            say(line)
    raise click.exceptions.Exit(1 if found or ours.doubts else 0)


@_verb
def audit(
    files: Annotated[
        list[Path] | None,
        Option("--config-file", metavar="FILE", help="Neutron's configuration: its server is asked too; repeat it."),
    ] = None,
    ovsdb: Ovsdb = None,
    as_json: Json = False,
) -> None:
    """Say what the switch lets pass that it must not, and what it blocks, by its database and its flows.

    Guests' ports without a VLAN, or without the firewall that others have; networks that share a local VLAN; tunnels
    that lead into another; packets that must not pass and do; flows of ports that are gone. With --config-file, also
    packets on both sides of each address and rule that Neutron's server has for the ports here.

    Exit codes: 0 nothing is wrong; 1 something is, and was printed; 2 the switch or the server does not answer.
    """
    remote = ovsdb or DATABASE
    with refuse_on():
        switch = observe(remote, run_directory(remote))
    findings = audit_of(switch)
    if files:
        findings = by_effect([*findings, *_against_server(switch, files)])
    if as_json:
        say_json({"findings": [finding.as_json() for finding in findings]}, indent=2)
    else:
        for line in (line for finding in findings for line in finding.lines()):
            say(line)
        if not findings:
            say("Nothing is wrong.")
    raise click.exceptions.Exit(1 if findings else 0)


def _against_server(switch: Switch, files: list[Path]) -> list[Finding]:
    """Findings beside what Neutron's server wants of the ports that are here."""
    from netmend.sources.neutron.configuration import configuration  # slow to load, as is the client of its brokers
    from netmend.sources.neutron.filtering import filtering_of
    from netmend.sources.neutron.rpc import Server, ServerError
    from netmend.sources.problem import SourceError

    ids = [port.neutron_id for bridge in switch.bridges.values() for port in bridge.ports if port.neutron_id]
    with refuse_on(SourceError, ServerError):
        found = configuration(files)
        server = Server(found.conf, found.policy.host)
        try:
            wanted = filtering_of(server.pull, ids)
        finally:
            server.close()
    return list(against_intent(switch, wanted.ports, wanted.groups))
