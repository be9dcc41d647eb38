"""The port's changes and parts of checkpoints as `laurels_core` takes them."""

from array import array
from collections.abc import Iterable
from typing import assert_never

import laurels_core as core

from laurels.leaderboard import (
    Change,
    Erased,
    Hidden,
    Joined,
    LoadPart,
    Merged,
    Renamed,
    Scored,
    Unhidden,
    check_number,
)


def ops_of(changes: Iterable[tuple[int, Change]]) -> "list[core.Op]":
    """Changes, each made by the entry at its position."""
    scored = core.SCORED
    return [
        (position, scored, change.member, change.board, change.points)
        if isinstance(change, Scored)  # nearly all are: they are not worth a call each
        else _op_of(position, change)
        for position, change in changes
    ]


def load_part(writer: core.Writer, part: LoadPart) -> None:
    """Take a part of a checkpoint into the state that is being loaded."""
    writer.load_merges(list(part.merged))  # first: who is merged stays so when its row comes
    if part.numbers:
        writer.load_members(array("I", part.numbers), part.ids, array("I", part.name_numbers), part.hidden)
    for board, (members, sums) in part.scores.items():
        if members:
            writer.load_scores(board, array("I", members), array("q", sums))


def _op_of(position: int, change: Joined | Hidden | Unhidden | Renamed | Erased | Merged) -> "core.Op":
    match change:
        case Joined(member, member_id, name_number):
            return position, core.JOINED, member, member_id, name_number
        case Hidden(member):
            return position, core.HIDDEN, member
        case Unhidden(member):
            return position, core.SHOWN, member
        case Renamed(member, name_number):
            return position, core.RENAMED, member, name_number
        case Erased(member):
            return position, core.ERASED, member
        case Merged(member, into):
            check_number(into)  # before files are made large enough for it
            return position, core.MERGED, member, into
        case _:
            assert_never(change)
