"""Members searched for, and all that the embedded ledger keeps about one of them."""

import msgspec

from laurels.checkout import CIRCLE
from laurels.engines.sqlite.chain import entry_of
from laurels.engines.sqlite.connection import Database
from laurels.engines.sqlite.members import member_of
from laurels.engines.sqlite.session import Session
from laurels.ledger import FoundMember, Kept, KeptDocument, KeptEntry, KeptPurchase
from laurels.ledger.rows import message_state_of
from laurels.model import Balance, DocumentKind, Status


class SqlitePeople(Session):
    """Questions of those who answer for the members' data."""

    async def find_members(
        self, *, email: str | None = None, id_prefix: str = "", after: str = "", limit: int = 50
    ) -> list[FoundMember]:
        def read(db: Database) -> list[FoundMember]:
            if email is not None:
                rows = db.all("members_by_email", email, id_prefix, after, limit)
            else:
                rows = db.all("members_by_prefix", id_prefix, after, limit)
            return [
                FoundMember(member_id=row[0], email=row[1], hidden=bool(row[2]), enrolled_at=row[3], merged_into=row[4])
                for row in rows
            ]

        return await self._reader.run(read)

    async def kept(self, member_id: str) -> Kept | None:
        return await self._reader.run(lambda db: _kept(db, member_id))


def _kept(db: Database, member_id: str) -> Kept | None:
    row = db.one("member_by_id", member_id)
    if row is None:
        return None
    member = member_of(row)
    totals = db.one("read_balance", member.number)
    said, *_ = db.one("read_person", member.number) or (None,)
    all_of_it = db.all("merged_with", member.number)
    circles = msgspec.json.encode([f"{CIRCLE}{number}" for number, *_ in all_of_it]).decode()
    return Kept(
        member=member,
        other_ids=tuple(its_id for number, _, its_id in all_of_it if number != member.number),
        email=db.value("contact", member.number),
        attributes=said,
        balance=Balance() if totals is None else Balance(*totals[:3]),
        entries=tuple(KeptEntry(entry_of(row[:-1]), row[-1]) for row in db.all("kept_entries", member.number)),
        documents=tuple(
            KeptDocument(
                kind=DocumentKind(row[0]),
                source=row[1],
                id=row[2],
                status=Status(row[3]),
                accepted_at=row[4],
                reason=row[5],
                dropped=bool(row[6]),
                raw=row[7],
                content=row[8],
                actor=row[9],
            )
            for row in db.all("kept_documents", member.number)
        ),
        purchases=tuple(
            KeptPurchase(**dict(zip(KeptPurchase.__struct_fields__, row, strict=True)))
            for row in db.all("kept_purchases", circles)
        ),
        messages=tuple(message_state_of(row) for row in db.all("messages", member_id)),
    )
