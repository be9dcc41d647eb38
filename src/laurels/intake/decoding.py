"""JSON from outside -> a checked struct, or errors that name the field."""

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from laurels.errors import InvalidInput
from laurels.model.ids import WORDS

T = TypeVar("T")

_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(.*)`$")
_NUMBER_FOR_TEXT = re.compile(r"^Expected `str( \| null)?`, got `(int|float)`$")
_decoders: dict[type, "msgspec.json.Decoder[object]"] = {}


def decode(form: type[T], body: bytes) -> T:
    """Read JSON as `form`. Raises `InvalidInput` naming the field; what cannot be read at all is the field `body`."""
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
        raise InvalidInput.of("body", "is nested too deeply") from error


def convert(form: type[T], values: Mapping[str, object]) -> T:
    """Read values that are parsed already (a query string's) as `form`. Raises `InvalidInput` naming the field."""
    try:
        return msgspec.convert(values, form)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from error


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
    """A regular expression is not shown to people where there are words for it."""
    if "matching regex" in what:
        for pattern, words in WORDS.items():
            if pattern in what.replace("\\\\", "\\"):
                return words
    if _NUMBER_FOR_TEXT.match(what):
        return "must be text in quotes, not a number"
    return what[0].lower() + what[1:]


def _join(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name
