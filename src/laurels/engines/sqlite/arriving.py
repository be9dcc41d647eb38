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
        db.run_values("hold_arriving", self._values(documents, secret), len(documents))
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

    def _values(self, documents: Sequence[Document], secret: bytes) -> list[object]:
        """What `hold_arriving` takes, row behind row. Written for speed: all of it holds the interpreter's lock."""
        ids = [each.id for each in documents]
        if len(set(ids)) < len(ids):
            self.again = _repeated(ids)
        alone, known_as = self.again | _alone(documents), dict[int, str]()
        if any(each.kind is DocumentKind.ADJUSTMENT for each in documents):
            known_as = {n: kept_id(secret, each.kind, each.id) for n, each in enumerate(documents)}
        values: list[object] = []
        for n, each in enumerate(documents):
            values += (
                n,
                _ALONE if n in alone else each.email is not None,
                each.kind,
                each.source,
                each.id,
                known_as.get(n),
                each.member_id,
                each.order_id,
                each.order_source,
                each.content,
                each.raw,
                each.actor,
            )
        return values


def _repeated(ids: Sequence[str]) -> set[int]:
    """The places of ids that were there before."""
    came: set[str] = set()
    again: set[int] = set()
    for n, id_ in enumerate(ids):
        if id_ in came:
            again.add(n)
        came.add(id_)
    return again


def _alone(documents: Sequence[Document]) -> set[int]:
    """The numbers of those that ask for more than to be written."""
    bought = {source for source in {each.source for each in documents} if is_bought(source)}
    return {
        n
        for n, each in enumerate(documents)
        if each.kind is DocumentKind.AMENDMENT or each.read_from is not None or each.source in bought
    }


def _keyed_all(secrets: bytes, documents: Sequence[Document]) -> bytes:
    """The documents' fingerprints as they are kept, one behind the other."""
    starts = range(0, len(secrets), SECRET_BYTES)
    return b"".join(
        [keyed(secrets[at : at + SECRET_BYTES], each.fingerprint) for at, each in zip(starts, documents, strict=True)]
    )
