"""Checking documents: each lies in one place, its entry is its own, and what is kept of orders is what entries say."""

from collections.abc import AsyncIterator, Iterator

from msgspec.structs import replace

from laurels.engines.postgres.codes import DOCUMENT_KINDS, ENTRY_KINDS, SHARDS, home_of, parted
from laurels.engines.postgres.connections import Connections
from laurels.engines.postgres.entries import At, entry_of
from laurels.engines.postgres.statements import NO_LIMIT_S, Row, Statements
from laurels.ledger import Award, Finding, Fits
from laurels.ledger.checking import CHUNK
from laurels.ledger.checking_content import OTHERWISE, KeptContent, is_as_taken, revision_of
from laurels.ledger.checking_messages import message_findings
from laurels.model import DocumentKind, Entry, EntryKind

_START = "", b"\x01", ""
_ASIDE = (b"w", b"q", b"d")  # waiting, quarantined, dropped: what is in another state there is found by nobody


async def verify(connections: Connections, fits: Fits | None) -> AsyncIterator[list[Finding]]:
    """Check all documents, so many in a step; with `fits` what is kept of orders, too."""
    async with connections.read() as db:
        homes = [home for (home,) in await db.all("homes_in_use")]
    after = _START
    while homes:
        findings: list[Finding] = []
        checked = 0
        async with connections.snapshot(NO_LIMIT_S, much=True) as db:
            while homes and checked < CHUNK:
                rows: list[Row] = await db.all("verify_documents", homes[0], *after, CHUNK)
                entries = {} if fits is None else await _entries_of_orders(db, rows)
                findings += [finding for row in rows for finding in _check(row, entries, fits)]
                findings += [_otherwise(row) for row in rows if not await _is_as_taken(db, row)]
                checked += len(rows)
                is_last = len(rows) < CHUNK
                after = _START if is_last else (rows[-1]["source"], rows[-1]["kind"], rows[-1]["id"])
                del homes[:is_last]
        yield findings


async def verify_messages(connections: Connections) -> list[Finding]:
    """Check milestones, messages and who became whom, of one moment."""
    async with connections.snapshot(NO_LIMIT_S, much=True) as db:
        found = message_findings(await db.all("verify_milestones"), await db.all("verify_messages"))
        what = "whom it became, and in which shard, is not kept on both sides"
        return found + [Finding(f"member number {gone}", what) for (gone,) in await db.all("verify_merged")]


async def _entries_of_orders(db: Statements, rows: list[Row]) -> dict[At, Entry]:
    """Each entry is read once, with those of its chunk."""
    places = [at for row in rows if row["left_amount"] is not None for at in _places(row)]
    if not places:
        return {}
    found: list[Row] = await db.all("verify_order_entries", [at[0] for at in places], [at[1] for at in places])
    return {(row["shard"], row["position"]): entry_of(row) for row in found}


def _places(row: Row) -> list[At]:
    return [(row["shard"], row["position"]), *(parted(place) for place in row["places"] or ())]


def _check(row: Row, entries: dict[At, Entry], fits: Fits | None) -> Iterator[Finding]:
    kind = DOCUMENT_KINDS.get(row["kind"])
    if kind is None:
        yield Finding(f"document {row['source']}/{row['id']}", "of its kind there are none")
        return
    where = f"{kind} {row['source']}/{row['id']}"
    lies = [row["ready"] is not None, row["state"] in _ASIDE, row["position"] is not None]
    names = [name for name, is_there in zip(("inbox", "aside", "award"), lies, strict=True) if is_there]
    if len(names) != 1 or row["ready"] is False or row["strayed"]:
        yield Finding(where, f"it has to lie in one place and lies in {', '.join(names) or 'none'}")
    elif row["position"] is not None and not _is_its_own(kind, row):
        yield Finding(where, f"its entry {row['shard']}-{row['position']} is not its own")
    is_awarded_order = kind is DocumentKind.ORDER and row["position"] is not None
    if is_awarded_order and fits is not None and not _fits(row, entries, fits):
        what = "what it earned, what is left and what was taken back do not fit its entries"
        yield Finding(f"order {row['source']}/{row['id']}", what)


