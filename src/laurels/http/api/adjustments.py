"""Corrections in bulk: opening balances of another system, goodwill to many."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.errors import InvalidInput, LaurelsError, LedgerUnavailable, NotAllowed
from laurels.http.api.bulk import documents
from laurels.http.api.points import AdjustmentForm
from laurels.http.api.undoing import check_undo
from laurels.http.problems import FieldProblem, field_problems, kind_of
from laurels.http.routes import Access, Request, Response, route
from laurels.intake import Id, MemberId, decode
from laurels.ledger import Receipt
from laurels.model import Adjustment


class NamedAdjustmentForm(AdjustmentForm, forbid_unknown_fields=True, kw_only=True):
    """A correction that says whose it is, and its own id."""

    adjustment_id: Annotated[Id, Meta(description="the same again is answered, not done twice")]
    member_id: MemberId


class AdjustmentResult(Struct, frozen=True, kw_only=True, rename={"loyalty_id": "loyaltyId"}):
    """What became of one correction. `http` is the status that a call for it alone would have had."""

    adjustment_id: str | None
    status: str
    http: int
    loyalty_id: str | UnsetType = UNSET
    errors: list[FieldProblem] | UnsetType = UNSET


class _AdjustmentId(Struct):
    adjustment_id: str


@route(
    "POST",
    "/adjustments",
    access=Access(("points:adjust",)),
    answers={200: list[AdjustmentResult]},
    problems=(LedgerUnavailable,),
    bulk_of=NamedAdjustmentForm,
)
async def adjust_many(request: Request) -> Response:
    """Correct many members' points together, as a JSON array or as NDJSON: at most 10,000 and 16 MB.

    There is one result for each, in order. One that is not valid, or in conflict, keeps none of the others out.
    """
    results: list[AdjustmentResult | None] = []
    adjustments: list[Adjustment] = []
    async for raw in documents(request.raw):
        try:
            form = decode(NamedAdjustmentForm, raw)
            actor = request.caller.actor
            adjustment = form.adjustment(form.adjustment_id, form.member_id, actor, request.services.now())
            request.caller.check_source(adjustment.source or actor)
            await check_undo(request, adjustment)
            adjustments.append(adjustment)
            results.append(None)
        except (InvalidInput, NotAllowed) as error:
            results.append(_refused(_named(raw), error))
    receipts = iter(await request.services.points.adjust_all(adjustments))
    settled = iter([_result(adjustment.id, next(receipts)) for adjustment in adjustments])
    return Response(200, [next(settled) if result is None else result for result in results])


def _result(id: str, receipt: Receipt | LaurelsError) -> AdjustmentResult:
    if isinstance(receipt, LaurelsError):
        return _refused(id, receipt)
    assert receipt.entry is not None, "what is settled has its entry"
    http = 200 if receipt.repeated else 201
    return AdjustmentResult(adjustment_id=id, status=receipt.status, http=http, loyalty_id=receipt.entry.loyalty_id)


def _refused(id: str | None, error: LaurelsError) -> AdjustmentResult:
    if isinstance(error, InvalidInput):
        return AdjustmentResult(adjustment_id=id, status="invalid", http=422, errors=field_problems(error))
    kind = kind_of(type(error))
    assert kind is not None, "what is raised on purpose has its kind"
    return AdjustmentResult(adjustment_id=id, status=kind.type.rpartition("/")[2], http=kind.status)


def _named(raw: bytes) -> str | None:
    try:
        return decode(_AdjustmentId, raw).adjustment_id
    except InvalidInput:
        return None


ROUTES = (adjust_many,)
