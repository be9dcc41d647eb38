"""What a transfer gave waits for the transfer, and who goes on for who ends; and whatever else is of that member."""

import itertools
from collections.abc import Iterable

import msgspec

from laurels.awarding.ordering import Step, _Waiting
from laurels.ledger import Awarded
from laurels.model import DocumentKind, Entry, EntryKind
from laurels.model.details import MergeDetails, encode


def document(kind: DocumentKind, id: str, member: int, position: int) -> Awarded:
    entry = msgspec.convert(
        {"shard": 1, "position": position, "kind": EntryKind.TRANSFER, "member": member, "points": 1, "source": "shop"}
        | dict.fromkeys(("occurred_at", "board_at", "recorded_at"), 7),
        Entry,
    )
    return Awarded(kind=kind, source="shop", id=id, member=member, accepted_at=7, content=None, entry=entry)


def merger(member: int, position: int, *, into: int | None = None, of: int | None = None) -> Entry:
    """An entry of a merger: of who ends (`into`) or of who goes on (`of`)."""
    return msgspec.convert(
        {"shard": 1, "position": position, "kind": EntryKind.MERGE, "member": member, "points": 0}
        | {"details": encode(MergeDetails(into=into, of=of))}
        | dict.fromkeys(("occurred_at", "board_at", "recorded_at"), 7),
        Entry,
    )


def documents(steps: Iterable[Step]) -> list[Awarded]:
    return [step for step in steps if isinstance(step, Awarded)]


def test_in_any_order_of_members_each_comes_behind_what_it_needs() -> None:
    """Four members give points on, in a ring; each member's own documents stay in their order."""
    gave = {n: document(DocumentKind.TRANSFER, f"t{n}", n, n) for n in range(1, 4)}
    got = {n: document(DocumentKind.GIVEN, f"t{n - 1}", n, n) for n in range(2, 5)}
    of_members = [[gave[1]], [got[2], gave[2]], [got[3], gave[3]], [got[4]]]
    for members in itertools.permutations(of_members):
        waiting = _Waiting()
        passed = documents(each for of_one in members for one in of_one for each in waiting.pass_on(one))
        assert [each.id for each in passed] == ["t1", "t1", "t2", "t2", "t3", "t3"]
        assert [each.kind for each in passed] == [DocumentKind.TRANSFER, DocumentKind.GIVEN] * 3
        assert not list(waiting.left())


def test_what_has_no_transfer_is_passed_on_in_the_end() -> None:
    waiting = _Waiting()
    lost, after = document(DocumentKind.GIVEN, "t1", 1, 1), document(DocumentKind.TRANSFER, "t2", 1, 2)
    other = document(DocumentKind.TRANSFER, "t3", 2, 3)
    assert [list(waiting.pass_on(each)) for each in (lost, after, other)] == [[], [], [other]]
    assert list(waiting.left()) == [lost, after]


def test_who_goes_on_waits_for_all_of_who_ends() -> None:
    """Member 1 becomes 2, and 2 becomes 3; what 1 was given waits for its transfer, and with it the end of 1."""
    gave, got = document(DocumentKind.TRANSFER, "t1", 4, 1), document(DocumentKind.GIVEN, "t1", 1, 1)
    ends, goes_on = merger(1, 2, into=2), merger(2, 1, of=1)
    ends_too, goes_on_too = merger(2, 3, into=3), merger(3, 1, of=2)
    between, after = document(DocumentKind.ORDER, "o1", 2, 2), document(DocumentKind.ORDER, "o2", 3, 2)
    of_members: list[list[Step]] = [[got, ends], [goes_on, between, ends_too], [goes_on_too, after], [gave]]
    for members in itertools.permutations(of_members):
        waiting = _Waiting()
        passed = [each for of_one in members for one in of_one for each in waiting.pass_on(one)]
        assert passed == [gave, got, goes_on, between, goes_on_too, after]
        assert not list(waiting.left())
