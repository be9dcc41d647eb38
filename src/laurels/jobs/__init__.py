"""What jobs do: corrections of many customers, rehearsals, tries of what is in quarantine, checks.

`corrections.py` checks and makes corrections, `kinds.py` is the rest of them, `runner.py` runs whichever is next.
"""

from laurels.jobs.corrections import (
    KIND as CORRECTIONS,
)
from laurels.jobs.corrections import (
    MOST_ROWS,
    Correction,
    Corrections,
    CorrectionsPreview,
    check_corrections,
    content_digest,
    read_corrections,
    rows_of,
)
from laurels.jobs.kinds import REHEARSAL, RETRY, ROLL_UPS, VERIFY, RehearsalAbout, RetryAbout
from laurels.jobs.runner import JobRunner

__all__ = [
    "CORRECTIONS",
    "MOST_ROWS",
    "REHEARSAL",
    "RETRY",
    "ROLL_UPS",
    "VERIFY",
    "Correction",
    "Corrections",
    "CorrectionsPreview",
    "JobRunner",
    "RehearsalAbout",
    "RetryAbout",
    "check_corrections",
    "content_digest",
    "read_corrections",
    "rows_of",
]
