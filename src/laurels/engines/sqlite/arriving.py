"""Documents that arrive together, in a table of this connection's own memory: what SQLite needs to know of them is
handed over once, and all that is then done with each row is done there, without the interpreter and its lock.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from laurels.checkout import is_bought
from laurels.engines.sqlite.connection import Database, Part, padded
from laurels.engines.sqlite.native import keyed_all
from laurels.model import Document, DocumentKind, Status

_ALONE = 2
"""What taking a document asks for that is not only to be written; 1: that its address is kept where none is known; 0:
nothing else.
"""

_ODD_KINDS = frozenset({DocumentKind.AMENDMENT, DocumentKind.ADJUSTMENT})
"""One has its order judged again, the other is known by another id than its own (`kept_id`)."""

_numbers = msgspec.json.Decoder(list[int])


class Run(Struct):
    """Documents that are new, a known member's, and only to be written: those of them from `first` to before `end`. The
    one numbered `n` gets the sequence `base + n`.
    """

    first: int
    end: int
    base: int


class Gathered(Struct, frozen=True, gc=False):
    """Documents as SQLite is handed them: `parts` of rows and their values, row behind row; `again` are the numbers of
    those with an id that one before had, and `fingerprints` lie one behind the other.
    """

    parts: Sequence[Part]
    again: frozenset[int]
    fingerprints: bytes


class DocumentBatch:
    """Documents that share a transaction, by their numbers from 0."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = documents
        self._gathered: Gathered | None = None

    def gathered(self) -> Gathered:
        """What SQLite needs of all of them, put together the first time. Costs 0.3 us a document, in the thread that
        made them: in another one's processor they lie in no cache.
        """
        if self._gathered is None:
            self._gathered = _gather(self.documents)
        return self._gathered


class Arriving:
    """Documents that were gathered, each looked up: `odd` are those that are not only to be written.

    Costs 1.5 us a document, 0.3 of it with the interpreter. Ends with `forget`; a transaction that is undone undoes it
    too.
    """

    def __init__(self, db: Database, gathered: Gathered) -> None:
        self._db = db
        db.run_parts("hold_arriving", gathered.parts)
        row = db.one("look_at_arriving")
        assert row is not None, "an aggregate has a row"
        last, secrets, odd = row
        self.last_sequence: int = last or 0
        self.odd: list[int] = _numbers.decode(odd)
        self._fingerprints = keyed_all(bytes.fromhex(secrets), gathered.fingerprints)

    def write(self, run: Run, now: int) -> None:
        """Remember the documents of a run for ever, and put them where the awarding finds them."""
        of = run.base, run.first, run.end, now
        self._db.run("accept_arriving", *of, self._fingerprints, Status.ACCEPTED)
        self._db.run("queue_arriving", *of)

    def forget(self) -> None:
        """Empty the table."""
        self._db.run("forget_arriving")


def _gather(documents: Sequence[Document]) -> Gathered:
    ids = [each.id for each in documents]
    again = _repeated(ids) if len(set(ids)) < len(ids) else frozenset[int]()
    alone = again | _alone(documents)
    values: list[object] = []
    for n, each in enumerate(documents):
        values += (
            n,
            _ALONE if n in alone else each.email is not None,
            each.kind,
            each.source,
            each.id,
            each.member_id,
            each.order_id,
            each.order_source,
            each.content,
            each.raw,
            each.actor,
        )
    fingerprints = b"".join([each.fingerprint for each in documents])
    return Gathered(padded("hold_arriving", values, len(documents)), again, fingerprints)


def _repeated(ids: Sequence[str]) -> frozenset[int]:
    """The places of ids that were there before."""
    came: set[str] = set()
    again: list[int] = []
    for n, id_ in enumerate(ids):
        if id_ in came:
            again.append(n)
        came.add(id_)
    return frozenset(again)


def _alone(documents: Sequence[Document]) -> set[int]:
    """The numbers of those that ask for more than to be written."""
    bought = {source for source in {each.source for each in documents} if is_bought(source)}
    return {
        n
        for n, each in enumerate(documents)
        if each.kind in _ODD_KINDS or each.read_from is not None or each.source in bought
    }
