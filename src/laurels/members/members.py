"""What can be done to a member. The ledger writes it down; every board hears of it through the feed."""

from collections.abc import Sequence

from laurels.ledger import Ledger
from laurels.model import MemberEvent, Version
from laurels.model.ids import check_id


class Members:
    """Enrols and changes members. `actor` is who asked for it (a token's subject, or `cli`), kept with the entry."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def enrol(self, members: Sequence[tuple[str, str | None]], *, actor: str) -> list[bool]:
        """Enrol (member_id, e-mail or None) in one commit; True for each that is new. Raises `InvalidInput`."""
        for member_id, _ in members:
            check_id(member_id, "member_id")
        return await self._ledger.enrol(members, actor=actor)

    async def change(self, member_id: str, event: MemberEvent, *, actor: str) -> Version:
        """Hide, show, rename or erase; the version from which boards show it. Raises
        `InvalidInput`, `UnknownMember`.
        """
        check_id(member_id, "member_id")
        return await self._ledger.change_member(member_id, event, actor=actor)
