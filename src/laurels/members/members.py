"""What can be done to a member. The ledger writes it down; every board hears of it through the feed."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from laurels.awarding import Attributes, Awarder
from laurels.errors import UnknownMember, after_writing
from laurels.ledger import MemberRegistry, Outbox
from laurels.model import MemberEvent, Version
from laurels.model.ids import check_id


class MembersLedger(MemberRegistry, Outbox, Protocol):
    """What changing members needs of a ledger."""


Forget = Callable[[Sequence[str]], Awaitable[None]]
"""Removes what is kept of messages with these ids outside the ledger."""

ForgetWords = Callable[[Sequence[int]], Awaitable[None]]
"""Removes people's words about members, by number, from what waits to be done."""


class Members:
    """Enrols and changes members. `actor` is who asked for it (a token's subject, or `cli`), kept with the entry."""

    def __init__(
        self, ledger: MembersLedger, awarder: Awarder, forget_mails: Forget, forget_words: ForgetWords
    ) -> None:
        self._ledger = ledger
        self._forget_words = forget_words
        self._awarder = awarder
        self._forget_mails = forget_mails

    async def enrol(self, members: Sequence[tuple[str, str | None]], *, actor: str) -> tuple[list[bool], Version]:
        """Enrol (member_id, e-mail or None) in one commit; True for each that is new, and the version that has them.
        Raises `InvalidInput`.
        """
        for member_id, _ in members:
            check_id(member_id, "member_id")
        return await self._ledger.enrol(members, actor=actor)

    async def change(
        self, member_id: str, event: MemberEvent, *, actor: str, name_number: int | None = None
    ) -> Version:
        """Hide, show, rename or erase; the version from which boards show it. Who has another name than `name_number`
        (None: whichever) is not renamed. Raises `InvalidInput`, `UnknownMember`.
        """
        check_id(member_id, "member_id")
        if event is MemberEvent.ERASE:
            return await self.erase(member_id, actor=actor)
        return await self._ledger.change_member(member_id, event, actor=actor, name_number=name_number)

    async def erase(self, member_id: str, *, actor: str, number: int | None = None) -> Version:
        """Erase a member; with a `number`, whose the id was seen to be, nobody else. Raises `UnknownMember` also where
        it is another one's by now, or nobody's.
        """
        mails = [message.id for message in await self._ledger.messages(member_id)]
        numbers = await self._ledger.numbers(member_id)
        # Behind the mails: an id never comes back to a number, so they are this one's.
        if number is not None and number not in numbers:
            raise UnknownMember

        async def forget() -> None:
            await self._forget_words(numbers)
            await self._forget_mails(mails)

        await forget()  # before as well: killed behind the next line, nobody would find them again
        version = await self._ledger.change_member(member_id, MemberEvent.ERASE, actor=actor, number=number)
        with after_writing():
            await forget()
        return version

    async def set_contact(self, member_id: str, email: str | None, *, actor: str) -> Version:
        """Change where a member is reached; None: nowhere. Raises `InvalidInput`, `UnknownMember`."""
        check_id(member_id, "member_id")
        return await self._ledger.set_contact(member_id, email, actor=actor)

    async def set_attributes(self, member_id: str, attributes: Attributes) -> None:
        """Keep what campaigns may ask of a member: it replaces what was said before. Raises `InvalidInput`,
        `UnknownMember`.
        """
        check_id(member_id, "member_id")
        await self._ledger.set_attributes(member_id, attributes.encode())

    async def merge(self, member_id: str, into: str, *, actor: str) -> Version:
        """Make two members one; `into` goes on. Raises `InvalidInput`, `UnknownMember`, `Conflict`,
        `PointsOutOfRange`.
        """
        check_id(member_id, "member_id")
        check_id(into, "into")
        return await self._awarder.merge(member_id, into, actor=actor)
