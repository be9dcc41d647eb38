"""Telling what goes to quarantine: a line in the log and a figure a cause, without anybody's data."""

from collections.abc import Sequence

import structlog

from laurels.awarding.causes import cause_of
from laurels.ledger import Quarantined
from laurels.metrics_sharing import is_counting

log = structlog.get_logger(__name__)


def tell_quarantined(quarantined: Sequence[Quarantined]) -> None:
    """Log and count the documents of one batch; `first` is what `laurels quarantine show` takes."""
    by_cause: dict[str, list[Quarantined]] = {}
    for each in quarantined:
        by_cause.setdefault(cause_of(each.reason), []).append(each)
    for cause, alike in by_cause.items():
        log.warning("documents.quarantined", cause=cause, count=len(alike), first=alike[0].item.sequence)
        if is_counting():
            from laurels.metrics import QUARANTINED  # noqa: PLC0415 - prometheus-client takes a while to load

            QUARANTINED.labels(cause).inc(len(alike))
