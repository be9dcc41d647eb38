"""All that a ledger says of a small shop, so that two of them, or one and itself after a fault, can be compared."""

from typing import Any

from laurels.ledger import Kept
from laurels.model import DocumentKind, Entry
from laurels.testing.ledger_contract.base import Shop

MEMBERS = ("ann", "bob", "cy", "dee", "eve", "fay")
IDS = ("1", "2", "3", "4", "5", "6", "7", "8")


async def all_of(shop: Shop) -> dict[str, Any]:
    """All that a ledger says, with members by the order of their numbers."""
    feed = await shop.feed()
    numbers = sorted({entry.member for entry in feed})
    said: dict[str, Any] = {"feed": [_entry(entry, numbers) for entry in feed]}
    for member_id in MEMBERS:
        found = await shop.ledger.balance(member_id)
        pages = await shop.ledger.entries(member_id, limit=3)
        older = await shop.ledger.entries(member_id, before=pages[-1].cursor, limit=99) if pages else []
        said[member_id] = found, [_entry(each, numbers) for each in (*pages, *older)]
        messages = await shop.ledger.messages(member_id)
        said[f"of {member_id}"] = _kept(await shop.ledger.kept(member_id))
        said[f"{member_id}'s messages"] = [(each.milestone, each.points, each.state) for each in messages]
    for kind in DocumentKind:
        for id in (*IDS, *(f"U{each}" for each in IDS), *(f"P{each}" for each in IDS)):
            state = await shop.ledger.document(kind, "shop", id, of_member=None)
            if state is not None:
                at = None if state.entry is None else state.entry.loyalty_id
                said[f"{kind} {id}"] = state.member_id, state.status, state.reason, state.content, state.actor, at
    for id in IDS:
        said[f"entries of {id}"] = [each.loyalty_id for each in await shop.ledger.order_entries("shop", id)]
    said["found"] = await shop.ledger.find_members(limit=99)
    said["found by address"] = [await shop.ledger.find_members(email=f"{each}@EXAMPLE.com") for each in MEMBERS]
    mails = await shop.ledger.all_messages(limit=99)
    said["mails"] = sorted((each.created_at, str(each.member_id), each.milestone, each.state) for each in mails)
    said["grown"] = await shop.ledger.recorded_at()
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


def _kept(kept: Kept | None) -> Any:
    if kept is None:
        return None
    documents = [
        (each.kind, each.id, each.status, each.accepted_at, each.reason, each.content, each.actor, each.raw)
        for each in kept.documents
    ]
    entries = [(each.entry.loyalty_id, each.content) for each in kept.entries]
    messages = [(each.member_id, each.milestone, each.state, each.due_at) for each in kept.messages]
    return (
        kept.member.name_number,
        sorted(kept.other_ids),
        kept.email,
        kept.balance,
        entries,
        documents,
        sorted(messages, key=repr),
    )


def _entry(entry: Entry, numbers: list[int]) -> tuple[Any, ...]:
    details = entry.details if entry.kind != "merge" else None
    who = numbers.index(entry.member), entry.name_number, entry.member_id, entry.actor
    what = entry.kind, entry.points, entry.currency, entry.amount, entry.source, entry.order_id, entry.refund_id
    when = entry.occurred_at, entry.board_at, entry.recorded_at
    return entry.shard, entry.position, *who, *what, *when, entry.program_version, entry.reason, entry.note, details
