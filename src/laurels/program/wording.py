"""Why an entry has its points, in words: from its columns, its details and its version alone, whenever it is read."""

from collections.abc import Callable, Mapping

from laurels.model import Entry, EntryKind
from laurels.model.details import earn_details, merge_details, restore_details, reverse_details
from laurels.program.earning import beyond_reason, earn, restored_reason, reverse_unlinked, reversed_reason
from laurels.program.program import Program


def reason_of(entry: Entry, program: Program | None) -> str:
    """The reason of an entry of format 2. `program` is the version that the entry names, None where it names none.

    People's own words, of an adjustment or a redemption, are the entry's reason as it is.
    """
    if entry.kind in _OF_PROGRAM:
        assert program is not None, "what the program gave or took back names its version"
        return _OF_PROGRAM[entry.kind](entry, program)
    word = _WORDS.get(entry.kind)
    return entry.reason if word is None else word(entry)


def _earned(entry: Entry, program: Program) -> str:
    reason = earn(program, *_amount(entry)).reason
    revision = earn_details(entry.details).amended
    return reason if revision is None else f"order changed (revision {revision}): {reason}"


def _reversed(entry: Entry, program: Program) -> str:
    amount, currency = _amount(entry)
    details = reverse_details(entry.details)
    if details.left is None:
        return reverse_unlinked(program, amount, currency).reason
    if details.amended is not None:
        return f"order changed (revision {details.amended}): what it had earned is taken back"
    if details.cancelled:
        return restored_reason(program, details.left, amount, currency)
    if details.beyond:
        return beyond_reason(amount, currency)
    return reversed_reason(program, details.left, amount, currency)


def _restored(entry: Entry) -> str:
    assert entry.details is not None, "what was restored names its redemption"
    return f"redemption {restore_details(entry.details).redemption_id} cancelled"


def _merged(entry: Entry) -> str:
    assert entry.details is not None, "a merge names the other member"
    goes_on = merge_details(entry.details).into is None
    return "taken over from a member that became this one" if goes_on else "taken over by the member that this became"


def _amount(entry: Entry) -> tuple[int, str]:
    assert entry.amount is not None, "points of money have an amount"
    assert entry.currency is not None, "and a currency"
    return entry.amount, entry.currency


_OF_PROGRAM: Mapping[EntryKind, Callable[[Entry, Program], str]] = {
    EntryKind.EARN: _earned,
    EntryKind.REVERSE: _reversed,
}
_WORDS: Mapping[EntryKind, Callable[[Entry], str]] = {
    EntryKind.RESTORE: _restored,
    EntryKind.MERGE: _merged,
}
