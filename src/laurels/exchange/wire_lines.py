"""NDJSON of whole orders and refunds in the wire's own words, streamed: no more than a line is in memory.

The file is read twice, first to check it, then to give it. One id twice is the ledger's matter: the same content counts
once, other content is a conflict.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from laurels import clock
from laurels.errors import FieldError, InvalidInput
from laurels.exchange.cells import SPOILED_WORDS
from laurels.exchange.faults import Fault, refuse_faults
from laurels.exchange.inputs import Input
from laurels.exchange.ndjson_table import read_lines, refuse_line
from laurels.exchange.orders import OrdersFile
from laurels.exchange.refusals import refuse
from laurels.exchange.table import by_number
from laurels.intake import Id, NamedOrderForm, RefundForm, decode
from laurels.model import Order, Refund
from laurels.model.ids import is_spoiled


class _LineKind(Struct):
    """Just enough of a line to see which kind it is."""

    refund_id: Any = None


class _FiledRefund(RefundForm, forbid_unknown_fields=True, kw_only=True):
    """A refund that says which order it is of, if any."""

    order_id: Id | None = None


_decode_kind = msgspec.json.Decoder(_LineKind).decode


def read_wire_lines(
    file: Input, *, quiet: bool, skip_invalid: bool = False, ids_as_they_are: bool = False
) -> OrdersFile:
    """The orders and refunds in an NDJSON file. Raises `FileRefused` with every line that cannot be taken; with
    `skip_invalid` such lines are left out and are the answer's `faults`. A line that is no JSON is refused always.
    """
    now = clock.now()
    faults: list[Fault] = []
    warned: Counter[str] = Counter()
    total = 0
    for _, document, warnings in _read(file, now, faults, plain=ids_as_they_are):
        total += document is not None
        warned.update(f"column {warning.field.partition('[')[0]}: {warning.message}" for warning in warnings)
    if not total and not faults:
        raise refuse(file.name, "is empty")
    if faults and not skip_invalid:
        raise refuse_faults(file.name, faults, by_number)

    def give() -> Iterator[Order | Refund]:
        for _, document, _ in _read(file, now, [], plain=ids_as_they_are):
            if document is not None:
                yield msgspec.structs.replace(document, quiet=quiet)

    return OrdersFile(total, {}, give, warnings=dict(warned), faults=faults)


def _read(
    file: Input, now: int, faults: list[Fault], *, plain: bool
) -> Iterator[tuple[int, Order | Refund | None, list[FieldError]]]:
    for row, line in read_lines(file):
        try:
            document, warnings = _document(line, now)
            if not plain:
                _refuse_spoiled(document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise refuse_line(file, row, error) from error
        except InvalidInput as error:
            faults += [Fault(row, fault.field, fault.message) for fault in error.errors]
            yield row, None, []
        else:
            yield row, document, warnings


def _document(line: bytes, now: int) -> tuple[Order | Refund, list[FieldError]]:
    if _decode_kind(line).refund_id is not None:
        refund = decode(_FiledRefund, line)
        return refund.refund(refund.member_id, now, refund.order_id), []
    order = decode(NamedOrderForm, line)
    return order.order(order.order_id, now), order.warnings()


def _refuse_spoiled(document: Order | Refund) -> None:
    ids = {"member_id": document.member_id, "order_id": document.order_id}
    if isinstance(document, Refund):
        ids["refund_id"] = document.refund_id
    spoiled = [
        FieldError(field, f'"{text}" {SPOILED_WORDS}') for field, text in ids.items() if text and is_spoiled(text)
    ]
    if spoiled:
        raise InvalidInput(spoiled)
