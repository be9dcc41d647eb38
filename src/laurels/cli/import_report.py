"""What `import` tells: what it took each column for, what is wrong with a file, and what became of the documents."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from laurels.cli.bringing_in import Imported
from laurels.cli.console import counted, out, out_json, say

if TYPE_CHECKING:
    from laurels.exchange import Adjustments, FaultyFile, OrdersFile

MOST_NAMED = 10
"""Conflicts, reasons and kinds of fault that are named one by one."""


def tell_faults(faulty: "FaultyFile") -> None:
    """Tell the first faults one by one, and how many there are of each kind."""
    if faulty.kinds.total() == 1:  # the refusal says it
        return
    for line in faulty.lines:
        say(line)
    if faulty.kinds.total() > len(faulty.lines):
        say(f"... and {faulty.kinds.total() - len(faulty.lines):,} more")
    _tell_counts(say, "fault", faulty.kinds)


def tell_of_file(path: Path, file: "OrdersFile", *, named: bool) -> None:
    """Tell what a file was read as, and what was left out of it."""
    tell_took(path, file, named=named)
    for reason, count in file.skipped.items():
        say(f"skipped {counted(count, 'row')}: {reason}")
    for warning, count in file.warnings.items():
        say(f"{count:,} x {warning}")


def tell_took(path: Path, file: "OrdersFile | Adjustments", *, named: bool) -> None:
    """Tell which column was taken for what, where that is not plain."""
    if any(role != column for role, column in file.took.items()):
        columns = ", ".join(f"{role}: {column}" for role, column in file.took.items())
        say(f"{path}: {columns}" if named else columns)


def report_dry(counted: Imported, *, json: bool) -> None:
    """Tell what would come in."""
    if json:
        reasons = {"quarantined": counted.quarantined, "reasons": dict(counted.reasons.most_common())}
        out_json({"dry_run": True} | _counts(counted) | ({} if counted.adjustments else reasons))
        return
    out(f"{_documents(counted)} would be brought in; nothing was written")
    if counted.reasons:
        out(f"{counted.quarantined:,} of them would lie in quarantine")
        _tell_counts(out, "in quarantine", counted.reasons)


def report(imported: Imported, files: "tuple[OrdersFile, ...]" = (), *, json: bool = False) -> None:
    """Tell what became of the documents."""
    if json:
        out_json(_as_json(imported, files))
        return
    out(
        f"{_documents(imported)}: "
        f"{imported.new:,} new, {imported.repeated:,} here before, {len(imported.conflicts):,} in conflict"
    )
    for name in imported.conflicts[:MOST_NAMED]:
        say(f"conflict: {name} is here with other content; left as it was")
    if len(imported.conflicts) > MOST_NAMED:
        say(f"... and {len(imported.conflicts) - MOST_NAMED:,} more")
    if imported.adjustments:
        out(f"{imported.awarded:,} awarded, {imported.refused.total():,} refused")
        _tell_counts(out, "refused", imported.refused)
        return
    out(
        f"{imported.awarded:,} awarded, {imported.waiting:,} waiting for their order, "
        f"{imported.quarantined:,} in quarantine"
    )
    _tell_counts(out, "in quarantine", imported.reasons)


def _documents(imported: Imported) -> str:
    if imported.adjustments:
        return counted(imported.adjustments, "adjustment")
    return f"{counted(imported.orders, 'order')}, {counted(imported.refunds, 'refund')}"


def _tell_counts(tell: Callable[[str], None], what: str, counts: "Counter[str]") -> None:
    for reason, count in counts.most_common(MOST_NAMED):
        tell(f"{what}: {count:,} x {reason}")
    if len(counts) > MOST_NAMED:
        tell(f"{what}: {len(counts) - MOST_NAMED:,} more kinds")


def _counts(imported: Imported) -> dict[str, object]:
    if imported.adjustments:
        return {"adjustments": imported.adjustments}
    return {"orders": imported.orders, "refunds": imported.refunds}


def _as_json(imported: Imported, files: "tuple[OrdersFile, ...]") -> dict[str, object]:
    skipped: Counter[str] = Counter()
    warnings: Counter[str] = Counter()
    for file in files:
        skipped.update(file.skipped)
        warnings.update(file.warnings)
    return _counts(imported) | {
        "new": imported.new,
        "awarded": imported.awarded,
        "waiting": imported.waiting,
        "quarantined": imported.quarantined,
        "reasons": dict(imported.reasons.most_common()),
        "repeated": imported.repeated,
        "conflicts": imported.conflicts,
        "refused": dict(imported.refused.most_common()),
        "skipped": dict(skipped),
        "warnings": dict(warnings),
        "rejected_rows": sum(len({fault.row for fault in file.faults}) for file in files),
    }
