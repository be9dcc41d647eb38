"""Settings from flags, the environment and a file.

`a.b` in TOML is `LAURELS_A_B` in the environment. Flags win over the environment, the environment over the file. An
unknown key is an error that names the nearest known one, so that a misspelt setting is never silently ignored.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from laurels.errors import SettingsError
from laurels.settings.settings import Settings
from laurels.settings.shapes import check_shapes
from laurels.settings.table import PREFIX, Setting, table

CONFIG_FILE = Path("laurels.toml")
"""Read from the working directory where no other file is named."""

_VALUE = re.compile(r" value (['\"]).*\1(?= - at )", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(\w+)(?: \| null)?`(?: ([<>]=) (\d+))?(?:, got `\w+`)? - at `([\w.\[\]]+)`")
_KINDS = {"int": "a whole number", "bool": "true or false", "array": "a list", "str": "a text"}
_BOUNDS = {">=": "at least", "<=": "at most"}
_NAME = re.compile(r" - at `([\w.]*\w)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NOT_SETTINGS = ("LAURELS_CONFIG", "LAURELS_TOKEN", "LAURELS_TEST_")
_LIST_OF_A_FILE = ('["', "['")


def load(
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Settings:
    """Settings from flags (by setting name, None: not given), environment and file. Raises `SettingsError` in one
    line.
    """
    environment = os.environ if environment is None else environment
    values = {
        **_from_file(config or (Path(environment["LAURELS_CONFIG"]) if "LAURELS_CONFIG" in environment else None)),
        **_from_environment(environment),
        **{name: value for name, value in (flags or {}).items() if value is not None},
    }
    for row in table():
        if row.name in values:
            _check_text(row, values[row.name])
    try:
        settings = msgspec.convert(_nested(values), Settings, strict=False, dec_hook=_convert)
    except msgspec.ValidationError as error:
        message = str(error).replace("`$.", "`")
        # Neither the message nor its cause may show a value that has a secret in it.
        message = _VALUE.sub(" value", message) if "://" in message or "@" in message else message
        raise SettingsError(f"The settings are not valid: {_in_words(message)}{_remedy(message)}") from None
    check_shapes(settings)
    return settings


def _check_text(row: Setting, value: Any) -> None:
    """Raise `SettingsError` for a text that can only be a slip: a variable that is not set, an end of a line that came
    along. Each would be taken for a name that nothing has. The value is not shown: it may be a secret.
    """
    for part in value if isinstance(value, list | tuple) else [value]:
        if isinstance(part, Path) and "\0" in str(part):
            raise SettingsError(f"The setting {row.name} holds a NUL character, which no file has in its name.")
        if not isinstance(part, str) or part == row.default:
            continue
        if not part.strip():
            raise SettingsError(f"The setting {row.name} is empty. Leave it out, or say what it is to be.")
        if part != part.strip():
            raise SettingsError(f"The setting {row.name} begins or ends with a blank. Take it out.")
        if _CONTROL.search(part):
            raise SettingsError(
                f"The setting {row.name} holds a control character, such as a NUL or the end of a line."
            )


def _in_words(message: str) -> str:
    """What msgspec expected, in words, such as `http.port must be a whole number of at most 65535`."""
    found = _EXPECTED.fullmatch(message)
    if found is None or found[1] not in _KINDS:
        return message
    bound = f" of {_BOUNDS[found[2]]} {found[3]}" if found[2] else ""
    return f"{found[4]} must be {_KINDS[found[1]]}{bound}"


def _remedy(message: str) -> str:
    """What a setting may be, where that is a few words or a list; msgspec does not say it."""
    found = _NAME.search(message)
    row = next((row for row in table() if found is not None and row.name == found[1]), None)
    if row is None:
        return ""
    as_list = '; a list is written ["…", "…"]' if isinstance(row.default, tuple) and "`array`" in message else ""
    return as_list + (f"; known: {', '.join(row.choices)}" if row.choices else "")


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted name, as the groups have them."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        group, dot, key = name.partition(".")
        if dot:
            nested.setdefault(group, {})[key] = value
        else:
            nested[name] = value
    return nested


def _convert(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str | Path) and str(value):
        return Path(value)
    raise ValueError("must be a path")


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = {row.environment: row.name for row in table()}
    lists = {row.name for row in table() if isinstance(row.default, tuple)}
    values: dict[str, Any] = {}
    for key, value in environment.items():
        if key in names:
            values[names[key]] = _parts(key, value) if names[key] in lists else value
        elif key.startswith(PREFIX) and not key.startswith(_NOT_SETTINGS):
            raise SettingsError(f"The environment has {key}, which is no setting.{_nearest(key, names)}")
    return values


def _parts(key: str, value: str) -> list[str]:
    """A list as the environment has it, its parts separated by commas."""
    if value.lstrip().startswith(_LIST_OF_A_FILE):
        raise SettingsError(f"{key} is written as in the file. In the environment a list is a,b without brackets.")
    return [part.strip() for part in value.split(",") if part.strip()]


def _from_file(config: Path | None) -> dict[str, Any]:
    path = config or CONFIG_FILE
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        if config is None:
            return {}
        raise SettingsError(f"There is no settings file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error}") from error
    try:
        nested = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"The settings file {path} is not valid TOML: {error}") from error
    values = dict(_flattened(nested))
    names = [row.name for row in table()]
    for name in values:
        if name not in names:
            raise SettingsError(f"The settings file {path} has {name}, which is no setting.{_nearest(name, names)}")
    return values


def _flattened(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _nearest(key: str, known: Mapping[str, Any] | list[str]) -> str:
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.4)
    return f" Did you mean {near[0]}?" if near else ""
