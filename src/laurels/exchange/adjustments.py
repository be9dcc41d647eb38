"""Adjustments from files, one a row: opening balances of an old system, goodwill in bulk."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from msgspec import Struct

from laurels import clock
from laurels.errors import InvalidInput, SettingsError
from laurels.exchange import hints, times
from laurels.exchange.cells import SPOILED_WORDS
from laurels.exchange.faults import Fault, refuse_faults
from laurels.exchange.mapping import check_zone, nearest, refuse_near_misses, refuse_unknown
from laurels.exchange.opening import TABLES_IN_TEXT, open_plain, open_table
from laurels.exchange.presets import OptionList
from laurels.exchange.refusals import refuse, refuse_access, refuse_cell, shown
from laurels.exchange.table import Table
from laurels.model import Adjustment
from laurels.model.cards import looks_like_card
from laurels.model.ids import check_id, check_source, is_spoiled
from laurels.model.times import MAX_AHEAD, check_lapse

ADJUSTMENT_ROLES = (
    "member_id",
    "points",
    "adjustment_id",
    "reason",
    "note",
    "occurred_at",
    "expires_at",
    "board",
    "quiet",
    "source",
)
_WIRE_POINTS = "loyalty-points"
"""What `POST /adjustments` calls points: what is sent there may be brought in as a file."""

_CONSTANTS = ("reason", "note", "expires_at", "board", "quiet", "source")
_TIMES = ("occurred_at", "expires_at")
_OPTIONS = ("map", "set", "time_zone", "time_format", "ids_as_they_are", "ignore", "delimiter", "encoding", "sheet")
_MAX_POINTS = 2_147_483_647
_MAX_REASON, _MAX_NOTE = 500, 140
_LATEST = 253_402_300_799_000_000 - MAX_AHEAD
"""Points lapse in the year 9999 at the latest."""

_NO_LAPSE = "must be a time ahead"
_WHOLE = re.compile(r"(-?[0-9]{1,10})(?:\.0+)?")
"""Points as whole numbers, also as columns of floats hold them."""

_GROUPED = re.compile(r"-?[1-9][0-9]{0,2}\.000")
"""One thousand where a point parts thousands, as a German spreadsheet writes it, and one where it parts decimals."""

_ONE_LINE = re.compile(r"[^\x00-\x1f\x7f]*")
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
SOURCE, ACTOR = "import", "cli"


class Adjustments(Struct):
    """Adjustments of a file that was checked from end to end, and what each field was read from, where options said
    something of it; and the columns that were ignored.
    """

    documents: list[Adjustment]
    took: dict[str, str]
    ignored: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many they are."""
        return len(self.documents)

    def __iter__(self) -> Iterator[Adjustment]:
        return iter(self.documents)


def read_adjustments(
    path: Path, options: OptionList, *, format_name: str | None = None, quiet: bool, most: int | None = None
) -> Adjustments:
    """The adjustments in a file, which is held in memory. Columns that `options` do not name have the fields' names.
    One of more than `most` rows is refused before any is read.

    A row without an `adjustment_id` has one that follows from its content, and from how many rows before it have the
    same: so a file that is read again is a repeat. Raises `FileRefused` with every row that cannot be taken, and
    `SettingsError` for an option that has no effect here.
    """
    idle = [name for name, value in msgspec.structs.asdict(options).items() if value and name not in _OPTIONS]
    if idle:
        raise SettingsError(f"{idle[0]} has no effect on adjustments.")
    opened_as = {"delimiter": options.delimiter, "encoding": options.encoding, "sheet": options.sheet}
    file, file_format = open_plain(path, format_name, **opened_as)
    try:
        with hints.of_titles(file, is_text=file_format in TABLES_IN_TEXT):
            table = open_table(file, file_format)
            columns = _columns(table, options)
        if most is not None and table.height > most:
            raise refuse(table.file, f"has {table.height:,} rows; one file takes at most {most:,}")
        documents = _read(table, columns, options, quiet=quiet)
        ignored = tuple(column for column in options.ignore if column in table.columns)
        return Adjustments(documents, _took(table, columns, options), ignored)
    except OSError as error:
        raise refuse_access(path, error) from error
    finally:
        file.remove()