async def _is_as_taken(db: Statements, row: Row) -> bool:
    """Whether what is kept of what a document said is what it was taken with; of an erased member's nobody can say."""
    kind = DOCUMENT_KINDS.get(row["kind"])
    if kind is None or not row["content"] or (row["secret"] is None and not row["is_of_nobody"]):
        return True
    lies = row["ready"] is not None or row["state"] is not None
    kept = KeptContent(
        kind=kind,
        source=row["source"],
        id=row["id"],
        fingerprint=row["fingerprint"],
        content=row["content"],
        secret=row["secret"],
        unplaced=row["unplaced"],
        ids=() if row["is_of_nobody"] else [row["member_id"], *row["ids"]],
        raw=row["raw"],
        names=(row["order_source"], row["named_order"]) if lies else None,
        reason=row["reason"],
    )
    return is_as_taken(kept) or is_as_taken(replace(kept, changes=await _changes(db, kept, row["details"])))


async def _changes(db: Statements, order: KeptContent, details: bytes | None) -> list[Row]:
    """The fingerprints of the changes that an order was, or is to be, awarded by, and what keys each."""
    revision = revision_of(details)
    if revision is None:
        return await db.all("waiting_changes", order.source, order.id, list(range(SHARDS)))
    id_ = f"{revision}:{order.id}"
    home = home_of(DocumentKind.AMENDMENT, order.source, id_)
    return await db.all("change", home, order.source, id_)


def _otherwise(row: Row) -> Finding:
    return Finding(f"{DOCUMENT_KINDS[row['kind']]} {row['source']}/{row['id']}", OTHERWISE)


_LED_TO = {
    DocumentKind.ORDER: {EntryKind.EARN},
    DocumentKind.REFUND: {EntryKind.REVERSE},
    DocumentKind.CANCELLATION: {EntryKind.REVERSE},
    DocumentKind.AMENDMENT: {EntryKind.REVERSE, EntryKind.EARN},
    DocumentKind.ADJUSTMENT: {EntryKind.ADJUST},
    DocumentKind.RESTORATION: {EntryKind.RESTORE},
    DocumentKind.REDEMPTION: {EntryKind.REDEEM},
    DocumentKind.EXPIRY: set(),
    DocumentKind.HOLD: {EntryKind.HOLD},
    DocumentKind.CAPTURE: {EntryKind.REDEEM},
    DocumentKind.VOID: {EntryKind.VOID},
    DocumentKind.TRANSFER: {EntryKind.TRANSFER},
    DocumentKind.GIVEN: {EntryKind.TRANSFER},
    DocumentKind.GRANT: {EntryKind.TIER},
    DocumentKind.MESSAGE: set(),
}
_NAMED_BY = {
    DocumentKind.ORDER: "order_id",
    DocumentKind.REFUND: "refund_id",
    DocumentKind.CANCELLATION: "refund_id",
}


def _is_its_own(kind: DocumentKind, row: Row) -> bool:
    return (
        row["entry_kind"] is not None
        and row["entry_source"] == row["source"]
        and row["entry_whose"] == row["whose"]
        and ENTRY_KINDS.get(row["entry_kind"]) in _LED_TO[kind]
        and (kind not in _NAMED_BY or row[_NAMED_BY[kind]] == row["id"])
        and (kind is not DocumentKind.REDEMPTION or row["is_redemption"])
    )


def _fits(row: Row, entries: dict[At, Entry], fits: Fits) -> bool:
    if row["left_amount"] is None or row["award_whose"] != row["entry_whose"]:
        return False
    award = Award(
        source=row["source"],
        order_id=row["id"],
        member=row["award_whose"],
        program_version=row["program_version"],
        currency=row["currency"],
        amount=row["amount"],
        left=row["left_amount"],
        points=row["points"],
        reversed=row["reversed"],
        board_at=row["board_at"],
        frame=row["frame"],
        refunded=row["refunded"],
    )
    try:
        return fits(award, [entries[at] for at in _places(row)])
    except (LookupError, TypeError, ValueError):  # an entry that is not there, or makes no sense
        return False
