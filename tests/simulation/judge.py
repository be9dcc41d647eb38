"""What must be so once everything is quiet, whatever happened before: NEVER.md, held against the history.

The naive model of the property tests works out balances and boards from the feed; the rest is counted here.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby, pairwise
from operator import attrgetter

from tests.property.model import Model
from tests.property.model_nouns import Event, Program, boards_of
from tests.simulation.machine import BOARDS, PROGRAM
from tests.simulation.mail import NOWHERE, MailServer
from tests.simulation.shop import ADDRESSES, MEMBERS, POISON, History, Wish

from laurels.awarding import Programs, recount_of
from laurels.dashboard import Dashboard
from laurels.engines.memory import MemoryLeaderboard
from laurels.leaderboard import Followed, Leaderboard, Projector
from laurels.ledger import DocumentState, Ledger
from laurels.model import Balance, DocumentKind, Entry, EntryKind, Mark, MemberEvent, Order, Refund, Status, Version
from laurels.model.entries import SCORED

MILESTONE = 100

States = dict[tuple[DocumentKind, str], DocumentState | None]
"""How far each document got, by its kind and id; None: it is nowhere."""


async def judge_documents(ledger: Ledger, history: History, *, settled: bool) -> States:
    """acked <= applied <= acked + unknown, and once the unknown are `settled`, applied = acked. What was refused is
    nowhere. Gives how far each one got.
    """
    states: States = {}
    for wish in history.wishes:
        state = states[wish.kind, wish.id] = await ledger.document(wish.kind, wish.source, wish.id)
        if wish.first is not None:
            assert state is not None, f"{wish} was acknowledged, and is lost"
        elif not wish.unknown or settled:
            assert state is None, f"{wish} was never acknowledged (refused {wish.refused} times), and is there"
        assert state is None or state.status is not Status.ACCEPTED, f"{wish} lies in the inbox for ever"
    return states


async def judge_everything(
    ledger: Ledger, leaderboard: Leaderboard, history: History, mail: MailServer, deaths: int
) -> None:
    """The whole system, once all is settled."""
    states = await judge_documents(ledger, history, settled=True)
    entries = await entries_of(ledger)
    model = _model_of(entries)
    _judge_feed(entries)
    _judge_points(states, history, entries)
    await _judge_balances(ledger, model, history, entries)
    await _judge_boards(ledger, leaderboard, model, entries)
    for member_id, seen in history.seen:
        _judge_dashboard(member_id, seen, entries)
    _judge_changes(history, entries)
    _judge_mails(history, entries, mail, deaths)
    findings = [finding async for step in ledger.verify(recount_of(Programs.of(PROGRAM))) for finding in step.findings]
    assert not findings


async def entries_of(ledger: Ledger) -> list[Entry]:
    """The whole feed, shard by shard. A member's entries are in one shard, so they are in order."""
    heads = await ledger.heads()
    return [entry for shard in sorted(heads.marks) for entry in await ledger.feed(shard, Mark(), 100_000)]


def _model_of(entries: list[Entry]) -> Model:
    """The naive model with this feed. Members are counted in the order of their numbers, which is that of enrolment;
    in the feed they come with their first points.
    """
    model = Model(Program(PROGRAM.version, dict(PROGRAM.earn.per)), 0)
    joined = {entry.member: entry.member_id for entry in entries if entry.kind is EntryKind.ENROL}
    assert len(joined) == sum(entry.kind is EntryKind.ENROL for entry in entries), "a number was given twice"
    order = {number: index for index, number in enumerate(sorted(joined))}
    model.enrolled = [joined[number] or "" for number in order]
    model.ids = {member_id: order[number] for number, member_id in joined.items() if member_id is not None}
    for entry in entries:
        model.feed.append(
            Event(
                entry.kind.value,
                order[entry.member],
                entry.points,
                board_at=entry.board_at,
                recorded_at=entry.recorded_at,
            )
        )
    return model


