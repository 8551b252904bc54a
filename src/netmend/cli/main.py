"""`netmend`: finds the verb, and sees to it that no traceback reaches a user."""

import os
import sys
from importlib import import_module

import typer

# Each verb is one file, loaded only when it is called: start-up time is part of the time to a guest's first answer.
VERBS = {
    "demo": "two isolated networks and four guests, in a sandbox that leaves the host untouched",
    "run": "serve networks from a file or the store, in the foreground",
    "agent": "serve the networks that Neutron gives to this host, in the place of its agents",
    "plan": "show what would change, and do nothing",
    "status": "ask the running node",
    "attach": "join a guest to a port of the store: a process, namespace, container or VM",
    "detach": "take a port of the store out of its guest",
    "down": "remove all that is netmend's, and nothing else",
    "check": "validate an intent file",
    "doctor": "look at the whole host and name the wrong flag",
    "lint": "find wrong mount options in compose files, Quadlets, manifests, before they run",
    "explain": "say what a mount option does: calls, what travels which way, pitfalls",
    "lab": "scenarios of mounts and namespaces: predicted, run for real, compared",
    "apply": "make the store's networks what an intent file says, over its API",
    "export": "write what the store holds as an intent file",
    "history": "show what was wrong, when and for how long, from the store",
    "import": "read an intent file into the store, all or nothing",
    "timeline": "read logs into one time line and say what went wrong",
    "sweep": "find dead devices and names by evidence, and delete them",
}
KEYWORDS = {"import": "import_file"}  # verbs that are words of Python: the module and its function are named so
GROUPS = {"lab"}  # verbs that have verbs of their own: the module offers `app` instead of a function


def build(chosen: str | None) -> typer.Typer:
    """The command line, with the chosen verb, or with all of them when it is none."""
    app = typer.Typer(
        help="DHCP, DNS and metadata for guests on isolated networks; cannot leak devices; says which flag is wrong.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    for verb in [chosen] if chosen in VERBS else VERBS:
        name = KEYWORDS.get(verb, verb)
        module = import_module(f"netmend.cli.{name}")
        if verb in GROUPS:
            app.add_typer(module.app, name=verb, help=VERBS[verb])
        else:
            app.command(verb, help=_help(module, name, verb))(getattr(module, name))
    return app


def _root() -> None:
    """Keeps `netmend VERB` a group even when only one verb is loaded."""


def _help(module: object, name: str, verb: str) -> str:
    documentation = getattr(module, name).__doc__
    return documentation or VERBS[verb]


def main() -> None:
    """The entry point. Exit codes: 0 well, 1 findings, 2 bad input or nothing to work with, 3 work to do (`plan`)."""
    verb = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    try:
        build(verb)()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        if os.environ.get("NETMEND_DEBUG"):
            raise
        typer.echo(
            f"netmend: defect: {type(error).__name__}: {error}\n"
            "This is netmend's fault, not yours. Run it again with NETMEND_DEBUG=1 and report what it prints.",
            err=True,
        )
        sys.exit(70)
