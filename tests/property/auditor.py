"""The auditor reads everything that can be read of a system and holds it against the model.

Of what only the system knows it keeps account itself: the proxy names it has seen, each of which belongs to one member
for the time between two renames and to nobody else, ever.
"""

from collections.abc import Mapping

import msgspec
from tests.property.model import Model
from tests.property.model_nouns import BoardPlace, Document, Event, Program, Upto, boards_of, month_of
from tests.property.reasons import check_reason

from laurels.awarding import published_programs, recount_of
from laurels.dashboard import Me, Row
from laurels.errors import BoardNotReady
from laurels.ledger import Ledger
from laurels.model import Balance, DocumentKind, Entry, Mark, Version
from laurels.wiring import Services

TOP, AROUND = 3, 1
"""Small, so that boards of a handful of members have ends to be cut at."""
NOBODY = Me(rank=None, position=None, tied=0, points=0, name=None, hidden=False)


class Auditor:
    """Compares; every method raises `AssertionError` where system and model differ."""

    def __init__(self, model: Model, programs: Mapping[int, Program], ids: tuple[str, ...]) -> None:
        self.model = model
        self._programs = programs
        self._ids = ids
        self._names: dict[tuple[int, int], str] = {}
        self._judged: dict[tuple[str, str, str], object] = {}

    async def audit_ledger(self, ledger: Ledger, *, thorough: bool) -> None:
        """Feed, balances, documents, quarantine, and what the ledger finds when it checks itself.

        Not thorough: only the documents that the model changed since they were judged last.
        """
        programs = await published_programs(ledger)
        unworded = [entry for shard in range(self.model.shards) for entry in await ledger.feed(shard, Mark(), 100_000)]
        entries = await programs.worded(unworded, ledger)
        self._audit_feed(entries)
        for id in self._ids:
            await self._audit_member(ledger, id)
        by_document: dict[tuple[str, str | None, str | None], list[Entry]] = {}
        for entry in entries:
            if entry.kind in {"earn", "reverse"}:
                check_reason(entry, self._programs)
                kind = "order" if entry.kind == "earn" else "refund"
                key = (kind, entry.source, entry.order_id if entry.kind == "earn" else entry.refund_id)
                by_document.setdefault(key, []).append(entry)
        for key, document in self.model.documents.items():
            state = (document.status, document.forgotten, document.member, document.dropped, len(document.events))
            if thorough or self._judged.get(key) != state:
                await self._audit_document(ledger, document, by_document.get(key, []))
                self._judged[key] = state
        listed = await ledger.quarantine(limit=1000)
        quarantined = [
            (item.kind, item.source, item.id, (await ledger.quarantined(item.kind, item.source, item.id)).raw)
            for item in listed
        ]
        assert quarantined == [(of.kind, of.source, of.id, of.raw) for of in self.model.quarantine()]
        assert await ledger.inbox_depth() == len(self.model.inbox())
        findings = [finding async for step in ledger.verify(recount_of(programs)) for finding in step.findings]
        assert not findings

    def _audit_feed(self, entries: list[Entry]) -> None:
        numbers = [entry.member for entry in entries if entry.kind == "enrol"]
        assert len(numbers) == len(set(numbers)), "member numbers are never used again"
        events = [
            Event(
                entry.kind.value,
                entry.member,
                entry.points,
                entry.source,
                entry.order_id,
                entry.refund_id,
                entry.program_version,
                entry.board_at,
                entry.recorded_at,
                entry.shard,
            )
            for entry in entries
        ]
        assert events == sorted(self.model.feed, key=lambda event: event.shard)
        written = [(shard, position + 1) for shard, n in self.model.positions.items() for position in range(n)]
        assert [(entry.shard, entry.position) for entry in entries] == written

    async def _audit_member(self, ledger: Ledger, id: str) -> None:
        number = self.model.ids.get(id)
        answer = await ledger.balance(id)
        own = await ledger.entries(id, limit=1000)
        if number is None:
            assert answer is None
            assert own == []
            return
        assert answer is not None
        totals, version = answer
        assert totals == Balance(*self.model.totals(number))
        assert version.positions == self.model.positions
        shard = [event for event in self.model.feed if event.shard == self.model.shard_of(number)]
        expected = [position for position, event in enumerate(shard, 1) if event.is_of_points(number)]
        assert [entry.position for entry in own] == expected[::-1]
        assert totals.balance == sum(entry.points for entry in own)

    async def _audit_document(self, ledger: Ledger, document: Document, entries: list[Entry]) -> None:
        state = await ledger.document(DocumentKind(document.kind), document.source, document.id)
        assert state is not None
        assert state.status == document.status
        assert state.accepted_at == document.accepted_at
        assert state.member_id == (None if document.forgotten or document.member is None else document.member_id)
        assert len(entries) == len(document.events)
        if document.status == "awarded":
            assert state.entry is not None
            assert state.entry.loyalty_id == entries[0].loyalty_id
            assert sum(entry.amount or 0 for entry in entries) == document.amount
        else:
            assert state.entry is None
            assert bool(state.reason) == (document.status != "accepted")

    async def audit_boards(self, services: Services, confirmed_at: int | None, now: int) -> None:
        """Every dashboard on every board as of the position that it names, which may lie behind the ledger's.

        What is erased in the ledger is left out by a board as soon as it reads of it, so a board that lags behind an
        erasure is between two states, and is judged once it has caught up.
        """
        try:
            seen = await services.dashboards.board("all-time")
        except BoardNotReady:
            assert confirmed_at is None
            return
        version = Version.parse(seen.as_of)
        upto = version.positions
        if len(self.model.erasures(upto)) < len(self.model.erased):
            return
        for id in self._ids:
            dashboard = await services.dashboards.member(id)
            self._learn(id, upto, dashboard.me.name)
        months = {month_of(now)}.union(*(boards_of(event) for event in self.model.feed))
        for board in ["all-time", *sorted(months - {"all-time"})]:
            await self._audit_board(services, board, upto)
            for id in self._ids:
                asked = "month" if board == month_of(now) else board
                dashboard = await services.dashboards.member(
                    id, asked, top=TOP, around=AROUND, min_version=version, whole=True
                )
                assert dashboard.board == board
                assert dashboard.as_of == seen.as_of
                assert dashboard.stale == (confirmed_at is None or now - confirmed_at > 1_000_000)
                answer = (dashboard.ranked, dashboard.me, dashboard.top, dashboard.around)
                assert answer == self._dashboard(board, id, upto), board

    def _learn(self, id: str, upto: Upto, name: str | None) -> None:
        number = self.model.number(id, upto)
        if number is None:
            assert name is None
            return
        assert name is not None
        assert self._names.setdefault(self._bearer(number, upto), name) == name
        assert len(set(self._names.values())) == len(self._names), "two members bore the same name"

    def _bearer(self, number: int, upto: Upto) -> tuple[int, int]:
        return number, sum((event.kind, event.member) == ("rename", number) for event in self.model.events(upto))

    async def _audit_board(self, services: Services, board: str, upto: Upto) -> None:
        places = self.model.standings(board, upto)
        ids = self.model.enrolled
        standings = [row async for chunk in services.leaderboard.standings(board, chunk=2) for row in chunk]
        assert standings == [(ids[place.member], place.points, place.rank, place.position) for place in places]
        shown = await services.dashboards.board(board, top=TOP, whole=True)
        assert (shown.ranked, shown.top) == (len(places), [self._row(place, upto) for place in places[:TOP]])

    def _dashboard(self, board: str, id: str, upto: Upto) -> tuple[int, Me, list[Row], list[Row]]:
        places = self.model.standings(board, upto)
        top = [self._row(place, upto) for place in places[:TOP]]
        number = self.model.number(id, upto)
        if number is None:
            return len(places), NOBODY, top, []
        me = Me(
            rank=None,
            position=None,
            tied=0,
            points=self.model.score(board, number, upto),
            name=self._names[self._bearer(number, upto)],
            hidden=number in self.model.unranked(upto),
        )
        mine = next((place for place in places if place.member == number), None)
        if mine is None:
            return len(places), me, top, []
        me = msgspec.structs.replace(me, rank=mine.rank, position=mine.position, tied=mine.tied)
        near = places[max(0, mine.position - 1 - AROUND) : mine.position + AROUND]
        return len(places), me, top, [self._row(place, upto, me=place is mine) for place in near]

    def _row(self, place: BoardPlace, upto: Upto, *, me: bool = False) -> Row:
        return Row(place.rank, self._names[self._bearer(place.member, upto)], place.points, me or msgspec.UNSET)
