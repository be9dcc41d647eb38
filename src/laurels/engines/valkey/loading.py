"""A checkpoint as the script `load` takes it: some members at a time, each as the server keeps it."""

from collections.abc import Iterator

from msgspec import msgpack

from laurels.leaderboard import LoadPart, check_number, is_name

_ERASED = "?"

_KNOWN = "?"
"""Stands for the entry of a member of an earlier part: the server knows it."""


def batches(part: LoadPart, size: int) -> Iterator[bytes]:
    """A part in batches of up to `size` members, scores of one board, or merges.

    Raises `ValueError` where it is outside of the port's range.
    """
    members, entries = _members(part)
    here = set(part.numbers)
    for start in range(0, len(members), 3 * size):
        yield msgpack.encode((members[start : start + 3 * size], {}, ()))
    for board, (numbers, sums) in part.scores.items():
        if not is_name(board):
            raise ValueError(f"{board!r} cannot name a board")
        for start in range(0, len(numbers), size):
            having: list[int | str] = []
            for number, points in zip(numbers[start : start + size], sums[start : start + size], strict=True):
                entry = entries.get(number, "") if number in here else _KNOWN
                having += (number, str(points), entry if points > 0 else "")
            yield msgpack.encode(((), {board: having}, ()))
    for start in range(0, len(part.merged), size):
        yield msgpack.encode(((), {}, [number for pair in part.merged[start : start + size] for number in pair]))


def _members(part: LoadPart) -> tuple[list[int | str], dict[int, str]]:
    """Number, text and id of each member, in one list; and what stands in rankings for those who are listed."""
    members: list[int | str] = []
    entries: dict[int, str] = {}
    rows = zip(part.numbers, part.ids, part.name_numbers, part.hidden, strict=True)
    for number, member_id, name_number, hidden in rows:
        check_number(number)
        if member_id is None:
            members += (number, _ERASED, "")
            continue
        members += (number, f"{'-' if hidden else '+'}{name_number} {member_id}", member_id)
        if not hidden:
            entries[number] = f"{number:010d}{name_number}"
    return members, entries
