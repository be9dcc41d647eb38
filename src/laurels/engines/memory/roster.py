"""Who the members are: the shop's id for a member number and back, the name number, who is hidden, erased or merged."""

from typing import Final

from msgspec import Struct


class Known(Struct, frozen=True, gc=False):
    """What a leaderboard knows of a member. Hidden members are not listed on any board."""

    member_id: str
    name_number: int
    hidden: bool = False


ERASED: Final = Known(member_id="", name_number=0, hidden=True)
"""All that is known of a member that was erased. Compare with `is`."""

UNNAMED: Final = Known(member_id="", name_number=1, hidden=True)
"""The same of one whose erasure is somewhere further on in the feed: until then it may still become another member."""


class Roster:
    """The members by number and by id. Numbers are dense, so the members lie in a list; a gap holds None."""

    def __init__(self) -> None:
        self._members: list[Known | None] = []
        self._numbers: dict[str, int] = {}
        self._into: dict[int, int] = {}

    def __getitem__(self, member: int) -> Known:
        """What is known of a member. Raises `KeyError` for a number that never joined."""
        known = self.get(member)
        if known is None:
            raise KeyError(member)
        return known

    def get(self, member: int) -> Known | None:
        """What is known of a member; None for a number that has not joined."""
        return self._members[member] if member < len(self._members) else None

    def root(self, member: int) -> int:
        """The member that a number stands for: itself, or the one that it became by one merge after another."""
        into = self._into.get(member)
        if into is None:
            return member
        chain = [member]
        while (after := self._into.get(into)) is not None:
            chain.append(into)
            into = after
        for earlier in chain:
            self._into[earlier] = into
        return into

    def is_merged(self, member: int) -> bool:
        """Whether a member became another one."""
        return member in self._into

    def is_erased(self, member: int) -> bool:
        """Whether a member's erasure was told."""
        return self.get(member) is ERASED

    def is_listed(self, member: int) -> bool:
        """Whether a member may be ranked: it joined, and is neither hidden, erased nor merged."""
        known = self.get(member)
        return known is not None and not known.hidden and member not in self._into

    def number(self, member_id: str) -> int | None:
        """The number of the member that an id stands for; None where there is no such member, not yet or no more."""
        member = self._numbers.get(member_id)
        if member is None:
            return None
        root = self.root(member)
        known = self.get(root)
        return root if known is not None and known.member_id else None

    def join(self, member: int, member_id: str | None, name_number: int) -> None:
        """Take a new member in. Without an id it has been erased by now, somewhere further on in the feed."""
        if member >= len(self._members):
            self._members.extend([None] * (member + 1 - len(self._members)))
        if member_id is None:
            self._members[member] = UNNAMED
            return
        self._members[member] = Known(member_id, name_number)
        if member in self._into and self.get(self.root(member)) is ERASED:
            self._members[member] = ERASED
            return
        # Shards are independent: who was erased may be back under a new number before the old one is read.
        self._numbers[member_id] = max(member, self._numbers.get(member_id, 0))

    def update(self, member: int, known: Known) -> None:
        """Say what else is known of a member now; its id stays."""
        self._members[member] = known

    def merge(self, member: int, into: int) -> None:
        """Let a number stand for another member. The ids of members that became an erased one are forgotten."""
        self._into[member] = into
        if self.get(into) is ERASED:
            self._forget_all(into)

    def erase(self, member: int) -> None:
        """Forget all but that there was such a member, and the ids of those that became it."""
        self._forget(member)
        if member not in self._into:
            self._forget_all(member)

    def _forget_all(self, root: int) -> None:
        for member in list(self._into):
            if self.root(member) == root and self.get(member) is not None:
                self._forget(member)

    def _forget(self, member: int) -> None:
        member_id = self[member].member_id
        # The same person may be back under a new number before this one's erasure is read.
        if self._numbers.get(member_id) == member:
            del self._numbers[member_id]
        self._members[member] = ERASED

    def copy_members(self) -> list[Known | None]:
        """The members by number as they are now: one copy of a list of references, about 10 ms a million."""
        return self._members.copy()

    def merged(self) -> list[int]:
        """The numbers of the members that became another one."""
        return [*self._into]

    def _check(self) -> None:
        """Raise `AssertionError` where ids and numbers do not agree. Reads everything."""
        for member_id, member in self._numbers.items():
            assert self[member].member_id == member_id != ""
        for member in self._into:
            assert self.root(member) not in self._into
