"""The mapped columns of a table by role, as texts in the wire's spelling, and which rows are not read."""

from collections import defaultdict
from collections.abc import Iterator

import polars as pl

from laurels.exchange import cells
from laurels.exchange.faults import Fault
from laurels.exchange.mapping import EPOCH_FORMATS, MONEY_ROLES, Mapping, parts
from laurels.exchange.refusals import refuse_cell, shown
from laurels.exchange.symbols import currencies_of
from laurels.exchange.table import Table
from laurels.model.currencies import DECIMALS
from laurels.model.money import MILLION

NOT_WHOLE = " in minor units"
"""What stands behind a cell that is no whole number of minor units, so that it is no amount."""

TIME_TYPES = (pl.Datetime, pl.Date)
_TEXT_TYPES = (pl.String, pl.Categorical, pl.Enum, pl.Null)
_DECIMAL_ROLES = frozenset({*MONEY_ROLES, "quantity"})
_ONE_OF_AN_ORDER = ("member_id", "email", "currency", "channel", "status", "refunded", "cancelled_at")
_TIME_ROLES = frozenset({"occurred_at", "cancelled_at"})
_EXACT = pl.lit(cells.MAX_DECIMALS)
_SIGNED = pl.lit(value=True)


def by_role(table: Table, mapping: Mapping) -> Iterator[pl.DataFrame]:
    """The mapped columns by role, as text or as the times they are, with null for empty cells; and `row`, from 1. Some
    of the rows at a time, unless what one means follows from other rows of its order.
    """
    sources = {role: parts(role, text, table.columns) for role, text in mapping.columns.items()}
    wanted = {f"{role}:{index}": column for role, joined in sources.items() for index, (_, column) in enumerate(joined)}
    together = mapping.totals_on_first_row or (mapping.negative_refunds and mapping.of_lines)
    begin = 1
    for frame in [table.select(wanted)] if together else table.slices(wanted):
        texts = frame.select(
            pl.int_range(begin, pl.len() + begin, dtype=pl.Int64).alias("row"),
            *(
                _as_text(table, mapping, name, column, frame.schema[name], alone=len(sources[name.split(":")[0]]) == 1)
                for name, column in wanted.items()
            ),
        )
        yield _with_currency(texts, mapping).select(
            "row",
            *(
                _joined(role, [(sign, f"{role}:{index}") for index, (sign, _) in enumerate(joined)], mapping).alias(
                    role
                )
                for role, joined in sources.items()
            ),
        )
        begin += frame.height


