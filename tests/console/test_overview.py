"""The Overview's words: what a new shop does first, what a campaign comes to at its pace, months as people write."""

from pathlib import Path
from typing import Any

import pytest
from tests.console.console_shop import open_console, open_console_shop
from tests.integration.http_shop import open_shop

from laurels.clock import DAY
from laurels.console import formats
from laurels.console.views.overview import _end_at_this_pace, _marks, _months
from laurels.model.times import format_instant, parse_instant
from laurels.rollups import RollingUp

pytestmark = pytest.mark.anyio

NOW = parse_instant("2026-11-27T12:00:00Z", "now")


async def test_a_new_shop_is_told_what_to_do_first(tmp_path: Path, ledger: str | None) -> None:
    async with open_shop(tmp_path, ledger_url=ledger) as shop, open_console(shop) as console:
        page = (await (await console.signed_in("finance")).open("/overview")).text
        assert "Three steps to begin with" in page
        assert "Done:" not in page
        await shop.services.ledger.enrol([("ann", None)], actor="test")
        await RollingUp(shop.services.ledger, shop.services.programs.current.zone).reach()
        page = (await (await console.signed_in("finance")).open("/overview")).text
        assert "Done: Send an order" in page


async def test_a_shop_at_work_is_not(tmp_path: Path, ledger: str | None) -> None:
    async with open_console_shop(tmp_path, ledger_url=ledger) as console:
        services = console.shop.services
        await RollingUp(services.ledger, services.programs.current.zone).reach()
        page = (await (await console.signed_in("finance")).open("/overview")).text
        assert "Three steps" not in page
        assert formats.period(format_instant(services.now())[:7]) in page


@pytest.mark.parametrize(
    ("campaign", "days"),
    [
        ({"budget": 1000, "used": 500, "from": -10, "until": None}, 10),
        ({"budget": 1000, "used": 500, "from": -10, "until": 9}, None),
        ({"budget": 1000, "used": 500, "from": -10, "until": 11}, 10),
        ({"budget": 1000, "used": 1000, "from": -10, "until": 11}, 0),
        ({"budget": 1000, "used": 1200, "from": -10, "until": 11}, 0),
        ({"budget": 1000, "used": 1, "from": -10, "until": None}, None),
        ({"budget": 1000, "used": 0, "from": -10, "until": 5}, None),
        ({"budget": None, "used": 5, "from": -10, "until": 5}, None),
        ({"budget": 1000, "used": 5, "from": None, "until": 5}, None),
    ],
    ids=str,
)
def test_a_budget_ends_when_its_pace_ends_it(campaign: dict[str, Any], days: int | None) -> None:
    times = {
        name: None if campaign[name] is None else format_instant(NOW + campaign[name] * DAY)
        for name in ("from", "until")
    }
    end = _end_at_this_pace({**campaign, **times}, NOW)
    assert (None if end is None else (parse_instant(end, "end") - NOW) / DAY) == days


def test_periods_are_written_as_people_write_them() -> None:
    assert [formats.period(each) for each in ("2026-11", "2026-01-02")] == ["Nov 2026", "2 Jan 2026"]
    [mark] = _marks([("2026-11", {"earn": 1200, "redeem": 0})])
    assert (mark.period, mark.says) == ("Nov 2026", "Nov 2026: earned 1,200")


def test_a_month_in_which_nothing_moved_is_there() -> None:
    lines = [{"period": period, "kind": "earn", "points": 5} for period in ("2025-11", "2026-02")]
    assert [month for month, _ in _months(lines)] == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert _months([]) == []
