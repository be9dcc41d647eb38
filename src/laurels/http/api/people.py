"""People: members searched for, and all that is kept about one of them."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.awarding import Attributes
from laurels.checkout import IntentState
from laurels.errors import LedgerUnavailable, UnknownMember
from laurels.http.api.contents import said_in
from laurels.http.api.moves import reason_for
from laurels.http.routes import Access, Request, Response, route
from laurels.ledger import KeptDocument, KeptEntry, KeptPurchase
from laurels.model import DocumentKind
from laurels.model.entries import WORDED_BY_PEOPLE
from laurels.model.money import format_amount
from laurels.model.people import is_persons
from laurels.model.times import format_instant

READ = Access(("members:read",))
READ_OR_OWN = Access(("members:read",), members="own")
_OF_PURCHASES = {DocumentKind.ORDER, DocumentKind.AMENDMENT, DocumentKind.REFUND, DocumentKind.CANCELLATION}


class SearchQuery(Struct, forbid_unknown_fields=True):
    """By address, in any case of letters; by the beginning of the id; or both. `after` is the last answer's `next`."""

    email: Annotated[str, Meta(max_length=254)] | None = None
    id_prefix: Annotated[str, Meta(max_length=128)] = ""
    after: Annotated[str, Meta(max_length=128)] = ""
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class MemberFound(Struct, frozen=True, kw_only=True):
    """A member. `merged_into` is whom the id answers for since it became that member."""

    member_id: str
    email: str | None
    hidden: bool
    enrolled_at: str
    merged_into: str | UnsetType = UNSET


class MembersFound(Struct, frozen=True):
    """Members in the order of their ids; `next` continues behind the last, null where there are no more."""

    members: list[MemberFound]
    next: str | None


class EntryKept(Struct, frozen=True, kw_only=True, rename={"loyalty_id": "loyaltyId"}):
    """An entry, and what the document said that led to it. `reason` and `actor` of colleagues are told to services."""

    loyalty_id: str
    kind: str
    points: int
    currency: str | UnsetType = UNSET
    amount: str | UnsetType = UNSET
    source: str | UnsetType = UNSET
    order_id: str | UnsetType = UNSET
    refund_id: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    actor: str | UnsetType = UNSET
    occurred_at: str
    recorded_at: str
    content: Any = UNSET


class DocumentKept(Struct, frozen=True, kw_only=True):
    """A document that is not awarded: as it was received, or what was read from it."""

    kind: str
    source: str | UnsetType = UNSET
    id: str
    status: str
    reason: str
    accepted_at: str
    received: str | UnsetType = UNSET
    content: Any = UNSET


class PurchaseKept(Struct, frozen=True, kw_only=True):
    """A purchase at the checkout, also one that came to nothing: `status` is `under-way`, `success` or `failure`."""

    order_id: str
    status: str
    total: str
    currency: str
    method: str
    begun_at: str
    reason: str | UnsetType = UNSET


class MailKept(Struct, frozen=True, kw_only=True):
    """A mail that a milestone decided, and what became of it."""

    milestone: str
    points: int
    state: str
    decided_at: str


class PersonKept(Struct, frozen=True, kw_only=True):
    """All that is kept about one person."""

    member_id: str
    other_ids: list[str]
    email: str | None
    birthday: str | None
    segments: list[str]
    name: str
    hidden: bool
    enrolled_at: str
    balance: int
    earned: int
    entries: list[EntryKept]
    documents: list[DocumentKept]
    purchases: list[PurchaseKept]
    mails: list[MailKept]


@route("GET", "/members", access=READ, answers={200: MembersFound}, problems=(LedgerUnavailable,))
async def find_members(request: Request, query: SearchQuery) -> Response:
    """Find members by their address, or by the beginning of their id."""
    found = await request.services.ledger.find_members(
        email=query.email, id_prefix=query.id_prefix, after=query.after, limit=query.limit + 1
    )
    shown = [
        MemberFound(
            member_id=each.member_id,
            email=each.email,
            hidden=each.hidden,
            enrolled_at=format_instant(each.enrolled_at),
            merged_into=each.merged_into or UNSET,
        )
        for each in found[: query.limit]
    ]
    return Response(200, MembersFound(shown, shown[-1].member_id if len(found) > query.limit else None))


