"""Why an entry has its points, in words: from its columns, its details and its version alone, whenever it is read."""

from collections.abc import Callable, Mapping

from laurels.model import Entry, EntryKind
from laurels.model.details import Details, merge_details, restore_details
from laurels.program.details import word_beyond, word_cancelled, word_earn, word_reverse, word_unlinked
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
    if entry.amount is None:
        return "what was carried of two members who became one makes whole points"
    details = Details.decode(entry.details)
    reason = word_earn(program, *_amount(entry), details)
    return reason if details.amended is None else f"order changed (revision {details.amended}): {reason}"


def _reversed(entry: Entry, program: Program) -> str:
    amount, currency = _amount(entry)
    details = Details.decode(entry.details)
    if details.left is None:
        return word_unlinked(program, amount, currency, details)
    if details.amended is not None:
        is_before = amount != details.left  # a change of an order that had earned takes back all that was left of it
        what = "before it was awarded" if is_before else "what it had earned is taken back"
        return f"order changed (revision {details.amended}): {what}"
    if details.cancelled:
        return word_cancelled(program, amount, currency, details)
    if details.beyond:
        return word_beyond(amount, currency)
    return word_reverse(program, amount, currency, details)


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
