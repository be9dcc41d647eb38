"""The judgement alone: a claim in, an outcome out, nothing read and nothing written."""

import msgspec
import pytest

from laurels.awarding import Programs, decide
from laurels.awarding.decide import decide_or_raise
from laurels.clock import DAY
from laurels.errors import InsufficientPoints, LaurelsError, PointsOutOfRange, Refused
from laurels.ledger import Award, Claim, Item, MemberState, Outcome, RedemptionState
from laurels.model import (
    Adjustment,
    Amendment,
    Balance,
    Cancellation,
    Document,
    DocumentKind,
    EntryKind,
    Order,
    Redemption,
    Refund,
    Restoration,
)
from laurels.model.entries import MAX_POINTS
from laurels.model.spending import Capture, Hold, TierGrant, Transfer, Void
from laurels.program import DEFAULT_PROGRAM, parse_program

V1 = parse_program(DEFAULT_PROGRAM)
V2 = parse_program(DEFAULT_PROGRAM.replace("version = 1", "version = 2").replace("points = 1 ", "points = 2 "))
PROGRAMS = Programs.of(V1)
CHANGED = Programs.of(V1, V2)

NOW = 1_793_530_800_000_000
ANN, BOB = 0, 1


def item(document: Document, sequence: int = 1, member: int | None = ANN, **more: object) -> Item:
    made = Item(
        sequence=sequence,
        kind=document.kind,
        source=document.source,
        id=document.id,
        member=member,
        order_key=document.order_key,
        accepted_at=NOW - 7,
        content=document.content,
    )
    return msgspec.structs.replace(made, **more)


def order(total: int, order_id: str = "A1", **more: object) -> Document:
    made = Order(source="shop", order_id=order_id, member_id="ann", currency="GBP", total=total)
    return msgspec.structs.replace(made, **more).document()


def refund(amount: int, refund_id: str = "R1", order_id: str | None = "A1", **more: object) -> Document:
    made = Refund(source="shop", refund_id=refund_id, member_id="ann", currency="GBP", amount=amount, order_id=order_id)
    return msgspec.structs.replace(made, **more).document()


def adjustment(points: int) -> Document:
    return Adjustment(id="J1", member_id="ann", points=points, actor="clerk", reason="goodwill").document()


def redemption(points: int) -> Document:
    return Redemption(source="shop", redemption_id="S1", member_id="ann", points=points).document()


def claim(
    *items: Item, overdue: tuple[Item, ...] = (), balance: Balance | None = None, award: Award | None = None
) -> Claim:
    return Claim(
        now=NOW,
        items=list(items),
        overdue=list(overdue),
        awards={(award.source, award.order_id): award} if award else {},
        orders={},
        waiting={},
        members={ANN: MemberState(balance)} if balance else {},
        redemptions={("shop", "S1"): RedemptionState(member=ANN, points=9, restored=4)},
        program_version=1,
    )


AWARD = Award(
    source="shop",
    order_id="A1",
    member=ANN,
    program_version=1,
    currency="GBP",
    amount=2500,
    left=2500,
    points=3,
    reversed=0,
    board_at=NOW - 99,
)


def moved(outcome: Outcome) -> list[tuple[EntryKind, int]]:
    return [(posting.kind, posting.points) for posting in outcome.postings]


def left_of(outcome: Outcome) -> Award:
    """What is kept of the order, without what only the judgement reads."""
    return msgspec.structs.replace(outcome.awards[("shop", "A1")], refunded=None)


def test_an_order_earns_and_leaves_what_its_refunds_are_judged_by() -> None:
    bought = item(order(2500, occurred_at=NOW - 50))
    outcome = decide(claim(bought), PROGRAMS)
    [posting] = outcome.postings
    assert (posting.kind, posting.points, posting.program_version) == (EntryKind.EARN, 3, 1)
    assert (posting.occurred_at, posting.board_at) == (NOW - 50, NOW - 50)
    assert outcome.awards == {
        ("shop", "A1"): msgspec.structs.replace(AWARD, board_at=NOW - 50, content=bought.content),
    }
    assert (outcome.waiting, outcome.quarantined, outcome.reached) == ([], [], [])


def test_without_a_time_it_is_when_it_was_accepted() -> None:
    for document in (order(2500), refund(100, order_id=None)):
        [posting] = decide(claim(item(document)), PROGRAMS).postings
        assert (posting.occurred_at, posting.board_at) == (NOW - 7, NOW - 7)


