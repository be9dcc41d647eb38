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
from laurels.errors import InvalidInput
from laurels.exchange.ndjson_table import read_lines, refuse_line
from laurels.exchange.orders import OrdersFile
from laurels.exchange.refusals import refuse_cell
from laurels.intake import Id, NamedOrderForm, RefundForm, decode
from laurels.model import Order, Refund


class _Kind(Struct):
    """Just enough of a line to see which kind it is."""

    refund_id: Any = None


class _FiledRefund(RefundForm, forbid_unknown_fields=True, kw_only=True):
    """A refund that says which order it is of, if any."""

    order_id: Id | None = None


_decode_kind = msgspec.json.Decoder(_Kind).decode


def read_wire_lines(path: Path, *, quiet: bool) -> OrdersFile:
    """The orders and refunds in an NDJSON file. Raises `FileRefused` at the first line that cannot be taken."""
    total = sum(1 for _ in _give(path, quiet=quiet))
    return OrdersFile(total, {}, lambda: _give(path, quiet=quiet))


def _give(path: Path, *, quiet: bool) -> Iterator[Order | Refund]:
    now = clock.now()
    for row, line in read_lines(path):
        try:
            document = _document(line, now)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise refuse_line(path, row, error) from error
        except InvalidInput as error:
            fault = error.errors[0]
            raise refuse_cell(str(path), f"row {row}", fault.field, fault.message) from error
        yield msgspec.structs.replace(document, quiet=quiet)


def _document(line: bytes, now: int) -> Order | Refund:
    if _decode_kind(line).refund_id is not None:
        refund = decode(_FiledRefund, line)
        return refund.refund(refund.member_id, now, refund.order_id)
    order = decode(NamedOrderForm, line)
    return order.order(order.order_id, now)
