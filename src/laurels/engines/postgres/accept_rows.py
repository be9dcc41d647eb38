"""Documents that are taken in, as the columns of one statement."""

from typing import Any

from laurels.engines.postgres.codes import DOCUMENT, home_of
from laurels.engines.postgres.known import key_of
from laurels.engines.postgres.placing import Generation, Owner, newcomer
from laurels.engines.postgres.statements import Row, Statements
from laurels.ledger import OrderKey
from laurels.model import Document, DocumentKind
from laurels.model.documents import keyed

_NEW, _KIND, _SOURCE, _ID, _MEMBER_ID, _STRANGER, _EMAIL = 0, 2, 5, 6, 8, 12, 13
"""Which columns are which."""

_OF_NOBODY_NEW = {_NEW, _EMAIL}
"""Columns that are empty where nobody is enrolled and no address is brought."""

_OF_MEMBERS = {_NEW, _MEMBER_ID, _STRANGER, _EMAIL}
"""Columns that are not asked where all are members'."""


class AcceptRows:
    """What goes into one statement, column by column."""

    def __init__(self, unplaced: bytes) -> None:
        self._unplaced = unplaced
        self._new: dict[str, tuple[int, Owner]] = {}
        self._strangers: dict[str, int] = {}
        self.columns: list[tuple[Any, ...]] = []
        self.are_members = True
        """Whether all are of members who are remembered, and bring no address."""
        self.changed: dict[tuple[str, str], OrderKey] = {}
        """The orders that are changed, by the source and the id of the change."""

    def add(self, document: Document, whose: Owner | None) -> None:
        """Add a document of a member, of nobody yet, or (None) of one whom it enrols."""
        new = None
        if whose is None:
            new, whose = self._new.setdefault(document.member_id, (len(self._new) + 1, newcomer(document.member_id)))
        elif whose.number is None and document.member_id:
            self._strangers[document.member_id] = whose.shard
        email = None if whose.is_erased else document.email
        if whose.number is None or whose.stranger is not None or email is not None:
            self.are_members = False
        key = key_of(document, self._unplaced)
        if document.kind is DocumentKind.AMENDMENT and document.order_key is not None:
            self.changed[key[1:]] = document.order_key
        self.columns.append(
            (
                new,
                home_of(*key),
                DOCUMENT[document.kind],
                keyed(whose.secret, document.fingerprint),
                whose.shard,
                *key[1:],
                whose.number,
                whose.member_id,
                None if document.order_key is None else document.order_key[0],
                document.order_id,
                document.actor,
                whose.stranger,
                email,
                document.content,
                b"" if whose.is_erased else document.raw,
            )
        )

    def newcomers(self) -> list[str]:
        """The ids of those whom the documents enrol."""
        return [*self._new]

    def keys(self) -> list[tuple[Any, Any, Any]]:
        """(source, kind, id) of all, as `insert` gives them."""
        return [(row[_SOURCE], row[_KIND], row[_ID]) for row in self.columns]

    async def insert(
        self, db: Statements, now: int, names: list[int], generation: Generation | None = None
    ) -> list[Row]:
        """Write them; gives (source, kind, id) of those that went in. `names`: the name numbers of the newcomers;
        `generation`: of the members who are remembered. What enrols nobody and brings no address costs a quarter less.
        """
        columns = [list(column) for column in zip(*self.columns, strict=True)]
        known_by = generation or (None, None)
        if self._new or any(columns[_EMAIL]):
            return await db.all("accept", now, *self._newcomers(), *columns, names, *known_by)
        return await db.all("accept_known", now, *_without(_OF_NOBODY_NEW, columns), *known_by)

    async def insert_new(self, db: Statements, now: int, generation: Generation) -> bool:
        """Write them, where all are members' and of none it is known that it was here before; whether that was done.
        Costs a third less. The server refuses them all where one was here.
        """
        columns = [list(column) for column in zip(*self.columns, strict=True)]
        written = await db.value("accept_new", now, *_without(_OF_MEMBERS, columns), *generation)
        return bool(written == len(self.columns))

    def _newcomers(self) -> list[list[Any]]:
        new = [whose for _, whose in self._new.values()]
        return [
            [whose.shard for whose in new],
            [whose.member_id for whose in new],
            [whose.secret for whose in new],
            [keyed(self._unplaced, (whose.member_id or "").encode()) for whose in new],
        ]

    def to_place(self) -> list[tuple[int, str]]:
        """(shard, id) of who may have strangers' documents: those who are new, and those who are nobody yet."""
        return [
            *((whose.shard, member_id) for member_id, (_, whose) in self._new.items()),
            *((shard, member_id) for member_id, shard in self._strangers.items()),
        ]


def _without(left_out: set[int], columns: list[list[Any]]) -> list[list[Any]]:
    return [column for number, column in enumerate(columns) if number not in left_out]