def _judge_feed(entries: list[Entry]) -> None:
    for _, shard in groupby(entries, attrgetter("shard")):
        in_shard = list(shard)
        assert [entry.position for entry in in_shard] == list(range(1, len(in_shard) + 1))
        assert all(before.recorded_at <= after.recorded_at for before, after in pairwise(in_shard))
    assert len({entry.member for entry in entries}) == len({(entry.member, entry.shard) for entry in entries})
    balances: Counter[int] = Counter()
    for entry in entries:
        balances[entry.member] += entry.points
        assert entry.kind is not EntryKind.REDEEM or balances[entry.member] >= 0, f"overspent at {entry.loyalty_id}"


def _judge_points(states: States, history: History, entries: list[Entry]) -> None:
    """Every document once, with the points that it is worth; and no entry besides."""
    explained = 0
    by_order: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.kind in {EntryKind.EARN, EntryKind.REVERSE} and entry.order_id is not None:
            by_order.setdefault(entry.order_id, []).append(entry)
    refunds: dict[str, list[tuple[Wish, DocumentState]]] = {}
    for wish in history.wishes:
        state = states[wish.kind, wish.id]
        if isinstance(wish.paper, Refund) and state is not None:
            refunds.setdefault(wish.paper.order_id or "", []).append((wish, state))
    for wish in history.wishes:
        state, paper = states[wish.kind, wish.id], wish.paper
        if state is None or isinstance(paper, Refund):
            continue
        if isinstance(paper, Order):
            explained += _judge_order(paper, state, refunds.get(wish.id, []), by_order.get(wish.id, []), history)
            continue
        assert state.entry is not None
        points = paper.points if state.entry.kind is EntryKind.ADJUST else -paper.points
        assert (state.status, state.entry.points) == (Status.AWARDED, points), wish
        explained += 1
    assert explained == sum(entry.kind.value in {"earn", "reverse", "adjust", "redeem"} for entry in entries)


def _judge_order(
    order: Order,
    state: DocumentState,
    refunds: list[tuple[Wish, DocumentState]],
    entries: list[Entry],
    history: History,
) -> int:
    """An order's points, and what its refunds took back. Gives how many entries that explains."""
    if order.currency == POISON:
        assert state.status is Status.QUARANTINED
        assert not entries
        return 0
    assert state.status is Status.AWARDED, f"{order.order_id} is {state.status}: {state.reason}"
    left = order.total
    for wish, refund in refunds:
        assert isinstance(wish.paper, Refund)
        if refund.status is Status.AWARDED:
            left -= wish.paper.amount
        else:  # it waited for the order of a member who was erased and came back: another one
            assert refund.status is Status.QUARANTINED, f"{wish} is {refund.status}"
            assert history.was_erased(order.member_id), f"{wish} is in quarantine: {refund.reason}"
    earned = [entry.points for entry in entries if entry.kind is EntryKind.EARN]
    reversed_ = [entry.points for entry in entries if entry.kind is EntryKind.REVERSE]
    assert earned == [_worth(order.total)], order.order_id
    assert -sum(reversed_) == _worth(order.total) - _worth(max(0, left)), order.order_id
    assert {entry.refund_id for entry in entries} - {None} == {
        wish.id for wish, refund in refunds if refund.status is Status.AWARDED
    }
    return len(entries)


def _worth(pence: int) -> int:
    """One point for ten pounds, half a point and more rounded up."""
    return (pence + 500) // 1000


async def _judge_balances(ledger: Ledger, model: Model, history: History, entries: list[Entry]) -> None:
    """The sums of the feed. Who is enrolled and has no entry yet has no points."""
    enrolled = {
        wish.paper.member_id
        for wish in history.wishes
        if wish.first is not None and wish.kind is DocumentKind.ORDER and not history.was_erased(wish.paper.member_id)
    }
    version = (await ledger.heads()).version
    assert sum(version.positions.values()) == len(entries)
    for member_id in MEMBERS:
        answer = await ledger.balance(member_id)
        number = model.ids.get(member_id)
        if number is not None or member_id in enrolled:
            assert answer is not None, member_id
        if answer is not None:  # without an entry: its orders earned nothing, being in quarantine
            assert answer[0] == (Balance() if number is None else Balance(*model.totals(number))), member_id
            assert answer[1].positions == version.positions


