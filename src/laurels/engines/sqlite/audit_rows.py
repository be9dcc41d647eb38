"""Rows of the audit log in the embedded ledger: written in the transaction under way, read, and checked."""

from collections.abc import Iterator
from typing import Any

import msgspec

from laurels.clock import Clock
from laurels.engines.sqlite.connection import Database
from laurels.ledger import Act, Finding
from laurels.ledger.audit import as_done, audit_hash
from laurels.ledger.rows import audit_finding

CHUNK = 2000


def append(db: Database, act: Act, now: int) -> None:
    """Write a row behind the last one."""
    head = db.one("audit_head")
    assert head is not None, "the schema made it"
    position, at = head[0] + 1, max(now, head[2])
    hashed = audit_hash(head[1], position, at, act)
    db.run("insert_audit", position, at, *msgspec.structs.astuple(act), hashed)
    db.run("write_audit_head", position, hashed, at)


def record_result(db: Database, act: Act, result: Any, now: Clock) -> None:
    """Write the row of a change, with what came of it."""
    append(db, as_done(act, result), now())


def audit_findings(db: Database) -> Iterator[list[Finding]]:
    """What is wrong with the log: rows changed, missing, or beyond its end. Reads in chunks; rows that come meanwhile
    are of no matter.
    """
    ends = db.one("audit_ends")
    if ends is None or not all(isinstance(each, int) for each in (ends[0], ends[2])):
        yield [Finding("audit", "the row that says where the log ends, is missing or damaged")]
        return
    position, hashed, head, head_hash = ends
    while position < head and (rows := db.all("verify_audit", position, CHUNK)):
        findings = []
        for row in rows:
            finding = audit_finding(position, hashed, row)
            if finding is not None:
                findings.append(finding)
            position, hashed = row[0], row[10]
            if position == head and hashed != head_hash:
                findings.append(Finding("audit", "the log's end has another hash than its last row"))
        yield findings
    if position < head:
        yield [Finding(f"audit {position + 1}", f"the rows up to {head} are missing")]
