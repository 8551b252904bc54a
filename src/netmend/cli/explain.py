"""`netmend explain`: what a mount option means, before it runs."""

from typing import Annotated

from netmend.cli.command import Argument, Option
from netmend.cli.messages import refuse, say, say_json
from netmend.cli.options import Json
from netmend.propagation.explain import ENGINES, Explanation
from netmend.propagation.explain import explain as explained
from netmend.propagation.options.request import OptionError

CONTEXT_SETTINGS = {"ignore_unknown_options": True}  # -v and --mount are what is to be explained


def explain(
    options: Annotated[
        list[str],
        Argument(
            metavar="OPTION...",
            help="As in -v, --mount, Volume=, MountFlags=, mountPropagation:, mount --make-…, unshare …; or what the "
            "engine said.",
        ),
    ],
    engine: Annotated[
        str | None,
        Option("--engine", metavar="NAME", help=f"One of {', '.join(ENGINES)}; default: by its form."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a mount option does, and its pitfalls.

    It shows the mount(2) calls, what then travels which way, and which pitfalls apply. Several options are those of one
    container.

    Exit codes: 0 explained; 2 the engine would refuse an option, and the message is what it would say.
    """
    try:
        found = explained(options, engine)
    except OptionError as refused:
        refuse(f"{refused.option}: {refused}" if refused.option not in str(refused) else str(refused))
    if as_json:
        say_json(found.as_json())
    else:
        say("\n".join(_lines(found)))


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
