"""The port's changes as the tuples that `laurels_core` takes."""

from typing import assert_never

import laurels_core as core

from laurels.leaderboard import Change, Erased, Hidden, Joined, Renamed, Scored, Shown


def op_of(position: int, change: Change) -> "core.Op":
    """One change, made by the entry at this position."""
    if isinstance(change, Scored):  # nearly all are: the first case of a match takes twice as long
        return position, core.SCORED, change.member, change.board, change.points
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
