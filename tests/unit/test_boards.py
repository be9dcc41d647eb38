"""Which months have a board."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from laurels.errors import UnknownBoard
from laurels.leaderboard import ALL_TIME, Boards

LONDON = ZoneInfo("Europe/London")


def at(instant: str) -> int:
    return int(datetime.fromisoformat(instant).replace(tzinfo=LONDON).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("now", "since"),
    [
        ("2026-11-30T23:59", 202609),
        ("2026-12-01T00:00", 202610),
        ("2027-01-01T00:00", 202611),
        ("2000-01-05T00:00", 199912),  # no month is earlier
        ("2026-07-01T00:30", 202605),  # still June in UTC
    ],
)
def test_so_many_closed_months_are_kept(now: str, since: int) -> None:
    boards = Boards(LONDON, keep_months=2)
    assert boards.since(at(now)) == since
    assert Boards(LONDON).since(at(now)) == 0
    first = f"month:{since // 100}-{since % 100:02d}"
    assert boards.resolve("month", at(now)) >= first
    if since > 200000:
        assert boards.resolve(first, at(now)) == first
        with pytest.raises(UnknownBoard, match="no longer kept"):
            boards.resolve("month:2000-01", at(now))
        Boards(LONDON).resolve("month:2000-01", at(now))


def test_an_entry_of_a_month_that_went_counts_for_all_time() -> None:
    boards = Boards(LONDON, keep_months=1)
    october = at("2026-10-31T23:00")
    assert boards.of(october, october, boards.since(at("2026-11-30T00:00"))) == (ALL_TIME, "month:2026-10")
    assert boards.of(october, october, boards.since(at("2026-12-01T00:00"))) == (ALL_TIME,)


@pytest.mark.parametrize("board_at", [-(2**63), -1, 4_102_444_800_000_000, 37824571140172543, 2**63 - 1])
def test_an_instant_in_no_month_that_is_known_counts_for_all_time_alone(board_at: int) -> None:
    """A ledger that was damaged may hold any number: reading it names the damage, and raises nothing."""
    boards = Boards(ZoneInfo("Europe/London"))
    assert boards.month_of(board_at, 2**62) is None
    assert boards.of(board_at, 2**62) == (ALL_TIME,)