def _columns(table: Table, options: OptionList) -> dict[str, str]:
    """Field -> column, of those that have one."""
    _check_fields(table, options)
    free = [role for role in ADJUSTMENT_ROLES if role not in options.map and role not in options.set]
    there = set(table.columns) - set(options.ignore)
    columns = {**options.map, **{role: role for role in free if role in there}}
    if "points" in free and "points" not in there and _WIRE_POINTS in there:
        columns["points"] = _WIRE_POINTS
    for role in ("member_id", "points"):
        columns.setdefault(role, role)
    for role, column in columns.items():
        if table.columns.count(column) != 1:
            why = "has no column" if column not in table.columns else "has more than once the column"
            raise refuse(table.file, f"{why} {shown(column)} ({role}); {nearest(column, table.columns)}")
    for option in ("time_zone", "time_format"):
        if getattr(options, option) and not any(name in columns or name in options.set for name in _TIMES):
            raise refuse(table.file, f"{option} has no effect without {' or '.join(_TIMES)}")
    times.check_format(table.file, options.time_format)
    if options.time_zone is not None:
        check_zone(table.file, options.time_zone)
    for column in options.ignore:
        if column in columns.values():
            raise refuse(table.file, f"the column {shown(column)} is to be read and to be ignored; leave one out")
    unread = [each for each in table.columns if each not in {*columns.values(), *options.ignore}]
    refuse_near_misses(table.file, unread, [role for role in free if role not in columns])
    return columns


def _took(table: Table, columns: dict[str, str], options: OptionList) -> dict[str, str]:
    took = {**columns, **{field: f'"{value}" everywhere' for field, value in options.set.items()}}
    unread = [column for column in table.columns if column not in columns.values()]
    return took | ({"not read": ", ".join(unread)} if unread else {})


def _check_fields(table: Table, options: OptionList) -> None:
    for field in (*options.map, *options.set):
        if field not in ADJUSTMENT_ROLES:
            raise SettingsError(f"There is no field {shown(field)}; {nearest(field, ADJUSTMENT_ROLES, 'known')}.")
    for field in options.set.keys() - set(_CONSTANTS):
        raise SettingsError(f"{field} differs from row to row; give its column.")
    if options.map or options.set:
        return
    wires = set() if "points" in table.columns else {_WIRE_POINTS}
    for column in table.columns:
        if column not in {*ADJUSTMENT_ROLES, *wires, *options.ignore}:
            raise refuse_unknown(table.file, column, table.columns, ADJUSTMENT_ROLES)


def _read(table: Table, columns: dict[str, str], options: OptionList, *, quiet: bool) -> list[Adjustment]:
    now = clock.now()
    frame = table.select(columns)
    for role, dtype in frame.schema.items():
        if dtype.is_nested() or isinstance(dtype, pl.Binary | pl.Object):
            raise refuse_cell(table.file, None, columns[role], f"holds {shown(str(dtype))}; it must be text or numbers")
    times_of = {"occurred_at": _times(frame, "occurred_at", options, now)}
    times_of["expires_at"] = _times(_with_constant(frame, options), "expires_at", options, _LATEST)
    texts = frame.select(pl.col(role).cast(pl.String) for role in columns)
    seen: Counter[bytes] = Counter()
    adjustments, faults = [], []
    for row, (cells, *at) in enumerate(zip(texts.iter_rows(named=True), *times_of.values(), strict=True), 1):
        try:
            instants = _Times(*at)
            adjustments.append(_adjustment({**options.set, **cells}, instants, seen, options, quiet=quiet))
        except InvalidInput as error:
            for fault in error.errors:
                cell = cells.get(fault.field)
                faults.append(Fault(row, columns.get(fault.field, fault.field), fault.message, cell or None))
    if faults:
        raise refuse_faults(table.file, faults, table.places)
    return adjustments


class _Times(Struct, frozen=True):
    """The instants of a row; None for one that is not said, or cannot be read."""

    occurred_at: int | None
    expires_at: int | None


def _with_constant(frame: pl.DataFrame, options: OptionList) -> pl.DataFrame:
    said = options.set.get("expires_at")
    return frame if said is None else frame.with_columns(expires_at=pl.lit(said))


