"""Accepting: model objects in, receipts out, durable before anyone is answered."""

from collections.abc import Sequence

from laurels.errors import Conflict
from laurels.ledger import Ledger, Receipt
from laurels.model import Order, Refund


class Intake:
    """The one door for orders and refunds, whichever channel they come through.

    Concurrent calls share one commit: whatever arrives while the last commit is on its way to the disk is the next
    batch.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def accept(self, document: Order | Refund, raw: bytes = b"") -> Receipt:
        """Accept one order or refund; `raw` is what was received, kept until it is awarded.

        Raises `Conflict` where the id was used with other content, `LedgerUnavailable` where nothing was accepted.
        """
        [receipt] = await self._ledger.accept([document.document(raw)])
        if receipt.conflict:
            raise Conflict
        return receipt

    async def accept_all(self, documents: Sequence[tuple[Order | Refund, bytes]]) -> list[Receipt]:
        """Accept many in one commit, each with its raw bytes. A conflict is a receipt; the others go in."""
        return await self._ledger.accept([document.document(raw) for document, raw in documents])
