"""Bulk: many documents in one request, as a JSON array or as NDJSON, each with a result of its own."""

import asyncio
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from laurels.errors import Conflict, InvalidInput, LedgerUnavailable, TooLarge
from laurels.http.problems import FieldProblem, as_problems, conflict_problems, field_problems
from laurels.http.routes import BULK_DOCUMENTS, Access, Request, Response, route
from laurels.intake import NamedOrderForm, decode, elements
from laurels.ledger import Receipt
from laurels.model import Order

T = TypeVar("T")

SLICE = 100
"""Documents that are read at one go; other requests are answered in between."""


class BulkResult(Struct, frozen=True, kw_only=True):
    """What became of one order. `http` is the status that a call for it alone would have had; `order_id` is null where
    it could not be read; `warnings` names what was left out, since it moves no points.
    """

    order_id: str | None
    status: str
    http: int
    errors: list[FieldProblem] | UnsetType = UNSET
    warnings: list[FieldProblem] | UnsetType = UNSET


class _OrderId(Struct):
    order_id: str


class _Any(Struct, gc=False):
    """Any object, unread."""


@route(
    "POST",
    "/orders",
    access=Access(("orders:write",)),
    answers={200: list[BulkResult]},
    problems=(LedgerUnavailable,),
    bulk_of=NamedOrderForm,
)
async def place_orders(request: Request) -> Response:
    """Accept many orders in one commit, as a JSON array or as NDJSON: at most 10,000 and 16 MB.

    There is one result for each, in order. One that is not valid, or in conflict, keeps none of the others out.
    """
    results: list[BulkResult | None] = []
    orders: list[tuple[Order, bytes]] = []
    warnings: list[list[FieldProblem]] = []
    async for raw in documents(request.raw):
        try:
            form = decode(NamedOrderForm, raw)
            order, warned = form.order(form.order_id, request.services.now()), form.warnings()
            if not request.caller.may_write(order.source):
                results.append(BulkResult(order_id=form.order_id, status="not-allowed", http=403))
                continue
            orders.append((order, form.usable() if warned else raw))
            warnings.append(as_problems(warned))
            results.append(None)
        except InvalidInput as error:
            results.append(BulkResult(order_id=_named(raw), status="invalid", http=422, errors=field_problems(error)))
    receipts = await request.services.intake.accept_all(orders, request.caller.actor) if orders else []
    accepted = iter(
        [
            _result(order, receipt, await _differing(request, order) if receipt.conflict else UNSET, warned)
            for (order, _), receipt, warned in zip(orders, receipts, warnings, strict=True)
        ]
    )
    return Response(200, [next(accepted) if result is None else result for result in results])


async def documents(body: bytes) -> AsyncIterator[bytes]:
    """The documents of a bulk body, each as it was written; a byte order mark before them is none of them. Raises
    `TooLarge`, `InvalidInput`.
    """
    body = body.removeprefix(BOM_UTF8)
    found = _elements(body) if body.lstrip()[:1] == b"[" else _lines(body)
    if len(found) > BULK_DOCUMENTS:
        raise TooLarge(f"One request takes at most {BULK_DOCUMENTS:,} documents. Send the rest in another one.")
    for n, document in enumerate(found):
        if n % SLICE == 0:
            await asyncio.sleep(0)
        yield bytes(document)


def _elements(body: bytes) -> Sequence[bytes | msgspec.Raw]:
    # First without keeping any, so that a body of 16 million commas costs no more memory than it should.
    found = elements(_Any, body)
    return found if len(found) > BULK_DOCUMENTS else elements(msgspec.Raw, body)  # type: ignore[return-value]


def _lines(body: bytes) -> Sequence[bytes]:
    return [line for line in body.split(b"\n", BULK_DOCUMENTS + 1) if line.strip()]


def _named(raw: bytes) -> str | None:
    try:
        return decode(_OrderId, raw).order_id
    except InvalidInput:
        return None


async def _differing(request: Request, order: Order) -> list[FieldProblem] | UnsetType:
    return conflict_problems(Conflict.differing(await request.services.intake.differing(order))) or UNSET


def _result(
    order: Order, receipt: Receipt, differing: list[FieldProblem] | UnsetType, warnings: list[FieldProblem]
) -> BulkResult:
    if receipt.conflict:
        return BulkResult(order_id=order.order_id, status="conflict", http=409, errors=differing)
    http = 200 if receipt.repeated else 202
    return BulkResult(order_id=order.order_id, status=receipt.status, http=http, warnings=warnings or UNSET)


ROUTES = (place_orders,)
