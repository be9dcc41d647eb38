"""What a transfer gave waits for the transfer, and whatever else is of that member with it."""

import itertools

import msgspec

from laurels.awarding.replaying import _Transfers
from laurels.ledger import Awarded
from laurels.model import DocumentKind, Entry, EntryKind


def document(kind: DocumentKind, id: str, member: int, position: int) -> Awarded:
    entry = msgspec.convert(
        {"shard": 1, "position": position, "kind": EntryKind.TRANSFER, "member": member, "points": 1, "source": "shop"}
        | dict.fromkeys(("occurred_at", "board_at", "recorded_at"), 7),
        Entry,
    )
    return Awarded(kind=kind, source="shop", id=id, member=member, accepted_at=7, content=None, entry=entry)


def test_in_any_order_of_members_each_comes_behind_what_it_needs() -> None:
    """Four members give points on, in a ring; each member's own documents stay in their order."""
    gave = {n: document(DocumentKind.TRANSFER, f"t{n}", n, n) for n in range(1, 4)}
    got = {n: document(DocumentKind.GIVEN, f"t{n - 1}", n, n) for n in range(2, 5)}
    of_members = [[gave[1]], [got[2], gave[2]], [got[3], gave[3]], [got[4]]]
    for members in itertools.permutations(of_members):
        transfers = _Transfers()
        passed = [each for of_one in members for one in of_one for each in transfers.pass_on(one)]
        assert [each.id for each in passed] == ["t1", "t1", "t2", "t2", "t3", "t3"]
        assert [each.kind for each in passed] == [DocumentKind.TRANSFER, DocumentKind.GIVEN] * 3
        assert not list(transfers.left())


def test_what_has_no_transfer_is_passed_on_in_the_end() -> None:
    transfers = _Transfers()
    lost, after = document(DocumentKind.GIVEN, "t1", 1, 1), document(DocumentKind.TRANSFER, "t2", 1, 2)
    other = document(DocumentKind.TRANSFER, "t3", 2, 3)
    assert [list(transfers.pass_on(each)) for each in (lost, after, other)] == [[], [], [other]]
    assert list(transfers.left()) == [lost, after]
