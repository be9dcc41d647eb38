"""Documents that arrive together, in a table of this connection's own memory: what SQLite needs to know of them is
handed over once, and all that is then done with each row is done there, without the interpreter and its lock.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from laurels.checkout import is_bought
from laurels.engines.sqlite.chain import SECRET_BYTES
from laurels.engines.sqlite.connection import Database
from laurels.model import Document, DocumentKind, Status
from laurels.model.documents import kept_id, keyed

_ALONE = 2
"""What taking a document asks for that is not only to be written; 1: that its address is kept where none is known; 0:
nothing else.
"""

_numbers = msgspec.json.Decoder(list[int])


class Run(Struct):
    """Documents that are new, a known member's, and only to be written: those of them from `first` to before `end`. The
    one numbered `n` gets the sequence `base + n`.
    """

    first: int
    end: int
    base: int


class Arriving:
    """Documents, by their numbers from 0, each looked up: `odd` are those that are not only to be written, and `again`
    those of them with an id that one before had.

    Costs 2 us a document, 0.8 of it with the interpreter. Ends with `forget`; a transaction that is undone undoes it
    too.
    """

    def __init__(self, db: Database, documents: Sequence[Document], secret: bytes) -> None:
        """`secret` is the ledger's."""
        self._db = db
        self.again: set[int] = set()
        db.run_rows("hold_arriving", self._rows(documents, secret))
        row = db.one("look_at_arriving")
        assert row is not None, "an aggregate has a row"
        last, secrets, odd = row
        self.last_sequence: int = last or 0
        self.odd: list[int] = _numbers.decode(odd)
        self._fingerprints = _keyed_all(bytes.fromhex(secrets), documents)

    def write(self, run: Run, now: int) -> None:
        """Remember the documents of a run for ever, and put them where the awarding finds them."""
        of = run.base, run.first, run.end, now
        self._db.run("accept_arriving", *of, self._fingerprints, Status.ACCEPTED)
        self._db.run("queue_arriving", *of)

    def forget(self) -> None:
        """Empty the table."""
        self._db.run("forget_arriving")

    def _rows(self, documents: Sequence[Document], secret: bytes) -> list[tuple[object, ...]]:
        came: set[str] = set()
        rows: list[tuple[object, ...]] = []
        for n, each in enumerate(documents):
            kind, source, id_ = each.kind, each.source, each.id
            if id_ in came:
                self.again.add(n)
            came.add(id_)
            rows.append(
                (
                    n,
                    _ALONE if n in self.again or _is_alone(each) else each.email is not None,
                    kind,
                    source,
                    id_,
                    kept_id(secret, kind, id_) if kind is DocumentKind.ADJUSTMENT else None,
                    each.member_id,
                    each.order_id,
                    each.order_source,
                    each.content,
                    each.raw,
                    each.actor,
                )
            )
        return rows


def _is_alone(document: Document) -> bool:
    return document.kind is DocumentKind.AMENDMENT or document.read_from is not None or is_bought(document.source)


def _keyed_all(secrets: bytes, documents: Sequence[Document]) -> bytes:
    """The documents' fingerprints as they are kept, one behind the other."""
    starts = range(0, len(secrets), SECRET_BYTES)
    return b"".join(
        [keyed(secrets[at : at + SECRET_BYTES], each.fingerprint) for at, each in zip(starts, documents, strict=True)]
    )
