"""The checkout's intents: rows beside the inbox, changed in the same transactions."""

from laurels.checkout import CIRCLE, SOURCE, Declined, Intent, IntentState, Paid, PaymentOutcome
from laurels.clock import Clock
from laurels.engines.postgres.codes import DOCUMENT, SHARDS, home_of
from laurels.engines.postgres.connections import Connections, trying
from laurels.engines.postgres.names import Names
from laurels.engines.postgres.placing import newcomer
from laurels.engines.postgres.statements import Row, Statements
from laurels.errors import Conflict
from laurels.ledger import shard_of
from laurels.model import Document, DocumentKind


class PostgresIntents:
    """The intents in a ledger's database. `PostgresLedger.intents` is the one to use."""

    def __init__(self, connections: Connections, names: Names, now: Clock) -> None:
        self._connections = connections
        self._names = names
        self._now = now

    async def circle(self, member_id: str) -> str | None:
        async with self._connections.read() as db:
            number = await _own_number(db, member_id)
        return None if number is None else f"{CIRCLE}{number}"

    async def new_circle(self, member_id: str) -> str:
        async def once() -> int:
            async with self._connections.transaction() as db:
                number = await _own_number(db, member_id)
                return await self._numbered(db, member_id) if number is None else number

        return f"{CIRCLE}{await trying(once)}"

    async def _numbered(self, db: Statements, member_id: str) -> int:
        whose = newcomer(member_id)
        [name_number] = await self._names.of_newcomers(db, [member_id])
        [number] = (await db.only("next_numbers", 1, 0))[0]
        row = (whose.shard, number, name_number, self._now(), member_id, whose.secret)
        await db.run("insert_members", *([each] for each in row))
        return int(number)

    async def find(self, order_id: str, source: str = SOURCE) -> Intent | None:
        async with self._connections.read() as db:
            row = await db.one("find_intent", source, order_id)
        return intent_of(row) if row else None

    async def begin(self, intent: Intent) -> Intent:
        async with self._connections.transaction() as db:
            await db.all("lock_purchase", intent.source, intent.order_id)
            known = await db.one("find_intent", intent.source, intent.order_id)
            if known is not None:
                return intent_of(known)
            if await self._is_taken(db, intent):
                raise Conflict
            await db.run(
                "insert_intent",
                intent.source,
                intent.order_id,
                intent.fingerprint,
                intent.member_id,
                intent.content,
                intent.total,
                intent.currency,
                intent.method,
                intent.begun_at,
            )
            return intent_of(await db.only("find_intent", intent.source, intent.order_id))

    async def _is_taken(self, db: Statements, intent: Intent) -> bool:
        """Whether the ledger has an order of this circle and id, or the member bought another one under it before there
        were circles.
        """
        kind, order_id = DocumentKind.ORDER, intent.order_id
        home = home_of(kind, intent.source, order_id)
        if await db.value("find_document", home, intent.source, DOCUMENT[kind], order_id) is not None:
            return True
        shared: list[Row] = await db.all("orders", [home_of(kind, SOURCE, order_id)], [SOURCE], [order_id])
        return any(f"{CIRCLE}{row['member']}" == intent.source for row in shared)

    async def settle(self, order_id: str, outcome: PaymentOutcome, source: str = SOURCE) -> Intent:
        async with self._connections.transaction() as db:
            match outcome:
                case Paid(reference):
                    await db.run("pay_intent", source, order_id, reference)
                case Declined(reason):
                    await db.run("fail_intent", source, order_id, reason)
            intent = await db.one("find_intent", source, order_id)
        assert intent is not None, "it was begun, and intents are kept for ever"
        return intent_of(intent)

    async def under_way(self, *, begun_before: int, after: Intent | None, limit: int) -> list[Intent]:
        start = (after.begun_at, after.source, after.order_id) if after else (0, "", "")
        async with self._connections.read() as db:
            rows = await db.all("intents_under_way", begun_before, *start, limit)
        return [intent_of(row) for row in rows]


async def _own_number(db: Statements, member_id: str) -> int | None:
    """The number that the shop's id was given, whoever became whom since."""
    row = await db.one("member_itself", shard_of(member_id, SHARDS), member_id)
    return None if row is None else int(row["number"])


def allows(row: Row, document: Document) -> bool:
    """Whether an order may be accepted that has an intent: only as it was paid for."""
    intent = intent_of(row)
    return intent.state is IntentState.PAID and intent.order.document().fingerprint == document.fingerprint


def intent_of(row: Row) -> Intent:
    """A row of the intent queries as an `Intent`."""
    return Intent(
        order_id=row["order_id"],
        source=row["source"],
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
