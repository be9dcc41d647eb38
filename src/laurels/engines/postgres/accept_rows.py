"""Documents that are taken in, as the columns of one statement."""

from typing import Any

from laurels.engines.postgres.codes import DOCUMENT, home_of
from laurels.engines.postgres.known import key_of
from laurels.engines.postgres.placing import Whose, newcomer
from laurels.engines.postgres.statements import Row, Statements
from laurels.ledger import OrderKey
from laurels.model import Document, DocumentKind
from laurels.model.documents import keyed

_NEW, _EMAIL = 0, 13
"""Which columns say whom a document enrols, and at which address its member is reached."""


class AcceptRows:
    """What goes into one statement, column by column."""

    def __init__(self, unplaced: bytes) -> None:
        self._unplaced = unplaced
        self._new: dict[str, tuple[int, Whose]] = {}
        self._strangers: dict[str, int] = {}
        self.columns: list[tuple[Any, ...]] = []
        self.changed: dict[tuple[str, str], OrderKey] = {}
        """The orders that are changed, by the source and the id of the change."""

    def add(self, document: Document, whose: Whose | None) -> None:
        """Add a document of a member, of nobody yet, or (None) of one whom it enrols."""
        new = None
        if whose is None:
            new, whose = self._new.setdefault(document.member_id, (len(self._new) + 1, newcomer(document.member_id)))
        elif whose.number is None and document.member_id:
            self._strangers[document.member_id] = whose.shard
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
                document.email,
                document.content,
                b"" if whose.is_erased else document.raw,
            )
        )

    def newcomers(self) -> list[str]:
        """The ids of those whom the documents enrol."""
        return [*self._new]

    async def insert(self, db: Statements, now: int, names: list[int]) -> list[Row]:
        """Write them; gives (kind, source, id) of those that went in. `names`: the name numbers of the newcomers. What
        enrols nobody and brings no address costs a quarter less.
        """
        columns = [list(column) for column in zip(*self.columns, strict=True)]
        if self._new or any(columns[_EMAIL]):
            return await db.all("accept", now, *self._newcomers(), *columns, names)
        return await db.all("accept_known", now, *(each for n, each in enumerate(columns) if n not in {_NEW, _EMAIL}))

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
