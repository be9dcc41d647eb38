"""What is changed behind the ledger's back of members' states and orders' frames is found."""

from contextlib import closing
from pathlib import Path

import apsw
import pytest
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import LEDGERS
from tests.conformance.steps import instant

from laurels.awarding import order_worth
from laurels.clock import DAY
from laurels.model import Amendment, Cancellation, Order
from laurels.program import GRAIN, Frame, ProgramState

pytestmark = pytest.mark.anyio

PROGRAM = {
    "version": 1,
    "rates": [{"name": "all", "points": 1, "per": {"GBP": "1.00"}}],
    "campaigns": [{"name": "dairy", "match": {"category": ["dairy"]}, "multiply": "2"}],
    "expiry": {"kind": "after-months", "months": 12},
}
LINES = [{"sku": "milk", "unit_price": "7.00", "category": "dairy"}, {"sku": "bread", "unit_price": "3.00"}]


@pytest.fixture
async def book(tmp_path: Path) -> LedgerBook:
    book = LedgerBook(LEDGERS["sqlite, 1 shard"], tmp_path)
    await book.begin([PROGRAM])
    await book.step({"do": "order", "order": "a", "lines": LINES})
    await book.step({"do": "refund", "order": "a", "lines": [{"line": 1, "amount": "2.00"}]})
    assert await book.findings() == []
    return book


def _changed(path: Path, table: str, column: str, value: bytes) -> None:
    connection = apsw.Connection(str(path / "laurels.db"))
    connection.execute(f"UPDATE {table} SET {column} = ?", (value,))  # noqa: S608
    connection.close()


async def _words(book: LedgerBook) -> str:
    found = "; ".join(finding.what for finding in await book.findings())
    await book.close()
    return found


async def test_a_state_that_was_changed(book: LedgerBook, tmp_path: Path) -> None:
    _changed(tmp_path, "balance", "state", ProgramState(owed=5).encode())
    assert "hold -5 points, its entries sum to 13" in await _words(book)


async def test_a_state_that_cannot_be_read(book: LedgerBook, tmp_path: Path) -> None:
    _changed(tmp_path, "balance", "state", b"\xc1")
    assert "cannot be read" in await _words(book)


async def test_a_frame_that_was_changed(book: LedgerBook, tmp_path: Path) -> None:
    award = await book.ledger.order_award("till", "a")
    assert award is not None
    assert award.frame is not None
    frame = Frame.decode(award.frame)
    other = Frame(frame.version, frame.currency, frame.at, frame.active_at, frame.expires_at, frame.net)
    _changed(tmp_path, "award", "frame", other.encode())
    found = await _words(book)
    assert "its frame is not the one that its entry vouches for" in found
    assert "its frame gives other parts than its entry says" in found


async def test_refunds_that_were_changed(book: LedgerBook, tmp_path: Path) -> None:
    _changed(tmp_path, "award", "refunded", b'{"given_back":[["till","r1",100]]}')
    found = await _words(book)
    assert "do not add up to its amount and what is left of it" in found
    assert "what is kept of it earns" in found


