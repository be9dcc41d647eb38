"""Who the members are: the shop's id for a member number and back, the name number, and who is hidden or erased."""

from typing import Final

from msgspec import Struct


class Known(Struct, frozen=True, gc=False):
    """What a leaderboard knows of a member. Hidden members are not listed on any board."""

    member_id: str
    name_number: int
    hidden: bool = False


ERASED: Final = Known(member_id="", name_number=0, hidden=True)
"""All that is known of a member that was erased. Compare with `is`."""


class Roster:
    """The members by number and by id. Numbers are dense, so the members lie in a list; a gap holds None."""

    def __init__(self) -> None:
        self._members: list[Known | None] = []
        self._numbers: dict[str, int] = {}

    def __getitem__(self, member: int) -> Known:
        """What is known of a member. Raises `KeyError` for a number that never joined."""
        known = self._members[member] if member < len(self._members) else None
        if known is None:
            raise KeyError(member)
        return known

    def number(self, member_id: str) -> int | None:
        """The number of a member by the shop's id; None where there is no such member, or no more."""
        return self._numbers.get(member_id)

    def join(self, member: int, member_id: str | None, name_number: int) -> None:
        """Take a new member in. Without an id it has been erased by now, somewhere further on in the feed."""
        if member >= len(self._members):
            self._members.extend([None] * (member + 1 - len(self._members)))
        if member_id is None:
            self._members[member] = ERASED
        else:
            self._members[member] = Known(member_id, name_number)
            self._numbers[member_id] = member

    def update(self, member: int, known: Known) -> None:
        """Say what else is known of a member now; its id stays."""
        self._members[member] = known

    def erase(self, member: int) -> None:
        """Forget all but that there was such a member."""
        member_id = self[member].member_id
        # Shards are independent: the same person may be back under a new number before this one's erasure is read.
        if self._numbers.get(member_id) == member:
            del self._numbers[member_id]
        self._members[member] = ERASED

    def copy_members(self) -> list[Known | None]:
        """The members by number as they are now: one copy of a list of references, about 10 ms a million."""
        return self._members.copy()

    def erased(self) -> list[int]:
        """The numbers of the members that were erased. Reads everything."""
        return [member for member, known in enumerate(self._members) if known is ERASED]

    def _check(self) -> None:
        """Raise `AssertionError` where ids and numbers do not agree. Reads everything."""
        for member_id, member in self._numbers.items():
            assert self[member].member_id == member_id != ""
