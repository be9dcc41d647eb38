"""Accepting: model objects in, receipts out, durable before anyone is answered."""

import asyncio
from collections.abc import Callable, Sequence

from laurels.errors import LedgerRefused, LedgerUnavailable
from laurels.intake.conflicts import conflict_of
from laurels.ledger import Inbox, Receipt
from laurels.model import Amendment, Cancellation, Document, DocumentKind, Order, Refund

Outcome = Receipt | Exception


class Intake:
    """The one way in for orders and refunds, whichever channel they come through.

    Concurrent calls share one commit: whatever arrives while the last commit is on its way to the disk is the next
    batch.
    """

    def __init__(self, ledger: Inbox) -> None:
        self._ledger = ledger
        self.on_receipts: Callable[[DocumentKind, Sequence[Receipt]], object] = _nobody
        """Told of every receipt, for whoever counts; wherever the order came from."""

    async def accept(self, document: Order | Refund | Amendment, raw: bytes = b"", actor: str | None = None) -> Receipt:
        """Accept one document; `raw` is what was received, kept until it is awarded, and `actor` is who handed it in.

        Raises `Conflict` where the id was used with other content, with the fields that differ; `LedgerUnavailable`
        where nothing was accepted.
        """
        return await self.accept_document(document.document(raw, actor))

    async def cancel(self, cancellation: Cancellation, actor: str | None = None) -> Receipt:
        """Accept that a refund is cancelled. Raises as `accept` does."""
        return await self.accept_document(cancellation.document(actor))

    async def accept_document(self, taken: Document) -> Receipt:
        """The same for one that is made already. Raises as `accept` does."""
        receipts = await self._ledger.accept([taken])
        self.on_receipts(taken.kind, receipts)
        [receipt] = receipts
        if receipt.conflict:
            raise await conflict_of(self._ledger, taken)
        return receipt

    async def accept_each(self, documents: Sequence[Document]) -> list[Outcome]:
        """Accept documents that have nothing to do with each other in one commit: for each its receipt, or what
        `accept` would raise. One that the ledger cannot hold takes none of the others with it.
        """
        try:
            outcomes: list[Outcome] = [*await self.accept_made(documents)]
        except LedgerUnavailable as error:
            if len(documents) == 1 or not isinstance(error, LedgerRefused):
                return [error] * len(documents)
            return await self._accept_alone(documents)
        except Exception as error:  # noqa: BLE001 - it is the answer
            return [error] if len(documents) == 1 else await self._accept_alone(documents)
        for place, outcome in enumerate(outcomes):
            if isinstance(outcome, Receipt) and outcome.conflict:
                try:
                    outcomes[place] = await conflict_of(self._ledger, documents[place])
                except Exception as error:  # noqa: BLE001 - as above
                    outcomes[place] = error
        return outcomes

    async def _accept_alone(self, documents: Sequence[Document]) -> list[Outcome]:
        each = await asyncio.gather(*(self.accept_each([document]) for document in documents))
        return [outcome for [outcome] in each]

    async def differing(self, document: Order | Refund) -> tuple[str, ...]:
        """In which fields a document that met a conflict differs from what came first, where that is known."""
        return (await conflict_of(self._ledger, document.document())).fields

    async def accept_all(
        self, documents: Sequence[tuple[Order | Refund, bytes]], actor: str | None = None
    ) -> list[Receipt]:
        """Accept many in one commit, each with its raw bytes. A conflict is a receipt; the others go in."""
        return await self.accept_made([document.document(raw, actor) for document, raw in documents])

    async def accept_made(self, documents: Sequence[Document]) -> list[Receipt]:
        """The same for those that are made already. Raises `LedgerUnavailable`."""
        receipts = await self._ledger.accept(documents)
        kinds = {document.kind for document in documents}
        for kind in kinds:
            of_kind = receipts
            if len(kinds) > 1:
                of_kind = [one for one, of in zip(receipts, documents, strict=True) if of.kind is kind]
            self.on_receipts(kind, of_kind)
        return receipts


def _nobody(kind: DocumentKind, receipts: Sequence[Receipt]) -> None:
    """Count nothing."""
