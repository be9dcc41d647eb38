"""Counting what the routes accept, repeats and conflicts left out."""

from collections.abc import Sequence

from laurels.ledger import Receipt
from laurels.metrics import ACCEPTED
from laurels.model import DocumentKind

_BY_KIND = {kind: ACCEPTED.labels(kind.value) for kind in DocumentKind}


def count_accepted(kind: DocumentKind, receipts: Sequence[Receipt]) -> None:
    """Count the receipts of documents that are new."""
    _BY_KIND[kind].inc(sum(not (receipt.repeated or receipt.conflict) for receipt in receipts))
