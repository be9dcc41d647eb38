"""What holds for every command: an option is given once. The first of two would have no effect, in silence."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperOption

_PATHS = (Path, Path | None)

_MISSING = "?"
"""Stands for a value that an option has not: what reads the arguments then says so."""


class StrictCommand(TyperCommand):
    """A command that refuses an option given twice, unless it gathers values; an empty path, which would mean the
    folder where one stands; and an option that is not known even where numbers below zero are arguments (`laurels
    adjust 17850 -5`), which makes Click take all that begins with a dash.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments. Raises a usage error."""
        seen = set[str | None]()
        if ctx.resilient_parsing:  # a shell asks how a line could go on
            return super().parse_args(ctx, args)
        for name, option, value in _options_in(args, self.params):
            if option is None:
                known = [each for known in self.params if isinstance(known, TyperOption) for each in known.opts]
                near = get_close_matches(name, known, 1)
                ctx.fail(f"No such option: {name}{f' (Possible options: {near[0]})' if near else ''}")
            elif not value and not option.is_flag and option.type_descriptor.annotation in _PATHS:
                ctx.fail(f"{name} is empty, as where a variable is not set; name a path.")
            elif option.name in seen and not option.multiple:
                ctx.fail(f"{name} is given twice; give it once.")
            else:
                seen.add(option.name)
        return super().parse_args(ctx, args)


def make_strict(app: typer.Typer) -> None:
    """Hold every command of an app, and of the groups in it, to this. Call it once all are registered."""
    for command in app.registered_commands:
        command.cls = StrictCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            make_strict(group.typer_instance)


def _options_in(args: Iterable[str], params: Iterable[Any]) -> Iterator[tuple[str, TyperOption | None, str]]:
    """The options as they were written, with what is known of each and its value; None: a long one that is not known.
    Values of options, and what stands behind `--`, are none.
    """
    by_name = {
        name: option
        for option in params
        if isinstance(option, TyperOption)
        for name in (*option.opts, *option.secondary_opts)
    }
    rest = iter(args)
    for arg in rest:
        if arg == "--":
            return
        is_long = arg.startswith("--")
        name, equals, value = arg.partition("=") if is_long else (arg[:2], arg[2:], arg[2:])
        option = by_name.get(name)
        if option is None and (not is_long or name == "--help"):
            continue
        if option is not None and not option.is_flag and not equals:
            value = next(rest, _MISSING)
        yield name, option, value
