"""The leaderboard's port: a ranking of members that follows the ledger's feed and can be thrown away at any time.

What holds on every engine:

* **One total order**: more points first; equal points: the smaller member number first. It follows from the scores
  alone, so a rebuild, another node or another engine gives the same order.
* **Ranked** are members with at least 1 point who are neither hidden nor erased. Everyone else has no rank: None,
  never 0.
* **Ranks** are competition ranks, 1-2-2-4: 1 + the ranked members with more points.
* **Scores are signed 32-bit.** The ledger holds every member's total within them, but a part of it may lie outside: a
  month with a large correction that another month takes back. Such a sum is kept exactly, and shown and ranked as the
  nearest number within, so that the order in which its entries came never matters.
* **Shards are followed one by one**, so a score or a merge may name a number whose enrolment comes later, from another
  shard. Nothing of it is lost, and such a member is on no board until it joined. Whatever the shards' turns, the end is
  the same board.
* **Merged members**: scores are those of the member that goes on, on every board; so are the answers under the old id.
  Whether it is hidden, and its name, are its own. Who erases it forgets the ids of all that became it.
* **One read sees one version**: top, own place, neighbours and counts are of the same moment.
* **Applying is idempotent** by (shard, position): marks and scores change together, and what is already in is skipped.
* **A version never goes back** for a reader that passes its token.
* **Another history is noticed**: the mark keeps the hash of the last entry, the engine keeps whose feed it followed.

An engine knows integers and ids, not loyalty: `changes.py` tells it what an entry means for a board.
"""

from laurels.leaderboard.boards import ALL_TIME, Boards, is_name
from laurels.leaderboard.changes import (
    MOST_MEMBER,
    Change,
    Erased,
    Hidden,
    Joined,
    Merged,
    Renamed,
    Scored,
    Unhidden,
    changes_of,
    check_change,
    check_number,
    check_shard,
)
from laurels.leaderboard.comparison import compare
from laurels.leaderboard.port import BoardRow, Followed, Leaderboard, LoadPart, Paced, SyncReads, View, size_of
from laurels.leaderboard.projector import Projector
from laurels.leaderboard.together import Together

__all__ = [
    "ALL_TIME",
    "MOST_MEMBER",
    "BoardRow",
    "Boards",
    "Change",
    "Erased",
    "Followed",
    "Hidden",
    "Joined",
    "Leaderboard",
    "LoadPart",
    "Merged",
    "Paced",
    "Projector",
    "Renamed",
    "Scored",
    "SyncReads",
    "Together",
    "Unhidden",
    "View",
    "changes_of",
    "check_change",
    "check_number",
    "check_shard",
    "compare",
    "is_name",
    "size_of",
]