async def _judge_boards(ledger: Ledger, leaderboard: Leaderboard, model: Model, entries: list[Entry]) -> None:
    """The board that was followed through it all, one that is built anew, and the naive one."""
    rebuilt = MemoryLeaderboard()
    await Projector(ledger, rebuilt, BOARDS, PROGRAM.time_zone, lambda: 0).rebuild()
    assert _begun(await leaderboard.followed()) == _begun(await rebuilt.followed())
    for board in sorted({"all-time"}.union(*(boards_of(event) for event in model.feed))):
        expected = [
            (model.enrolled[place.member], place.points, place.rank, place.position) for place in model.standings(board)
        ]
        for shown in (leaderboard, rebuilt):
            assert [row async for chunk in shown.standings(board) for row in chunk] == expected, (board, shown.name)


def _begun(followed: Followed) -> dict[int, Mark]:
    return {shard: mark for shard, mark in followed.marks.items() if mark.position}


def _judge_dashboard(member_id: str, seen: Dashboard, entries: list[Entry]) -> None:
    """What a customer saw, against the feed up to the positions that the answer names."""
    upto = Version.parse(seen.as_of).positions
    lengths = Counter(entry.shard for entry in entries)
    assert all(position <= lengths[shard] for shard, position in upto.items()), f"a customer saw {seen.as_of}"
    if any(entry.kind is EntryKind.ERASE and entry.position > upto.get(entry.shard, 0) for entry in entries):
        return  # a board that lags behind an erasure may have read some of it
    model = _model_of([entry for entry in entries if entry.position <= upto.get(entry.shard, 0)])
    places = model.standings(seen.board)
    assert (seen.ranked, [row.points for row in seen.top]) == (len(places), [place.points for place in places[:10]])
    number = model.number(member_id)
    points = 0 if number is None else model.score(seen.board, number)
    ranks = [(place.rank, place.position) for place in places if place.member == number]
    assert (seen.me.points, seen.me.rank, seen.me.position) == (points, *(ranks[0] if ranks else (None, None)))


def _judge_changes(history: History, entries: list[Entry]) -> None:
    """Renaming and erasing are done as often as was answered, and no oftener than was asked. Erasing somebody of whom
    there is nothing but a refund that waits lets go of that, and writes no entry.
    """
    written = Counter(entry.kind.value for entry in entries)
    refunded = {wish.paper.member_id for wish in history.wishes if wish.kind is DocumentKind.REFUND}
    for event in MemberEvent:
        of_kind = [change for change in history.changes if change.event is event]
        assert written[event.value] <= sum(change.acked + change.unknown for change in of_kind), event
        if event is MemberEvent.RENAME:
            assert sum(change.acked for change in of_kind) <= written[event.value], event
        if event is MemberEvent.ERASE:
            enrolled = [change for change in of_kind if change.member_id not in refunded]
            assert sum(change.acked for change in enrolled) <= written[event.value], event


def _judge_mails(history: History, entries: list[Entry], mail: MailServer, deaths: int) -> None:
    """Whoever passed the milestone has one mail, under one Message-ID; nobody else has any."""
    passed = dict(_crossings(entries))
    ids: dict[str, set[str]] = {}
    for id, address in mail.taken:
        ids.setdefault(address, set()).add(id)
    for member_id, address in ADDRESSES.items():
        if address == NOWHERE or history.was_erased(member_id):
            assert len(ids.get(address, ())) <= len(passed)
            continue
        number = next((entry.member for entry in entries if entry.member_id == member_id), None)
        has_address = any(
            isinstance(wish.paper, Order) and wish.first and wish.paper.member_id == member_id
            for wish in history.wishes
        )
        assert len(ids.get(address, ())) == int(number in passed and has_address), f"mails to {address}"
    again = len(mail.taken) - len({id for id, _ in mail.taken})
    assert again <= mail.doubts + deaths, f"{again} mails were sent again without need"


def _crossings(entries: list[Entry]) -> Iterator[tuple[int, int]]:
    """(member, position) where a score first passed the milestone, or passed it again."""
    scores: Counter[int] = Counter()
    for entry in entries:
        if entry.kind in SCORED:
            before = scores[entry.member]
            scores[entry.member] += entry.points
            if before <= MILESTONE < scores[entry.member]:
                yield entry.member, entry.position
