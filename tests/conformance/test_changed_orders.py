"""An order that was changed has the lines that it was changed to, and no others."""

from pathlib import Path

import pytest
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import ENGINES, Fresh

from laurels.awarding import liability, rehearse
from laurels.model import Amendment, Line, MemberEvent, Order
from laurels.model.money import MILLION
from laurels.program import Program

pytestmark = pytest.mark.anyio

RATES = [{"name": "all", "points": 1, "per": {"GBP": "1.00"}}]
LINES = [{"sku": "milk", "unit_price": "7.00"}, {"sku": "bread", "unit_price": "3.00"}]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rounding", ["half-up", "carry"])
async def test_a_refund_by_line_of_an_order_that_was_changed_to_a_total(
    engine: str, rounding: str, fresh: Fresh, tmp_path: Path
) -> None:
    book = LedgerBook(fresh(), tmp_path)
    await book.begin([{"version": 1, "rates": RATES, "rounding": {"to": rounding}}])
    await book.step({"do": "order", "order": "a", "lines": LINES})
    changed = Order(source="till", order_id="a", member_id="m", currency="GBP", total=900)
    await book.ledger.accept([Amendment(revision=1, order=changed).document()])
    await book.awarder.drain()
    refused = await book.step({"do": "refund", "order": "a", "lines": [{"line": 2, "quantity": "1"}]})
    assert refused == {"refused": "the order has no line 2"}
    assert (await book.step({"do": "refund", "order": "a", "lines": [{"line": 1, "amount": "2.00"}]}))["points"] == -2
    assert (await book.step({"do": "refund", "order": "a", "lines": [{"line": 1, "quantity": "1"}]}))["points"] == -7
    assert (await book.totals("m")).balance == 0
    assert await book.findings() == []
    stand: list[tuple[int | None, Program]] = [(None, program) for program in book.programs.published.values()]
    again = await rehearse(book.ledger, stand, book.programs.current, begins=None, ends=book.now + 1)
    assert (again.gain, again.lose, again.quarantined) == (0, 0, {})
    await book.close()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("first", [True, False])
async def test_a_changed_order_of_a_member_who_was_erased(
    engine: str, first: bool, fresh: Fresh, tmp_path: Path
) -> None:
    book = LedgerBook(fresh(), tmp_path)
    await book.begin([{"version": 1, "rates": RATES}])
    await book.ledger.enrol([("m", None)], actor="clerk")
    lines = tuple(Line("x", MILLION, price * MILLION) for price in (5, 8))
    changed = Order(source="till", order_id="a", member_id="m", currency="GBP", total=1300, lines=lines)
    if first:
        await book.ledger.accept([Amendment(revision=1, order=changed).document()])
    await book.step({"do": "order", "order": "a", "lines": LINES})
    await book.step({"do": "refund", "order": "a", "amount": "1.00"})
    if not first:
        await book.ledger.accept([Amendment(revision=1, order=changed).document()])
        await book.awarder.drain()
        await book.step({"do": "refund", "order": "a", "lines": [{"line": 1, "quantity": "1"}]})
    then = await liability(book.ledger, book.programs, book.now, book.now)
    await book.ledger.change_member("m", MemberEvent.ERASE, actor="clerk")
    assert await liability(book.ledger, book.programs, book.now, book.now + 1) == then
    stand: list[tuple[int | None, Program]] = [(None, program) for program in book.programs.published.values()]
    again = await rehearse(book.ledger, stand, book.programs.current, begins=None, ends=book.now + 1)
    assert (again.gain, again.lose, again.points, again.quarantined) == (0, 0, then.total, {})
    await book.close()
