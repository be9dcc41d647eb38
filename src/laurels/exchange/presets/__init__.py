"""Option lists in files: how another system's exports are read. A preset is one that comes with Laurels."""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from laurels.errors import SettingsError
from laurels.exchange.mapping import Constant, Mapping, parts
from laurels.exchange.refusals import refuse_access, shown


class OptionList(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a file of options holds: `[map]` names columns, `[set]` values for every row, and the rest are options of
    the same names as those of `laurels import`.
    """

    map: dict[str, str] = {}
    set: dict[str, str] = {}
    time_zone: str | None = None
    time_format: str | None = None
    refund_prefix: str | None = None
    refund_events: tuple[str, ...] = ()
    negative_refunds: bool | None = None
    skip_prefix: str | None = None
    skip_without_member: bool | None = None
    guest_ids: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    strip_prefix: str | None = None
    totals_on_first_row: bool | None = None
    minor_units: bool | None = None
    money_sign: str | None = None
    thousands: str | None = None
    decimal: str | None = None
    ids_as_they_are: bool | None = None
    ignore: tuple[str, ...] = ()
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None

    def over(self, other: "OptionList") -> "OptionList":
        """These options, and the other's where these say nothing. A field that one maps and the other sets counts as
        these have it.
        """
        merged = {name: getattr(self, name) or getattr(other, name) for name in OPTIONS}
        for name in ("negative_refunds", "skip_without_member", "totals_on_first_row", "minor_units"):
            own = getattr(self, name)
            merged[name] = getattr(other, name) if own is None else own
        merged["ignore"] = (*self.ignore, *other.ignore)
        merged["map"] = {**{k: v for k, v in other.map.items() if k not in self.set}, **self.map}
        merged["set"] = {**{k: v for k, v in other.set.items() if k not in self.map}, **self.set}
        return OptionList(**merged)

    def mapping(self) -> Mapping | None:
        """The mapping that these options make; None where there are none. Raises `SettingsError`."""
        if self == OptionList():
            return None
        for field in self.map.keys() & self.set.keys():
            raise SettingsError(f"{field} has a column and a value; give one of them.")
        fields: dict[str, str | Constant] = {
            **self.map,
            **{field: Constant(value) for field, value in self.set.items()},
        }
        rest = {name: getattr(self, name) for name in OPTIONS if name not in {"map", "set"}}
        return Mapping.of(fields, **{name: value for name, value in rest.items() if value is not None})


OPTIONS = tuple(field.name for field in msgspec.structs.fields(OptionList))


def parse_option_list(text: str, name: str) -> OptionList:
    """An option list in TOML. Raises `SettingsError` naming what is wrong."""
    try:
        values: dict[str, Any] = tomllib.loads(text)
        return msgspec.convert(values, OptionList)
    except (ValueError, msgspec.ValidationError, RecursionError) as error:
        raise SettingsError(f"{shown(name, 200)} is no list of options: {shown(str(error), 200)}.") from error


def read_option_list(path: Path) -> OptionList:
    """The option list in a file. Raises `SettingsError`, and `FileRefused` where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise refuse_access(path, error) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{shown(str(path), 200)} is no list of options: it is not UTF-8.") from error
    return parse_option_list(text, str(path))


def _presets() -> dict[str, OptionList]:
    found = sorted(files(__package__ or "").iterdir(), key=lambda entry: entry.name)
    return {
        entry.name.removesuffix(".toml"): parse_option_list(entry.read_text(encoding="utf-8"), entry.name)
        for entry in found
        if entry.name.endswith(".toml")
    }


PRESETS: dict[str, OptionList] = _presets()
"""The option lists that come with Laurels, by name."""


def presets_for(columns: Sequence[str]) -> list[str]:
    """The presets all of whose columns a file has."""
    there = set(columns)
    return [
        name
        for name, options in PRESETS.items()
        if all(
            text.endswith("|")
            or any(part in there for choice in text.split("|") for _, part in parts(role, choice, columns))
            for role, text in options.map.items()
        )
    ]
