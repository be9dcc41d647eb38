"""Which column of a file is which, and how its cells are read: all that an option list or a preset can say."""

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from laurels.errors import FileRefused, InvalidInput, SettingsError
from laurels.exchange.refusals import refuse, shown
from laurels.model import Channel
from laurels.model.ids import check_source
from laurels.model.money import check_currency

LINE_ROLES = ("sku", "quantity", "unit_price")
REQUIRED_ROLES = ("order_id", "member_id", "currency")
CONSTANT_ROLES = ("currency", "channel", "source")
WIRE_ROLES = (
    *REQUIRED_ROLES,
    "occurred_at",
    "channel",
    "source",
    "email",
    "refund_id",
    "total",
    "amount",
    *LINE_ROLES,
)
"""The wire's names: a file that uses them for its columns needs no mapping."""

FURTHER_ROLES = ("line_total", "refunded", "cancelled_at", "status", "event", "zone")
ROLES = (*WIRE_ROLES, *FURTHER_ROLES)
"""What a column can be."""

MONEY_ROLES = ("total", "amount", "unit_price", "line_total", "refunded")
SIDE_ROLES = ("email", "sku")
"""What moves no points: a cell that nobody can use is left out, and so is the column in presets."""

SUMMED_ROLES = (*MONEY_ROLES, "occurred_at")
"""Roles whose text may join columns: `Subtotal+Tax-Discount`, and `Date+Time` with a space between."""

_NEARLY = 0.8
"""How alike, from 0 to 1, a column's name and a field's are where one may be a slip for the other."""

WAY_OUT = "leave a column out with --ignore COLUMN"

EPOCH_FORMATS = {"epoch": 1_000_000, "epoch-ms": 1000, "epoch-us": 1}


class Constant(Struct, frozen=True):
    """A value that holds for the whole file, where a mapping could also name a column."""

    value: str


