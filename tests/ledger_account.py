"""All that a ledger says of a small shop, so that two of them, or one and itself after a fault, can be compared."""

from typing import Any

from laurels.model import DocumentKind, Entry
from laurels.testing.ledger_contract.base import Shop

MEMBERS = ("ann", "bob", "cy", "dee", "eve", "fay")
IDS = ("1", "2", "3", "4", "5", "6", "7", "8")


async def all_of(shop: Shop) -> dict[str, Any]:
    """All that a ledger says, with members and names by their order."""
    feed = await shop.feed()
    numbers = sorted({entry.member for entry in feed})
    names = sorted({entry.name_number for entry in feed if entry.name_number is not None})
    said: dict[str, Any] = {"feed": [_entry(entry, numbers, names) for entry in feed]}
    for member_id in MEMBERS:
        found = await shop.ledger.balance(member_id)
        pages = await shop.ledger.entries(member_id, limit=3)
        older = await shop.ledger.entries(member_id, before=pages[-1].cursor, limit=99) if pages else []
        said[member_id] = found, [_entry(each, numbers, names) for each in (*pages, *older)]
        messages = await shop.ledger.messages(member_id)
        said[f"{member_id}'s messages"] = [(each.milestone, each.points, each.state) for each in messages]
    for kind in DocumentKind:
        for id in (*IDS, *(f"U{each}" for each in IDS), *(f"P{each}" for each in IDS)):
            state = await shop.ledger.document(kind, "shop", id, of_member=None)
            if state is not None:
                at = None if state.entry is None else state.entry.loyalty_id
                said[f"{kind} {id}"] = state.member_id, state.status, state.reason, state.content, state.actor, at
    for id in IDS:
        said[f"entries of {id}"] = [each.loyalty_id for each in await shop.ledger.order_entries("shop", id)]
    said["counts"] = await shop.ledger.counts()
    checkpoint = await shop.ledger.checkpoint()
    totals: list[Any] = []
    merged: list[Any] = []
    async for part in checkpoint.parts:
        rows = zip(part.numbers, part.ids, part.hidden, part.scores, strict=True)
        totals += [(numbers.index(number), *rest) for number, *rest in rows]
        merged += [(numbers.index(gone), numbers.index(stays)) for gone, stays in part.merged]
        for month, (scored, scores) in part.months.items():
            totals += [(month, numbers.index(number), score) for number, score in zip(scored, scores, strict=True)]
    said["totals"], said["merged"] = sorted(totals, key=repr), sorted(merged)
    return said


def _entry(entry: Entry, numbers: list[int], names: list[int]) -> tuple[Any, ...]:
    name = None if entry.name_number is None else names.index(entry.name_number)
    details = entry.details if entry.kind != "merge" else None
    who = numbers.index(entry.member), name, entry.member_id, entry.actor
    what = entry.kind, entry.points, entry.currency, entry.amount, entry.source, entry.order_id, entry.refund_id
    when = entry.occurred_at, entry.board_at, entry.recorded_at
    return entry.shard, entry.position, *who, *what, *when, entry.program_version, entry.reason, entry.note, details
