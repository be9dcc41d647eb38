"""What is wrong with a program's text, in words: one line with the key, what it must be, and what it is instead.

The reader of tables says it in the words of types; here the type is looked up again by the path, and described for who
writes programs. Used only when something is refused.
"""

import re
import tomllib
from datetime import date, datetime, time
from difflib import get_close_matches
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from laurels.program.tables import ProgramTable

LONGEST = 240
"""Characters of a message."""

_PATH = re.compile(r" - at `\$(.*?)`\Z", re.DOTALL)
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)")
_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*)`\Z", re.DOTALL)
_LINE = re.compile(r"\(at line (\d+), column \d+\)\Z")

_PLACE = re.compile(r"\[\d+\]")

_SHOWN = 40
_KEYS_SHOWN, _ALIKE = 110, 0.75

_Found = tuple[str, str | None, inspect.Type, Any, bool]
"""What a path leads to: the path as it is shown, the name of the rule on the way, its type and value, and whether the
key may be left out.
"""


def word_mistake(error: msgspec.ValidationError, loaded: dict[str, Any]) -> str:
    """The line for what the reader of the tables refused."""
    said = str(error)
    where = _PATH.search(said)
    path, name, type_, value, optional = _follow(where.group(1) if where else "", loaded)
    field = _FIELD.match(said[: where.start()] if where else said)
    if field is None:
        must = f"must be {_described(type_, path)}, not {shown(value)}"
        left_out = "; leave it out for none" if optional and value == 0 and not isinstance(value, bool) else ""
        return _line(path, name, must + left_out)
    inner = f"{path}.{field.group(2)[:64]}".lstrip(".")
    assert isinstance(type_, inspect.StructType), "only a table has keys"
    if field.group(1).startswith("missing"):
        wanted = next(each for each in type_.fields if each.encode_name == field.group(2))
        return _line(inner, name, f"has to be said: {_described(wanted.type, inner)}")
    return _line(inner, name, _instead(field.group(2), [each.encode_name for each in type_.fields]))


def word_bad_toml(error: Exception, text: str) -> str:
    """The line for text that is no TOML, with the line of it that is meant."""
    if isinstance(error, RecursionError):
        return "The program is not valid TOML: it is nested too deeply"
    if not isinstance(error, tomllib.TOMLDecodeError):  # a number that has more digits than Python reads
        return "The program is not valid TOML: a number in it is too long"
    said, lines = str(error), text.rstrip().split("\n")
    place = _LINE.search(said)
    number = min(int(place.group(1)), len(lines)) if place else len(lines)
    line = shown_text(lines[number - 1].strip(), 60)
    return f"The program is not valid TOML: {said}{f': {line}' if line else ''}"[:LONGEST]


def shown(value: Any) -> str:
    """A value of the program in few characters, as TOML has it."""
    if isinstance(value, str):
        return f'"{shown_text(value, _SHOWN)}"'
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else f"a list of {len(value)}"
    if isinstance(value, datetime | date | time):
        return f"{value.isoformat()} without quotes"
    return str(value).lower()[:_SHOWN]


def shown_text(text: str, longest: int) -> str:
    """The beginning of a text that somebody wrote, on one line."""
    cut = text if len(text) <= longest else text[:longest] + "…"
    return cut if cut.isprintable() else ascii(cut)[1:-1]


def _line(path: str, name: str | None, message: str) -> str:
    named = f" ({shown_text(name, 64)})" if name else ""
    return f"{shown_text(path, 120) or 'The program'}{named}: {message}"[:LONGEST]


def _follow(path: str, loaded: dict[str, Any]) -> _Found:
    here: inspect.Type = _table()
    value: Any = loaded
    taken, name, optional = "", None, False
    for number, key in _STEP.findall(path):
        if isinstance(here, inspect.StructType):
            field = next(each for each in here.fields if each.encode_name == key)
            here, optional = field.type, not field.required
            value, taken = value.get(key), f"{taken}.{key}"
        elif isinstance(here, inspect.DictType):  # the reader does not say which key: it is the first that has no text
            wrong = next(each for each, text in value.items() if not isinstance(text, str))
            here, optional, value, taken = here.value_type, False, value[wrong], f"{taken}.{wrong}"
        else:
            here, optional = _member(here, int(number)), False
            value, taken = value[int(number)], f"{taken}[{number}]"
        here = _without_none(here)
        if isinstance(value, dict) and isinstance(value.get("name"), str):
            name = value["name"]
    return taken.lstrip("."), name, here, value, optional


def _member(type_: inspect.Type, number: int) -> inspect.Type:
    match type_:
        case inspect.TupleType():
            return type_.item_types[number]
        case inspect.ListType() | inspect.VarTupleType():
            return type_.item_type
    raise AssertionError(f"{type_} has no members")


def _without_none(type_: inspect.Type) -> inspect.Type:
    if isinstance(type_, inspect.UnionType):
        return next(each for each in type_.types if not isinstance(each, inspect.NoneType))
    return type_


@cache
def _table() -> inspect.Type:
    return inspect.type_info(ProgramTable)


def _described(type_: inspect.Type, path: str) -> str:
    """What a value must be, for who writes it."""
    type_ = _without_none(type_)
    if isinstance(type_, inspect.Metadata):
        return (type_.extra_json_schema or {}).get("description") or _described(type_.type, path)
    if isinstance(type_, inspect.TupleType):
        return f"a list of {len(type_.item_types)}, each {_described(type_.item_types[0], path)}"
    if isinstance(type_, inspect.ListType | inspect.VarTupleType):
        return _described_list(type_, path)
    if isinstance(type_, inspect.StructType):
        return f"a table, written under [{path}]"
    if isinstance(type_, inspect.DictType):
        return 'a table of amounts in quotes, such as { GBP = "10.00" }'
    return _described_value(type_)


def _described_value(type_: inspect.Type) -> str:
    match type_:
        case inspect.IntType(ge=least, le=most):
            return f"a whole number from {least:,} to {most:,}"
        case inspect.StrType(min_length=least, max_length=most):
            return f"a text in quotes of {least or 0} to {most:,} characters" if most else "a text in quotes"
        case inspect.DateTimeType():
            return "a time with an offset, such as 2026-12-01T00:00:00Z"
        case inspect.LiteralType(values=values):
            return f"one of {_listed(values)}"
        case inspect.EnumType(cls=kind):
            return f"one of {_listed([each.value for each in kind])}"
    return "true or false"


def _described_list(listed: inspect.ListType | inspect.VarTupleType, path: str) -> str:
    least, most = listed.min_length or 0, listed.max_length
    many = f"{least} to {most}" if most else f"{least} or more"
    if isinstance(listed.item_type, inspect.StructType):
        return f"a list of {many} tables, each under [[{_PLACE.sub('', path)}]]"
    return f"a list in brackets of {many}, each {_described(listed.item_type, path)}"


def _listed(values: Any) -> str:
    return ", ".join(f'"{each}"' for each in values)


def _instead(key: str, known: list[str]) -> str:
    near = get_close_matches(key.lower(), known, 1, _ALIKE)
    if near:
        return f"there is no such key here; {near[0]} is meant?"
    keys = ", ".join(known)
    return f"there is no such key here; there are {keys}" if len(keys) <= _KEYS_SHOWN else "there is no such key here"