class Mapping(Struct, frozen=True, kw_only=True):
    """Which column holds what, and how cells are spelt. A text is the name of a column, which must be there; None is
    the column of the wire's name, if there is one. `Created|Created (UTC)` is the first of these that is there.

    A row is one order where there is a `total`, or one line of an order where there are `quantity` and `unit_price`
    (and `sku`), or `line_total`; lines need not stand together: they are gathered by id, in the order of their first
    lines, whose time and e-mail count. An order has one member, currency and channel. With `totals_on_first_row` the
    further rows of an order, without a total or with the same one, are not read.

    A row is a refund where its `refund_id` is filled (then `order_id`, if filled, is the order that it refunds), where
    its order id begins with `refund_prefix`, its `event` is one of `refund_events`, or its amount is below zero under
    `negative_refunds` (then it names no order, and that id is the refund's). A refund's amount counts without its
    sign. An order whose `refunded` is above zero is followed by a refund of so much, of the order's id and time.

    An order that has a `cancelled_at`, or whose `status` is one of `returned`, is followed by a refund of its rest, of
    the time of cancelling, else the order's, and of the order's id with `:rest` behind it.

    Rows whose `status` is none of `keep`, whose order id begins with `skip_prefix`, and with `skip_without_member`
    those whose member id is empty or one of `guest_ids`, are left out and counted. `strip_prefix` is taken off ids of
    orders and refunds.

    `time_zone` is where times without an offset were read off the clock, unless a column `zone` says it; without one
    they are refused. When clocks go back, the hour that comes twice is taken as the first one; a time that clocks
    skipped is read by the offset before the change, so 01:30 becomes 02:30. Neither is an error: tills do print such
    times. `time_format` is one of strftime, or `epoch`, `epoch-ms`, `epoch-us`; times that
    begin with the year are read all the same, unless the format begins so.

    Amounts: `money_sign` (`$`) is taken off, `thousands` are dropped, `decimal` is the decimal mark; `minor_units` are
    whole numbers of pence or cents.

    Of a workbook the `sheet` that is named is read, else all that are shown.

    Columns in `ignore` are never read, and may have names that are nearly the wire's.

    Where amounts stand in `amount` alone the file holds `refunds_alone`, which `fit` finds out: every row has a
    `refund_id` then.
    """

    order_id: str | None = None
    member_id: str | None = None
    currency: str | Constant | None = None
    occurred_at: str | None = None
    channel: str | Constant | None = None
    source: str | Constant | None = None
    email: str | None = None
    refund_id: str | None = None
    total: str | None = None
    amount: str | None = None
    sku: str | None = None
    quantity: str | None = None
    unit_price: str | None = None
    line_total: str | None = None
    refunded: str | None = None
    cancelled_at: str | None = None
    status: str | None = None
    event: str | None = None
    zone: str | None = None
    time_zone: str | None = None
    time_format: str | None = None
    refund_prefix: str | None = None
    refund_events: tuple[str, ...] = ()
    negative_refunds: bool = False
    skip_prefix: str | None = None
    skip_without_member: bool = False
    guest_ids: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    strip_prefix: str | None = None
    totals_on_first_row: bool = False
    minor_units: bool = False
    money_sign: str | None = None
    thousands: str | None = None
    decimal: str = "."
    ids_as_they_are: bool = False
    ignore: tuple[str, ...] = ()
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    refunds_alone: bool = False

    @classmethod
    def of(cls, fields: dict[str, "str | Constant"], **rest: Any) -> "Mapping":
        """A mapping from field -> column or constant; what is not named is looked for under the wire's name.

        Raises `SettingsError` for a field that is not known, and for a constant where only a column makes sense.
        """
        for field, where in fields.items():
            if field not in ROLES:
                raise SettingsError(f"There is no field {shown(field)}; {nearest(field, ROLES, 'known')}.")
            if isinstance(where, Constant) and field not in CONSTANT_ROLES:
                raise SettingsError(f"{field} differs from row to row; give its column.")
        return cls(**fields, **rest)  # type: ignore[arg-type]

    def check_names(self, file: str, columns: Sequence[str]) -> None:
        """Raise `FileRefused` naming a column that the wire does not know, of a file that names its columns as the wire
        does: so a slip in an optional column's name does not silently drop it.
        """
        for column in columns:
            if column not in WIRE_ROLES and column not in self.ignore:
                raise refuse_unknown(file, column, columns, WIRE_ROLES)

    def fit(self, file: str, columns: Sequence[str]) -> "Mapping":
        """This mapping for a file with these columns: roles that it does not name have the column of the wire's name.

        Whoever names an amount does not get another beside it: with `total` named, `quantity` and `unit_price` are
        not looked for, and the other way round. Raises `FileRefused` where the mapping contradicts itself, does not
        fit, or says something that has no effect.
        """
        named = {role for role in ROLES if getattr(self, role) is not None}
        unwanted = set(LINE_ROLES) if named & {"total", "line_total"} else set()
        if named & {"quantity", "unit_price", "line_total"}:
            unwanted |= {"total"}
        if "line_total" in named:
            unwanted -= {"sku"}
        there = set(columns) - set(self.ignore)
        found = {role: role for role in WIRE_ROLES if role not in named | unwanted and role in there}
        found |= {role: role for role in REQUIRED_ROLES if role not in named}
        chosen = {role: _present(role, text, columns) for role, text in self.columns.items() if "|" in text}
        fitted = msgspec.structs.replace(self, **found, **chosen)
        if not (fitted.total or fitted.quantity or fitted.unit_price or fitted.line_total) and fitted.refund_id:
            fitted = msgspec.structs.replace(fitted, total=fitted.amount, refunds_alone=fitted.amount is not None)
        fitted.check(file, columns)
        fitted._check_near_misses(file, columns)
        return fitted

    @property
    def columns(self) -> dict[str, str]:
        """Role -> column, or columns joined, of the roles that have one."""
        given = {role: getattr(self, role) for role in ROLES}
        return {role: column for role, column in given.items() if isinstance(column, str)}

    @property
    def constants(self) -> dict[str, str]:
        """Role -> the value that holds for every row."""
        given = {role: getattr(self, role) for role in ROLES}
        return {role: constant.value for role, constant in given.items() if isinstance(constant, Constant)}

    @property
    def of_lines(self) -> bool:
        """Whether a row is a line of an order, not a whole one."""
        return self.total is None

    def check(self, file: str, columns: Sequence[str]) -> None:
        """Raise `FileRefused` where this mapping contradicts itself or does not fit a file with these columns."""
        self._check_amounts(file)
        self._check_values(file)
        for role, text in self.columns.items():
            for _, column in parts(role, text, columns):
                if column not in columns:
                    hint = "; or set one for every row" if role == "currency" else ""
                    raise refuse(file, f"has no column {shown(column)} ({role}); {nearest(column, columns)}{hint}")
                if columns.count(column) > 1:
                    raise refuse(file, f"has the column {shown(column)} more than once; rename one")
        for column in self.ignore:
            if any(column == name for role, text in self.columns.items() for _, name in parts(role, text, columns)):
                raise refuse(file, f"the column {shown(column)} is to be read and to be ignored; leave one out")
        for option, needed in self._idle():
            raise refuse(file, f"{option} has no effect without {needed}")

    def _check_near_misses(self, file: str, columns: Sequence[str]) -> None:
        read = {name for role, text in self.columns.items() for _, name in parts(role, text, columns)}
        unwanted = ("total",) if self.of_lines else LINE_ROLES
        lacking = [role for role in WIRE_ROLES if getattr(self, role) is None and role not in unwanted]
        refuse_near_misses(file, [each for each in columns if each not in {*read, *self.ignore}], lacking)

    def _check_amounts(self, file: str) -> None:
        if self.line_total is not None:
            if self.total or self.quantity or self.unit_price:
                raise refuse(file, "has line_total beside total, quantity or unit_price; leave one side out")
            return
        lines = [role for role in LINE_ROLES if getattr(self, role) is not None]
        lacking = [role for role in ("quantity", "unit_price") if role not in lines]
        if self.total is None and lacking:
            raise refuse(
                file,
                f"has no column for {', '.join(lacking if lines else ['total'])}; give total (a row is an order), or "
                "quantity and unit_price, or line_total (a row is a line)",
            )
        if self.total is not None and lines:
            raise refuse(
                file, f"has total and {', '.join(lines)}; a row is an order or a line of one, so leave one side out"
            )

    def _check_values(self, file: str) -> None:
        if self.refund_id is not None and self.refund_prefix is not None:
            raise refuse(file, "has refunds told by refund_id and by refund_prefix; name one of them")
        try:
            for role, value in self.constants.items():
                _CHECKS[role](value.upper() if role == "currency" else value, role)
        except InvalidInput as error:
            raise refuse(file, f"mapping, {error.message}") from None
        if self.time_zone is not None:
            check_zone(file, self.time_zone)
        if self.decimal not in {".", ","} or self.thousands == self.decimal:
            raise refuse(file, "mapping, decimal: must be . or , and not the mark of thousands")

    def _idle(self) -> list[tuple[str, str]]:
        """Options that would have no effect, each with what it needs."""
        needs = (
            ("time_zone", self.time_zone is not None, "occurred_at"),
            ("time_format", self.time_format is not None, "occurred_at"),
            ("zone", self.zone is not None, "occurred_at"),
            ("keep", bool(self.keep), "status"),
            ("returned", bool(self.returned), "status"),
            ("refund_events", bool(self.refund_events), "event"),
            ("event", self.event is not None, "refund_events"),
            ("totals_on_first_row", self.totals_on_first_row, "total"),
            ("guest_ids", bool(self.guest_ids), "skip_without_member"),
        )
        idle = [(option, needed) for option, given, needed in needs if given and not getattr(self, needed)]
        if self.status is not None and not (self.keep or self.returned):
            idle.append(("status", "keep"))
        return idle


