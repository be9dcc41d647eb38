"""Finding a customer by what a caller reads out: an id or its beginning, an address, a name on the boards, the number
of an order, a refund, a redemption or a correction. Nothing is looked for "containing".
"""

import asyncio
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.errors import InvalidInput, LedgerUnavailable
from laurels.http.api.customers import READ
from laurels.http.routes import Request, Response, route
from laurels.ledger import FoundDocument
from laurels.model.ids import ONE_LINE, check_id

LEAST_PREFIX, MOST_BY_PREFIX = 3, 10


class SearchForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is looked for."""

    q: Annotated[
        str,
        Meta(min_length=1, max_length=255, pattern=ONE_LINE, description="ids are compared exactly as they were sent"),
    ]


class Hit(Struct, frozen=True, kw_only=True, rename={"loyalty_id": "loyaltyId"}):
    """A member that was found, and by what: `customer`, `e-mail`, `name`, the kind of a document (`order`, `refund`,
    `redemption`, `adjustment` …) or `prefix`. `number` is null for a document that no member has yet.
    """

    kind: str
    number: int | None
    member_id: str | None
    name: str | None
    source: str | UnsetType = UNSET
    id: str | UnsetType = UNSET
    loyalty_id: str | UnsetType = UNSET


class Found(Struct, frozen=True):
    """Hits, exact ones first. `tried` are the kinds that were looked for."""

    hits: list[Hit]
    tried: list[str]


@route("POST", "/search", access=READ, answers={200: Found}, problems=(LedgerUnavailable,))
async def find_customers(request: Request, form: SearchForm) -> Response:
    """Find members by an id, an address, a name on the boards, or the number of a document. What is looked for stands
    in no address and in no log.
    """
    words = form.q.strip()
    ledger = request.services.ledger
    hits: list[Hit] = []
    tried = ["customer", "document"]
    is_id = _is_id(words)
    with_id, documents, begun = await _called(request, words) if is_id else ([], [], [])
    hits += await _members(request, "customer", with_id)
    if "@" in words and request.caller.may_see_contact:
        tried.append("e-mail")
        hits += await _members(request, "e-mail", await ledger.numbers_of(email=words))
    name_number = request.services.dashboards.name_number(words)
    if name_number is not None:
        tried.append("name")
        hits += await _members(request, "name", await ledger.numbers_of(name_number=name_number))
    hits += [await _document(request, found) for found in documents]
    if is_id and len(words) >= LEAST_PREFIX:
        tried.append("prefix")
        begun = [number for number in begun if number not in with_id]
        hits += await _members(request, "prefix", begun[:MOST_BY_PREFIX])
    return Response(200, Found(hits, tried), outcome=_outcome(hits))


async def _called(request: Request, words: str) -> tuple[list[int], list[FoundDocument], list[int]]:
    """Members with this id, documents with it, and members whose ids begin so; looked for at the same time."""
    ledger = request.services.ledger
    return await asyncio.gather(
        ledger.numbers_of(member_id=words),
        ledger.documents_called(words),
        ledger.numbers_from(words, MOST_BY_PREFIX + 1),
    )


def _is_id(words: str) -> bool:
    try:
        check_id(words, "q")
    except InvalidInput:
        return False
    return True


async def _members(request: Request, kind: str, numbers: list[int]) -> list[Hit]:
    return [await _hit(request, kind, number) for number in numbers]


async def _hit(request: Request, kind: str, number: int | None) -> Hit:
    customer = None if number is None else await request.services.ledger.customer(number)
    if customer is None:
        return Hit(kind=kind, number=None, member_id=None, name=None)
    name = request.services.dashboards.proxy_name(customer.name_number)
    return Hit(kind=kind, number=customer.number, member_id=customer.member_id, name=name)


async def _document(request: Request, found: FoundDocument) -> Hit:
    hit = await _hit(request, found.kind.value, found.member)
    return Hit(
        kind=hit.kind,
        number=hit.number,
        member_id=hit.member_id,
        name=hit.name,
        source=found.source,
        id=found.id,
        loyalty_id=found.loyalty_id or UNSET,
    )


def _outcome(hits: list[Hit]) -> str:
    """How many of which kind: what was looked for is not kept."""
    kinds = [hit.kind for hit in hits]
    return ", ".join(f"{kind} {kinds.count(kind)}" for kind in dict.fromkeys(kinds)) or "nothing found"


ROUTES = (find_customers,)
