"""Members searched for, and all that the ledger keeps about one of them."""

from laurels.checkout import CIRCLE
from laurels.engines.postgres.codes import DOCUMENT_KINDS, DROPPED, SHARDS, STATUSES
from laurels.engines.postgres.entries import entry_of
from laurels.engines.postgres.members import member_of
from laurels.engines.postgres.session import Session
from laurels.engines.postgres.statements import Row
from laurels.ledger import FoundMember, Kept, KeptDocument, KeptEntry, KeptPurchase, shard_of
from laurels.ledger.rows import message_state_of
from laurels.model import Balance


class PostgresPeople(Session):
    """Questions of those who answer for the members' data."""

    async def find_members(
        self, *, email: str | None = None, id_prefix: str = "", after: str = "", limit: int = 50
    ) -> list[FoundMember]:
        async with self._connections.read() as db:
            if email is not None:
                rows: list[Row] = await db.all("members_by_email", email, id_prefix, after, limit)
            else:
                rows = await db.all("members_by_prefix", id_prefix, after, limit)
        return [
            FoundMember(member_id=row[0], email=row[1], hidden=row[2], enrolled_at=row[3], merged_into=row[4])
            for row in rows
        ]

    async def kept(self, member_id: str) -> Kept | None:
        shard = shard_of(member_id, SHARDS)
        async with self._connections.snapshot() as db:
            row = await db.one("member_by_id", shard, member_id)
            if row is None:
                return None
            totals = await db.one("balance", shard, member_id)
            gone: list[Row] = await db.all("merged_with", row["number"])
            shards, numbers = [[row[key], *(other[key] for other in gone)] for key in ("shard", "number")]
            contacts = dict(await db.all("contacts", [row["number"]]))
            said = dict(await db.all("attributes", [row["number"]]))
            entries: list[Row] = await db.all("kept_entries", shards, numbers)
            documents: list[Row] = await db.all("kept_documents", numbers)
            purchases: list[Row] = await db.all("kept_purchases", [f"{CIRCLE}{number}" for number in numbers])
            messages: list[Row] = await db.all("messages", shard, member_id)
        return Kept(
            member=member_of(row),
            other_ids=tuple(other["member_id"] for other in gone),
            email=contacts.get(row["number"]),
            attributes=said.get(row["number"]),
            balance=Balance() if totals is None or totals[0] is None else Balance(*totals[:3]),
            entries=tuple(KeptEntry(entry_of(entry), entry["content"]) for entry in entries),
            documents=tuple(_document_of(document) for document in documents),
            purchases=tuple(KeptPurchase(**dict(purchase)) for purchase in purchases),
            messages=tuple(message_state_of(message) for message in messages),
        )


def _document_of(row: Row) -> KeptDocument:
    return KeptDocument(
        kind=DOCUMENT_KINDS[row["kind"]],
        source=row["source"],
        id=row["id"],
        status=STATUSES[row["state"]],
        accepted_at=row["accepted_at"],
        reason=row["reason"],
        dropped=row["state"] == DROPPED,
        raw=row["raw"],
        content=row["content"],
        actor=row["actor"],
    )