def check_zone(file: str, zone: str) -> None:
    """Raise `FileRefused` for a time zone that is not known."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise refuse(
            file, f"mapping, time_zone: {shown(zone)} is not known; give a name such as Europe/London"
        ) from None


def refuse_unknown(file: str, column: str, columns: Sequence[str], known: Sequence[str]) -> FileRefused:
    """The refusal of a column that is not known, with the ways out."""
    if not column.strip():
        number = columns.index(column) + 1
        why = f"has a column without a name, number {number}; name it, or leave it out with --ignore '{column}'"
        return refuse(file, why)
    map_ = f"say what it is with --map FIELD='{shown(column)}'"
    nearly = nearest(column, known, "known")
    return refuse(file, f"has a column {shown(column)} that is not known; {nearly}; {map_}, or {WAY_OUT}")


def refuse_near_misses(file: str, unread: Sequence[str], lacking: Sequence[str]) -> None:
    """Raise `FileRefused` for a column that is not read and is named nearly as a field that was not found."""
    for column in unread:
        if near := get_close_matches(re.sub(r"[\s-]+", "_", column.strip().lower()), lacking, 1, _NEARLY):
            raise refuse(
                file,
                f"has a column {shown(column)} that is not read, and none for {near[0]}; say --map "
                f"'{near[0]}={shown(column)}', or {WAY_OUT}",
            )


def _present(role: str, text: str, columns: Sequence[str]) -> str | None:
    """Of columns between bars, the first that is there; else the first. Side data may be without a column where nothing
    stands behind the last bar.
    """
    choices = [text] if text in columns else text.split("|")
    there = (choice for choice in choices if all(name in columns for _, name in parts(role, choice, columns)))
    return next(there, None if role in SIDE_ROLES and not choices[-1] else choices[0])


def parts(role: str, text: str, columns: Sequence[str]) -> list[tuple[int, str]]:
    """The columns that a role is made of, each with its sign: of most roles one, of `Subtotal+Tax-Discount` three."""
    if role not in SUMMED_ROLES or text in columns or not re.search("[+-]", text):
        return [(1, text)]
    pieces = re.split(r"([+-])", text)
    names = [piece.strip() for piece in pieces[::2]]
    signs = [1, *(1 if sign == "+" else -1 for sign in pieces[1::2])]
    if not all(names):
        return [(1, text)]
    return list(zip(signs, names, strict=True))


def check_channel(text: str, field: str = "channel") -> str:
    """Give `text` back when it is a channel; raise `InvalidInput` when not."""
    if text not in set(Channel):
        raise InvalidInput.of(field, f"must be one of {', '.join(Channel)}")
    return text


_CHECKS: dict[str, Callable[[str, str], str]] = {
    "currency": check_currency,
    "channel": check_channel,
    "source": check_source,
}


def nearest(name: str, names: Sequence[str], word: str = "present") -> str:
    """The names that resemble one that is not there, or all."""
    lowered = {name.lower(): name for name in names}
    close = get_close_matches(name.lower(), lowered, n=3, cutoff=0.5)
    if close:
        return f"the nearest {word}: {', '.join(shown(lowered[name]) for name in close)}"
    return f"{word}: {shown(', '.join(names), 200)}"
