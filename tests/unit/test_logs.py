"""Log lines have a bound for each kind, and what was left out is said."""

import pytest
import structlog

from laurels import logs
from laurels.logs import LINES_PER_MINUTE, MINUTE_S, Bounded


class TurnedClock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def left_out(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    counted: list[int] = []
    monkeypatch.setattr(logs, "left_out", lambda: counted.append(1))
    return counted


def written(bounded: Bounded, **event: object) -> dict[str, object] | None:
    try:
        return dict(bounded(None, "info", {"event": "http.answered"} | event))
    except structlog.DropEvent:
        return None


def test_a_minute_has_so_many_lines_of_a_kind(left_out: list[int]) -> None:
    now = TurnedClock()
    bounded = Bounded(now)
    told = [written(bounded, ms=n) for n in range(1000)]
    assert told[:LINES_PER_MINUTE] == [{"event": "http.answered", "ms": n} for n in range(LINES_PER_MINUTE)]
    assert told[LINES_PER_MINUTE:] == [None] * (1000 - LINES_PER_MINUTE)
    assert len(left_out) == 1000 - LINES_PER_MINUTE
    now.at += MINUTE_S
    assert written(bounded, ms=1) == {"event": "http.answered", "ms": 1, "left_out": 1000 - LINES_PER_MINUTE}
    assert written(bounded, ms=2) == {"event": "http.answered", "ms": 2}


def test_kinds_do_not_share(left_out: list[int]) -> None:
    bounded = Bounded(TurnedClock())
    for name in ("event", "library", "message", "error", "route", "status"):
        for value in ("a", "b"):
            told = [written(bounded, **{name: value}) for _ in range(LINES_PER_MINUTE + 1)]
            assert told[-2] is not None
            assert told[-1] is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "KINDS_REMEMBERED", 10)
    bounded = Bounded(TurnedClock())
    for n in range(1000):
        assert written(bounded, route=n) is not None
    assert len(bounded._kinds) == 10
