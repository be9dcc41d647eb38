"""The members: enrolled, changed, found. Each change is an entry in the feed."""

from collections.abc import Sequence
from typing import Protocol

from laurels.ledger.claim import Decide
from laurels.model import Member, MemberEvent, Version


class MemberRegistry(Protocol):
    """Who is in the program."""

    async def enrol(self, members: Sequence[tuple[str, str | None]], *, actor: str) -> tuple[list[bool], Version]:
        """Enrol (member_id, e-mail or None), durably. True for each that is new; an address is updated either way.
        Gives the version that has them all.
        """
        ...

    async def change_member(
        self,
        member_id: str,
        event: MemberEvent,
        *,
        actor: str,
        name_number: int | None = None,
        number: int | None = None,
    ) -> Version:
        """Hide, show, rename or erase; gives the version that includes it. Raises `UnknownMember`; with a `number`,
        whose the id was seen to be, also where it is another one's by now, or nobody's.

        What is so already is not written again; nor is a rename of who has another `name_number` than the one that was
        seen (None: whichever it is). Erasing removes the id, the contact, documents' content, raw bytes,
        people's words and the secret in the fingerprints; the entries stay.
        """
        ...

    async def set_contact(self, member_id: str, email: str | None, *, actor: str) -> Version:
        """Change where a member is reached (None: nowhere), as a member event without the address. Raises
        `UnknownMember`.
        """
        ...

    async def set_attributes(self, member_id: str, attributes: bytes | None) -> None:
        """Keep what the shop says of a member (None: nothing), for programs in depth: personal data, opaque, erased
        with the member. Raises `UnknownMember`.
        """
        ...

    async def merge(self, member_id: str, into: str, *, actor: str, join: Decide | None = None) -> Version:
        """Make two members one: points, orders, later documents and places on every board go over to `into`, and the id
        answers for it from now on. Again: nothing more happens. Raises `UnknownMember`, `Conflict` where it became
        another one, `PointsOutOfRange`.

        `join` says what becomes of what the program keeps of them, in the same transaction: its claim has an item of
        the kind `expiry` for the one that ends, and one for the one that goes on, whose entries it may lead to.
        """
        ...

    async def member(self, member_id: str) -> Member | None:
        """A member by the shop's id; who became another one is that one."""
        ...

    async def numbers(self, member_id: str) -> tuple[int, ...]:
        """The numbers of everybody who is this member now, the one that the id itself was given first; none for one
        who is unknown. What a member numbers for itself stays under the number that it had then.
        """
        ...
