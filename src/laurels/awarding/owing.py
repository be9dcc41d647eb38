"""What the shop owes its members in points, by state, as of an instant."""

import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction

from msgspec import Struct

from laurels.awarding.explaining import member_at
from laurels.awarding.looking import members_at
from laurels.awarding.ordering import in_order
from laurels.awarding.programs import Programs
from laurels.awarding.replaying import Replay, asks_people, read_persons
from laurels.ledger import Awarded, Upkeep
from laurels.ledger.turns import AT_ONCE, DOCUMENTS_AT_ONCE
from laurels.model import DocumentKind
from laurels.program import ProgramState
from laurels.program.liability import Outstanding, in_money


class Liability(Struct, frozen=True, kw_only=True):
    """Points `pending`, `active` (`held` is a part of that), and apart what members owe; `total` is the sum of all
    entries, what has lapsed by then taken off. `value` is what pending and active points are worth by currency, where
    the program says it; `expected` the part of it that it expects to be redeemed.
    """

    at: int
    pending: int
    active: int
    held: int
    owed: int
    total: int
    members: int
    value: dict[str, str]
    expected: dict[str, str]


async def liability(ledger: Upkeep, programs: Programs, at: int, now: int) -> Liability:
    """As of an instant. From now on: what members have, by what will have lapsed; costs by members. Of the past: what
    the documents that were recorded by then had led to, judged once more; costs by documents. Raises `Refused` where
    those do not lead to what the ledger has any more.
    """
    whole, members = Outstanding(), 0
    async for member in _then(ledger, programs, at) if at < now else _from_now(ledger, programs, at):
        active = member.active
        whole += Outstanding(member.waiting, max(0, active), member.held, max(0, -active))
        members += 1
    program, points = programs.at(at), whole.pending + whole.active
    share = Fraction(program.expected_redeemed, 1_000_000)
    return Liability(
        at=at,
        pending=whole.pending,
        active=whole.active,
        held=whole.held,
        owed=whole.owed,
        total=whole.total,
        members=members,
        value={currency: in_money(points * Fraction(each), currency) for currency, each in program.value},
        expected={currency: in_money(points * share * each, currency) for currency, each in program.value},
    )


async def _from_now(ledger: Upkeep, programs: Programs, at: int) -> AsyncIterator[ProgramState]:
    async for seen in members_at(ledger, programs, at):
        yield seen.state


async def _then(ledger: Upkeep, programs: Programs, at: int) -> AsyncIterator[ProgramState]:
    """Members as they were. Where clocks differ, what a transfer gave may be recorded by then, and the transfer
    later: who receives does not have it yet.
    """
    persons, framed = await read_persons(ledger, programs), asks_people(programs)
    replay = Replay(programs, persons)
    taken = 0
    later: set[tuple[str, str]] = set()
    async for document in in_order(ledger, framed=framed):
        if not isinstance(document, Awarded):
            if document.recorded_at <= at:
                replay.join(document)
            continue
        key = document.source, document.id
        if document.entry.recorded_at > at:
            later |= {key} if document.kind is DocumentKind.TRANSFER else set()
        elif document.kind is not DocumentKind.GIVEN or key not in later:
            replay.take_as_it_was(document)
            taken += 1
            if taken % DOCUMENTS_AT_ONCE == 0:
                await asyncio.sleep(0)
    own = (kept for number, kept in replay.members.items() if number not in replay.became)
    for n, kept in enumerate(own, 1):
        yield member_at(kept, programs, at)
        if n % AT_ONCE == 0:
            await asyncio.sleep(0)
