"""The simulator's books: what they let pass, and that they name whatever is lost, twice, wrong or never sent."""

import pytest

from laurels.cli.simulate.books import Answer, Books, Found, Line, Rule
from laurels.model import EntryKind, Order, Refund

ORDER = Order(source="day", order_id="day-1", member_id="ann", currency="GBP", total=2500)
OTHER = Order(source="day", order_id="day-2", member_id="bob", currency="GBP", total=499)
REFUND = Refund(source="day", refund_id="day-1-r0", member_id="ann", order_id="day-1", currency="GBP", amount=1000)
EARNED = Line("day-1", EntryKind.EARN, 3)
OTHER_EARNED = Line("day-2", EntryKind.EARN, 0)
TAKEN_BACK = Line("day-1", EntryKind.REVERSE, -1)


@pytest.fixture
def books() -> Books:
    return Books(Rule(points=1, per=1000, half_up=True))


def acknowledged(books: Books, *documents: Order | Refund) -> None:
    books.send(documents)
    books.answer(documents, [Answer.ACCEPTED] * len(documents))


def faults(found: Found) -> tuple[int, int, int]:
    return len(found.lost), len(found.twice), len(found.wrong)


def test_the_rule_rounds_as_its_program_says() -> None:
    half_up, down = Rule(points=1, per=1000, half_up=True), Rule(points=1, per=1000, half_up=False)
    assert [half_up.points_of(amount) for amount in (499, 500, 1499, 1500, 2500)] == [0, 1, 1, 2, 3]
    assert [down.points_of(amount) for amount in (999, 1000, 1999, 2500)] == [0, 1, 1, 2]


def test_books_that_agree(books: Books) -> None:
    acknowledged(books, REFUND, ORDER, OTHER)
    found = books.compare([OTHER_EARNED, EARNED, TAKEN_BACK])
    assert found == Found(entries=3, expected=2, points=2)
    assert books.count() == (3, 0)
    assert (books.order_ids(), books.member_ids()) == (["day-1", "day-2"], ["ann", "bob"])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([OTHER_EARNED, TAKEN_BACK], (1, 0, 1)),  # the order is lost, and its refund stands alone
        ([OTHER_EARNED, EARNED], (1, 0, 0)),  # the refund is lost
        ([OTHER_EARNED, EARNED, EARNED, TAKEN_BACK], (0, 1, 0)),
        ([OTHER_EARNED, EARNED, TAKEN_BACK, TAKEN_BACK], (0, 1, 0)),
        ([OTHER_EARNED, Line("day-1", EntryKind.EARN, 2), TAKEN_BACK], (0, 0, 1)),
        ([OTHER_EARNED, EARNED, TAKEN_BACK, Line("day-9", EntryKind.EARN, 1)], (0, 0, 1)),
        ([], (2, 0, 0)),
    ],
)
def test_what_differs_is_named(books: Books, lines: list[Line], expected: tuple[int, int, int]) -> None:
    acknowledged(books, ORDER, OTHER, REFUND)
    assert faults(books.compare(lines)) == expected


def test_what_was_never_answered_may_be_there_once_or_not(books: Books) -> None:
    acknowledged(books, ORDER)
    books.send([OTHER, REFUND])
    assert books.count() == (1, 2)
    for lines in ([EARNED], [EARNED, TAKEN_BACK], [EARNED, OTHER_EARNED], [EARNED, OTHER_EARNED, TAKEN_BACK]):
        assert faults(books.compare(lines)) == (0, 0, 0)
    assert faults(books.compare([EARNED, OTHER_EARNED, OTHER_EARNED])) == (0, 1, 0)
    assert faults(books.compare([EARNED, Line("day-1", EntryKind.REVERSE, -2)])) == (0, 0, 1)


def test_a_refund_whose_order_never_came_waits(books: Books) -> None:
    acknowledged(books, REFUND)
    assert books.compare([]) == Found()
    assert faults(books.compare([TAKEN_BACK])) == (0, 0, 1)


def test_the_same_document_again_counts_once(books: Books) -> None:
    acknowledged(books, ORDER)
    books.send([ORDER])
    books.answer([ORDER], [Answer.REPEATED])
    assert books.compare([EARNED]) == Found(entries=1, expected=3, points=3)
    books.answer([ORDER], [Answer.ACCEPTED])
    assert faults(books.compare([EARNED])) == (0, 1, 0)


def test_what_was_refused_is_a_difference(books: Books) -> None:
    books.send([ORDER])
    books.answer([ORDER], [Answer.REFUSED])
    assert books.compare([]).wrong == ["order day-1 was refused"]
