"""The checkout's intents: rows beside the inbox, changed in the same transactions."""

from laurels.checkout import SOURCE, Declined, Intent, IntentState, Outcome, Paid
from laurels.engines.postgres.codes import DOCUMENT, home_of
from laurels.engines.postgres.connections import Connections
from laurels.engines.postgres.statements import Row
from laurels.errors import Conflict
from laurels.model import Document, DocumentKind


class PostgresIntents:
    """The intents in a ledger's database. `PostgresLedger.intents` is the one to use."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def find(self, order_id: str) -> Intent | None:
        async with self._connections.read() as db:
            row = await db.one("find_intent", order_id)
        return intent_of(row) if row else None

    async def begin(self, intent: Intent) -> Intent:
        kind = DocumentKind.ORDER
        async with self._connections.transaction() as db:
            await db.all("lock_purchase", intent.order_id)
            await db.run(
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
            known = intent_of(await db.one("find_intent", intent.order_id))
            home = home_of(kind, SOURCE, intent.order_id)
            taken = await db.value("find_document", home, SOURCE, DOCUMENT[kind], intent.order_id)
            if known.state is IntentState.OPEN and taken is not None:
                raise Conflict
        return known

    async def settle(self, order_id: str, outcome: Outcome) -> Intent:
        async with self._connections.transaction() as db:
            match outcome:
                case Paid(reference):
                    await db.run("pay_intent", order_id, reference)
                case Declined(reason):
                    await db.run("fail_intent", order_id, reason)
            intent = await db.one("find_intent", order_id)
        assert intent is not None, "it was begun, and intents are kept for ever"
        return intent_of(intent)

    async def under_way(self, *, begun_before: int, after: Intent | None, limit: int) -> list[Intent]:
        start = (after.begun_at, after.order_id) if after else (0, "")
        async with self._connections.read() as db:
            rows = await db.all("intents_under_way", begun_before, *start, limit)
        return [intent_of(row) for row in rows]


def is_bought(document: Document) -> bool:
    """Whether a document is an order of the checkout."""
    return document.source == SOURCE and document.kind is DocumentKind.ORDER


def allows(row: Row, document: Document) -> bool:
    """Whether an order may be accepted that has an intent: only as it was paid for."""
    intent = intent_of(row)
    return intent.state is IntentState.PAID and intent.order.document().fingerprint == document.fingerprint


def intent_of(row: Row) -> Intent:
    """A row of the intent queries as an `Intent`."""
    return Intent(
        order_id=row["order_id"],
        fingerprint=row["fingerprint"],
        state=IntentState(row["state"]),
        member_id=row["member_id"] or "",
        content=row["content"],
        total=row["total"],
        currency=row["currency"],
        method=row["method"],
        begun_at=row["begun_at"],
        reference=row["reference"],
        reason=row["reason"],
    )
