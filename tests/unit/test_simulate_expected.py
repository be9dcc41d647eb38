"""The simulator's expected: what they let pass, and that they name whatever is lost, twice, wrong or never sent."""

import pytest

from laurels.model import EntryKind, Order, Refund
from laurels.workbench.simulate.expected import EarnedLine, ExpectedAnswer, ExpectedLedger, Findings, Rule

ORDER = Order(source="day", order_id="day-1", member_id="ann", currency="GBP", total=2500)
OTHER = Order(source="day", order_id="day-2", member_id="bob", currency="GBP", total=499)
REFUND = Refund(source="day", refund_id="day-1-r0", member_id="ann", order_id="day-1", currency="GBP", amount=1000)
EARNED = EarnedLine("day-1", EntryKind.EARN, 3)
OTHER_EARNED = EarnedLine("day-2", EntryKind.EARN, 0)
TAKEN_BACK = EarnedLine("day-1", EntryKind.REVERSE, -1)


@pytest.fixture
def expected() -> ExpectedLedger:
    return ExpectedLedger(Rule(points=1, per=1000, half_up=True))


def acknowledged(expected: ExpectedLedger, *documents: Order | Refund) -> None:
    expected.send(documents)
    expected.answer(documents, [ExpectedAnswer.ACCEPTED] * len(documents))


def faults(found: Findings) -> tuple[int, int, int]:
    return len(found.lost), len(found.twice), len(found.wrong)


def test_the_rule_rounds_as_its_program_says() -> None:
    half_up, down = Rule(points=1, per=1000, half_up=True), Rule(points=1, per=1000, half_up=False)
    assert [half_up.points_of(amount) for amount in (499, 500, 1499, 1500, 2500)] == [0, 1, 1, 2, 3]
    assert [down.points_of(amount) for amount in (999, 1000, 1999, 2500)] == [0, 1, 1, 2]


def test_a_ledger_as_expected(expected: ExpectedLedger) -> None:
    acknowledged(expected, REFUND, ORDER, OTHER)
    found = expected.compare([OTHER_EARNED, EARNED, TAKEN_BACK])
    assert found == Findings(entries=3, expected=2, points=2)
    assert expected.count() == (3, 0)
    assert (expected.order_ids(), expected.member_ids()) == (["day-1", "day-2"], ["ann", "bob"])


@pytest.mark.parametrize(
    ("lines", "counts"),
    [
        ([OTHER_EARNED, TAKEN_BACK], (1, 0, 1)),  # the order is lost, and its refund stands alone
        ([OTHER_EARNED, EARNED], (1, 0, 0)),  # the refund is lost
        ([OTHER_EARNED, EARNED, EARNED, TAKEN_BACK], (0, 1, 0)),
        ([OTHER_EARNED, EARNED, TAKEN_BACK, TAKEN_BACK], (0, 1, 0)),
        ([OTHER_EARNED, EarnedLine("day-1", EntryKind.EARN, 2), TAKEN_BACK], (0, 0, 1)),
        ([OTHER_EARNED, EARNED, TAKEN_BACK, EarnedLine("day-9", EntryKind.EARN, 1)], (0, 0, 1)),
        ([], (2, 0, 0)),
    ],
)
def test_what_differs_is_named(expected: ExpectedLedger, lines: list[EarnedLine], counts: tuple[int, int, int]) -> None:
    acknowledged(expected, ORDER, OTHER, REFUND)
    assert faults(expected.compare(lines)) == counts


def test_what_was_never_answered_may_be_there_once_or_not(expected: ExpectedLedger) -> None:
    acknowledged(expected, ORDER)
    expected.send([OTHER, REFUND])
    assert expected.count() == (1, 2)
    for lines in ([EARNED], [EARNED, TAKEN_BACK], [EARNED, OTHER_EARNED], [EARNED, OTHER_EARNED, TAKEN_BACK]):
        assert faults(expected.compare(lines)) == (0, 0, 0)
    assert faults(expected.compare([EARNED, OTHER_EARNED, OTHER_EARNED])) == (0, 1, 0)
    assert faults(expected.compare([EARNED, EarnedLine("day-1", EntryKind.REVERSE, -2)])) == (0, 0, 1)


def test_a_refund_whose_order_never_came_waits(expected: ExpectedLedger) -> None:
    acknowledged(expected, REFUND)
    assert expected.compare([]) == Findings()
    assert faults(expected.compare([TAKEN_BACK])) == (0, 0, 1)


def test_the_same_document_again_counts_once(expected: ExpectedLedger) -> None:
    acknowledged(expected, ORDER)
    expected.send([ORDER])
    expected.answer([ORDER], [ExpectedAnswer.REPEATED])
    assert expected.compare([EARNED]) == Findings(entries=1, expected=3, points=3)
    expected.answer([ORDER], [ExpectedAnswer.ACCEPTED])
    assert faults(expected.compare([EARNED])) == (0, 1, 0)


def test_what_was_refused_is_a_difference(expected: ExpectedLedger) -> None:
    expected.send([ORDER])
    expected.answer([ORDER], [ExpectedAnswer.REFUSED])
    assert expected.compare([]).wrong == ["order day-1 was refused"]