def test_a_refund_takes_back_under_its_orders_rules_in_its_orders_month() -> None:
    outcome = decide(claim(item(refund(500)), award=AWARD), CHANGED)
    [posting] = outcome.postings
    assert (posting.points, posting.program_version) == (-1, 1)
    assert (posting.board_at, posting.occurred_at) == (AWARD.board_at, NOW - 7)
    assert left_of(outcome) == msgspec.structs.replace(AWARD, left=2000, reversed=1)


def test_a_refund_beyond_what_is_left_is_two_entries_of_one_document() -> None:
    outcome = decide(claim(item(refund(3000)), award=AWARD), PROGRAMS)
    assert [(posting.points, posting.amount, posting.refund_id) for posting in outcome.postings] == [
        (-3, 2500, "R1"),
        (0, 500, "R1"),
    ]
    assert left_of(outcome) == msgspec.structs.replace(AWARD, left=0, reversed=3)


def test_one_claim_may_hold_a_refund_before_its_order() -> None:
    early, later, after = item(refund(500), 1), item(order(2500), 2), item(refund(2000, "R2"), 3)
    outcome = decide(claim(early, later, after), PROGRAMS)
    assert moved(outcome) == [(EntryKind.EARN, 3), (EntryKind.REVERSE, -1), (EntryKind.REVERSE, -2)]
    assert outcome.waiting == []
    assert outcome.awards[("shop", "A1")].left == 0


def test_a_refund_without_its_order_waits() -> None:
    early = item(refund(500), member=None)
    outcome = decide(claim(early), PROGRAMS)
    assert (outcome.waiting, outcome.postings, outcome.quarantined) == ([early], [], [])


def test_those_that_waited_are_released_by_sequence() -> None:
    judged = claim(item(refund(100, "R3"), 3), item(order(2500), 5))
    judged.waiting[("shop", "A1")] = [item(refund(100, "R4"), 4), item(refund(100, "R2"), 2)]
    outcome = decide(judged, PROGRAMS)
    assert [posting.refund_id for posting in outcome.postings] == [None, "R2", "R3", "R4"]


def test_an_order_that_is_refused_releases_nobody() -> None:
    judged = claim(item(order(2500, currency="CHF"), 5))
    waits = item(refund(100, currency="CHF"), 2)
    judged.waiting[("shop", "A1")] = [waits]
    outcome = decide(judged, PROGRAMS)
    assert [each.item.sequence for each in outcome.quarantined] == [5]
    assert outcome.postings == []


def test_who_waited_too_long_is_set_aside_unless_the_order_comes_with_it() -> None:
    late = item(refund(500), 1)
    outcome = decide(claim(overdue=(late,)), PROGRAMS)
    [quarantined] = outcome.quarantined
    assert quarantined.item is late
    assert quarantined.reason == "the order A1 did not come within 30 days"

    judged = claim(item(order(2500), 2), overdue=(late,))
    judged.waiting[("shop", "A1")] = [late]
    outcome = decide(judged, PROGRAMS)
    assert (len(outcome.postings), outcome.quarantined) == (2, [])


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (item(refund(500), member=BOB), "the order A1 is another member's"),
        (item(refund(500), member=None), "the order A1 is another member's"),
        (item(refund(500, currency="EUR")), "the order A1 is in GBP, the refund in EUR"),
        (item(order(2500, "A2"), member=None), "the member is not enrolled"),
        (item(order(2500, "A2", currency="USD")), "the program (version 1) gives no points for USD"),
        (item(refund(500, order_id=None, currency="USD")), "the program (version 1) gives no points for USD"),
    ],
)
def test_what_does_not_fit_is_set_aside_and_the_rest_goes_on(wrong: Item, reason: str) -> None:
    good = item(order(1000, "A9"), 9)
    outcome = decide(claim(wrong, good, award=AWARD), PROGRAMS)
    assert [(each.item, each.reason) for each in outcome.quarantined] == [(wrong, reason)]
    assert moved(outcome) == [(EntryKind.EARN, 1)]
    with pytest.raises(Refused) as raised:
        decide_or_raise(claim(wrong, award=AWARD), PROGRAMS)
    assert raised.value.message == reason


