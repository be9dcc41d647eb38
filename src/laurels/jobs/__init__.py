"""What jobs do: corrections and erasures of many customers, exports, rehearsals, tries of what is in quarantine,
checks.

`corrections.py` checks and makes corrections, `erasures.py` the same of erasures, `forgetting.py` takes words out of
both, `exports.py` writes files, `owing.py` works out what is owed in points, `reports.py` draws up journals and weeks,
`kinds.py` is the rest of them, `runner.py` runs whichever is next.
"""

from laurels.jobs.corrections import (
    KIND as CORRECTIONS,
)
from laurels.jobs.corrections import (
    MOST_ROWS,
    Correction,
    Corrections,
    CorrectionsPreview,
    adjustment_of,
    check_corrections,
    content_digest,
    read_corrections,
    rows_of,
)
from laurels.jobs.erasures import ERASURES, Erasures, ErasuresChecked, check_erasures, read_erasures
from laurels.jobs.exports import COLUMNS, EXPORT, ExportAbout
from laurels.jobs.forgetting import add_corrections, forget_words, nameless_digest
from laurels.jobs.kinds import REHEARSAL, RETRY, ROLL_UPS, VERIFY, RehearsalAbout, RetryAbout
from laurels.jobs.owing import LIABILITY, LiabilityAbout
from laurels.jobs.reports import JOURNAL, WEEK, JournalAbout, WeekAbout
from laurels.jobs.runner import JobRunner
from laurels.jobs.telling import told

__all__ = [
    "COLUMNS",
    "CORRECTIONS",
    "ERASURES",
    "EXPORT",
    "JOURNAL",
    "LIABILITY",
    "MOST_ROWS",
    "REHEARSAL",
    "RETRY",
    "ROLL_UPS",
    "VERIFY",
    "WEEK",
    "Correction",
    "Corrections",
    "CorrectionsPreview",
    "Erasures",
    "ErasuresChecked",
    "ExportAbout",
    "JobRunner",
    "JournalAbout",
    "LiabilityAbout",
    "RehearsalAbout",
    "RetryAbout",
    "WeekAbout",
    "add_corrections",
    "adjustment_of",
    "check_corrections",
    "check_erasures",
    "content_digest",
    "forget_words",
    "nameless_digest",
    "read_corrections",
    "read_erasures",
    "rows_of",
    "told",
]
