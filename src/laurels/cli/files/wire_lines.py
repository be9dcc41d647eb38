"""NDJSON of whole orders and refunds in the wire's own words, streamed: no more than a line is in memory.

The file is read twice, first to check it, then to give it. One id twice is the ledger's matter: the same content counts
once, other content is a conflict.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from laurels import clock
from laurels.cli.files.checks import check_email, check_sku, check_sum
from laurels.cli.files.ndjson_table import read_lines, refuse_line
from laurels.cli.files.orders import OrdersFile
from laurels.cli.files.refusals import refuse_cell
from laurels.errors import InvalidInput
from laurels.model import Channel, Line, Order, Refund
from laurels.model.ids import check_id
from laurels.model.money import check_currency, format_amount, parse_amount, parse_millionths, sum_lines
from laurels.model.times import check_occurred, parse_instant


class _Kind(Struct):
    """Just enough of a line to see which kind it is."""

    refund_id: Any = None


class _Line(Struct, forbid_unknown_fields=True):
    sku: str
    quantity: str | int
    unit_price: str


class _Order(Struct, forbid_unknown_fields=True):
    order_id: str
    member_id: str
    currency: str
    channel: Channel = Channel.WEB
    occurred_at: str | None = None
    source: str = "shop"
    email: str | None = None
    lines: list[_Line] = []
    total: str | None = None


class _Refund(Struct, forbid_unknown_fields=True):
    refund_id: str
    member_id: str
    currency: str
    amount: str
    order_id: str | None = None
    occurred_at: str | None = None
    source: str = "shop"


_decode_kind = msgspec.json.Decoder(_Kind).decode
_decode_order = msgspec.json.Decoder(_Order).decode
_decode_refund = msgspec.json.Decoder(_Refund).decode


def read_wire_lines(path: Path, *, quiet: bool) -> OrdersFile:
    """The orders and refunds in an NDJSON file. Raises `FileRefused` at the first line that cannot be taken."""
    total = sum(1 for _ in _give(path, quiet=quiet))
    return OrdersFile(total, {}, lambda: _give(path, quiet=quiet))


def _give(path: Path, *, quiet: bool) -> Iterator[Order | Refund]:
    now = clock.now()
    for row, line in read_lines(path):
        try:
            document = _document(line, now, quiet=quiet)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise refuse_line(path, row, error) from error
        except InvalidInput as error:
            fault = error.errors[0]
            raise refuse_cell(str(path), f"row {row}", fault.field, fault.message) from error
        yield document


def _document(line: bytes, now: int, *, quiet: bool) -> Order | Refund:
    if _decode_kind(line).refund_id is not None:
        return _refund(_decode_refund(line), now, quiet=quiet)
    return _order(_decode_order(line), now, quiet=quiet)


def _order(sent: _Order, now: int, *, quiet: bool) -> Order:
    order_id, member_id = check_id(sent.order_id, "order_id"), check_id(sent.member_id, "member_id")
    currency = check_currency(sent.currency)
    lines = tuple(_line(line, f"lines[{index}]") for index, line in enumerate(sent.lines))
    return Order(
        source=check_id(sent.source, "source"),
        order_id=order_id,
        currency=currency,
        total=_total(sent.total, lines, currency),
        member_id=member_id,
        channel=sent.channel,
        occurred_at=_occurred(sent.occurred_at, now),
        lines=lines,
        email=None if sent.email is None else check_email(sent.email, "email"),
        quiet=quiet,
    )


def _refund(sent: _Refund, now: int, *, quiet: bool) -> Refund:
    refund_id, member_id = check_id(sent.refund_id, "refund_id"), check_id(sent.member_id, "member_id")
    currency = check_currency(sent.currency)
    return Refund(
        source=check_id(sent.source, "source"),
        refund_id=refund_id,
        currency=currency,
        amount=parse_amount(sent.amount, currency, "amount"),
        member_id=member_id,
        order_id=None if sent.order_id is None else check_id(sent.order_id, "order_id"),
        occurred_at=_occurred(sent.occurred_at, now),
        quiet=quiet,
    )


def _line(sent: _Line, field: str) -> Line:
    quantity = parse_millionths(str(sent.quantity), f"{field}.quantity")
    if quantity == 0:
        raise InvalidInput.of(f"{field}.quantity", "must be more than 0")
    price = parse_millionths(sent.unit_price, f"{field}.unit_price", signed=True)
    return Line(check_sku(sent.sku, f"{field}.sku"), quantity, price)


def _total(sent: str | None, lines: tuple[Line, ...], currency: str) -> int:
    if sent is None and not lines:
        raise InvalidInput.of("total", "is missing; give lines or total")
    given = None if sent is None else parse_amount(sent, currency, "total")
    if not lines:
        return given or 0
    total = check_sum(sum_lines(((line.quantity, line.unit_price) for line in lines), currency), currency)
    if given is not None and given != total:
        raise InvalidInput.of(
            "total", f"does not agree with the lines, which add up to {format_amount(total, currency)}"
        )
    return total


def _occurred(sent: str | None, now: int) -> int | None:
    return None if sent is None else check_occurred(parse_instant(sent, "occurred_at"), now)
