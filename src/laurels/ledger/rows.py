"""Rows as an engine on a database reads them, whatever the database: columns by their place, and what is said where
there is no row.
"""

from collections.abc import Sequence
from typing import Any

from laurels.errors import NotFound
from laurels.ledger.audit import Act, AuditRow, audit_hash
from laurels.ledger.inbox import Counts
from laurels.ledger.outbox import MessageState
from laurels.ledger.programs import Draft, PublishedProgram
from laurels.ledger.quarantine import QuarantinedDocument
from laurels.ledger.upkeep import Finding
from laurels.model import DocumentKind

_ACT = slice(2, 10)

Row = Sequence[Any]


def counts_of(row: Row) -> Counts:
    """The row of `counts`."""
    ready, ready_since, waiting, quarantined, due, held = row
    return Counts(
        ready=ready,
        ready_since=ready_since,
        waiting=waiting,
        quarantined=quarantined,
        messages_due=due,
        messages_held=held,
    )


def message_state_of(row: Row) -> MessageState:
    """A row of the message queries."""
    return MessageState(
        id=row[0],
        member_id=row[1],
        milestone=row[2],
        points=row[3],
        state=row[4],
        created_at=row[5],
        due_at=row[6],
        attempts=row[7],
        note=row[8],
    )


def quarantined_of(row: Row, kind: DocumentKind, raw: bytes = b"", content: bytes = b"") -> QuarantinedDocument:
    """A row of the quarantine's queries; its kind is written in the engine's own way."""
    return QuarantinedDocument(
        sequence=row[0],
        kind=kind,
        source=row[2],
        id=row[3],
        reason=row[4],
        quarantined_at=row[5],
        actor=row[6],
        member=row[7],
        raw=raw,
        content=content,
    )


def dropped_by(actor: str, why: str) -> tuple[str, str]:
    """The reason of what is given up: who did it, and behind a colon and a space their words, which can be erased."""
    return f"dropped by {actor}", f": {why}" if why else ""


def published_of(row: Row) -> PublishedProgram:
    """A row of `programs`."""
    return PublishedProgram(version=row[0], text=row[1], from_at=row[2], published_at=row[3], actor=row[4])


def draft_of(row: Row) -> Draft:
    """A row of the queries of drafts."""
    return Draft(
        digest=row[0],
        version=row[1],
        text=row[2],
        submitted_by=row[3],
        submitted_at=row[4],
        approved_by=row[5],
        approved_at=row[6],
    )


def audit_row_of(row: Row) -> AuditRow:
    """A row of the audit log as it was written."""
    return AuditRow(position=row[0], at=row[1], act=_act_of(row), hash=row[10])


def audit_finding(position: int, digest: bytes, row: Row) -> Finding | None:
    """What is wrong with the row of the audit log behind this position and hash; in a damaged file its columns may be
    anything.
    """
    if row[0] != position + 1:
        return Finding(f"audit {position + 1}", f"the rows up to {row[0] - 1} are missing")
    try:
        follows = audit_hash(digest, row[0], row[1], _act_of(row)) == row[10]
    except (TypeError, ValueError):
        follows = False
    what = "the row was changed: its hash does not follow from the one before"
    return None if follows else Finding(f"audit {row[0]}", what)


def no_mail(id: str) -> NotFound:
    """That there is no mail of this id."""
    return NotFound(f"There is no mail {id}. `laurels messages list` shows them.")


def no_draft(digest: str) -> NotFound:
    """That there is no draft of this digest."""
    return NotFound(f"There is no draft {digest}. `laurels program list` shows them.")


def not_in_quarantine(kind: DocumentKind, source: str, id: str) -> NotFound:
    """That this document is not in quarantine."""
    return NotFound(f"There is no {kind} {source}/{id} in quarantine. `laurels quarantine list` shows them.")


def _act_of(row: Row) -> Act:
    return Act(**dict(zip(Act.__struct_fields__, row[_ACT], strict=True)))
