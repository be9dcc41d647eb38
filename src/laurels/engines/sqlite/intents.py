"""The checkout's intents: rows beside the inbox, changed in the same transactions."""

from laurels.checkout import SOURCE, Declined, Intent, IntentState, Outcome, Paid
from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.reader import Reader
from laurels.engines.sqlite.writer import Writer
from laurels.errors import Conflict
from laurels.model import Document, DocumentKind


class SqliteIntents:
    """The intents in a ledger's file. `SqliteLedger.intents` is the one to use."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def find(self, order_id: str) -> Intent | None:
        return await self._reader.run(lambda db: _find(db, order_id))

    async def begin(self, intent: Intent) -> Intent:
        return await self._writer.run(lambda db: _begin(db, intent))

    async def settle(self, order_id: str, outcome: Outcome) -> Intent:
        return await self._writer.run(lambda db: _settle(db, order_id, outcome))

    async def under_way(self, *, begun_before: int, after: Intent | None, limit: int) -> list[Intent]:
        start = (after.begun_at, after.order_id) if after else (0, "")
        rows = await self._reader.run(lambda db: db.all("intents_under_way", begun_before, *start, limit))
        return [_intent_of(row) for row in rows]


def allow(db: Database, document: Document) -> bool:
    """Whether a new document may be accepted: an order that has an intent, only as it was paid for."""
    if not _is_bought(document):
        return True
    intent = _find(db, document.id)
    return intent is None or (
        intent.state is IntentState.PAID and intent.order.document().fingerprint == document.fingerprint
    )


def erased_buyer(db: Database, document: Document) -> int | None:
    """The number of the member who bought this and was erased before it was accepted."""
    if document.member_id or not _is_bought(document):
        return None
    row = db.one("find_intent", document.id)
    return row[4] if row else None


def finish(db: Database, document: Document) -> None:
    """Close the intent of an order that is being accepted."""
    if _is_bought(document):
        db.run("finish_intent", document.id)


def _is_bought(document: Document) -> bool:
    return document.source == SOURCE and document.kind is DocumentKind.ORDER


def _find(db: Database, order_id: str) -> Intent | None:
    row = db.one("find_intent", order_id)
    return _intent_of(row) if row else None


def _begin(db: Database, intent: Intent) -> Intent:
    known = _find(db, intent.order_id)
    if known is not None:
        return known
    if db.one("find_document", SOURCE, intent.order_id, DocumentKind.ORDER.value):
        raise Conflict
    db.run(
        "insert_intent",
        intent.order_id,
        intent.fingerprint,
        intent.member_id,
        intent.content,
        intent.total,
        intent.currency,
        intent.method,
        intent.begun_at,
    )
    return intent


def _settle(db: Database, order_id: str, outcome: Outcome) -> Intent:
    match outcome:
        case Paid(reference):
            db.run("pay_intent", order_id, reference)
        case Declined(reason):
            db.run("fail_intent", order_id, reason)
    intent = _find(db, order_id)
    assert intent is not None, "it was begun, and intents are kept for ever"
    return intent


def _intent_of(row: Row) -> Intent:
    return Intent(
        order_id=row[0],
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