def _times(frame: pl.DataFrame, field: str, options: OptionList, now: int) -> list[int | None]:
    """A column of times that may lie 5 minutes after `now`; None for what is no such time."""
    if field not in frame.columns:
        return [None] * frame.height
    return frame.select(_instants(field, frame.schema[field], options, now).alias("at"))["at"].to_list()


def _instants(field: str, dtype: pl.DataType, options: OptionList, now: int) -> pl.Expr:
    zones: times.Zones = [] if options.time_zone is None else [(None, options.time_zone)]
    column = pl.col(field)
    if isinstance(dtype, pl.Datetime | pl.Date):
        return times.moments(column, dtype, zones, now)
    text = column.cast(pl.String)
    if options.time_format is not None:
        return times.formatted(text, options.time_format, zones, now)
    return times.instants(text, zones, now)


def _check_times(cells: dict[str, Any], at: _Times, points: int, options: OptionList) -> None:
    """Raise `InvalidInput` for a cell of which no instant came. That a lapse lies ahead is held when the adjustment is
    made: a file is read again for ever, and counts nothing twice.
    """
    for field, now in (("occurred_at", clock.now()), ("expires_at", _LATEST)):
        if cells.get(field) and getattr(at, field) is None:
            why = times.why_not(cells[field], options.time_zone, now, options.time_format)
            raise InvalidInput.of(field, _NO_LAPSE if field == "expires_at" and why == times.OUT_OF_RANGE else why)
    check_lapse(at.expires_at, points)


def _adjustment(
    cells: dict[str, Any], at: _Times, seen: "Counter[bytes]", options: OptionList, *, quiet: bool
) -> Adjustment:
    member_id = _id(cells, "member_id", options)
    points = _points(cells.get("points"))
    reason = _text(cells, "reason", _MAX_REASON)
    note = _text(cells, "note", _MAX_NOTE)
    _check_times(cells, at, points, options)
    source = check_source(cells.get("source") or SOURCE, "source")
    given = {
        "board": _boolean(cells, "board", usual=True),
        "quiet": _boolean(cells, "quiet", usual=quiet),
    }
    lapse = [] if at.expires_at is None else [at.expires_at]
    content = hashlib.blake2b(
        msgspec.json.encode([source, member_id, points, reason, note, at.occurred_at, given["board"], *lapse]),
        digest_size=12,
    ).digest()
    seen[content] += 1
    if cells.get("adjustment_id"):
        name = _id(cells, "adjustment_id", options)
    else:
        name = f"row:{content.hex()}:{seen[content]}"
    return Adjustment(
        id=name,
        points=points,
        actor=ACTOR,
        reason=reason,
        member_id=member_id,
        source=source,
        note=note,
        occurred_at=at.occurred_at,
        expires_at=at.expires_at,
        **given,
    )


def _id(cells: dict[str, Any], field: str, options: OptionList) -> str:
    text = cells.get(field)
    if not text:
        raise InvalidInput.of(field, "is empty")
    if is_spoiled(text) and not options.ids_as_they_are:
        raise InvalidInput.of(field, SPOILED_WORDS)
    return check_id(text, field)


def _points(text: str | None) -> int:
    found = _WHOLE.fullmatch(text or "")
    if found is None or abs(points := int(found[1])) > _MAX_POINTS:
        raise InvalidInput.of("points", f"must be a whole number, at most {_MAX_POINTS} either way")
    if _GROUPED.fullmatch(found[0]):
        raise InvalidInput.of("points", f"may be {points} or {points}000: write it without a point")
    return points


def _text(cells: dict[str, Any], field: str, most: int) -> str:
    text = cells.get(field) or ""
    if len(text) > most:
        raise InvalidInput.of(field, f"must have at most {most} characters")
    if not _ONE_LINE.fullmatch(text):
        raise InvalidInput.of(field, "must be one line, without control characters")
    if looks_like_card(text):
        raise InvalidInput.of(field, "must not hold a card number: take it out, it would be kept for ever")
    return text


def _boolean(cells: dict[str, Any], field: str, *, usual: bool) -> bool:
    text = cells.get(field)
    if not text:
        return usual
    if text.lower() not in _BOOLEANS:
        raise InvalidInput.of(field, "must be true or false")
    return _BOOLEANS[text.lower()]
