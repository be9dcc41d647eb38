"""An onlooker who knows of one purchase: when it was, to the minute, and how many points it earned. It watches the
month's board through two members of its own, and names whoever moved by those points when the purchase may have shown.
"""

from dataclasses import dataclass
from itertools import pairwise
from random import Random

from tests.engines import NAMES, VERSIONS

from laurels.clock import SECOND
from laurels.dashboard import Dashboards
from laurels.engines.memory import MemoryLeaderboard
from laurels.leaderboard import Boards, Change, Followed, Joined, Scored, Together
from laurels.model import Mark
from laurels.program import DEFAULT_PROGRAM, parse_program

MINUTE = 60 * SECOND
NOON = 1_793_534_400 * SECOND  # the second of November 2026
BOARD = "month:2026-11"
RANKED = 60
"""Members on the board when it is watched: the beginning of a month in a small shop."""

WITHIN_S = 60
ZONE = parse_program(DEFAULT_PROGRAM).zone


@dataclass(frozen=True)
class Purchase:
    at: int
    member: int
    points: int


@dataclass
class Seen:
    """Names and points on the onlooker's two dashboards at an instant."""

    at: int
    points: dict[str, int]


def purchases(rng: Random, in_window: int) -> list[Purchase]:
    """As many a minute, before, in and after the window, by members taken by chance; the last minute's are there so
    that what is held back is shown at last.
    """
    return sorted(
        (
            Purchase(NOON + minute * MINUTE + rng.randrange(MINUTE), rng.randrange(RANKED), _points(rng))
            for minute in range(4)
            for _ in range(in_window)
        ),
        key=lambda one: one.at,
    )


def _points(rng: Random) -> int:
    """What baskets of a shop earn: mostly a few points, some many."""
    return max(1, round(rng.lognormvariate(2.8, 0.9)))


async def named(rng: Random, in_window: int, *, together: int, smallest: int) -> bool:
    """Whether the onlooker names the buyer of one purchase of the window's minute."""
    bought = purchases(rng, in_window)
    victim = rng.choice([one for one in bought if NOON + MINUTE <= one.at < NOON + 2 * MINUTE])
    board = MemoryLeaderboard()
    await board.reset(Followed(identity="ledger", epoch=1))
    joined: list[Change] = [Joined(member, f"m{member}", member) for member in range(RANKED + 2)]
    begun = [Scored(member, BOARD, 10 + _points(rng)) for member in range(RANKED)]
    # Its own members stand a quarter and three quarters down, so that each sees as many neighbours as there are.
    ordered = sorted(one.points for one in begun)
    begun += [Scored(RANKED, BOARD, ordered[RANKED // 4]), Scored(RANKED + 1, BOARD, ordered[3 * RANKED // 4])]
    entries = [*joined, *begun]
    await board.apply(0, list(enumerate(entries, 1)), Mark(len(entries)))
    await board.confirm(NOON)
    dashboards = Dashboards(board, Boards(ZONE), NAMES, VERSIONS, 1000, now=lambda: NOON, smallest=smallest)
    seen: list[Seen] = []
    group, held, position = Together(together, WITHIN_S), list[Purchase](), len(entries)
    for tick in range(NOON, _last_look(together), SECOND):
        if tick == NOON + MINUTE:  # what was there before the purchase
            seen.append(Seen(NOON, await _look(dashboards)))
        while bought and bought[0].at < tick:
            held.append(bought.pop(0))
        if held and group.is_due({one.member for one in held}, tick):
            changes: list[tuple[int, Change]] = []
            for one in held:
                position += 1
                changes.append((position, Scored(one.member, BOARD, one.points)))
            await board.apply(0, changes, Mark(position))
            held.clear()
            if tick >= NOON + MINUTE:
                seen.append(Seen(tick, await _look(dashboards)))
    return _guess(rng, seen, victim) == NAMES.name(victim.member)


def _last_look(together: int) -> int:
    """When the purchase has come to the board at last."""
    return NOON + 2 * MINUTE + (2 if together == 1 else WITHIN_S + 2) * SECOND


async def _look(dashboards: Dashboards) -> dict[str, int]:
    points: dict[str, int] = {}
    for own in (RANKED, RANKED + 1):
        shown = await dashboards.member(f"m{own}", BOARD, top=100, around=50, sealed=True)
        points |= {row.name: row.points for row in (*shown.top, *shown.around)}
    return points


def _guess(rng: Random, seen: list[Seen], victim: Purchase) -> str | None:
    """One of those who rose by just these points when the purchase may have come to the board; if none did, one of
    those who rose at all.
    """
    rose: list[tuple[str, int]] = []
    for before, after in pairwise(seen):
        rose += [
            (name, points - before.points[name])
            for name, points in after.points.items()
            if points > before.points.get(name, points)
        ]
    fitting = [name for name, points in rose if points == victim.points] or [name for name, _ in rose]
    return rng.choice(fitting) if fitting else None


async def rate(seed: int, trials: int, in_window: int, *, together: int, smallest: int) -> float:
    """In which share of so many trials the buyer is named."""
    rng = Random(seed * 1_000_003 + in_window * 1_009 + together)
    hits = [await named(rng, in_window, together=together, smallest=smallest) for _ in range(trials)]
    return sum(hits) / trials
