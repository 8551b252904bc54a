"""`netmend explain`: what a mount option means, before it runs."""

import json
from typing import Annotated

import typer

from netmend.propagation.explain import ENGINES, Explanation
from netmend.propagation.explain import explain as explained
from netmend.propagation.options.request import OptionError


def explain(
    options: Annotated[
        list[str], typer.Argument(metavar="OPTION...", help="as in -v, --mount, Volume=, MountFlags=, mount --make-…")
    ],
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="NAME", help=f"{', '.join(ENGINES)}; else by the option's form")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Show the mount(2) calls an option leads to, what then travels which way, and which pitfalls apply.

    Several options are those of one container. Exit code 2: the engine would refuse it, and this is what it says.
    """
    try:
        found = explained(options, engine)
    except OptionError as refused:
        typer.echo(f"{refused.option}: {refused}" if refused.option not in str(refused) else str(refused), err=True)
        raise typer.Exit(2) from None
    typer.echo(json.dumps(found.as_json()) if as_json else "\n".join(_lines(found)))


def _lines(found: Explanation) -> list[str]:
    lines = [f"{found.engine}: {' '.join(found.options)}", ""]
    if found.calls:
        lines.append("Calls, in order:" if not found.requests else "Calls of the runtime, in order:")
        for call in found.calls:
            condition = " (only where that mount is shared)" if call.only_if_shared else ""
            lines += [f"  {call.spelled}", f"      {call.why}{condition}"]
        lines.append("")
    if found.travels:
        lines += ["What travels:", *(f"  {line}" for line in found.travels), ""]
    if found.pitfalls:
        lines.append("Pitfalls:")
        for pitfall in found.pitfalls:
            lines += [f"  {pitfall.id}: {pitfall.text}", f"      mend: {pitfall.mend}"]
    return lines if lines[-1] else lines[:-1]


if __name__ == "__main__":
    typer.run(explain)
