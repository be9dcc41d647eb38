"""From checked rows to orders and refunds, made one by one while they are taken."""

from collections.abc import Iterator
from operator import mul
from typing import Any

import polars as pl

from laurels.model import Channel, Line, Order, Refund
from laurels.model.money import to_minor

_DOCUMENTS_AT_ONCE = 4096
_CHANNELS = {channel.value: channel for channel in Channel}

REST = ":rest"
"""Behind an order's id, that of the refund of its rest. So it is one refund, however often the order is read."""


def give(documents: pl.DataFrame, lines: pl.DataFrame | None, *, quiet: bool) -> Iterator[Order | Refund]:
    """The documents, each of which has the next so many of `lines`, in order."""
    taken = 0
    for part in documents.iter_slices(_DOCUMENTS_AT_ONCE):
        if lines is None:
            for head in part.iter_rows(named=True):
                yield from _documents(head, head["total"], (), quiet=quiet)
            continue
        count = sum(part["lines"].to_list())
        columns = [column.to_list() for column in lines.slice(taken, count)]
        made = list(map(Line, *columns))
        worth = list(map(mul, *columns[1:]))  # quantity and unit price
        taken += count
        at = 0
        for head in part.iter_rows(named=True):
            end = at + head["lines"]
            own, total = tuple(made[at:end]), to_minor(sum(worth[at:end]), head["currency"])
            at = end
            yield from _documents(head, total, own, quiet=quiet)


def _documents(head: dict[str, Any], total: int, lines: tuple[Line, ...], *, quiet: bool) -> Iterator[Order | Refund]:
    if head["refund"]:
        yield _refund(head, abs(total), head["order_id"], quiet=quiet)
        return
    yield Order(
        source=head["source"],
        order_id=head["id"],
        currency=head["currency"],
        total=total,
        member_id=head["member_id"],
        channel=_CHANNELS[head["channel"]],
        occurred_at=head["occurred_at"],
        lines=lines,
        email=head["email"],
        quiet=quiet,
    )
    if head["refunded"]:
        yield _refund(head, head["refunded"], head["id"], quiet=quiet)
    if head["rest"]:
        named = {"id": head["id"] + REST, "occurred_at": head["cancelled_at"] or head["occurred_at"]}
        yield _refund(head | named, head["rest"], head["id"], quiet=quiet)


def _refund(head: dict[str, Any], amount: int, order_id: str | None, *, quiet: bool) -> Refund:
    return Refund(
        source=head["source"],
        refund_id=head["id"],
        currency=head["currency"],
        amount=amount,
        member_id=head["member_id"],
        order_id=order_id,
        occurred_at=head["occurred_at"],
        quiet=quiet,
    )
