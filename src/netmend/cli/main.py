"""`netmend`: finds the verb, and sees to it that no traceback reaches a user."""

import errno
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from netmend import __version__
from netmend.cli.command import command
from netmend.cli.messages import complain, name_command, say
from netmend.cli.roles import ROLES
from netmend.ground.collector import uncollected

DESCRIPTION = "DHCP, DNS and metadata for guests on isolated networks; cannot leak devices; says which flag is wrong."
# Each verb is loaded only when it is called: start-up time is part of the time to a guest's first answer. The summary
# is the first paragraph of the verb's docstring (a test compares them).
VERBS = {
    "demo": "Serve networks, a router and six guests, in a sandbox.",
    "run": "Make networks exist and serve their guests, in the foreground.",
    "agent": "Serve the networks of a Neutron server, in place of its agents.",
    "plan": "Show what `netmend run -c FILE` would change, and do nothing.",
    "status": "Show the networks of the running node, and what is wrong.",
    "reach": "Say whether one guest can reach another, and which rule says so.",
    "retry": "Have the running node try again now what it waits to try.",
    "health": "Say whether the running node works, serves, or is whole.",
    "attach": "Plug a port of the store into a guest, and wait for it.",
    "detach": "Unplug a port of the store from its guest.",
    "down": "Remove what netmend made on this host, and nothing else.",
    "check": "Validate an intent file, and change nothing.",
    "doctor": "Name the mount flag that is wrong on this host, and its container.",
    "lint": "Find wrong mount options in container files, before they run.",
    "explain": "Show what a mount option does, and its pitfalls.",
    "apply": "Make the store's networks what a file says, over the API.",
    "export": "Write what the store holds as an intent file, with all ids.",
    "history": "Show what was wrong, when, and for how long, from the store.",
    "import": "Make the store hold what a file says: all of it, or nothing.",
    "timeline": "Put logs on one time line, and name what went wrong.",
    "flows": "Show which way packets take through Open vSwitch, and why.",
    "sweep": "Find dead devices and names by evidence; delete them with --yes.",
    "lab": "Reproduce mount propagation between a host and its containers.",
}
_MODULES = {"import": "import_file", "detach": "attach"}  # verbs that their module is not named after
_FUNCTIONS = {"import": "import_file"}  # `import` is a word of Python
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}  # what a write to a full disk may say


class Verb(click.Command):
    """A verb by name and summary. What else it is, options too, is loaded when a context is made for it."""

    def __init__(self, name: str, summary: str) -> None:
        super().__init__(name, help=summary, short_help=summary)

    def load(self) -> Any:
        """The command itself."""
        name = str(self.name)
        with uncollected():  # modules make no cycles to collect; walking them all takes a tenth of the time
            module = import_module(f"netmend.cli.{_MODULES.get(name, name)}")
        made = getattr(module, _FUNCTIONS.get(name, name))
        if isinstance(made, click.Command):  # a group of verbs
            return made
        return command(made, name, settings=getattr(module, "CONTEXT_SETTINGS", None))

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        name_command(f"netmend {self.name}")
        return self.load().make_context(info_name, args, parent, **extra)


def build() -> click.Group:
    """The command line: a group of all verbs, none of them loaded."""
    version = click.Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
        help="Print the version and exit.",
    )  # fmt: skip
    group = click.Group("netmend", help=DESCRIPTION, no_args_is_help=True, params=[version])
    for name, summary in VERBS.items():
        group.add_command(Verb(name, summary))
    return group


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"netmend {__version__}")
        context.exit()


def _open_standard_streams() -> None:
    """Open /dev/null at closed descriptors of 0 to 2: or the next file opened, a database, is standard error."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
        if descriptor > 0:
            setattr(sys, ("stdout", "stderr")[descriptor - 1], os.fdopen(descriptor, "w", closefd=False))
    os.close(descriptor)


def main() -> None:
    """The entry point.

    Exit codes: 0 well, 1 findings, 2 bad input or nothing to work with, 3 work to do.
    """
    _open_standard_streams()
    os.umask(0o077)  # what is written may hold secrets: it is its owner's alone
    try:
        try:
            role = ROLES.get(Path(sys.argv[0]).name)
            words = sys.argv[1:] if role is None else [role, *sys.argv[1:]]
            code = build().main(args=words, prog_name="netmend", standalone_mode=False)
        finally:
            sys.stdout.flush()
        sys.exit(code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except click.Abort:  # a question was answered with Ctrl-D
        sys.exit(130)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            complain(f"standard output: cannot be written: {error.strerror}; the output is cut")
            sys.exit(2)
        if isinstance(code := getattr(error, "exit_code", None), int):
            _say_usage(error)
            sys.exit(code)
        if os.environ.get("NETMEND_DEBUG"):
            raise
        from netmend.ground.exhaustion import exhausted

        if (limit := exhausted(error)) is not None:
            complain(limit)
            sys.exit(2)
        complain(
            f"defect: {type(error).__name__}: {error}\n"
            "This is netmend's fault, not yours. Run it again with NETMEND_DEBUG=1 and report what it prints."
        )
        sys.exit(70)


def _say_usage(error: Any) -> None:
    """Print what is wrong with the command line; the errors that click raises have no public type."""
    text = str(error.format_message())
    if text.startswith("Usage: "):  # no verb was given: the text is the whole help
        say(text, err=True)
        return
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "netmend"
    complain(f"{text.removesuffix('.')}; {command} --help says what there is")


if __name__ == "__main__":
    main()
