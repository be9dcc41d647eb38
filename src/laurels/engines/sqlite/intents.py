"""The checkout's intents: rows beside the inbox, changed in the same transactions."""

import secrets

from laurels.checkout import CIRCLE, SOURCE, Declined, Intent, IntentState, Paid, PaymentOutcome, is_purchase
from laurels.clock import Clock
from laurels.engines.sqlite.chain import SECRET_BYTES, Numbers
from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.reader import Reader
from laurels.engines.sqlite.writer import Writer
from laurels.errors import Conflict
from laurels.model import Document, DocumentKind


class SqliteIntents:
    """The intents in a ledger's file. `SqliteLedger.intents` is the one to use."""

    def __init__(self, writer: Writer, reader: Reader, now: Clock) -> None:
        self._writer = writer
        self._reader = reader
        self._now = now

    async def circle(self, member_id: str) -> str | None:
        number = await self._reader.run(lambda db: db.value("own_number", member_id))
        return None if number is None else f"{CIRCLE}{number}"

    async def new_circle(self, member_id: str) -> str:
        number = await self._writer.run(lambda db: _numbered(db, member_id, self._now()))
        return f"{CIRCLE}{number}"

    async def find(self, order_id: str, source: str = SOURCE) -> Intent | None:
        return await self._reader.run(lambda db: _find(db, source, order_id))

    async def begin(self, intent: Intent) -> Intent:
        return await self._writer.run(lambda db: _begin(db, intent))

    async def settle(self, order_id: str, outcome: PaymentOutcome, source: str = SOURCE) -> Intent:
        return await self._writer.run(lambda db: _settle(db, source, order_id, outcome))

    async def under_way(self, *, begun_before: int, after: Intent | None, limit: int) -> list[Intent]:
        start = (after.begun_at, _key(after.source, after.order_id)) if after else (0, "")
        rows = await self._reader.run(lambda db: db.all("intents_under_way", begun_before, *start, limit))
        return [_intent_of(row) for row in rows]


def allow(db: Database, document: Document) -> bool:
    """Whether a new document may be accepted: an order that has an intent, only as it was paid for."""
    if not is_purchase(document):
        return True
    intent = _find(db, document.source, document.id)
    return intent is None or (
        intent.state is IntentState.PAID and intent.order.document().fingerprint == document.fingerprint
    )


def erased_buyer(db: Database, document: Document) -> int | None:
    """The number of the member who bought this and was erased before it was accepted."""
    if document.member_id or not is_purchase(document):
        return None
    row = db.one("find_intent", _key(document.source, document.id))
    return row[4] if row else None


def finish(db: Database, document: Document) -> None:
    """Close the intent of an order that is being accepted."""
    if is_purchase(document):
        db.run("finish_intent", _key(document.source, document.id))


def _key(source: str, order_id: str) -> str:
    """What an intent is kept under: version 0.1 kept the order's id alone. No id has a line's end in it."""
    return order_id if source == SOURCE else f"{source}\n{order_id}"


def _numbered(db: Database, member_id: str, now: int) -> int:
    """A member's own number, given where there is none: what was bought before a merge stays where it is."""
    number: int | None = db.value("own_number", member_id)
    if number is None:
        numbers = Numbers(db)
        number = numbers.enrol(member_id, secrets.token_bytes(SECRET_BYTES), now)
        numbers.save()
    return number


def _find(db: Database, source: str, order_id: str) -> Intent | None:
    row = db.one("find_intent", _key(source, order_id))
    return _intent_of(row) if row else None


def _begin(db: Database, intent: Intent) -> Intent:
    known = _find(db, intent.source, intent.order_id)
    if known is not None:
        return known
    if db.one("find_document", intent.source, intent.order_id, DocumentKind.ORDER.value):
        raise Conflict
    shared = db.one("owner", SOURCE, intent.order_id, DocumentKind.ORDER.value)
    if shared is not None and f"{CIRCLE}{shared[0]}" == intent.source:
        raise Conflict
    db.run(
        "insert_intent",
        _key(intent.source, intent.order_id),
        intent.fingerprint,
        intent.member_id,
        intent.content,
        intent.total,
        intent.currency,
        intent.method,
        intent.begun_at,
    )
    return intent


def _settle(db: Database, source: str, order_id: str, outcome: PaymentOutcome) -> Intent:
    key = _key(source, order_id)
    match outcome:
        case Paid(reference):
            db.run("pay_intent", key, reference)
        case Declined(reason):
            db.run("fail_intent", key, reason)
    intent = _find(db, source, order_id)
    assert intent is not None, "it was begun, and intents are kept for ever"
    return intent


def _intent_of(row: Row) -> Intent:
    source, _, order_id = row[0].rpartition("\n")
    return Intent(
        order_id=order_id,
        source=source or SOURCE,
        fingerprint=row[1],
        state=IntentState(row[2]),
        member_id=row[3] or "",
        content=row[5],
        total=row[6],
        currency=row[7],
        method=row[8],
        begun_at=row[9],
        reference=row[10],
        reason=row[11],
    )
