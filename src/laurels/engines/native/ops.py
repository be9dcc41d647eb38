"""The port's changes as the tuples that `laurels_core` takes."""

from collections.abc import Iterable
from typing import assert_never

import laurels_core as core

from laurels.leaderboard import Change, Erased, Hidden, Joined, Renamed, Scored, Shown


def ops_of(changes: Iterable[tuple[int, Change]]) -> "list[core.Op]":
    """Changes, each made by the entry at its position."""
    scored = core.SCORED
    return [
        (position, scored, change.member, change.board, change.points)
        if isinstance(change, Scored)  # nearly all are: they are not worth a call each
        else _op_of(position, change)
        for position, change in changes
    ]


def _op_of(position: int, change: Joined | Hidden | Shown | Renamed | Erased) -> "core.Op":
    match change:
        case Joined(member, member_id, name_number):
            return position, core.JOINED, member, member_id, name_number
        case Hidden(member):
            return position, core.HIDDEN, member
        case Shown(member):
            return position, core.SHOWN, member
        case Renamed(member, name_number):
            return position, core.RENAMED, member, name_number
        case Erased(member):
            return position, core.ERASED, member
        case _:
            assert_never(change)
