"""Which column of a file is which, and the mappings that have a name."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from laurels.cli.files.refusals import refuse, shown
from laurels.errors import InvalidInput, SettingsError
from laurels.model import Channel
from laurels.model.ids import check_source
from laurels.model.money import check_currency

LINE_ROLES = ("sku", "quantity", "unit_price")
REQUIRED_ROLES = ("order_id", "member_id", "currency")
CONSTANT_ROLES = ("currency", "channel", "source")
ROLES = (*REQUIRED_ROLES, "occurred_at", "channel", "source", "email", "refund_id", "total", *LINE_ROLES)
"""What a column can be. These are also the wire's names, so a file that uses them needs no mapping."""


class Constant(Struct, frozen=True):
    """A value that holds for the whole file, where a mapping could also name a column."""

    value: str


class Mapping(Struct, frozen=True, kw_only=True):
    """Which column holds what. A text is the name of a column, which must be there; None is "no such column".

    A row is one order where `total` is named, or one line of an order where `sku`, `quantity` and `unit_price` are;
    lines need not stand together: they are gathered by id, in the order of their first lines, whose time and e-mail
    count. An order has one member, currency and channel.

    A row is a refund where its `refund_id` is filled (then `order_id`, if filled, is the order that it refunds), or
    where its order id begins with `refund_prefix` (then it names no order, and that id is the refund's). A refund's
    amount counts without its sign.

    Rows whose order id begins with `skip_prefix`, and with `skip_without_member` those whose member id is empty, are
    left out and counted. `time_zone` is where times without an offset were read off the clock; without one they are
    refused. When clocks go back, the hour that comes twice is taken as the first one; a time that clocks skipped is
    read by the offset before the change, so 01:30 becomes 02:30. Neither is an error: tills do print such times.
    """

    order_id: str = "order_id"
    member_id: str = "member_id"
    currency: str | Constant = "currency"
    occurred_at: str | None = None
    channel: str | Constant = Constant("web")
    source: str | Constant = Constant("shop")
    email: str | None = None
    refund_id: str | None = None
    total: str | None = None
    sku: str | None = None
    quantity: str | None = None
    unit_price: str | None = None
    time_zone: str | None = None
    refund_prefix: str | None = None
    skip_prefix: str | None = None
    skip_without_member: bool = False

    @classmethod
    def of(cls, fields: dict[str, "str | Constant"], **rest: Any) -> "Mapping":
        """A mapping from field -> column or constant; what is not named is looked for under the wire's name.

        Raises `SettingsError` for a field that is not known, and for a constant where only a column makes sense.
        """
        for field, where in fields.items():
            if field not in ROLES:
                raise SettingsError(f"There is no field {shown(field)}; {_nearest(field, ROLES, 'known')}.")
            if isinstance(where, Constant) and field not in CONSTANT_ROLES:
                raise SettingsError(f"{field} differs from row to row; give its column.")
        return cls(**fields, **rest)  # type: ignore[arg-type]

    @property
    def columns(self) -> dict[str, str]:
        """Role -> column, of the roles that have one."""
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
        self._check_itself(file)
        for role, column in self.columns.items():
            if column not in columns:
                raise refuse(file, f"has no column {shown(column)} ({role}); {_nearest(column, columns)}")
            if columns.count(column) > 1:
                raise refuse(file, f"has the column {shown(column)} more than once; rename one")

    def _check_itself(self, file: str) -> None:
        lines = [role for role in LINE_ROLES if getattr(self, role) is not None]
        if self.total is None and len(lines) < len(LINE_ROLES):
            lacking = [role for role in LINE_ROLES if role not in lines] if lines else ["total"]
            raise refuse(
                file,
                f"has no column for {', '.join(lacking)}; give total (a row is an order) "
                "or sku, quantity and unit_price (a row is a line)",
            )
        if self.total is not None and lines:
            raise refuse(
                file, f"has total and {', '.join(lines)}; a row is an order or a line of one, so leave one side out"
            )
        if self.refund_id is not None and self.refund_prefix is not None:
            raise refuse(file, "has refunds told by refund_id and by refund_prefix; name one of them")
        try:
            for role, value in self.constants.items():
                _CHECKS[role](value, role)
        except InvalidInput as error:
            raise refuse(file, f"mapping, {error.message}") from None
        if self.time_zone is not None:
            try:
                ZoneInfo(self.time_zone)
            except (KeyError, ValueError, OSError):
                raise refuse(
                    file, f"mapping, time_zone: {shown(self.time_zone)} is not known; give a name such as Europe/London"
                ) from None

    @classmethod
    def by_names(cls, file: str, columns: Sequence[str]) -> "Mapping":
        """The mapping of a file that names its columns as the wire does.

        Only those columns may stand in it, so that a slip in an optional column's name does not silently drop it.
        Raises `FileRefused` naming the column.
        """
        for column in columns:
            if column not in ROLES:
                raise refuse(
                    file, f"has a column {shown(column)} that is not known; {_nearest(column, ROLES, 'known')}"
                )
        required: dict[str, str | Constant] = {role: role for role in REQUIRED_ROLES}
        return cls(**required, **{column: column for column in columns if column not in required})  # type: ignore[arg-type]


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


def _nearest(name: str, names: Sequence[str], word: str = "present") -> str:
    lowered = {name.lower(): name for name in names}
    close = get_close_matches(name.lower(), lowered, n=3, cutoff=0.5)
    if close:
        return f"the nearest {word}: {', '.join(shown(lowered[name]) for name in close)}"
    return f"{word}: {shown(', '.join(names), 200)}"


PRESETS = {
    "online-retail": Mapping(
        order_id="InvoiceNo",
        member_id="CustomerID",
        occurred_at="InvoiceDate",
        currency=Constant("GBP"),
        sku="StockCode",
        quantity="Quantity",
        unit_price="UnitPrice",
        time_zone="Europe/London",
        refund_prefix="C",
        skip_prefix="A",
        skip_without_member=True,
    ),
}
"""`online-retail`: the UCI data set 352, one row a line; `C…` invoices are refunds, `A…` ones write off bad debts."""
