"""Query strings, read as strictly as bodies: unknown, repeated and malformed parameters are refused by name."""

import re
from functools import cache
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from laurels.errors import InvalidInput
from laurels.intake import convert

Q = TypeVar("Q", bound=Struct)

MOST_PARAMETERS = 20
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_WHOLE = re.compile(r"-?\d{1,9}\Z", re.ASCII)


def parse_query(form: type[Q], query: bytes) -> Q:
    """Read a query string as `form`, whose fields are whole numbers or texts. Raises `InvalidInput`."""
    if not query:
        return form()
    values: dict[str, int | str] = {}
    for name, text in _pairs(query):
        if name in values:
            raise InvalidInput.of(name, "is given more than once")
        if _CONTROLS.search(text):  # no id and no word has one, and PostgreSQL takes no text with a NUL
            raise InvalidInput.of(name, "must be without control characters")
        values[name] = _whole(name, text) if name in _whole_numbers(form) else text
    return convert(form, values)


def refuse_query(query: bytes) -> None:
    """Raise `InvalidInput` for parameters of a call that takes none: what they ask for would be ignored, such as a
    `check=1`; and the end of an id whose `?` was not encoded would be cut off.
    """
    if query:
        parse_query(_Nothing, query)


class _Nothing(Struct, forbid_unknown_fields=True):
    """No parameters."""


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError as error:
        raise InvalidInput.of(
            "query", f"must be UTF-8 with percent signs, and of at most {MOST_PARAMETERS} parameters"
        ) from error


def _whole(name: str, text: str) -> int:
    if not _WHOLE.match(text):
        raise InvalidInput.of(name, "must be a whole number")
    return int(text)


@cache
def _whole_numbers(form: type[Struct]) -> frozenset[str]:
    info = msgspec.inspect.type_info(form)
    assert isinstance(info, msgspec.inspect.StructType)
    return frozenset(field.name for field in info.fields if _is_whole(field.type))


def _is_whole(kind: msgspec.inspect.Type) -> bool:
    """Whether a field takes a whole number, if it is there."""
    bare = _bare(kind)
    types = bare.types if isinstance(bare, msgspec.inspect.UnionType) else (bare,)
    return any(isinstance(_bare(each), msgspec.inspect.IntType) for each in types)


def _bare(kind: msgspec.inspect.Type) -> msgspec.inspect.Type:
    """The type without its description."""
    return kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind
