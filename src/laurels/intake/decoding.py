"""JSON from outside -> a checked struct, or errors that name the field."""

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import Meta, Struct

from laurels.errors import FieldError, InvalidInput
from laurels.model.ids import WORDS
from laurels.model.repeated_keys import repeated_key

T = TypeVar("T")

_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(.*)`$")
_NUMBER_FOR_TEXT = re.compile(r"^Expected `str( \| null)?`, got `(int|float)`$")
_BOUND = re.compile(
    r"^Expected `(?P<kind>int|str|array)(?: \| null)?`(?P<length> of length)? (?P<sign>[<>]=) (?P<bound>-?[0-9]+)$"
)
_TOO_DEEP = "is nested too deeply"
CHECK = "check"
"""A type may name a function of (text, field) that raises `InvalidInput`: `Meta(extra={CHECK: check_id})`. It is asked
of each field that has the type, and says more, and in better words, than a pattern could.
"""

Check = Callable[[str, str], object]
_decoders: dict[type, "msgspec.json.Decoder[object]"] = {}


def decode(form: type[T], body: bytes) -> T:
    """Read JSON as `form`; a byte order mark before it does no harm. Raises `InvalidInput` naming the field, also one
    that is there twice; what cannot be read at all is the field `body`.
    """
    body = body.removeprefix(BOM_UTF8)
    value = _read(form, body)
    try:
        twice = repeated_key(body)
    except RecursionError as error:  # in what the form does not look at
        raise InvalidInput.of("body", _TOO_DEEP) from error
    if twice is not None:
        raise InvalidInput.of(twice[:100], "is given more than once")
    return _checked(value)


def elements(kind: type[T], body: bytes) -> list[T]:
    """Read a JSON array of `kind`, such as `msgspec.Raw`: what its elements say is checked when each is decoded. Raises
    `InvalidInput`.
    """
    return _read(list[kind], body)  # type: ignore[valid-type]


def _read(form: type[T], body: bytes) -> T:
    decoder = _decoders.get(form)
    if decoder is None:
        decoder = _decoders[form] = msgspec.json.Decoder(form)
    try:
        return decoder.decode(body)  # type: ignore[return-value]
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput.of("body", f"is not valid JSON: {error}") from error
    except RecursionError as error:
        raise InvalidInput.of("body", _TOO_DEEP) from error


def convert(form: type[T], values: Mapping[str, object]) -> T:
    """Read values that are parsed already (a query string's) as `form`. Raises `InvalidInput` naming the field."""
    try:
        value = msgspec.convert(values, form)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from error
    return _checked(value)


def _checked(value: T) -> T:
    errors: list[FieldError] = []
    for attribute, field, check in _checks(type(value)):  # type: ignore[arg-type]  # a class is hashable
        text = getattr(value, attribute)
        if isinstance(text, str):
            try:
                check(text, field)
            except InvalidInput as error:
                errors += error.errors
    if errors:
        raise InvalidInput(errors)
    return value


@cache
def _checks(form: Any) -> tuple[tuple[str, str, Check], ...]:
    """(attribute, its name outside, check) of every field whose type names a check."""
    if not (isinstance(form, type) and issubclass(form, Struct)):
        return ()
    return tuple(
        (field.name, field.encode_name, check) for field in msgspec.structs.fields(form) for check in _named(field.type)
    )


def _named(kind: Any) -> Iterator[Check]:
    for meta in getattr(kind, "__metadata__", ()):
        if isinstance(meta, Meta) and meta.extra and CHECK in meta.extra:
            yield meta.extra[CHECK]
    for part in get_args(kind):
        yield from _named(part)


def _explained(message: str) -> InvalidInput:
    match = _PLACE.match(message)
    what, path = (match["what"], match["path"] or "") if match else (message, "")
    field = path.removeprefix(".")
    if unknown := _UNKNOWN.match(what):
        return InvalidInput.of(_join(field, unknown[1][:100]), "is not a known field")
    if missing := _MISSING.match(what):
        return InvalidInput.of(_join(field, missing[1]), "is required")
    return InvalidInput.of(field or "body", _in_words(what))


def _in_words(what: str) -> str:
    """No regular expression is shown to people."""
    if "matching regex" in what:
        asked = what.replace("\\\\", "\\")
        return next((words for pattern, words in WORDS.items() if pattern in asked), "is not written as it has to be")
    if _NUMBER_FOR_TEXT.match(what):
        return "must be text in quotes, not a number"
    if bound := _BOUND.match(what):
        side = "at most" if bound["sign"] == "<=" else "at least"
        if bound["length"] is None:
            return f"must be {side} {bound['bound']}"
        if (bound["sign"], bound["bound"]) == (">=", "1"):
            return "must not be empty"
        return f"must have {side} {bound['bound']} {'characters' if bound['kind'] == 'str' else 'elements'}"
    return what[0].lower() + what[1:]


def _join(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name