def test_every_item_of_a_claim_is_in_the_outcome_once() -> None:
    items = [item(order(2500), 1), item(refund(1, "R9", "A9"), 2), item(order(1, "A2"), 3, content=b"?")]
    outcome = decide(claim(*items), PROGRAMS)
    posted, quarantined = ([each.item for each in made] for made in (outcome.postings, outcome.quarantined))
    assert sorted(each.sequence for each in posted + quarantined + outcome.waiting) == [1, 2, 3]


@pytest.mark.parametrize(
    ("document", "balance", "error"),
    [
        (redemption(11), Balance(10, 10, 10), InsufficientPoints),
        (redemption(1), None, InsufficientPoints),
        (redemption(1), Balance(-5), InsufficientPoints),
        (redemption(0), Balance(10), Refused),
        (redemption(-5), Balance(10), Refused),
        (adjustment(1), Balance(MAX_POINTS), PointsOutOfRange),
        (adjustment(1), Balance(0, 0, MAX_POINTS), PointsOutOfRange),
        (adjustment(-1), Balance(-MAX_POINTS), PointsOutOfRange),
        (adjustment(10**30), None, PointsOutOfRange),
        (order(1000), Balance(0, MAX_POINTS, 0), PointsOutOfRange),
        (order(10**18), None, PointsOutOfRange),
    ],
)
def test_points_that_are_not_there_or_do_not_fit_are_refused(
    document: Document, balance: Balance | None, error: type[LaurelsError]
) -> None:
    with pytest.raises(error):
        decide_or_raise(claim(item(document), balance=balance), PROGRAMS)
    outcome = decide(claim(item(document), balance=balance), PROGRAMS)
    assert (outcome.postings, outcome.awards, outcome.reached) == ([], {}, [])
    assert len(outcome.quarantined) == 1


def test_the_whole_balance_may_be_spent() -> None:
    assert moved(decide_or_raise(claim(item(redemption(10)), balance=Balance(10)), PROGRAMS)) == [
        (EntryKind.REDEEM, -10)
    ]


def test_within_a_claim_each_sees_what_the_one_before_left() -> None:
    items = [item(redemption(6), n, id=f"S{n}") for n in range(3)]
    outcome = decide(claim(*items, balance=Balance(12, 12, 12)), PROGRAMS)
    assert (len(outcome.postings), len(outcome.quarantined)) == (2, 1)


@pytest.mark.parametrize(
    ("before", "total", "reached"),
    [
        (0, 100_000, 0),
        (0, 100_500, 1),
        (100, 500, 1),
        (100, 499, 0),
        (99, 1000, 0),
        (101, 100_000, 0),
        (-5, 200_000, 1),
    ],
)
def test_a_milestone_is_reached_by_crossing_it(before: int, total: int, reached: int) -> None:
    for quiet in (False, True):
        outcome = decide(claim(item(order(total, quiet=quiet)), balance=Balance(0, 0, before)), PROGRAMS)
        assert [(each.milestone, each.quiet) for each in outcome.reached] == [("100-points", quiet)] * reached


def test_a_milestone_goes_by_the_score_and_not_by_the_balance() -> None:
    outcome = decide(claim(item(order(10_000)), balance=Balance(-500, 100, 100)), PROGRAMS)
    assert [each.points for each in outcome.reached] == [110]


def test_the_same_claim_gives_the_same_outcome() -> None:
    def judged() -> Claim:
        return claim(item(refund(500), 1), item(order(2500), 2), item(redemption(1), 3), balance=Balance(5, 5, 5))

    assert decide(judged(), PROGRAMS) == decide(judged(), PROGRAMS)


def test_each_kind_of_document_is_judged() -> None:
    cancelled = Cancellation(source="shop", refund_id="R1", order_id="A1", member_id="ann").document()
    changed = Amendment(
        revision=2, order=Order(source="shop", order_id="A1", currency="GBP", total=6000, member_id="ann")
    ).document()
    restored = Restoration(source="shop", cancel_id="C1", redemption_id="S1", member_id="ann").document()
    tills = (
        Hold(source="shop", hold_id="H1", points=2, member_id="ann").document(),
        Capture(source="shop", hold_id="H1", points=2, member_id="ann").document(),
        Void(source="shop", hold_id="H1", member_id="ann").document(),
        Transfer(source="shop", transfer_id="T1", to=BOB, points=2, member_id="ann").document(),
        TierGrant(source="shop", grant_id="G1", tier="gold", until=NOW + 1, member_id="ann").document(),
    )
    documents = (order(1), refund(1), refund(1, order_id=None), adjustment(1), redemption(1))
    programs = Programs.of(parse_program(DEFAULT_PROGRAM + '[tiers]\nlevels = [ { name = "gold", reach = 5 } ]\n'))
    for document in (*documents, cancelled, changed, restored, *tills):
        outcome = decide(claim(item(document), balance=Balance(5), award=AWARD), programs)
        assert outcome.postings, (document.kind, outcome.quarantined)
    assert [(each.member, each.kind) for each in outcome_of(tills[3]).onward] == [(BOB, DocumentKind.GIVEN)]
    handed_in = {document.kind for document in (*documents, cancelled, changed, restored, *tills)}
    assert handed_in == set(DocumentKind) - {DocumentKind.EXPIRY, DocumentKind.GIVEN, DocumentKind.MESSAGE}