@route(
    "GET",
    "/members/{member_id}/export",
    access=READ_OR_OWN,
    answers={200: PersonKept},
    problems=(UnknownMember, LedgerUnavailable),
)
async def export_member(request: Request) -> Response:
    """Give all that is kept about one person: a member may ask for its own."""
    services = request.services
    kept = await services.ledger.kept(request.ids["member_id"])
    if kept is None:
        raise UnknownMember
    to_member = request.caller.member_id is not None
    said = Attributes.decode(kept.attributes)
    worded = await services.programs.worded([each.entry for each in kept.entries], services.ledger)
    return Response(
        200,
        PersonKept(
            member_id=kept.member.member_id,
            other_ids=list(kept.other_ids),
            email=kept.email,
            birthday=said.birthday,
            segments=list(said.segments),
            name=services.dashboards.name_of(kept.member.name_number),
            hidden=kept.member.hidden,
            enrolled_at=format_instant(kept.member.enrolled_at),
            balance=kept.balance.balance,
            earned=kept.balance.earned,
            entries=[
                _entry(KeptEntry(entry, each.content), to_member=to_member)
                for entry, each in zip(worded, kept.entries, strict=True)
            ],
            documents=[
                _document(each, reason_for(request, each) or "", to_member=to_member) for each in kept.documents
            ],
            purchases=[_purchase(each) for each in kept.purchases],
            mails=[
                MailKept(
                    milestone=each.milestone,
                    points=each.points,
                    state=each.state,
                    decided_at=format_instant(each.created_at),
                )
                for each in kept.messages
            ],
        ),
    )


def _entry(kept: KeptEntry, *, to_member: bool) -> EntryKept:
    entry = kept.entry
    by_people = entry.kind in WORDED_BY_PEOPLE
    money = entry.amount is not None and entry.currency is not None
    content = _read(kept.content)
    if to_member:
        content = _for_member(content)
    return EntryKept(
        loyalty_id=entry.loyalty_id,
        kind=entry.kind,
        points=entry.points,
        currency=entry.currency or UNSET,
        amount=format_amount(entry.amount, entry.currency) if money else UNSET,  # type: ignore[arg-type]
        source=UNSET if to_member and is_persons(entry.source) else entry.source or UNSET,
        order_id=entry.order_id or UNSET,
        refund_id=entry.refund_id or UNSET,
        reason=UNSET if by_people and to_member else entry.reason or UNSET,
        note=entry.note or UNSET,
        actor=UNSET if to_member else entry.actor or UNSET,
        occurred_at=format_instant(entry.occurred_at),
        recorded_at=format_instant(entry.recorded_at),
        content=content,
    )


def _document(kept: KeptDocument, reason: str, *, to_member: bool) -> DocumentKept:
    of_staff = to_member and kept.kind not in _OF_PURCHASES
    content = _for_member(_read(kept.content)) if to_member else _read(kept.content)
    return DocumentKept(
        kind=kept.kind,
        source=UNSET if to_member and is_persons(kept.source) else kept.source,
        id=kept.id,
        status=kept.status,
        reason=reason,
        accepted_at=format_instant(kept.accepted_at),
        received=UNSET if of_staff else kept.raw.decode("utf-8", "backslashreplace") or UNSET,
        content=UNSET if kept.kind is DocumentKind.GIVEN else content,  # it speaks of another member
    )


def _purchase(kept: KeptPurchase) -> PurchaseKept:
    return PurchaseKept(
        order_id=kept.order_id,
        status="under-way" if kept.state in {IntentState.OPEN, IntentState.PAID} else kept.state,
        total=format_amount(kept.total, kept.currency),
        currency=kept.currency,
        method=kept.method,
        begun_at=format_instant(kept.begun_at),
        reason=kept.reason or UNSET,
    )


def _for_member(content: Any) -> Any:
    """What a document says without what colleagues said to each other in it, and who they are."""
    if not isinstance(content, dict):
        return content
    left_out = {"reason", "actor", *(["source"] if is_persons(str(content.get("source", ""))) else [])}
    return {name: value for name, value in content.items() if name not in left_out}


def _read(content: bytes | None) -> Any:
    said = said_in(content)
    return UNSET if said is None else said


ROUTES = (find_members, export_member)