async def test_room_that_others_left_an_order_is_told_and_held_against_its_entries(tmp_path: Path) -> None:
    capped = PROGRAM["campaigns"][0] | {"caps": {"month": 10}}  # type: ignore[index]
    book = LedgerBook(LEDGERS["sqlite, 1 shard"], tmp_path)
    await book.begin([PROGRAM | {"campaigns": [capped]}])
    await book.step({"do": "order", "order": "a", "lines": LINES})
    await book.step({"do": "refund", "order": "a", "amount": "10.00"})
    await book.step({"do": "order", "order": "b", "lines": LINES})
    await book.ledger.accept([Cancellation(source="till", refund_id="r1", order_id="a").document()])
    await book.awarder.drain()
    assert (await book.totals("m")).balance == 10 + 3 + 17
    award = await book.ledger.order_award("till", "a")
    assert award is not None
    told = order_worth(award, book.programs)
    assert {name: grains // GRAIN for name, grains in told.parts} == {"base": 10, "dairy": 3}
    assert "dairy 3" in told.in_words()
    [entry, *_] = await book.ledger.entries("m")
    [entry] = await book.programs.worded([entry], book.ledger)
    assert "dairy: 3 is all that others have left of it" in entry.reason
    assert await book.findings() == []
    assert award.refunded is not None
    _changed(tmp_path, "award", "refunded", award.refunded.replace(b'["dairy",3]', b'["dairy",4]'))
    assert "what is kept of it earns 14 points in its frame" in await _words(book)


async def test_points_that_live_are_not_taken_for_those_that_lapsed_of_another_order(tmp_path: Path) -> None:
    book = LedgerBook(LEDGERS["sqlite, 1 shard"], tmp_path)
    await book.begin([PROGRAM | {"expiry": {"kind": "inactivity", "months": 1}}])
    await book.step({"do": "order", "order": "b", "total": "79.00"})
    book.now += 70 * DAY
    await book.step({"do": "refund", "order": "b", "amount": "79.00"})
    await book.step({"do": "order", "order": "a", "total": "88.00"})
    await book.step({"do": "refund", "order": "a", "amount": "88.00"})
    await book.ledger.accept([Cancellation(source="till", refund_id="r2", order_id="a").document()])
    await book.awarder.drain()
    assert (await book.totals("m")).balance == 88
    await book.change("a", 1, {"total": "88.00"})
    assert (await book.totals("m")).balance == 88
    assert await book.findings() == []
    await book.ledger.accept([Cancellation(source="till", refund_id="r1", order_id="b").document()])
    await book.awarder.drain()
    assert (await book.totals("m")).balance == 88, "these have lapsed again"
    assert await book.findings() == []
    await book.close()


async def test_what_had_lapsed_of_an_order_is_held_against_its_entries(tmp_path: Path) -> None:
    book = LedgerBook(LEDGERS["sqlite, 1 shard"], tmp_path)
    await book.begin([PROGRAM])
    await book.step({"do": "order", "order": "a", "total": "8.00"})
    book.now += 500 * DAY
    await book.step({"do": "refund", "order": "a", "amount": "5.00"})
    award = await book.ledger.order_award("till", "a")
    assert award is not None
    assert award.refunded is not None
    assert b'"lapsed":5' in award.refunded
    assert await book.findings() == []
    _changed(tmp_path, "award", "refunded", award.refunded.replace(b'"lapsed":5', b'"lapsed":4'))
    assert "do not fit its entries" in await _words(book)


@pytest.mark.parametrize("change", ["restored = restored - 1", "redemption_id = 'd2'"])
async def test_a_redemption_of_which_more_could_come_back_than_is_left(
    book: LedgerBook, change: str, tmp_path: Path
) -> None:
    await book.step({"do": "redeem", "id": "d1", "points": 8})
    for _ in range(2):
        await book.step({"do": "cancel", "id": "d1", "points": 3})
    assert await book.findings() == []
    with closing(apsw.Connection(str(tmp_path / "laurels.db"))) as db:
        db.execute(f"UPDATE redemption SET {change}")  # noqa: S608
    assert "points came back as kept, 6 by its entries" in await _words(book)


async def test_a_member_that_became_another_one_than_its_entries_say(book: LedgerBook, tmp_path: Path) -> None:
    for member in ("ann", "bob", "cy"):
        await book.step({"do": "adjust", "member": member, "points": 5})
    for ends, goes_on in (("ann", "bob"), ("bob", "cy")):
        await book.step({"do": "merge", "member": ends, "into": goes_on})
    assert await book.findings() == []
    numbers = [found.number for member in ("m", "cy") if (found := await book.ledger.member(member)) is not None]
    with closing(apsw.Connection(str(tmp_path / "laurels.db"))) as db:
        db.execute("UPDATE member SET merged_into = ? WHERE member_id = 'ann'", (numbers[0],))
    assert f"it became member number {numbers[0]}, its entries say {numbers[1]}" in await _words(book)


async def test_an_order_that_is_changed_to_a_day_when_nothing_was_carried_any_more(tmp_path: Path) -> None:
    carries = PROGRAM | {"rounding": {"to": "carry"}}
    floors = PROGRAM | {"version": 2, "from": "2026-02-01T00:00:00Z", "rounding": {"to": "floor"}}
    book = LedgerBook(LEDGERS["sqlite, 1 shard"], tmp_path)
    await book.begin([carries, floors])
    await book.step({"do": "order", "order": "a", "total": "0.60"})
    await book.step({"do": "order", "order": "b", "total": "0.60"})
    await book.step({"do": "order", "order": "c", "total": "0.50"})
    book.now = instant("2026-02-02T00:00:00Z")
    changed = Order(source="till", order_id="b", member_id="m", currency="GBP", total=260, occurred_at=book.now)
    for revision in (1, 2):
        await book.ledger.accept([Amendment(revision=revision, order=changed).document()])
        await book.awarder.drain()
    assert await _words(book) == ""