def outcome_of(document: Document) -> Outcome:
    return decide(claim(item(document), balance=Balance(5), award=AWARD), PROGRAMS)


def test_what_is_refused_leaves_nothing_behind() -> None:
    """An order that was changed is taken back before it is found to earn too much: that it is taken back goes too."""
    much = MAX_POINTS * 1000 - 5
    changed = Amendment(
        revision=2, order=Order(source="shop", order_id="A1", currency="GBP", total=much, member_id="ann")
    ).document()
    was = Balance(MAX_POINTS, MAX_POINTS, MAX_POINTS)
    outcome = decide(claim(item(changed), balance=was, award=AWARD), PROGRAMS)
    assert [each.item.kind for each in outcome.quarantined] == [DocumentKind.AMENDMENT]
    assert (outcome.postings, outcome.awards, outcome.states) == ([], {}, {})


def test_an_order_that_is_set_aside_ends_the_waiting_of_who_names_it_as_another_members() -> None:
    mine, others = item(refund(500), 1), item(refund(500), 2, member=BOB)
    judged = claim(item(order(2500, currency="USD"), 3))
    judged.waiting[("shop", "A1")] = [mine, others]
    outcome = decide(judged, PROGRAMS)
    assert [(each.item.sequence, each.reason) for each in outcome.quarantined] == [
        (3, "the program (version 1) gives no points for USD"),
        (2, "the order A1 is another member's"),
    ]
    assert judged.waiting[("shop", "A1")] == [mine]


@pytest.mark.parametrize("late", [0, 1])
@pytest.mark.parametrize("simple", [True, False])
def test_a_refund_or_a_change_is_taken_for_as_many_days_as_the_program_says(late: int, simple: bool) -> None:
    """Also where points wait or lapse: what of an old order's had lapsed is forgotten, and would be taken twice."""
    rest = "" if simple else '[expiry]\nkind = "after-months"\nmonths = 1\n'
    limited = Programs.of(parse_program(f"{DEFAULT_PROGRAM}\n[refunds]\nwithin_days = 30\n{rest}"))
    bought = msgspec.structs.replace(AWARD, board_at=NOW - 7 - 30 * DAY - late, content=order(2500).content)
    changed = Amendment(revision=1, order=Order(source="shop", order_id="A1", member_id="ann", currency="GBP", total=9))
    for document in (refund(1000), changed.document()):
        outcome = decide(claim(item(document), award=bought), limited)
        reason = "refunds are taken for 30 days (version 1), and the order A1 is older"
        assert [each.reason for each in outcome.quarantined] == [reason] * late
        assert bool(outcome.postings) is not bool(late)


def test_what_is_kept_of_a_member_past_all_range_refuses_its_document_and_nothing_beside_it() -> None:
    """Refunds that name no order do not unsay what counts towards tiers, so that it may outgrow every total."""
    rates = 'rates = [{ name = "all", points = 1, per = { GBP = "0.01" } }]'
    tiers = 'tiers = { levels = [{ name = "blue", reach = 0 }] }'
    programs = Programs.of(parse_program(f"version = 1\n{rates}\n{tiers}\n"))
    outcome = decide(
        claim(
            item(order(MAX_POINTS, "A1"), 1),
            item(refund(MAX_POINTS, "R1", None), 2),
            item(order(MAX_POINTS, "A2"), 3),
            item(order(100, "A3"), 4),
            item(order(100, "A4"), 5, BOB),
        ),
        programs,
    )
    assert [each.item.id for each in outcome.quarantined] == ["A2"]
    assert sum(points for _, points in moved(outcome)) == 200
    assert set(outcome.states) == {ANN, BOB}