def _with_currency(frame: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """With the columns that the reading of money follows: `currency:0` in capitals."""
    return frame.with_columns(_code(mapping).alias("currency:0"))


def _code(mapping: Mapping) -> pl.Expr:
    """The rows' currency, in capitals where it is a code."""
    if "currency" in mapping.constants:
        return pl.lit(mapping.constants["currency"].upper())
    code = pl.col("currency:0").cast(pl.String)
    return pl.when(code.str.contains(r"^[A-Za-z]{3}$")).then(code.str.to_uppercase()).otherwise(code)


def _as_text(table: Table, mapping: Mapping, name: str, column: str, dtype: pl.DataType, *, alone: bool) -> pl.Expr:
    role = name.split(":", maxsplit=1)[0]
    cell = pl.col(name)
    if role in _TIME_ROLES and isinstance(dtype, TIME_TYPES) and alone:
        return cell
    if role in _TIME_ROLES and isinstance(dtype, (*TIME_TYPES, pl.Time)):
        return cell.cast(pl.String).alias(name)
    is_epoch = role in _TIME_ROLES and mapping.time_format in EPOCH_FORMATS
    text = cell.cast(pl.String)
    if isinstance(dtype, _TEXT_TYPES) or (dtype.is_integer() and (role not in _TIME_ROLES or is_epoch)):
        text = pl.when(text != "").then(text)
    elif isinstance(dtype, pl.Decimal) and role in _DECIMAL_ROLES:
        # The type's scale is not the cell's precision: 5.000 in a decimal(12, 3) is 5.
        short = text.str.strip_chars_end("0").str.strip_suffix(".")
        text = pl.when(text.str.contains(".", literal=True)).then(short).otherwise(text)
    elif dtype.is_float() and (role in _DECIMAL_ROLES or is_epoch):
        text = cells.floats(cell.cast(pl.Float64))
    else:
        raise refuse_cell(table.file, None, column, f"holds {shown(str(dtype))}; {_wanted_type(role)}")
    if role in MONEY_ROLES:
        text = _plain_money(text, mapping, _code(mapping))
    if role in _DECIMAL_ROLES and _may_be_noisy(dtype):
        text = cells.settled(text)
    if mapping.strip_prefix is not None and role in {"order_id", "refund_id"}:
        text = text.str.strip_prefix(mapping.strip_prefix)
    return text.alias(name)


def _may_be_noisy(dtype: pl.DataType) -> bool:
    """Whether cells of a type may hold the noise of a float that was printed; of a float it is gone by now."""
    return isinstance(dtype, _TEXT_TYPES) or (isinstance(dtype, pl.Decimal) and dtype.scale > cells.MAX_DECIMALS)


def _wanted_type(role: str) -> str:
    if role in _TIME_ROLES:
        return "times must be a datetime, a date or text, or numbers with a time format of epoch"
    if role in _DECIMAL_ROLES:
        return "amounts must be numbers or text"
    return "it must be text or whole numbers"


def _plain_money(text: pl.Expr, mapping: Mapping, currency: pl.Expr) -> pl.Expr:
    """An amount without its sign of money, which stands before it or behind it, and marks of thousands, with a point
    before its decimals. A sign that does not stand for the row's currency stays, so that the amount is refused.
    """
    if mapping.money_sign is not None:
        sign, signed = mapping.money_sign.strip() or mapping.money_sign, text
        before, behind = rf"^(-?){_literal(sign)}{_SPACE}", rf"^(-?[0-9].*?){_SPACE}{_literal(sign)}$"
        text = text.str.replace(r"^\((.*)\)$", "-$1")
        text = (
            pl.when(text.str.contains(before))
            .then(text.str.replace(before, "${1}"))
            .otherwise(text.str.replace(behind, "${1}"))
        )
        if (codes := currencies_of(sign)) is not None:
            stands = currency.is_in(list(codes)).fill_null(value=True)
            text = pl.when(stands | ~signed.str.contains(sign, literal=True)).then(text).otherwise(signed)
    mark = rf"\{mapping.decimal}"
    if mapping.thousands is not None:
        grouped = rf"^-?[0-9]{{1,3}}(?:{_literal(mapping.thousands)}[0-9]{{3}})+(?:{mark}[0-9]*)?$"
        bare = text.str.replace_all(mapping.thousands, "", literal=True)
        text = pl.when(text.str.contains(grouped)).then(bare).otherwise(text)
    if mapping.decimal == ",":
        # A point is no decimal mark then, and must not be taken for one.
        other = text + " (the decimal mark is ,)"
        text = pl.when(text.str.contains(".", literal=True)).then(other).otherwise(text.str.replace(",", "."))
    return text


_SPACE = r"[ \x{a0}\x{202f}]?"
"""What may part an amount from its sign: a space, or one that breaks no line."""


def _literal(text: str) -> str:
    return "".join(f"\\x{{{ord(each):x}}}" for each in text)


def _joined(role: str, joined: list[tuple[int, str]], mapping: Mapping) -> pl.Expr:
    if role not in MONEY_ROLES:
        names = [pl.col(name) for _, name in joined]
        return names[0] if len(names) == 1 else pl.concat_str(names, separator=" ", ignore_nulls=True)
    texts = [_in_major_units(pl.col(name)) if mapping.minor_units else pl.col(name) for _, name in joined]
    if len(texts) == 1:
        return texts[0]
    values = [cells.millionths(text, _EXACT, signed=_SIGNED) for text in texts]
    total = pl.sum_horizontal(value.fill_null(0) * sign for value, (sign, _) in zip(values, joined, strict=True))
    bad = pl.coalesce(
        *(pl.when(text.is_not_null() & value.is_null()).then(text) for text, value in zip(texts, values, strict=True))
    )
    empty = pl.all_horizontal(text.is_null() for text in texts)
    return pl.when(bad.is_not_null()).then(bad).when(~empty).then(cells.spelled(total))


def _in_major_units(text: pl.Expr) -> pl.Expr:
    """Whole pence as pounds; what is not whole says so, and is no amount then."""
    decimals = pl.col("currency:0").replace_strict(DECIMALS, default=None, return_dtype=pl.Int64)
    # 500.0 is a whole number that a program printed as a float; 5.00 would be an amount in pounds.
    seems_major = text.str.contains(r"\.[0-9]{2}") & (decimals > 0)
    whole = pl.when(~seems_major).then(cells.millionths(text, pl.lit(0), signed=_SIGNED) // MILLION)
    major = cells.spelled(whole * 10 ** (cells.MAX_DECIMALS - decimals))
    return pl.when(text.is_null() | decimals.is_null()).then(text).otherwise(pl.coalesce(major, text + NOT_WHOLE))


def differing(raw: pl.DataFrame, mapping: Mapping) -> dict[int, list[Fault]]:
    """Of an order's further rows, which are not read, those that say another member, currency, status or the like than
    the first one that says it: by the order's first row.
    """
    if not mapping.totals_on_first_row:
        return {}
    key, faults = _key(raw), defaultdict[int, list[Fault]](list)
    for role in _ONE_OF_AN_ORDER:
        if role not in raw.columns:
            continue
        first = pl.col(role).drop_nulls().first().over(key)
        other = raw.with_columns(pl.col("row").min().over(key).alias("head")).filter(
            pl.col("order_id").is_not_null() & (pl.col(role) != first)
        )
        for row, head, name, cell in other.select("row", "head", "order_id", pl.col(role).alias("cell")).iter_rows():
            why = f"is another one than {name} has, which begins in row {head}"
            faults[head].append(Fault(row, mapping.columns[role], why, str(cell)))
    return faults


def leave_out(raw: pl.DataFrame, mapping: Mapping) -> tuple[pl.DataFrame, dict[str, int]]:
    """The rows that the mapping does not skip, and how many it does, by reason; a row counts under its first one."""
    if mapping.totals_on_first_row:
        raw = _first_rows(raw)
    reasons: dict[str, pl.Expr] = {}
    if mapping.skip_prefix is not None:
        begins = pl.col("order_id").str.starts_with(mapping.skip_prefix).fill_null(value=False)
        reasons[f"rows whose {mapping.order_id} begins with {mapping.skip_prefix}"] = begins
    if mapping.keep:
        status = pl.col("status").str.to_lowercase()
        kept = status.is_in([each.lower() for each in mapping.keep]).fill_null(value=False)
        for other in raw.filter(~kept)["status"].unique(maintain_order=True).to_list():
            of = pl.col("status").eq_missing(pl.lit(other, pl.String))
            reasons[f"rows whose {mapping.status} is {shown(other or 'empty')}"] = ~kept & of
    if mapping.skip_without_member:
        guest = pl.col("member_id").is_in(list(mapping.guest_ids)).fill_null(value=False)
        reasons[f"rows without {mapping.member_id}"] = pl.col("member_id").is_null() | guest
    skipped: dict[str, int] = {}
    for reason, applies in reasons.items():
        left = raw.filter(~applies)
        skipped[reason] = raw.height - left.height
        raw = left
    return raw, skipped


def _first_rows(raw: pl.DataFrame) -> pl.DataFrame:
    """Without the further rows of an order, which have no total, or the first one's."""
    key = _key(raw)
    first = pl.col("row") == pl.col("row").min().over(key)
    same = pl.col("total").is_null() | (pl.col("total") == pl.col("total").first().over(key))
    named = pl.col("order_id").is_not_null()
    filled = [
        pl.when(named).then(pl.coalesce(role, pl.col(role).drop_nulls().first().over(key))).otherwise(role).alias(role)
        for role in ("member_id", "email")
        if role in raw.columns
    ]
    return raw.with_columns(filled).filter(first | ~named | ~same)


def _key(raw: pl.DataFrame) -> list[str]:
    """What tells orders apart."""
    return [role for role in ("source", "order_id") if role in raw.columns]
