"""What was done with programs, and by whom: handed in, rehearsed, approved, published. Append-only, chained.

A version that two people put in force rests on three rows: who handed in these bytes, which rehearsal of them was kept,
and who approved both.
"""

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from laurels.clock import DAY
from laurels.errors import NotAllowed, NotFound
from laurels.ledger.upkeep import Finding

REHEARSAL_DAYS = 7
"""How long a rehearsal can be approved by: the ledger that it ran on goes on."""

_NAME_IT = "An approval names the rehearsal that it rests on: `laurels program rehearse` prints its digest."


class ProgramAct(StrEnum):
    """What was done. `PUBLISH`: without a draft, by a process that starts; `STOP`: a campaign's end, by one person."""

    SUBMIT = "submit"
    REHEARSE = "rehearse"
    APPROVE = "approve"
    PUBLISH = "publish"
    STOP = "stop"


class ProgramEvent(Struct, frozen=True, kw_only=True):
    """One row. `digest` is of the program's bytes; `rehearsal` the digest of the rehearsal that was kept, or approved
    by; `content` what the rehearsal found, from when a version is in force (both JSON), or why a campaign was stopped.
    `hash` chains it to the row before.
    """

    position: int
    at: int
    actor: str
    act: str
    version: int
    digest: str
    rehearsal: str | None = None
    content: str | None = None
    hash: bytes = b""


def event_of(
    act: ProgramAct, actor: str, version: int, text: str, *, rehearsal: str | None = None, content: str | None = None
) -> ProgramEvent:
    """What is to be recorded; its place is given by `following`."""
    return ProgramEvent(
        position=0,
        at=0,
        actor=actor,
        act=str(act),
        version=version,
        digest=digest_of(text),
        rehearsal=rehearsal,
        content=content,
    )


def event_of_row(row: Sequence[Any]) -> ProgramEvent:
    """A row as it was written: its columns in the order of the fields."""
    return ProgramEvent(**dict(zip(ProgramEvent.__struct_fields__, row, strict=True)))


def digest_of(text: str) -> str:
    """By what a program's exact bytes are known: SHA-256, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def event_hash(previous: bytes, event: ProgramEvent) -> bytes:
    """A row's hash: the first 16 bytes of SHA-256 over the previous hash and the JSON array of the row's other fields
    in their order. The same bytes on every engine.
    """
    columns = msgspec.structs.astuple(event)[:-1]
    return hashlib.sha256(previous + msgspec.json.encode(columns)).digest()[:16]


def following(last: ProgramEvent | None, event: ProgramEvent, now: int) -> ProgramEvent:
    """An event as the row behind the last one: with its position, a time that never goes back, and its hash."""
    placed = msgspec.structs.replace(
        event,
        position=1 if last is None else last.position + 1,
        at=now if last is None else max(now, last.at),
    )
    return msgspec.structs.replace(placed, hash=event_hash(b"" if last is None else last.hash, placed))


def breaks(events: Sequence[ProgramEvent]) -> list[Finding]:
    """Rows, oldest first, that do not follow from the ones before: changed, or missing."""
    what = "the row was changed, or rows are missing: its hash does not follow"
    found, last = [], None
    for number, event in enumerate(events, 1):
        hashed = event_hash(b"" if last is None else last.hash, event)
        if (event.position, event.hash) != (number, hashed):
            found.append(Finding(f"program event {number}", what))
        last = event
    return found


def check_rehearsed(events: Sequence[ProgramEvent], digest: str, rehearsal: str, now: int) -> None:
    """Raise `NotFound` for a rehearsal that was not kept of this program, `NotAllowed` for one that counts no more: it
    is older than a week, or another version was published since.
    """
    kept = [each for each in events if each.act == ProgramAct.REHEARSE and each.rehearsal == rehearsal]
    if not any(each.digest == digest for each in kept):
        raise NotFound(f"No rehearsal {rehearsal[:12]} of this program was kept. {_NAME_IT}")
    newest = max(each.position for each in kept if each.digest == digest)
    if any(each.position > newest and each.act in PUBLISHED for each in events):
        raise NotAllowed("Another version was published since this rehearsal. Rehearse again.")
    if next(each.at for each in kept if each.position == newest) < now - REHEARSAL_DAYS * DAY:
        raise NotAllowed(f"This rehearsal is older than {REHEARSAL_DAYS} days. Rehearse again.")


def check_two_people(submitted_by: str, actor: str, rehearsal: str | None) -> None:
    """Raise `NotAllowed` where one person would put a program in force alone, or untried."""
    if submitted_by == actor:
        raise NotAllowed("This program was submitted by the same person: another one has to approve it.")
    if rehearsal is None:
        raise NotAllowed(_NAME_IT)


PUBLISHED = {ProgramAct.APPROVE, ProgramAct.PUBLISH, ProgramAct.STOP}
"""Acts that put a version in force."""
