"""The leaderboard in the memory of one process, in pure Python: exact, rebuilt from the ledger at every start.

It is what runs where no native wheel fits, and the reference that every other engine is tested against. From the
bottom up: `ranking.py` keeps members in board order, `board.py` adds the scores of those who are not ranked,
`roster.py` knows who the members are, `state.py` is all that follows from one feed, and `leaderboard.py` is the port.
"""

from laurels.engines.memory.leaderboard import MemoryLeaderboard

__all__ = ["MemoryLeaderboard"]
