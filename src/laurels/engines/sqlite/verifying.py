"""Checking a ledger against its own promises, in chunks, on a connection of its own."""

from collections.abc import Iterator

from laurels.engines.sqlite.chain import SHARD, chained_hash
from laurels.engines.sqlite.connection import Database
from laurels.ledger import Finding, Verification
from laurels.model import Balance, EntryKind

CHUNK = 2000


def verify(db: Database) -> Iterator[Verification]:
    """The chain and its positions, then balances, members, documents and awards. Memory: one small object a member.

    Everything is compared with the head as it was at the start; what is written meanwhile is left to the next
    verification. Call it inside a read transaction of moderate length, or on a ledger at rest.
    """
    head = db.one("read_head")
    if head is None:
        yield Verification(checked=0, total=0, findings=(Finding("ledger", "the row that says who it is is missing"),))
        return
    total = head[2]
    totals: dict[int, Balance] = {}
    for checked, findings in _entries(db, total, head[3], totals):
        yield Verification(checked=checked, total=total, findings=tuple(findings))
    for found in (_members(db, totals), _documents(db), _awards(db)):
        yield Verification(checked=total, total=total, findings=tuple(found))


def _entries(
    db: Database, head: int, head_hash: bytes, totals: dict[int, Balance]
) -> Iterator[tuple[int, list[Finding]]]:
    expected, previous = 1, b""
    while expected <= head:
        findings = []
        rows = db.all("feed", expected - 1, CHUNK)
        rows = [row for row in rows if row[0] <= head]
        if not rows:
            yield head, [Finding(f"{SHARD}-{expected}", f"entries {expected} to {head} are missing")]
            return
        for row in rows:
            position, stored = row[0], row[16]
            if position != expected:
                findings.append(Finding(f"{SHARD}-{expected}", f"the entries up to {position - 1} are missing"))
            elif stored != chained_hash(previous, row[:16]):
                findings.append(
                    Finding(
                        f"{SHARD}-{position}", "the entry was changed: its hash does not follow from the one before"
                    )
                )
            expected, previous = position + 1, stored
            totals[row[2]] = totals.get(row[2], Balance()).plus(EntryKind(row[1]), row[3])
        yield expected - 1, findings
    if previous != head_hash:
        yield head, [Finding("ledger", "the head's hash is not the last entry's")]
    extra = db.one("feed", head, 1)
    if extra is not None:
        yield head, [Finding(f"{SHARD}-{extra[0]}", "the entry lies beyond the head")]


def _members(db: Database, totals: dict[int, Balance]) -> Iterator[Finding]:
    after = -1
    while rows := db.all("verify_members", after, CHUNK):
        for number, balance, earned, score, _, _ in rows:
            entries, kept = totals.pop(number, Balance()), Balance(balance, earned, score)
            if kept != entries:
                yield Finding(f"member number {number}", f"the balance is {kept}, its entries sum to {entries}")
        after = rows[-1][0]
    for number in totals:
        yield Finding(f"member number {number}", "has entries, but is not in the ledger")


def _documents(db: Database) -> Iterator[Finding]:
    last = db.value("last_accepted")
    for start in range(0, last, CHUNK):
        for row in db.all("verify_accepted", start, start + CHUNK):
            _, kind, source, id, status, state, position = row
            yield Finding(
                f"{kind} {source}/{id}",
                f"its status is {status}, but inbox: {state or 'none'}, entry: {position or 'none'}",
            )


def _awards(db: Database) -> Iterator[Finding]:
    for source, order_id in db.all("verify_awards"):
        yield Finding(f"order {source}/{order_id}", "what was taken back does not fit what was earned and what is left")
