"""Commands of `click` from functions: a parameter of type `Annotated[TYPE, Option(...)]` is an option.

Types are bool (a flag), str, int, float, Path, an Enum, `TYPE | None`, and list[TYPE] (an option that may be
repeated, an argument that takes several words). The help of a command is its function's docstring.

Typer does the same, and loads pydantic for it: 0.1 s more for every verb, and for a node's first answer.
"""

import inspect
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import click

_TYPES: Final[dict[type, click.ParamType[Any]]] = {
    str: click.STRING,
    int: click.INT,
    float: click.FLOAT,
    Path: click.Path(path_type=Path, readable=False),  # whoever reads it says why it cannot, and of what it is a part
}


class Option:
    """An option: `names` such as `--config` and `-c` (default: the parameter's own), and what click takes for it.

    `least` and `most` bound a number. `callback` takes the value and returns the one to use; it raises
    click.BadParameter where it is wrong. `eager`: looked at before other options are.
    """

    def __init__(
        self,
        *names: str,
        help: str,
        metavar: str | None = None,
        envvar: str | None = None,
        least: float | None = None,
        most: float | None = None,
        callback: Callable[[Any], Any] | None = None,
        eager: bool = False,
    ) -> None:
        self.names, self.help, self.metavar, self.envvar = names, help, metavar, envvar
        self.least, self.most, self.callback, self.eager = least, most, callback, eager

    def parameter(self, name: str, kind: type, *, many: bool, default: Any) -> click.Parameter:
        """The option of click for the parameter `name` of a function."""
        option, called = f"--{name.replace('_', '-')}", self.callback
        flag = kind is bool
        required = default is inspect.Parameter.empty
        return click.Option(
            [name, *(self.names or (option,))],
            help=self.help,
            metavar=None if flag else self.metavar or f"<{kind.__name__.lower()}>",
            envvar=self.envvar,
            show_envvar=self.envvar is not None,
            show_default=not flag and not required and default is not None,
            type=None if flag else _type(kind, self.least, self.most),
            is_flag=flag,
            multiple=many,
            required=required,
            callback=(lambda _, __, value: called(value)) if called else None,
            is_eager=self.eager,
            **({} if required else {"default": default}),
        )


class Argument:
    """A word of the command line that no option's name precedes."""

    def __init__(self, *, help: str, metavar: str | None = None) -> None:
        self.metavar, self.help = metavar, help

    def parameter(self, name: str, kind: type, *, many: bool, default: Any) -> click.Parameter:
        """The argument of click for the parameter `name` of a function."""
        required = default is inspect.Parameter.empty
        return click.Argument(
            [name],
            help=self.help,
            metavar=self.metavar,
            type=_type(kind),
            nargs=-1 if many else 1,
            required=required,
            **({} if required else {"default": default}),
        )


def command(
    function: Callable[..., Any], name: str | None = None, *, settings: Mapping[str, Any] | None = None
) -> click.Command:
    """The command that calls `function`; `settings` are those of its click.Context."""
    hints = get_type_hints(function, include_extras=True)
    made: dict[str, Callable[[Any], Any]] = {}  # of those that click gives in another form
    parameters = []
    for parameter in inspect.signature(function).parameters.values():
        annotation, about = get_args(hints[parameter.name])
        kind, many = _plain(annotation)
        if many:
            made[parameter.name] = partial(_listed, default=parameter.default)
        elif issubclass(kind, Enum):
            made[parameter.name] = kind
        default = parameter.default.value if isinstance(parameter.default, Enum) else parameter.default
        parameters.append(about.parameter(parameter.name, kind, many=many, default=default))

    def call(**values: Any) -> Any:
        for key, make in made.items():
            values[key] = make(values[key])
        return function(**values)

    return click.Command(
        name or function.__name__,
        callback=call,
        params=parameters,
        help=inspect.getdoc(function),
        context_settings=dict(settings or {}),
    )


def _listed(value: tuple[Any, ...], default: Any) -> Any:
    return list(value) if value else default


def _plain(annotation: Any) -> tuple[type, bool]:
    """The type of one value, and whether there may be several."""
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = (one for one in get_args(annotation) if one is not type(None))
    if get_origin(annotation) is list:
        return get_args(annotation)[0], True
    return annotation, False


def _type(kind: type, least: float | None = None, most: float | None = None) -> click.ParamType[Any]:
    if issubclass(kind, Enum):
        return click.Choice([str(one.value) for one in kind])
    if least is None and most is None:
        return _TYPES[kind]
    return click.IntRange(least, most) if kind is int else click.FloatRange(least, most)  # type: ignore[arg-type]
