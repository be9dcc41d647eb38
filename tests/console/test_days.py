"""Days that people name, and whose they are: the shop's, wherever the console is, and within what a calendar has."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.console.console_shop import open_console, open_console_shop
from tests.integration.http_shop import open_shop

from laurels.console import formats
from laurels.console.views import worked_out
from laurels.model.times import parse_instant
from laurels.program import DEFAULT_PROGRAM
from laurels.rollups import RollingUp

pytestmark = pytest.mark.anyio

NOON = 12
ENDS_OF_TIME = ("0001-01-01", "0001-06-01", "9999-12-31")


async def test_days_are_those_of_the_shop_wherever_the_console_is(tmp_path: Path, ledger: str | None) -> None:
    """It is another day there than in Greenwich."""
    zone = ZoneInfo("Pacific/Kiritimati" if datetime.now(UTC).hour >= NOON else "Pacific/Pago_Pago")
    rules = tmp_path / "rules.toml"
    rules.write_text(DEFAULT_PROGRAM.replace("Europe/London", zone.key))
    async with (
        open_shop(tmp_path / "state", ledger_url=ledger, program_file=rules) as shop,
        open_console(shop) as console,
    ):
        await shop.order("A1", "ann", "990.00")
        await shop.settle()
        await RollingUp(shop.services.ledger, shop.services.programs.current.zone).reach()
        visitor = await console.signed_in("finance")
        page = await visitor.open("/finance?from=2026-10-01&to=2030-01-01")
        today = formats.period(f"{datetime.now(zone):%Y-%m-%d}")
        assert f"99 points so far, on {today}, 99 more than at the end of" in page.text
        assert "<dt>Outstanding</dt><dd>99<" in (await visitor.open("/overview")).text
        await visitor.open("/overview/week")
        await visitor.send("/overview/week", {"of": "2026-10-26"})
        [job] = (await shop.ask("GET", "/jobs?kind=week", token=shop.person("finance"))).json()["jobs"]
        begins = datetime(2026, 10, 26, tzinfo=zone).isoformat()
        assert parse_instant(job["about"]["at"], "at") == parse_instant(begins, "at")


async def test_no_day_that_people_write_breaks_a_page(
    tmp_path: Path, ledger: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console_shop(tmp_path, ledger_url=ledger) as console:
        visitor = await console.signed_in("finance", "auditor", "lead", "program")
        for day in ENDS_OF_TIME:
            for path in (
                f"/finance?from={day}&to={day}",
                f"/finance?from=0001-01-01&to={day}",
                f"/finance?from={day}&to=9999-12-31",
                f"/finance.csv?from=0001-01-01&to={day}",
                f"/finance/liability?at={day}",
                f"/campaigns?month={day[:7]}",
                f"/log?since={day}&until={day}",
            ):
                assert (await visitor.open(path)).status_code in {200, 422}, path
        monkeypatch.setattr(worked_out, "AT_ONCE", 0)  # what is owed is asked for by a form then
        for day in ENDS_OF_TIME:
            for path, fields in (
                ("/overview/week", {"of": day}),
                ("/finance/liability", {"at": day}),
                ("/exports", {"what": "log", "from": day, "to": day, "format": "csv"}),
                ("/customers/0/correct", {"points": "5", "reason": "a test", "until": day}),
                ("/program/extend", {"first": day, "last": day, "until": day, "from": day, "why": "a test"}),
            ):
                await visitor.open("/log" if path == "/exports" else path)
                assert (await visitor.send(path, fields)).status_code in {200, 303, 409, 422}, (path, day)


async def test_what_is_not_counted_yet_is_no_small_shop(
    tmp_path: Path, ledger: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While sums of reports are made anew they hold nothing, and the entries are there all the same."""
    monkeypatch.setattr(worked_out, "AT_ONCE", 2)
    async with open_console_shop(tmp_path, ledger_url=ledger) as console:
        visitor = await console.signed_in("finance")
        for when in ("not counted yet", "counted"):
            page = await visitor.open("/finance/breakage")
            assert "There are too many entries to do so while you wait" in page.text, when
            await RollingUp(console.shop.services.ledger, console.shop.services.programs.current.zone).reach()
