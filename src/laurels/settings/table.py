"""The table of settings: each with its name, its place in the environment, its default and what it changes."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from laurels.settings.group import SettingsGroup
from laurels.settings.settings import Settings

PREFIX = "LAURELS_"


class Setting(Struct, frozen=True):
    """One row of the table. `name` is as in the file: `http.port`. `choices` are the words that it may be, if
    only they.
    """

    name: str
    environment: str
    default: Any
    help: str
    choices: tuple[str, ...]


def table() -> list[Setting]:
    """Every setting, in the order of the structs."""
    return list(_rows(Settings, ""))


def _rows(group: type[SettingsGroup], prefix: str) -> Iterator[Setting]:
    hints = get_type_hints(group, include_extras=True)
    for field in msgspec.structs.fields(group):
        hint = hints[field.name]
        name = prefix + field.encode_name
        if isinstance(hint, type) and issubclass(hint, SettingsGroup):
            yield from _rows(hint, f"{name}.")
            continue
        # `Count` and the like bring a `Meta` of their own: the one with words is meant.
        meta = next(meta for meta in hint.__metadata__ if isinstance(meta, Meta) and meta.description)
        environment = PREFIX + name.replace(".", "_").upper()
        yield Setting(name, environment, field.default, meta.description or "", tuple(_choices(hint)))


def _choices(hint: Any) -> Iterator[str]:
    if get_origin(hint) is Literal:
        yield from get_args(hint)
        return
    for part in get_args(hint):
        yield from _choices(part)
