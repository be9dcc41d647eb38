"""The port's changes as the tuples that `laurels_core` takes."""

from typing import assert_never

import laurels_core as core

from laurels.leaderboard import Change, Erased, Hidden, Joined, Renamed, Scored, Shown


def op_of(position: int, change: Change) -> "core.Op":
    """One change, made by the entry at this position."""
    match change:
        case Scored(member, board, points):
            return position, core.SCORED, member, board, points
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
