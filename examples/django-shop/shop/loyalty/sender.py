"""Sends the outbox to Laurels: every row at least once, which is exactly once, as Laurels counts an id once for ever.

A sender claims rows by a lease: it writes its claim and a later `due_at` on them and commits, so that no transaction is
open while the network is slow. If it dies, be it between Laurels' answer and the mark in the outbox, the lease runs out
and another sender sends the same rows again. Any number of senders may run.

Rows go in the order in which they were written. It is a courtesy: a refund may overtake its order on another sender,
and Laurels then lets it wait. Rows are known by their state, not by "the last id that was sent": a transaction that
commits late shows a row with a small id after those with larger ones.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from shop.loyalty.client import Answer, Away, Laurels
from shop.models import LoyaltyOutbox

LONGEST_WAIT_S = 300


def backoff_s(failures: int) -> float:
    """How long to wait after so many failures in a row: twice as long each time, by chance up to half of it less."""
    return min(2**failures, LONGEST_WAIT_S) * random.uniform(0.5, 1)  # noqa: S311 - no secret, so that not all come at once


class Sender:
    """Sends what is due. `lease_s` is longer than a batch takes."""

    def __init__(self, laurels: Laurels, *, lease_s: float, batch: int = 100) -> None:
        self._laurels = laurels
        self._lease = timedelta(seconds=lease_s)
        self._batch = batch

    def send_due(self) -> int:
        """Send one batch of what is due, and tell how many rows it had. Raises `Away`; what was not sent stays due."""
        claim = uuid4()
        rows = self._claim(claim)
        try:
            for row, answer in self._answers(rows):
                _mark(row, claim, answer)
        except Away:
            LoyaltyOutbox.objects.filter(claim=claim, state="waiting").update(claim=None, due_at=timezone.now())
            raise
        return len(rows)

    def _claim(self, claim: UUID) -> list[LoyaltyOutbox]:
        now = timezone.now()
        due = LoyaltyOutbox.objects.filter(state="waiting", due_at__lte=now).order_by("pk")
        with transaction.atomic():
            # SKIP LOCKED: senders do not queue up behind each other. SQLite has no such thing and needs none: see the
            # settings.
            rows = list(due.select_for_update(skip_locked=True)[: self._batch])
            LoyaltyOutbox.objects.filter(pk__in=[row.pk for row in rows]).update(claim=claim, due_at=now + self._lease)
        return rows

    def _answers(self, rows: Sequence[LoyaltyOutbox]) -> Iterator[tuple[LoyaltyOutbox, Answer]]:
        """Neighbouring orders go in one request, refunds one by one."""
        for is_order, neighbours in groupby(rows, key=lambda row: row.refund_id is None):
            run = list(neighbours)
            together = self._laurels.send_orders(list(map(_named_order, run))) if is_order and len(run) > 1 else None
            if together is not None:
                yield from zip(run, together, strict=True)
            else:
                # Also where Laurels could not read the list as a whole: then the others need not wait for the culprit.
                yield from ((row, self._laurels.send(_path(row), row.content)) for row in run)


def _named_order(row: LoyaltyOutbox) -> dict[str, Any]:
    return {"order_id": str(row.order_id), **row.content}


def _path(row: LoyaltyOutbox) -> str:
    """Where a row goes. Ids are encoded, so that yours may hold any printable text: `SO/2024/001`, `#1001`."""
    order = f"/order/{quote(str(row.order_id), safe='')}"
    return order if row.refund_id is None else f"{order}/refund"


def _mark(row: LoyaltyOutbox, claim: UUID, answer: Answer) -> None:
    """Write down what became of a row, unless its lease ran out: then it is another sender's to say."""
    ours = LoyaltyOutbox.objects.filter(pk=row.pk, claim=claim)
    now = timezone.now()
    if answer.is_taken:
        ours.update(state="sent", sent_at=now, problem="", claim=None)
    elif answer.is_refused:
        ours.update(state="parked", problem=answer.problem, claim=None)
    else:
        failures = row.failures + 1
        due_at = now + timedelta(seconds=backoff_s(failures))
        ours.update(failures=failures, due_at=due_at, problem=answer.problem, claim=None)
